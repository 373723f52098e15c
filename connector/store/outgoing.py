"""
Events that endpoints outside are told of, owed in the transaction in which they happen.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from connector.model import JSON

KINDS = (
    "video.ready",
    "video.failed",
    "video.skipped",
    "watch.first_view",
    "watch.milestone",
    "watch.completed",
    "cta.clicked",
    "contact.opted_out",
)


def owe_event(
    tx: Connection,
    *,
    connection_id: str,
    kind: str,
    key: str,
    contact_id: str | None,
    data: Mapping[str, JSON],
) -> list[str]:
    """
    Owe an event to every endpoint that wants its kind; return the webhooks to ring for.

    *key* is what it is about (a video, a session, a contact with its time): the same event is owed to
    an endpoint once, however often this is called.
    """
    raise NotImplementedError
