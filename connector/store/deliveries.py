"""
What CRMs delivered to us, each once.

A delivery and the triggers in it are committed together, before the CRM is answered. Rows are kept
longer than any sender retries (30 days), so that a repeat is always recognised.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, delete, select, update

from connector.model import Intake
from connector.store import triggers
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import deliveries
from connector.store.tables import triggers as trigger_table
from connector.store.upsert import insert_for


@dataclass(frozen=True)
class Taken:
    """What came of a delivery: new trigger ids, or `repeated`, or `conflict` (same id, other body)."""

    trigger_ids: tuple[str, ...] = ()
    repeated: bool = False
    conflict: bool = False


def take(tx: Connection, connection_id: str, intake: Intake, body: bytes) -> Taken:
    """Store a delivery with its triggers, unless it is a repeat."""
    body_hash = hashlib.sha256(body).hexdigest()
    row_id = new_id()
    added = tx.execute(
        _adding(tx.dialect.name),
        {"id": row_id, "connection_id": connection_id, "key": intake.key, "body_hash": body_hash},
    ).first()
    if added is None:
        return _repeat(tx, connection_id, intake.key, body_hash)
    new = [
        triggers.add(tx, connection_id, trigger, delivery_id=row_id) for trigger in intake.triggers
    ]
    return Taken(trigger_ids=tuple(row for row in new if row is not None))


@lru_cache(maxsize=2)
def _adding(dialect: str) -> Any:
    return (
        insert_for(dialect, deliveries)
        .values(received_at=now_ms())
        .on_conflict_do_nothing(index_elements=["connection_id", "key"])
        .returning(deliveries.c.id)
    )


def forget_old(tx: Connection, days: int = 30) -> int:
    """Delete deliveries that no sender can repeat any more and whose triggers are gone."""
    used = select(trigger_table.c.delivery_id).where(trigger_table.c.delivery_id.is_not(None))
    result = tx.execute(
        delete(deliveries).where(
            deliveries.c.received_at < now_ms() - days * 86_400_000, deliveries.c.id.not_in(used)
        )
    )
    return result.rowcount


def _repeat(tx: Connection, connection_id: str, key: str, body_hash: str) -> Taken:
    same = (deliveries.c.connection_id == connection_id, deliveries.c.key == key)
    first = tx.execute(select(deliveries.c.body_hash).where(*same)).scalar_one()
    if first == body_hash:
        return Taken(repeated=True)
    tx.execute(update(deliveries).where(*same).values(conflicts=deliveries.c.conflicts + 1))
    return Taken(repeated=True, conflict=True)
