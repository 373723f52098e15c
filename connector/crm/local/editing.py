"""
Records changed by people and programs: checked, stored, and told of in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from connector.crm.local.gateway import Announcement, announce
from connector.crm.local.triggers import OWN_PREFIX, RECORD_CHANGED
from connector.errors import PayloadError
from connector.model import JSON, Subject
from connector.store import record_rows, records
from connector.store.records import Put


def put_record(
    tx: Connection, connection_id: str, subject: Subject, fields: Mapping[str, JSON]
) -> list[str]:
    """Merge *fields* into a record; return the webhooks that are owed for it."""
    own = sorted(name for name in (subject.kind, *fields) if name.startswith(OWN_PREFIX))
    if own:
        raise PayloadError(
            f"{own[0]} is written by Cuereel alone, like all that begins with {OWN_PREFIX}",
            reason="own_field",
        )
    done = records.put(tx, connection_id, subject.kind, subject.id, fields)
    if done is Put.UNCHANGED:
        return []
    stored = records.get(tx, connection_id, subject.kind, subject.id)
    contact = stored.fields.get("contact_id") if stored else None
    changed = Announcement(
        RECORD_CHANGED, subject, str(contact) if contact else None, {"fields": sorted(fields)}
    )
    return [announce(tx, connection_id, changed)]


def delete_record(tx: Connection, connection_id: str, subject: Subject) -> list[str]:
    """Delete a record, and a contact's rows with it; return the webhooks that are owed for it."""
    if not records.remove(tx, connection_id, subject.kind, subject.id):
        return []
    if subject.kind == "contact":
        record_rows.forget(tx, connection_id, subject.id)
    return [announce(tx, connection_id, Announcement(f"{subject.kind}.deleted", subject))]
