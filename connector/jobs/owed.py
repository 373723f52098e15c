"""
What we owe the CRM about a video or a refusal, computed anew from the rows each time.

So it does not matter in which order videos become ready, or how often a job runs: the contact's
fields always end up describing the newest video.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connector.jobs.callbacks import answer_video
from connector.jobs.station import Station
from connector.jobs.told import owe_note
from connector.measure.fields import VideoFacts, decision_fields, video_fields
from connector.model import Decision, Outcome, VideoStatus
from connector.notify.events import tell_refusal, tell_video
from connector.store import changes, videos
from connector.store.clock import moment
from connector.store.videos import VideoRow

# what a viewer cannot see yet has no picture either
UNSEEN = frozenset({VideoStatus.NEEDS_REVIEW})
WITHOUT_LINK = frozenset({VideoStatus.FAILED, VideoStatus.REJECTED, VideoStatus.EXPIRED})


def owe_video(tx: Connection, station: Station, video_id: str) -> list[str]:
    """
    Owe a video's row, the contact's fields where it is the newest, and an answer where one is due.

    Returns the changes. For what endpoints outside are told, the sweep rings.
    """
    video = videos.get(tx, video_id)
    if video is None:
        return []
    facts = facts_of(station, video)
    owed = answer_video(tx, video, facts)
    tell_video(tx, video, facts)
    if video.contact_id is None:
        return owed
    owed.append(_owe(tx, video, "video_row", video.id, _row(video, facts)))
    newest = videos.newest(tx, video.connection_id, video.contact_id)
    if newest and newest.id == video.id:
        owed.append(_owe(tx, video, "property", video.contact_id, video_fields(facts)))
    return [*owed, *owe_note(tx, video, facts)]


@dataclass(frozen=True)
class Owed:
    """What to ring for once the transaction is committed."""

    changes: list[str] = field(default_factory=list)
    webhooks: list[str] = field(default_factory=list)


def owe_decision(
    tx: Connection, connection_id: str, contact_id: str | None, decision: Decision
) -> Owed:
    """Owe the contact a refusal's status and reason, and tell of it; a holdout stays inside."""
    if contact_id is None or decision.outcome in (Outcome.SEND, Outcome.HOLDOUT):
        return Owed()
    if decision.reason == "erased":
        # who was erased is not written about again, not even that
        return Owed()
    told = tell_refusal(tx, connection_id, contact_id, decision)
    newest = videos.newest(tx, connection_id, contact_id)
    values = decision_fields(decision)
    if newest is not None and newest.status not in WITHOUT_LINK:
        # the link on the record still works, so its status must go on saying so
        values.pop("video_status")
    change_id = changes.owe(
        tx,
        connection_id=connection_id,
        kind="property",
        contact_id=contact_id,
        key=contact_id,
        values=values,
    )
    return Owed([change_id], told)


def facts_of(station: Station, video: VideoRow) -> VideoFacts:
    """Return a video as its contact's record tells of it."""
    link = link_of(station, video)
    receipt = video.receipt or {}
    usable = bool(link) and video.status not in WITHOUT_LINK
    pictured = bool(receipt.get("files")) and video.status not in UNSEEN
    return VideoFacts(
        id=video.id,
        url=link if usable else "",
        status=video.status,
        thumbnail_url=f"{link}/poster.jpg" if usable and pictured else None,
        reason=video.reason,
        sentence=video.sentence,
        template=video.template,
        variant=video.variant,
        fallback_slots=video.fallback_slots,
        ready_at=_at(video.ready_at),
        expires_at=_at(video.expires_at),
        duration=float(receipt.get("duration", 0.0)),
        scenes=receipt.get("scenes", ()),
    )


def link_of(station: Station, video: VideoRow) -> str:
    """Return the address that the viewer opens; empty once the video was erased."""
    if not video.token_sealed:
        return ""
    return f"{station.settings.base_url}/v/{station.keyring.decrypt(video.token_sealed)}"


def _row(video: VideoRow, facts: VideoFacts) -> dict[str, Any]:
    return {
        **video_fields(facts),
        "campaign": video.campaign,
        "minted_at": moment(video.minted_at).isoformat(timespec="seconds"),
        "subject": f"{video.subject_kind}:{video.subject_id}",
        "duration": facts.duration or None,
    }


def _owe(tx: Connection, video: VideoRow, kind: str, key: str, values: dict[str, Any]) -> str:
    return changes.owe(
        tx,
        connection_id=video.connection_id,
        kind=kind,
        contact_id=video.contact_id or "",
        key=key,
        values=values,
    )


def _at(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else moment(milliseconds)
