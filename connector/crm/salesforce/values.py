"""
Our values as Salesforce's: JSON for collections, cells for bulk jobs, names from the dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connector.crm.salesforce.ids import is_lead
from connector.decide.dictionary import Dictionary
from connector.measure.fields import written
from connector.model import JSON, Change

LONGEST = {"text": 255, "url": 255, "long_text": 32_000}
ROW_TEXT = 255
# these say what a row is, and are no words of its own
ABOUT = ("object", "key", "contact", "lead", "person")
EMPTY = "#N/A"  # an empty cell would leave the field as it is


def property_fields(dictionary: Dictionary, change: Change) -> dict[str, JSON]:
    """Return our fields of a contact or lead with their values; None empties a field."""
    known = dictionary.write_fields
    return {
        known[word].name: _bounded(value, LONGEST.get(known[word].type))
        for word, value in change.values.items()
        if word in known
    }


def row_fields(dictionary: Dictionary, change: Change) -> dict[str, JSON]:
    """
    Return the fields of a row of the second layer, by name or by relation (`Video__r.Key__c`).

    The key is among them, and so is whose row it is.
    """
    names = dictionary.rows.get(change.kind, {})
    fields = {
        names[word]: _bounded(value, ROW_TEXT)
        for word, value in change.values.items()
        if word in names and word not in ABOUT
    }
    if change.contact_id:
        about = ("lead" if is_lead(change.contact_id) else "contact", "person")
        fields |= {names[word]: change.contact_id for word in about if word in names}
    if names.get("key"):
        fields[names["key"]] = change.key
    return fields


def nested(fields: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return fields as JSON takes them: what is named by a relation becomes an object; none is empty."""
    found: dict[str, JSON] = {}
    for name, value in fields.items():
        relation, dot, key = name.partition(".")
        if not dot:
            found[name] = value
        elif value is not None:
            found[relation] = {key: value}
    return found


def cell(value: JSON) -> str:
    """Return a value as a cell of a bulk job."""
    if value is None or value == "":
        return EMPTY
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _bounded(value: JSON, longest: int | None) -> JSON:
    if isinstance(value, datetime):
        return written(value)
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    if isinstance(value, str):
        # what Salesforce's XML and CSV cannot carry is no text for a person either
        value = "".join(c for c in value if c >= " " or c in "\n\t")
        return value[:longest] or None
    return value
