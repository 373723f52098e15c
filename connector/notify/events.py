"""
What endpoints outside are told of videos, refusals and opt-outs: ids, words and numbers.

Names, e-mail addresses and sentences stay inside: a sentence may quote the record.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from connector.measure.fields import VideoFacts
from connector.model import PLAYABLE, Decision, Subject, VideoStatus
from connector.store import decisions, endpoints, subjects
from connector.store.clock import now
from connector.store.outgoing import owe_event
from connector.store.videos import VideoRow

LOST = frozenset({VideoStatus.FAILED, VideoStatus.REJECTED})


def tell_video(tx: Connection, video: VideoRow, facts: VideoFacts) -> list[str]:
    """Owe that a video can be watched, or never will be; once for each status it gets."""
    if video.status in PLAYABLE:
        kind = "video.ready"
    elif video.status in LOST:
        kind = "video.failed"
    else:
        return []
    return owe_event(
        tx,
        connection_id=video.connection_id,
        kind=kind,
        key=f"{video.id}:{video.status}",
        contact_id=video.contact_id,
        data={
            "video_id": video.id,
            "status": str(video.status),
            "reason": video.reason or None,
            "campaign": video.campaign,
            "step": video.step,
            "template": video.template,
            "variant": video.variant,
            "subject_kind": video.subject_kind,
            "subject_id": video.subject_id,
            "url": facts.url or None,
            "thumbnail_url": facts.thumbnail_url,
            "duration": facts.duration or None,
            "ready_at": _text(facts.ready_at),
            "expires_at": _text(facts.expires_at),
        },
    )


def tell_refusal(
    tx: Connection, connection_id: str, contact_id: str, decision: Decision
) -> list[str]:
    """Owe that a contact gets no video, about the decision that this transaction has recorded."""
    if not endpoints.wanting(tx, "video.skipped"):
        # a campaign may refuse thousands: nobody looks for the decision where nobody listens
        return []
    made = decisions.of_contact(tx, connection_id, contact_id, limit=1)
    if not made:
        return []
    return owe_event(
        tx,
        connection_id=connection_id,
        kind="video.skipped",
        key=made[0].id,
        contact_id=contact_id,
        data={
            "decision_id": made[0].id,
            "status": str(decision.outcome),
            "reason": decision.reason,
            "campaign": made[0].campaign,
            "step": made[0].step,
        },
    )


def tell_opt_out(tx: Connection, video: VideoRow, source: str) -> list[str]:
    """Owe that a contact wants no more videos, before it is stored; who said so before is not told of."""
    contact = Subject("contact", video.contact_id or "")
    if subjects.standing(tx, video.connection_id, contact).opted_out:
        return []
    return owe_event(
        tx,
        connection_id=video.connection_id,
        kind="contact.opted_out",
        key=f"{contact.id}:{now(tx)}",
        contact_id=contact.id,
        data={"video_id": video.id, "campaign": video.campaign, "source": source},
    )


def _text(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
