"""
What was decided and why; rows are only ever added.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text

from connector.model import Decision, VideoStatus
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import assignments, decisions, triggers, videos
from connector.store.upsert import insert, insert_for

LOCKS = 20_482  # our part of PostgreSQL's advisory lock numbers


@dataclass(frozen=True)
class DecisionRow:
    """A decision as an admin sees it."""

    id: str
    campaign: str
    step: int
    outcome: str
    reason: str
    sentence: str
    decided_at: int


@dataclass(frozen=True)
class PastSend:
    """A video that was promised to a contact, for caps and repeats."""

    campaign: str
    subject_kind: str
    subject_id: str
    minted_at: int
    trigger_key: str


def hold(tx: Connection, connection_id: str, contact_id: str) -> None:
    """Let nobody else decide on this contact until the transaction ends."""
    if tx.dialect.name == "postgresql":
        number = LOCKS << 32 | zlib.crc32(f"{connection_id}\0{contact_id}".encode())
        tx.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def record(
    tx: Connection,
    *,
    connection_id: str,
    trigger_id: str,
    campaign: str,
    campaign_version: str,
    step: int,
    contact_id: str | None,
    decision: Decision,
) -> bool:
    """Store a decision; False where this trigger and step was decided before."""
    values = {
        "id": new_id(),
        "connection_id": connection_id,
        "trigger_id": trigger_id,
        "campaign": campaign,
        "campaign_version": campaign_version,
        "step": step,
        "contact_id": contact_id,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "sentence": decision.sentence,
    }
    return tx.execute(_recording(tx.dialect.name), values).first() is not None


# statements of this module are built once: every trigger of a campaign runs them
@lru_cache(maxsize=2)
def _recording(dialect: str) -> Any:
    return (
        insert_for(dialect, decisions)
        .values(decided_at=now_ms())
        .on_conflict_do_nothing(index_elements=["trigger_id", "campaign", "step"])
        .returning(decisions.c.id)
    )


MADE = select(decisions.c.id).where(
    decisions.c.trigger_id == bindparam("trigger"),
    decisions.c.campaign == bindparam("of_campaign"),
    decisions.c.step == bindparam("of_step"),
)
SENDS = (
    select(
        videos.c.campaign,
        videos.c.subject_kind,
        videos.c.subject_id,
        videos.c.minted_at,
        triggers.c.key,
    )
    .join(triggers, triggers.c.id == videos.c.trigger_id)
    .where(
        videos.c.connection_id == bindparam("connection"),
        videos.c.contact_id == bindparam("contact"),
        videos.c.status.not_in((VideoStatus.FAILED, VideoStatus.REJECTED)),
    )
    .order_by(videos.c.minted_at)
)


def made(tx: Connection, trigger_id: str, campaign: str, step: int) -> bool:
    """Tell whether a trigger and step was decided before."""
    values = {"trigger": trigger_id, "of_campaign": campaign, "of_step": step}
    return tx.execute(MADE, values).first() is not None


def sends(tx: Connection, connection_id: str, contact_id: str) -> list[PastSend]:
    """Return every video that this contact was promised and that did not fail."""
    rows = tx.execute(SENDS, {"connection": connection_id, "contact": contact_id})
    return [PastSend(*row) for row in rows]


def of_contact(
    tx: Connection, connection_id: str, contact_id: str, limit: int = 50
) -> list[DecisionRow]:
    """Return what was decided for a contact, newest first."""
    rows = tx.execute(
        select(
            decisions.c.id,
            decisions.c.campaign,
            decisions.c.step,
            decisions.c.outcome,
            decisions.c.reason,
            decisions.c.sentence,
            decisions.c.decided_at,
        )
        .where(decisions.c.connection_id == connection_id, decisions.c.contact_id == contact_id)
        .order_by(decisions.c.decided_at.desc(), decisions.c.id.desc())
        .limit(limit)
    )
    return [DecisionRow(*row) for row in rows]


def count_by_outcome(tx: Connection) -> dict[str, int]:
    """Return how many decisions had each outcome."""
    rows = tx.execute(select(decisions.c.outcome, func.count()).group_by(decisions.c.outcome))
    return {outcome: int(count) for outcome, count in rows}


def undecided(tx: Connection) -> int:
    """Return how many triggers wait to be planned."""
    query = select(func.count()).select_from(triggers).where(triggers.c.work != "done")
    return int(tx.execute(query).scalar_one())


def assign(
    tx: Connection,
    *,
    connection_id: str,
    unit: str,
    experiment: str,
    variant: str,
    probability: float,
) -> str:
    """Keep the first assignment of a unit; return the variant that holds."""
    tx.execute(
        insert(tx, assignments)
        .values(
            connection_id=connection_id,
            unit=unit,
            experiment=experiment,
            variant=variant,
            probability=probability,
            assigned_at=now_ms(),
        )
        .on_conflict_do_nothing()
    )
    return str(
        tx.execute(
            select(assignments.c.variant).where(
                assignments.c.connection_id == connection_id,
                assignments.c.unit == unit,
                assignments.c.experiment == experiment,
            )
        ).scalar_one()
    )
