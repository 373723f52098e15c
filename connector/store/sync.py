"""
How writing back has gone lately, for the people who look after a connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select

from connector.store.clock import moment, now
from connector.store.tables import DEAD, DONE, RUNNING, attempts, changes

WRITTEN, WAITING, RETRYING, REFUSED = "written", "waiting", "retrying", "refused"
# in the order in which they are shown
STATES = (WRITTEN, WAITING, RETRYING, REFUSED)
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class SyncState:
    """So many changes of one connection stand like this; *sentence* is of the newest one."""

    state: str
    reason: str
    count: int
    sentence: str


@dataclass(frozen=True)
class Writing:
    """When a connection was last written to, and how much of what we owe it is not written yet."""

    last_written: datetime | None
    waiting: int


def sync_states(tx: Connection, connection_id: str, hours: float = 24) -> list[SyncState]:
    """
    Return how the changes of a connection stand: written or refused within *hours*, and all that wait.

    One row for each state and reason, the commonest reason first.
    """
    since = now(tx) - int(hours * HOUR_MS)
    found = _counted(connection_id, since).subquery()
    rows = tx.execute(
        select(found.c.state, found.c.reason, func.count().label("count"), func.max(found.c.at))
        .group_by(found.c.state, found.c.reason)
        .order_by(func.count().desc(), found.c.reason)
    ).all()
    states = [
        SyncState(row.state, row.reason, row[2], _newest(tx, found, row.state, row.reason))
        for row in rows
    ]
    return sorted(states, key=lambda one: STATES.index(one.state))


def writing(tx: Connection) -> Mapping[str, Writing]:
    """Return for each connection that was ever owed something when it was written, and what waits."""
    waits = case((changes.c.work.in_((DONE, DEAD)), 0), else_=1)
    rows = tx.execute(
        select(changes.c.connection_id, func.max(changes.c.written_at), func.sum(waits)).group_by(
            changes.c.connection_id
        )
    )
    return {
        row[0]: Writing(None if row[1] is None else moment(row[1]), int(row[2])) for row in rows
    }


def _counted(connection_id: str, since: int) -> Any:
    last_try = (
        select(func.max(attempts.c.at))
        .where(attempts.c.noun == "changes", attempts.c.row_id == changes.c.id)
        .correlate(changes)
        .scalar_subquery()
    )
    return select(
        _state().label("state"),
        case((changes.c.work == DONE, ""), else_=func.coalesce(changes.c.error_reason, "")).label(
            "reason"
        ),
        func.coalesce(changes.c.error_sentence, "").label("sentence"),
        func.coalesce(
            case((changes.c.work == DONE, changes.c.written_at), else_=last_try), literal(0)
        ).label("at"),
    ).where(
        changes.c.connection_id == connection_id,
        or_(
            changes.c.work.not_in((DONE, DEAD)),
            and_(changes.c.work == DONE, changes.c.written_at >= since),
            and_(changes.c.work == DEAD, last_try >= since),
        ),
    )


def _state() -> ColumnElement[str]:
    return case(
        (changes.c.work == DONE, WRITTEN),
        (changes.c.work == DEAD, REFUSED),
        (and_(changes.c.error_reason.is_not(None), changes.c.work != RUNNING), RETRYING),
        else_=WAITING,
    )


def _newest(tx: Connection, found: Any, state: str, reason: str) -> str:
    if state in (WRITTEN, WAITING):
        return ""
    return str(
        tx.execute(
            select(found.c.sentence)
            .where(found.c.state == state, found.c.reason == reason)
            .order_by(found.c.at.desc())
            .limit(1)
        ).scalar_one()
    )
