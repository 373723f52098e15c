"""
The upserts that store what players tell: built once, run for every group of beacons.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, case

from connector.store.tables import DEAD, DONE, DUE, RUNNING, events, measures, sessions
from connector.store.upsert import insert

# what a later beacon may change: it comes long before the stretches are dropped
FIXED = ("id", "video_id", "first_at", "shares")
FORWARD = [column.name for column in sessions.c if column.name not in FIXED]

# Building an upsert costs more than running it, and a group of beacons runs three.
_statements: dict[tuple[str, Callable[..., Any]], Any] = {}


def prepared(tx: Connection, build: Callable[[Connection], Any]) -> Any:
    """Return what *build* makes for this database, built once."""
    key = (tx.dialect.name, build)
    if key not in _statements:
        _statements[key] = build(tx)
    return _statements[key]


def keeping(tx: Connection) -> Any:
    """Store a session unless a newer state of it is there."""
    adding = insert(tx, sessions)
    return adding.on_conflict_do_update(
        index_elements=["id"],
        set_={name: adding.excluded[name] for name in FORWARD},
        where=(sessions.c.sequence < adding.excluded.sequence)
        & (sessions.c.video_id == adding.excluded.video_id),
    )


def noting(tx: Connection) -> Any:
    """Remember something discrete once."""
    return insert(tx, events).on_conflict_do_nothing(index_elements=["id"])


def owing(tx: Connection) -> Any:
    """Have a video measured, or sooner where it waits already."""
    adding = insert(tx, measures)
    waiting = measures.c.work == DUE
    # what waits after trouble keeps its time; what waits for news comes sooner where that is asked for
    sooner = (
        waiting & measures.c.error_reason.is_(None) & (adding.excluded.due_at < measures.c.due_at)
    )
    # no IN: its list of values cannot be used for several rows at once
    idle = (measures.c.work == DONE) | (measures.c.work == DEAD)
    return adding.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "version": measures.c.version + 1,
            "work": case((measures.c.work == RUNNING, RUNNING), else_=DUE),
            "due_at": case(
                (sooner, adding.excluded.due_at),
                (waiting, measures.c.due_at),
                else_=adding.excluded.due_at,
            ),
            "rung_at": case((waiting & ~sooner, measures.c.rung_at), else_=0),
            "attempt": case((idle, 0), else_=measures.c.attempt),
            "crashes": case((idle, 0), else_=measures.c.crashes),
        },
    )
