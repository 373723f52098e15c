"""
What we owe to CRMs, coalesced: one row per contact, and one per video or view row.

Every merge raises `version`; a write that took version 3 settles the row only if no version 4 came
meanwhile. So a value that arrives while the last ones are being written is never lost, and ten
thousand beacons cost one write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, and_, bindparam, case, or_, select, update

from connector.model import JSON, Change
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.leases import Claim
from connector.store.tables import DEAD, DONE, DUE, RUNNING, changes
from connector.store.upsert import insert_for

# built once, because a campaign settles two changes for each video
SETTLING = (
    update(changes)
    .where(
        changes.c.id == bindparam("held"),
        changes.c.fence == bindparam("held_fence"),
        changes.c.work == RUNNING,
    )
    .values(
        written_version=bindparam("settled"),
        written_at=now_ms(),
        work=case((changes.c.version > bindparam("settled"), DUE), else_=DONE),
        lease_until=0,
        error_reason=None,
        error_sentence=None,
        attempt=0,
        crashes=0,
        rung_at=0,
    )
)


@dataclass(frozen=True)
class OwedChange:
    """A change as it stands now, and the version that a write of it settles."""

    connection_id: str
    change: Change
    version: int


def owe(
    tx: Connection,
    *,
    connection_id: str,
    kind: str,
    contact_id: str,
    key: str,
    values: Mapping[str, JSON],
    delay: float = 0,
) -> str:
    """Add *values* to what we owe, to be written after *delay* seconds; return the change's id."""
    row = {
        "id": new_id(),
        "connection_id": connection_id,
        "kind": kind,
        "contact_id": contact_id,
        "key": key,
        "values": dict(values),
        "version": 1,
        "work": DUE,
        "delay_ms": int(delay * 1000),
    }
    added = tx.execute(_owing(tx.dialect.name), row).first()
    if added is not None:
        return str(added.id)
    return _merge(tx, connection_id, kind, key, values, delay)


@lru_cache(maxsize=2)
def _owing(dialect: str) -> Any:
    return (
        insert_for(dialect, changes)
        .values(due_at=now_ms() + bindparam("delay_ms", type_=BigInteger))
        .on_conflict_do_nothing(index_elements=["connection_id", "kind", "key"])
        .returning(changes.c.id)
    )


def owed(tx: Connection, ids: Sequence[str]) -> dict[str, OwedChange]:
    """Return the changes of *ids* with their newest values."""
    rows = tx.execute(select(changes).where(changes.c.id.in_(ids)))
    return {
        row.id: OwedChange(
            row.connection_id,
            Change(row.id, row.kind, row.contact_id, row.key, row.values),
            row.version,
        )
        for row in rows
    }


def values_of(tx: Connection, connection_id: str, kind: str, key: str) -> Mapping[str, JSON] | None:
    """Return what we last owed under *key*, written or not; None where it was given up."""
    found = tx.execute(
        select(changes.c["values"]).where(
            changes.c.connection_id == connection_id,
            changes.c.kind == kind,
            changes.c.key == key,
            changes.c.work != DEAD,
        )
    ).scalar()
    return None if found is None else dict(found)


def due_ids(tx: Connection, connection_id: str, limit: int = 100) -> list[str]:
    """
    Return changes of one connection that may be written now, oldest first.

    Those that a worker died at come last and one at a time, as they are claimed only alone.
    """
    query = (
        select(changes.c.id)
        .where(
            changes.c.connection_id == connection_id,
            changes.c.work.in_((DUE, RUNNING)),
            changes.c.due_at <= now_ms(),
            changes.c.lease_until <= now_ms(),
        )
        .order_by(changes.c.due_at)
    )
    untouched = query.where(changes.c.work == DUE, changes.c.crashes == 0).limit(limit)
    return list(tx.execute(untouched).scalars()) or list(tx.execute(query.limit(1)).scalars())


def settle(tx: Connection, written: Sequence[tuple[Claim, int]]) -> None:
    """
    Mark the version of each change as written; what was added meanwhile stays owed.

    A change that another worker has taken over is left to that one.
    """
    rows = [
        {"held": claim.id, "held_fence": claim.fence, "settled": version}
        for claim, version in written
    ]
    if rows:
        tx.execute(SETTLING, rows)


def drop(tx: Connection, connection_id: str, contact_id: str) -> None:
    """Forget what we owe to a contact that is gone."""
    tx.execute(
        changes.delete().where(
            changes.c.connection_id == connection_id, changes.c.contact_id == contact_id
        )
    )


def _merge(
    tx: Connection,
    connection_id: str,
    kind: str,
    key: str,
    values: Mapping[str, JSON],
    delay: float,
) -> str:
    row = tx.execute(
        select(changes)
        .where(
            changes.c.connection_id == connection_id, changes.c.kind == kind, changes.c.key == key
        )
        .with_for_update()
    ).one()
    settled = row.version == row.written_version
    soon = now_ms() + int(delay * 1000)
    idle = or_(changes.c.work.in_((DONE, DEAD)), changes.c.due_at > soon)
    tx.execute(
        update(changes)
        .where(changes.c.id == row.id)
        .values(
            values=dict(values) if settled else {**row.values, **values},
            version=changes.c.version + 1,
            work=case((changes.c.work == RUNNING, RUNNING), else_=DUE),
            # a change that already waits keeps its time, so that a steady stream cannot starve it;
            # one that waits after a failure keeps its back-off
            due_at=case(
                (and_(idle, changes.c.error_reason.is_(None)), soon),
                (changes.c.work.in_((DONE, DEAD)), soon),
                else_=changes.c.due_at,
            ),
            attempt=case((changes.c.work.in_((DONE, DEAD)), 0), else_=changes.c.attempt),
        )
    )
    return str(row.id)
