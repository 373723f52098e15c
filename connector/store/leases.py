"""
Who works on what, and when it is tried again: the one place where work columns change.

A row of work is claimed for some seconds under a growing fence; whoever holds the newest fence may
publish, anybody else's result is thrown away (reference: leases with fencing tokens, Kleppmann
2016). A claim that is neither finished nor put back counts as a crash. Back-off doubles from 2 s to
10 min, with jitter by row so that a crowd does not return at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select, update

from connector.errors import CredentialError, LeaseLostError
from connector.store.clock import now, now_ms
from connector.store.ids import new_id
from connector.store.tables import DEAD, DONE, DUE, RUNNING, WORK, attempts

FIRST_WAIT, LONGEST_WAIT = 2.0, 600.0


@dataclass(frozen=True)
class Claim:
    """The right to work on one row: valid while nobody holds a newer fence."""

    noun: str
    id: str
    fence: int
    attempt: int


def claim(tx: Connection, noun: str, ids: Sequence[str], seconds: float) -> list[Claim]:
    """
    Claim those of *ids* that are due and free, for *seconds*.

    What a worker died at is claimed only when it is asked for alone, so that a row that kills its
    worker takes no neighbours along.
    """
    table = WORK[noun]
    free = and_(
        table.c.work.in_((DUE, RUNNING)),
        table.c.due_at <= now_ms(),
        table.c.lease_until <= now_ms(),
    )
    if len(ids) > 1:
        free = and_(free, table.c.work == DUE, table.c.crashes == 0)
    rows = tx.execute(
        update(table)
        .where(table.c.id.in_(ids), free)
        .values(
            work=RUNNING,
            lease_until=now_ms() + int(seconds * 1000),
            fence=table.c.fence + 1,
            attempt=table.c.attempt + 1,
            # a row that is found running was left there by a worker that died
            crashes=case((table.c.work == RUNNING, table.c.crashes + 1), else_=table.c.crashes),
        )
        .returning(table.c.id, table.c.fence, table.c.attempt)
    ).all()
    order = {row_id: place for place, row_id in enumerate(ids)}
    return sorted(
        (Claim(noun, row.id, row.fence, row.attempt) for row in rows),
        key=lambda found: order[found.id],
    )


def renew(tx: Connection, held: Claim, seconds: float) -> None:
    """Hold on for another *seconds*; LeaseLostError where somebody else has taken over."""
    _change(tx, held, lease_until=now_ms() + int(seconds * 1000))


def finish(tx: Connection, held: Claim) -> None:
    """Mark the work done, in the transaction that publishes its result."""
    result = tx.execute(_finishing(held.noun), {"held": held.id, "held_fence": held.fence})
    if result.rowcount != 1:
        raise LeaseLostError(f"{held.noun} {held.id} was taken over by another worker")


@lru_cache(maxsize=16)
def _finishing(noun: str) -> Any:
    # built once, because this ends every piece of work
    table = WORK[noun]
    return (
        update(table)
        .where(
            table.c.id == bindparam("held"),
            table.c.fence == bindparam("held_fence"),
            table.c.work == RUNNING,
        )
        .values(work=DONE, lease_until=0, error_reason=None, error_sentence=None)
    )


def put_back(
    tx: Connection, held: Claim, reason: str, sentence: str, after: float | None = None
) -> None:
    """Try again after *after* seconds, or after the usual back-off; remember why."""
    wait = backoff(held.attempt, held.id) if after is None else after
    _change(
        tx,
        held,
        work=DUE,
        lease_until=0,
        rung_at=0,
        due_at=now_ms() + int(wait * 1000),
        error_reason=reason[:200],
        error_sentence=sentence,
    )
    _remember(tx, held.noun, held.id, reason, sentence)


def release(tx: Connection, held: Claim) -> None:
    """Give the row back untried, as a worker does that is asked to stop."""
    _change(tx, held, work=DUE, lease_until=0, rung_at=0, attempt=held.attempt - 1)


def bury(tx: Connection, held: Claim, reason: str, sentence: str) -> None:
    """Make the row a dead letter, with its reason; `revive` brings it back."""
    _change(tx, held, work=DEAD, lease_until=0, error_reason=reason[:200], error_sentence=sentence)
    _remember(tx, held.noun, held.id, reason, sentence)


def crashed_too_often(tx: Connection, held: Claim, most: int) -> bool:
    """Tell whether this row has killed its worker *most* times."""
    table = WORK[held.noun]
    count = tx.execute(select(table.c.crashes).where(table.c.id == held.id)).scalar_one()
    return int(count) >= most


def due(tx: Connection, noun: str, *, ring_again: float, limit: int) -> list[str]:
    """Return ids of rows that somebody should work on and that were not rung for lately."""
    table = WORK[noun]
    rows = tx.execute(
        select(table.c.id)
        .where(
            table.c.work.in_((DUE, RUNNING)),
            table.c.due_at <= now_ms(),
            table.c.lease_until <= now_ms(),
            table.c.rung_at <= now_ms() - int(ring_again * 1000),
        )
        .order_by(table.c.due_at)
        .limit(limit)
    )
    return list(rows.scalars())


def rung(tx: Connection, noun: str, ids: Sequence[str]) -> None:
    """Remember that these rows were put on the queue just now."""
    table = WORK[noun]
    tx.execute(update(table).where(table.c.id.in_(ids)).values(rung_at=now_ms()))


def revive(tx: Connection, noun: str, ids: Sequence[str] | None = None) -> list[str]:
    """Make dead letters due again, all of a noun or just *ids*; return which."""
    table = WORK[noun]
    chosen = table.c.work == DEAD
    if ids is not None:
        chosen = and_(chosen, table.c.id.in_(ids))
    rows = tx.execute(
        update(table)
        .where(chosen)
        .values(work=DUE, due_at=now_ms(), rung_at=0, lease_until=0, attempt=0, crashes=0)
        .returning(table.c.id)
    )
    return list(rows.scalars())


def wake(tx: Connection, connection_id: str) -> int:
    """Make due what waits for a connection that an admin has just connected again; say how much."""
    count = 0
    for table in WORK.values():
        if "connection_id" not in table.c:
            continue
        result = tx.execute(
            update(table)
            .where(
                table.c.connection_id == connection_id,
                table.c.work == DUE,
                table.c.error_reason == CredentialError.reason,
            )
            # the tries while nobody let us in say nothing about the work itself
            .values(due_at=now_ms(), rung_at=0, attempt=0)
        )
        count += result.rowcount
    return count


@dataclass(frozen=True)
class DeadLetter:
    """Work that was given up, and why."""

    noun: str
    id: str
    reason: str
    sentence: str
    attempt: int


def dead(tx: Connection, limit: int = 1000) -> Iterator[DeadLetter]:
    """Yield the dead letters of every noun."""
    for noun, table in WORK.items():
        rows = tx.execute(
            select(table.c.id, table.c.error_reason, table.c.error_sentence, table.c.attempt)
            .where(table.c.work == DEAD)
            .order_by(table.c.id)
            .limit(limit)
        )
        for row in rows:
            yield DeadLetter(
                noun, row.id, row.error_reason or "", row.error_sentence or "", row.attempt
            )


def backlog(tx: Connection) -> dict[str, dict[str, int]]:
    """Return per noun how many rows are due, running and dead, and the oldest wait in ms."""
    result = {}
    moment = now(tx)
    for noun, table in WORK.items():
        rows = tx.execute(
            select(table.c.work, func.count(), func.min(table.c.due_at))
            .where(or_(table.c.work == DEAD, table.c.due_at <= moment), table.c.work != DONE)
            .group_by(table.c.work)
        ).all()
        counts = {work: int(count) for work, count, _ in rows}
        oldest = [first for work, _, first in rows if work == DUE and first is not None]
        counts["oldest_ms"] = max(0, moment - min(oldest)) if oldest else 0
        result[noun] = counts
    return result


def backoff(attempt: int, row_id: str) -> float:
    """Return the seconds to wait after try number *attempt*."""
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1))
    return wait * (0.75 + 0.5 * (zlib.crc32(f"{row_id}{attempt}".encode()) % 1000) / 1000)


def _change(tx: Connection, held: Claim, **values: object) -> None:
    table = WORK[held.noun]
    result = tx.execute(
        update(table)
        # a row that was finished or put back is no longer ours, whatever its fence
        .where(table.c.id == held.id, table.c.fence == held.fence, table.c.work == RUNNING)
        .values(**values)
    )
    if result.rowcount != 1:
        raise LeaseLostError(f"{held.noun} {held.id} was taken over by another worker")


def _remember(tx: Connection, noun: str, row_id: str, reason: str, sentence: str) -> None:
    tx.execute(
        attempts.insert().values(
            id=new_id(),
            noun=noun,
            row_id=row_id,
            at=now_ms(),
            reason=reason[:200],
            sentence=sentence,
        )
    )
