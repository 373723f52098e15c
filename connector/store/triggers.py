"""
Triggers that wait to be planned, and those that were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, bindparam, select, update

from connector.model import Subject, Trigger
from connector.store.clock import milliseconds, moment, now_ms
from connector.store.ids import new_id
from connector.store.tables import DEAD, DONE, DUE, triggers
from connector.store.upsert import insert_for


@dataclass(frozen=True)
class TriggerRow:
    """A stored trigger: *campaign* is empty unless only one campaign is meant."""

    id: str
    connection_id: str
    trigger: Trigger
    campaign: str
    step: int
    queue: str


def add(
    tx: Connection,
    connection_id: str,
    trigger: Trigger,
    *,
    delivery_id: str | None = None,
    campaign: str = "",
    step: int = 0,
    delay: float = 0,
    queue: str = "render",
) -> str | None:
    """Store a trigger that is due after *delay* seconds; None where it is a repeat."""
    row = tx.execute(
        _adding(tx.dialect.name),
        {
            "id": new_id(),
            "connection_id": connection_id,
            "delivery_id": delivery_id,
            "key": trigger.key,
            "kind": trigger.kind,
            "subject_kind": trigger.subject.kind,
            "subject_id": trigger.subject.id,
            "occurred_at": milliseconds(trigger.occurred_at),
            "facts": dict(trigger.facts),
            "campaign": campaign or trigger.campaign,
            "step": step,
            "queue": queue,
            "work": DUE,
            "delay_ms": int(delay * 1000),
        },
    ).first()
    return None if row is None else str(row.id)


@lru_cache(maxsize=2)
def _adding(dialect: str) -> Any:
    # built once: on the way in, building the statement would cost more than running it
    return (
        insert_for(dialect, triggers)
        .values(due_at=now_ms() + bindparam("delay_ms", type_=BigInteger))
        .on_conflict_do_nothing(index_elements=["connection_id", "key", "campaign", "step"])
        .returning(triggers.c.id)
    )


def get(tx: Connection, ids: Sequence[str]) -> list[TriggerRow]:
    """Return the triggers of *ids*."""
    rows = tx.execute(select(triggers).where(triggers.c.id.in_(ids)))
    return [_row(row) for row in rows]


def newer_exists(tx: Connection, row: TriggerRow) -> bool:
    """Tell whether the same kind of thing happened to the same subject later (out of order)."""
    values = {
        "connection": row.connection_id,
        "of_kind": row.trigger.kind,
        "of_subject_kind": row.trigger.subject.kind,
        "of_subject": row.trigger.subject.id,
        "of_campaign": row.campaign,
        "of_step": row.step,
        "happened": milliseconds(row.trigger.occurred_at),
    }
    return tx.execute(NEWER, values).first() is not None


# built once: every trigger of a campaign asks
NEWER = (
    select(triggers.c.id)
    .where(
        triggers.c.connection_id == bindparam("connection"),
        triggers.c.kind == bindparam("of_kind"),
        triggers.c.subject_kind == bindparam("of_subject_kind"),
        triggers.c.subject_id == bindparam("of_subject"),
        triggers.c.campaign == bindparam("of_campaign"),
        triggers.c.step == bindparam("of_step"),
        triggers.c.occurred_at > bindparam("happened"),
        triggers.c.work != DEAD,
    )
    .limit(1)
)


def cancel(tx: Connection, connection_id: str, subject: Subject) -> int:
    """Take back what still waits for a subject that is gone."""
    result = tx.execute(
        update(triggers)
        .where(
            triggers.c.connection_id == connection_id,
            triggers.c.subject_kind == subject.kind,
            triggers.c.subject_id == subject.id,
            triggers.c.work == DUE,
            triggers.c.kind != "contact_deleted",
        )
        .values(work=DONE, error_reason="subject_gone")
    )
    return result.rowcount


def empty(tx: Connection, trigger_id: str) -> None:
    """Take out of a trigger whom it was about; its key stays, so that a repeat is recognised."""
    tx.execute(
        update(triggers)
        .where(triggers.c.id == trigger_id)
        .values(subject_kind="erased", subject_id="", facts={})
    )


def _row(row: Row[Any]) -> TriggerRow:
    return TriggerRow(
        id=row.id,
        connection_id=row.connection_id,
        trigger=Trigger(
            key=row.key,
            kind=row.kind,
            subject=Subject(row.subject_kind, row.subject_id),
            occurred_at=moment(row.occurred_at),
            facts=row.facts,
        ),
        campaign=row.campaign,
        step=row.step,
        queue=row.queue,
    )
