"""
Transport of the local CRM: how it tells our own `/hooks` that something happened.

It calls over HTTP with a signature, exactly as an outside CRM would, so that pilots and the demo
travel the same road. The event is owed in the transaction that changes the record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from connector.model import JSON, Subject
from connector.store import webhooks
from connector.store.clock import moment, now


@dataclass(frozen=True)
class Announcement:
    """Something that happened to a record: *type* is for example `contact.onboarding`."""

    type: str
    object: Subject
    contact_id: str | None = None
    facts: Mapping[str, JSON] = field(default_factory=dict)
    occurred_at: datetime | None = None


def hooks_path(connection_id: str) -> str:
    """Return where events of a local connection are posted to, on our own address."""
    return f"/hooks/local/{connection_id}"


def announce(tx: Connection, connection_id: str, announcement: Announcement) -> str:
    """Owe the webhook that tells of *announcement*; return its id."""
    at = announcement.occurred_at or moment(now(tx))
    return webhooks.owe(
        tx,
        connection_id,
        url=hooks_path(connection_id),
        body=event_body(announcement, at),
        contact_id=_concerned(announcement),
    )


def event_body(announcement: Announcement, at: datetime) -> str:
    """Return *announcement* in the format that `/hooks/local` reads."""
    event = {
        "type": announcement.type,
        "occurred_at": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "object": {"kind": announcement.object.kind, "id": announcement.object.id},
        "contact_id": announcement.contact_id,
        "facts": dict(announcement.facts),
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _concerned(announcement: Announcement) -> str | None:
    if announcement.contact_id is None and announcement.object.kind == "contact":
        return announcement.object.id
    return announcement.contact_id
