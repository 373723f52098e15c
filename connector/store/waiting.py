"""
Which work waits for somebody to look at it: what the sweep reads.

Only `store/leases.py` changes work columns; this only looks. Both selections walk the index on
`work, due_at`, so that a million waiting rows cost no more than the ones returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, literal, select

from connector.store.clock import now_ms
from connector.store.tables import DUE, RUNNING, WORK


@dataclass(frozen=True)
class Waiting:
    """A row that is due and free; *orphaned*: its worker died; *rung_ago* is None before any ring."""

    id: str
    connection_id: str
    due_at: int
    orphaned: bool
    rung_ago: float | None


def waiting(
    tx: Connection,
    noun: str,
    *,
    ring_again: float,
    limit: int,
    grace: float = 0,
    queue: str | None = None,
) -> list[Waiting]:
    """
    Return the oldest rows, due for *grace* seconds, not rung for in the last *ring_again* seconds.

    With *queue*, only those that belong there.
    """
    table = WORK[noun]
    lane = [table.c.due_at <= now_ms() - int(grace * 1000)]
    if queue is not None:
        lane.append(table.c.queue == queue)
    found = [
        Waiting(
            id=row.id,
            connection_id=row.connection_id,
            due_at=row.due_at,
            orphaned=state == RUNNING or row.crashes > 0,
            rung_ago=(row.now - row.rung_at) / 1000 if row.rung_at else None,
        )
        for state in (RUNNING, DUE)
        for row in _oldest(tx, noun, [table.c.work == state, *lane], ring_again, limit)
    ]
    return sorted(found, key=lambda row: row.due_at)[:limit]


def untried(tx: Connection, noun: str, limit: int, queue: str | None = None) -> list[Waiting]:
    """Return the oldest rows that are due now, without those that may have killed a worker."""
    rows = waiting(tx, noun, ring_again=0, limit=limit, queue=queue)
    return [row for row in rows if not row.orphaned]


def fair(rows: Sequence[Waiting]) -> list[Waiting]:
    """Return the rows in turns of one per connection, the oldest of each first."""
    by_connection: dict[str, list[Waiting]] = {}
    for row in rows:
        by_connection.setdefault(row.connection_id, []).append(row)
    turns = zip_longest(*by_connection.values())
    return [row for row in chain.from_iterable(turns) if row is not None]


def _oldest(
    tx: Connection,
    noun: str,
    conditions: Sequence[ColumnElement[bool]],
    ring_again: float,
    limit: int,
) -> Sequence[Row[Any, Any, Any, Any, Any, Any]]:
    table = WORK[noun]
    connection = table.c.connection_id if "connection_id" in table.c else literal("")
    return tx.execute(
        select(
            table.c.id,
            connection.label("connection_id"),
            table.c.due_at,
            table.c.crashes,
            table.c.rung_at,
            now_ms().label("now"),
        )
        .where(
            *conditions,
            table.c.lease_until <= now_ms(),
            table.c.rung_at <= now_ms() - int(ring_again * 1000),
        )
        .order_by(table.c.due_at)
        .limit(limit)
    ).all()
