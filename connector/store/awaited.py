"""
Which triggers of a contact a CRM still waits to hear of: asked before the contact's rows go.
"""

from __future__ import annotations

from sqlalchemy import Connection, exists, or_, select

from connector.store.tables import changes, triggers, videos
from connector.store.triggers import TriggerRow, get

CALLBACK = "callback"


def awaited(tx: Connection, connection_id: str, contact_id: str) -> list[TriggerRow]:
    """Return the triggers whose callback the CRM has not been told, whether or not it is owed."""
    own_videos = select(videos.c.trigger_id).where(
        videos.c.connection_id == connection_id, videos.c.contact_id == contact_id
    )
    key = triggers.c.facts[CALLBACK].as_string()
    told = exists().where(
        changes.c.connection_id == connection_id,
        changes.c.kind == CALLBACK,
        changes.c.key == key,
        changes.c.written_version > 0,
    )
    about = (triggers.c.subject_kind == "contact") & (triggers.c.subject_id == contact_id)
    ids = tx.execute(
        select(triggers.c.id).where(
            triggers.c.connection_id == connection_id,
            or_(about, triggers.c.id.in_(own_videos)),
            key.is_not(None),
            ~told,
        )
    )
    return get(tx, list(ids.scalars()))
