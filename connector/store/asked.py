"""
What came of a video that a colleague asked for: nothing yet, a refusal, or the video.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from connector.model import Outcome, VideoStatus
from connector.store.tables import DEAD, decisions, triggers, videos

UNDER_WAY = (VideoStatus.QUEUED, VideoStatus.RENDERING)


@dataclass(frozen=True)
class Asked:
    """How it stands: *pending* while more is to come; *refusal* says why no video was made."""

    pending: bool
    refusal: str = ""


def trigger_of(tx: Connection, connection_id: str, key: str, campaign: str) -> str | None:
    """Return the trigger that was stored under *key*, or None."""
    of = triggers.c
    where = (of.connection_id == connection_id, of.key == key, of.campaign == campaign)
    found = tx.execute(select(of.id).where(*where)).scalar()
    return None if found is None else str(found)


def came_of(tx: Connection, connection_id: str, contact_id: str, trigger_id: str) -> Asked | None:
    """Return what came of a trigger; None where it is not one about this contact."""
    row = tx.execute(
        select(triggers.c.work, triggers.c.error_sentence).where(
            triggers.c.id == trigger_id,
            triggers.c.connection_id == connection_id,
            triggers.c.subject_kind == "contact",
            triggers.c.subject_id == contact_id,
        )
    ).first()
    if row is None:
        return None
    return _decided(tx, trigger_id) or Asked(row.work != DEAD, row.error_sentence or "")


def _decided(tx: Connection, trigger_id: str) -> Asked | None:
    row = tx.execute(
        select(decisions.c.outcome, decisions.c.sentence, videos.c.status)
        .outerjoin(videos, videos.c.trigger_id == decisions.c.trigger_id)
        .where(decisions.c.trigger_id == trigger_id)
        .order_by(decisions.c.decided_at.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    if row.outcome == Outcome.HOLDOUT:
        # who is held out stays inside: a colleague who knew would make up for it by hand
        return Asked(False, "No video was made for this contact this time.")
    if row.outcome != Outcome.SEND:
        return Asked(False, row.sentence)
    return Asked(row.status in UNDER_WAY)
