"""
The second layer: one record of ours for each video and view, made or updated by its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from connector.crm.salesforce.batches import Input, send_all, upsert
from connector.crm.salesforce.considerate import Door
from connector.crm.salesforce.ids import is_lead
from connector.crm.salesforce.properties import settled
from connector.crm.salesforce.values import nested, row_fields
from connector.decide.dictionary import Dictionary
from connector.model import Change, WriteResult, Written


def write(
    gateway: Door, dictionary: Dictionary, kind: str, changes: Sequence[Change]
) -> list[WriteResult]:
    """Make or update the row of each change of *kind*; a row is never without its person."""
    names = dictionary.rows.get(kind, {})
    name, key = names.get("object", ""), names.get("key", "")
    if not name or not key:
        return [_nowhere(change) for change in changes]
    inputs = [_input(dictionary, name, change) for change in changes]
    outcome = send_all(inputs, partial(upsert, gateway, name, key))
    return [settled(change.id, outcome) for change in changes]


def _input(dictionary: Dictionary, name: str, change: Change) -> Input:
    names = dictionary.rows[change.kind]
    person = names.get("lead" if is_lead(change.contact_id) else "contact", "")
    return Input(
        change.id,
        name,
        nested(row_fields(dictionary, change)),
        change.key,
        change.contact_id,
        # an erasure finds a row by its person, and we by its key
        frozenset(filter(None, (person if change.contact_id else "", names["key"]))),
    )


def _nowhere(change: Change) -> WriteResult:
    return WriteResult(
        change.id,
        Written.UNSUPPORTED,
        "unmapped",
        f"The dictionary of Salesforce has no object for a change of kind {change.kind}.",
    )
