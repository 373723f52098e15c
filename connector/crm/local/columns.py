"""
What the columns of a CSV file mean: which are ours under another name, and which hold more than text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from connector.errors import PayloadError
from connector.model import JSON
from connector.strict_json import parse_json

MOST_COLUMNS = 300
# what other systems call our columns, after spaces and hyphens became underscores
ALIASES = {
    "firstname": "first_name",
    "given_name": "first_name",
    "lastname": "last_name",
    "surname": "last_name",
    "family_name": "last_name",
    "e_mail": "email",
    "mail": "email",
    "email_address": "email",
    "e_mail_address": "email",
    "language": "locale",
    "preferred_language": "locale",
    "timezone": "time_zone",
    "title": "job_title",
    "jobtitle": "job_title",
    "associated_company_id": "company_id",
    "unsubscribed": "email_opt_out",
    "has_opted_out_of_email": "email_opt_out",
    "lifecyclestage": "lifecycle_stage",
}
ID_NAMES = ("id", "record_id", "external_id")
STRUCTURED = frozenset({"items", "usage", "steps"})
NUMBERS = frozenset(
    {
        "total",
        "amount",
        "savings",
        "usage_change",
        "discount_percent",
        "seats_used",
        "seats_total",
    }
)
YES_OR_NO = {
    "email_opt_out": {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
}
NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")


def name_columns(header: Sequence[str], kind: str) -> list[str]:
    """Return the field name of each column; PayloadError where two mean the same."""
    if len(header) > MOST_COLUMNS:
        raise PayloadError(f"the header has {len(header)} columns, {MOST_COLUMNS} are possible")
    names = [_name(cell, kind, place) for place, cell in enumerate(header, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PayloadError(f"two columns of the header both mean {twice[0]!r}; rename one")
    return names


def read_fields(cells: Mapping[str, str]) -> dict[str, JSON]:
    """Return what the cells of one row say; an empty cell says nothing."""
    fields: dict[str, JSON] = {}
    for name, cell in cells.items():
        text = cell.replace("\0", "").strip()
        if text:
            fields[name] = _value(name, text)
    return fields


def _name(cell: str, kind: str, place: int) -> str:
    plain = re.sub(r"[\W_]+", "_", cell.strip().casefold()).strip("_")
    if plain in (*ID_NAMES, f"{kind}_id"):
        return "id"
    if kind != "contact" and plain == "title":
        return plain
    return ALIASES.get(plain, plain) or f"column_{place}"


def _value(name: str, text: str) -> JSON:
    if name in STRUCTURED:
        try:
            return parse_json(text.encode())
        except PayloadError as error:
            raise PayloadError(f"the column {name} must hold JSON: {error.sentence}") from None
    if name in NUMBERS and NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return YES_OR_NO.get(name, {}).get(text.casefold(), text)
