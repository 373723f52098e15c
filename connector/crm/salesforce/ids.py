"""
Salesforce's record ids: fifteen characters that tell capitals apart, or eighteen that need not.

The last three say which of the fifteen are capitals, five at a time. The first three say what the
record is; only those of standard objects are the same in all orgs.
"""

from __future__ import annotations

import re

ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
CONTACT, LEAD = "Contact", "Lead"
PREFIXES = {"003": CONTACT, "00Q": LEAD, "001": "Account", "006": "Opportunity", "500": "Case"}


def is_id(text: object) -> bool:
    """Tell whether *text* has the form of an id; nothing else may become part of a query or path."""
    return isinstance(text, str) and ID.fullmatch(text) is not None


def whole(record_id: str) -> str:
    """Return the id with all eighteen characters; ValueError where it is none."""
    if not is_id(record_id):
        raise ValueError("this is not an id of Salesforce's")
    first = record_id[:15]
    return first + "".join(LETTERS[_capitals(first[start : start + 5])] for start in (0, 5, 10))


def object_of(record_id: str) -> str:
    """Name the standard object that an id is of; empty where its first letters do not tell."""
    return PREFIXES.get(record_id[:3], "")


def is_lead(record_id: str) -> bool:
    """Tell whether the person is a lead."""
    return record_id.startswith("00Q")


def person_object(contact: str) -> str:
    """Name the object on which a person's fields stand."""
    return LEAD if is_lead(contact) else CONTACT


def _capitals(five: str) -> int:
    return sum(1 << place for place, letter in enumerate(five) if letter.isupper())
