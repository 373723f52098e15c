"""
Jobs of a CRM's own, in which thousands of changes are written at once.

A bulk job is a row of work, and it holds the claims of its changes: they are `running` under a lease
that outlives the job, so nobody else writes them, and what is merged meanwhile stays owed. A job is
`gathering` until it has all its changes, `sending`, `sent`, and then `done`, `failed` or `abandoned`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, or_, select, update

from connector.model import Change
from connector.store import leases
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.leases import Claim
from connector.store.tables import DONE, DUE, RUNNING, bulk_jobs, changes

GATHERING, SENDING, SENT = "gathering", "sending", "sent"
OPEN = (GATHERING, SENDING, SENT)
ENDED, FAILED, ABANDONED = "done", "failed", "abandoned"
# longer than any job lives; where its row were lost, the changes would come back by themselves
HELD_SECONDS = 7 * 86_400.0
# whoever gathers shows within this time that it is still at it
GATHERING_SECONDS = 60.0
MOST_ABANDONED = 3


@dataclass(frozen=True)
class BulkJob:
    """A job as it stands; *age* in seconds, *ticket* is what the CRM calls it."""

    id: str
    connection_id: str
    lot: str
    ticket: str
    state: str
    count: int
    age: float


@dataclass(frozen=True)
class Held:
    """A change in a job, the right to settle it, and the version that was sent."""

    claim: Claim
    change: Change
    version: int


Place = tuple[int, str]
START: Place = (0, "")


def due(tx: Connection, connection_id: str, after: Place, limit: int) -> tuple[list[Change], Place]:
    """Return a page of what is due and free behind *after*, without values, and where it ends."""
    at, row_id = after
    rows = tx.execute(
        select(changes.c.id, changes.c.kind, changes.c.contact_id, changes.c.key, changes.c.due_at)
        .where(
            changes.c.connection_id == connection_id,
            changes.c.work == DUE,
            changes.c.crashes == 0,
            changes.c.due_at >= at,
            changes.c.due_at <= now_ms(),
            or_(changes.c.due_at > at, changes.c.id > row_id),
        )
        .order_by(changes.c.due_at, changes.c.id)
        .limit(limit)
    ).all()
    end = (int(rows[-1].due_at), str(rows[-1].id)) if rows else after
    return [Change(row.id, row.kind, row.contact_id, row.key, {}) for row in rows], end


def more_due_than(tx: Connection, connection_id: str, count: int) -> bool:
    """Tell whether more than *count* changes are due, without counting them all."""
    found = tx.execute(
        select(changes.c.id)
        .where(
            changes.c.connection_id == connection_id,
            changes.c.work == DUE,
            changes.c.due_at <= now_ms(),
        )
        .order_by(changes.c.due_at)
        .offset(count)
        .limit(1)
    )
    return found.first() is not None


def open_lots(tx: Connection, connection_id: str) -> Mapping[str, str]:
    """Return the job of each lot that has one just now."""
    rows = tx.execute(
        select(bulk_jobs.c.lot, bulk_jobs.c.id).where(
            bulk_jobs.c.connection_id == connection_id, bulk_jobs.c.ended_at.is_(None)
        )
    )
    return {row.lot: row.id for row in rows}


def in_trouble(tx: Connection, connection_id: str, seconds: float) -> frozenset[str]:
    """Return lots of which within *seconds* a job failed, or several were not even sent."""
    states = tx.execute(
        select(bulk_jobs.c.lot, bulk_jobs.c.state).where(
            bulk_jobs.c.connection_id == connection_id,
            bulk_jobs.c.ended_at > now_ms() - int(seconds * 1000),
        )
    ).all()
    ended: dict[str, list[str]] = {}
    for row in states:
        ended.setdefault(row.lot, []).append(row.state)
    return frozenset(
        lot
        for lot, found in ended.items()
        if FAILED in found or found.count(ABANDONED) >= MOST_ABANDONED
    )


def begin(tx: Connection, connection_id: str, lot: str) -> str:
    """Make a job that gathers its changes; return its id."""
    job_id = new_id()
    tx.execute(
        bulk_jobs.insert().values(
            id=job_id,
            connection_id=connection_id,
            lot=lot,
            state=GATHERING,
            created_at=now_ms(),
            # where the one who gathers dies, the job goes on with what it has
            due_at=now_ms() + int(GATHERING_SECONDS * 1000),
        )
    )
    return job_id


def gather(tx: Connection, job_id: str, ids: Sequence[str]) -> int | None:
    """Let a job hold those of *ids* that are due; return how many, None where it gathers no more."""
    mine = and_(bulk_jobs.c.id == job_id, bulk_jobs.c.state == GATHERING)
    due_at = now_ms() + int(GATHERING_SECONDS * 1000)
    if tx.execute(update(bulk_jobs).where(mine).values(due_at=due_at)).rowcount != 1:
        return None
    return _hold(tx, job_id, ids)


def gathered(tx: Connection, job_id: str) -> None:
    """Let the job be worked on from now on."""
    tx.execute(
        update(bulk_jobs)
        .where(bulk_jobs.c.id == job_id, bulk_jobs.c.state == GATHERING)
        .values(due_at=now_ms())
    )


def set_aside(tx: Connection, job_id: str, ids: Sequence[str]) -> int:
    """Keep changes until a job of the same lot has ended; return how many, 0 where it has."""
    # locked, so that it does not end between this look and our commit
    state = tx.execute(
        select(bulk_jobs.c.state).where(bulk_jobs.c.id == job_id).with_for_update()
    ).scalar()
    return _hold(tx, job_id, ids) if state in OPEN else 0


def get(tx: Connection, job_id: str) -> BulkJob | None:
    """Return one job, or None."""
    names = ("id", "connection_id", "lot", "ticket", "state", "count")
    age = ((now_ms() - bulk_jobs.c.created_at) / 1000.0).label("age")
    row = tx.execute(
        select(*(bulk_jobs.c[name] for name in names), age).where(bulk_jobs.c.id == job_id)
    ).first()
    return None if row is None else BulkJob(*row[:6], float(row.age))


def stands(tx: Connection, held: Claim, state: str, **more: str) -> None:
    """Remember how far a job is, and its ticket; LeaseLostError where another worker has it."""
    leases.renew(tx, held, GATHERING_SECONDS)
    _set(tx, held.id, state=state, **more)


def look_again(tx: Connection, held: Claim, seconds: float) -> None:
    """Ask again in *seconds*; a job that takes its time has not failed, so this is no attempt."""
    leases.release(tx, held)
    _set(
        tx, held.id, due_at=now_ms() + int(seconds * 1000), attempt=0, crashes=0,
        error_reason=None, error_sentence=None,
    )  # fmt: skip


def to_send(tx: Connection, job_id: str, after: str, limit: int) -> list[Change]:
    """Return a page of a job's changes by key, and remember which versions these are."""
    rows = tx.execute(
        select(changes)
        .where(changes.c.bulk_id == job_id, changes.c.key > after, changes.c.crashes == 0)
        .order_by(changes.c.key)
        .limit(limit)
        .with_for_update()
    ).all()
    tx.execute(
        update(changes)
        .where(changes.c.id.in_([row.id for row in rows]))
        .values(bulk_version=changes.c.version)
    )
    return [Change(row.id, row.kind, row.contact_id, row.key, row.values) for row in rows]


def find(tx: Connection, job_id: str, keys: Sequence[str]) -> list[Held]:
    """Return those changes of a job that were sent under *keys* and are not settled yet."""
    rows = tx.execute(
        select(changes).where(
            changes.c.bulk_id == job_id, changes.c.key.in_(keys), changes.c.bulk_version > 0
        )
    )
    return [
        Held(
            Claim("changes", row.id, row.fence, row.attempt),
            Change(row.id, row.kind, row.contact_id, row.key, row.values),
            row.bulk_version,
        )
        for row in rows
    ]


def let_go(tx: Connection, ids: Sequence[str], seconds: float) -> None:
    """Take changes whose result is there out of their job; who settles them has *seconds* for it."""
    tx.execute(
        update(changes)
        .where(changes.c.id.in_(ids))
        .values(bulk_id=None, bulk_version=0, lease_until=now_ms() + int(seconds * 1000))
    )


def give_back(
    tx: Connection,
    job_id: str,
    limit: int | None = None,
    reason: str = "",
    sentence: str = "",
    wait: float = 0,
) -> list[str]:
    """Make all of a job's changes due after *wait* seconds, untried, or *limit*; return which."""
    own = select(changes.c.id).where(changes.c.bulk_id == job_id).order_by(changes.c.key)
    rows = tx.execute(
        update(changes)
        .where(changes.c.id.in_(own.limit(limit).scalar_subquery()))
        .values(
            # settled by another one, in case that the lease has run out
            work=case((changes.c.work == RUNNING, DUE), else_=changes.c.work),
            due_at=now_ms() + int(wait * 1000),
            lease_until=0,
            rung_at=0,
            attempt=changes.c.attempt - 1,
            bulk_id=None,
            bulk_version=0,
            error_reason=reason[:200] or None,
            error_sentence=sentence or None,
        )
        .returning(changes.c.id)
    )
    return list(rows.scalars())


def close(tx: Connection, job_id: str, state: str) -> None:
    """Let a job be over; from now on it takes no more changes."""
    _set(tx, job_id, state=state, ended_at=now_ms())


def holds(tx: Connection, connection_id: str, contact_id: str) -> bool:
    """Tell whether a job that is not over may yet write something about this contact."""
    found = tx.execute(
        select(changes.c.id)
        .where(
            changes.c.bulk_id.is_not(None),
            changes.c.connection_id == connection_id,
            changes.c.contact_id == contact_id,
        )
        .limit(1)
    )
    return found.first() is not None


def forget_old(tx: Connection, days: int = 30) -> int:
    """Delete jobs that were over *days* ago; return how many."""
    old = and_(bulk_jobs.c.work == DONE, bulk_jobs.c.ended_at < now_ms() - days * 86_400_000)
    return tx.execute(bulk_jobs.delete().where(old)).rowcount


def _hold(tx: Connection, job_id: str, ids: Sequence[str]) -> int:
    claims = leases.claim(tx, "changes", ids, HELD_SECONDS)
    held = [claim.id for claim in claims]
    tx.execute(update(changes).where(changes.c.id.in_(held)).values(bulk_id=job_id, bulk_version=0))
    _set(tx, job_id, count=bulk_jobs.c["count"] + len(claims))
    return len(claims)


def _set(tx: Connection, job_id: str, **values: Any) -> None:
    tx.execute(update(bulk_jobs).where(bulk_jobs.c.id == job_id).values(**values))
