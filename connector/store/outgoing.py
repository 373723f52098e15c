"""
Events that endpoints outside are told of, owed in the transaction in which they happen.

The id of such a webhook follows from what it tells of and whom, so that the same event can be owed
any number of times and is told once. Who reads an event learns ids and numbers, never who somebody is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from sqlalchemy import Connection

from connector.model import JSON
from connector.store import endpoints
from connector.store.clock import moment, now
from connector.store.ids import ALPHABET
from connector.store.tables import DUE, webhooks
from connector.store.upsert import insert

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
# what an admin sends to see whether anybody listens
TEST = "test"


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
    wanting = endpoints.wanting(tx, kind)
    if not wanting:
        return []
    at = now(tx)
    ids = {"connection_id": connection_id, "contact_id": contact_id}
    body = event_body(kind, at, {**ids, **data})
    rows = [
        {
            "id": event_id(one.id, connection_id, kind, key),
            "connection_id": connection_id,
            "url": one.url,
            "body": body,
            "contact_id": contact_id,
            "created_at": at,
            "endpoint_id": one.id,
            "kind": kind,
            "work": DUE,
            "due_at": at,
        }
        for one in wanting
    ]
    added = tx.execute(
        insert(tx, webhooks).values(rows).on_conflict_do_nothing().returning(webhooks.c.id)
    )
    return list(added.scalars())


def owe_test(tx: Connection, endpoint_id: str, connection_id: str, key: str) -> list[str]:
    """Owe a test event to one endpoint, whatever it wants; return the webhook to ring for."""
    one = endpoints.get(tx, endpoint_id)
    if one is None:
        return []
    at = now(tx)
    row_id = event_id(one.id, connection_id, TEST, key)
    tx.execute(
        webhooks.insert().values(
            id=row_id,
            connection_id=connection_id,
            url=one.url,
            body=event_body(TEST, at, {"connection_id": connection_id}),
            created_at=at,
            endpoint_id=one.id,
            kind=TEST,
            work=DUE,
            due_at=at,
        )
    )
    return [row_id]


def event_body(kind: str, at: int, data: Mapping[str, JSON]) -> str:
    """Return an event as it is sent, in the shape that Standard Webhooks recommends."""
    told = {
        "type": kind,
        "timestamp": moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {name: value for name, value in data.items() if value is not None},
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def event_id(endpoint_id: str, connection_id: str, kind: str, key: str) -> str:
    """Return the id under which an endpoint is told of one event, the same each time."""
    # as JSON, so that no two events run together into the same text
    about = json.dumps([endpoint_id, connection_id, kind, key])
    number = int.from_bytes(hashlib.sha256(about.encode()).digest()[:17])
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))
