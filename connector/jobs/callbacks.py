"""
Answers a CRM that waits to hear how it went: a workflow that stands still until we call it back.

It is told once. Where something is tried anew later, the contact's record says how that ends, but no
workflow stands there any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from connector.measure.fields import VideoFacts
from connector.model import JSON, PLAYABLE, Decision, Outcome, VideoStatus
from connector.store import changes, triggers, videos
from connector.store.awaited import CALLBACK
from connector.store.leases import Claim
from connector.store.triggers import TriggerRow
from connector.store.videos import VideoRow

# what renders on its first open can be sent as soon as it has its link
MADE = PLAYABLE | {VideoStatus.MINTED}
LOST = frozenset(
    {VideoStatus.FAILED, VideoStatus.REJECTED, VideoStatus.ERASED, VideoStatus.EXPIRED}
)
NO_VIDEO = "no_video"


def answer_video(tx: Connection, video: VideoRow, facts: VideoFacts) -> list[str]:
    """Owe the answer that a video is there, or that there will be none; return the change."""
    if video.status not in MADE | LOST:
        return []
    for row in triggers.get(tx, [video.trigger_id]):
        if video.status in MADE:
            return owe_callback(tx, row, video.contact_id, _told_of(facts, "done"))
        if not _still_to_come(tx, row, video.contact_id):
            return owe_callback(tx, row, video.contact_id, _told_of(facts, "failed"))
    return []


def answer_refusals(
    tx: Connection, row: TriggerRow, contact_id: str | None, refusals: Sequence[Decision]
) -> list[str]:
    """Owe the answer that nobody gets a video, unless another campaign has made one."""
    if not refusals or not callback_of(row) or _still_to_come(tx, row, contact_id):
        return []
    refusal = refusals[0]
    if refusal.outcome is Outcome.HOLDOUT:
        # whoever writes the workflow must not be able to tell who is only being compared with
        return owe_callback(tx, row, contact_id, {"state": "done", "video_status": NO_VIDEO})
    told = {
        "state": "failed",
        "video_status": str(refusal.outcome),
        "reason": refusal.reason,
        "sentence": refusal.sentence,
    }
    # who was erased is not named again
    return owe_callback(tx, row, None if refusal.reason == "erased" else contact_id, told)


def bury_trigger(tx: Connection, claim: Claim, reason: str, sentence: str) -> None:
    """Owe the answer that a trigger was given up, in the transaction that gives it up."""
    for row in triggers.get(tx, [claim.id]):
        told = {"state": "failed", "video_status": NO_VIDEO, "reason": reason, "sentence": sentence}
        owe_callback(tx, row, None, told)


def answer_erased(tx: Connection, rows: Sequence[TriggerRow]) -> list[str]:
    """Owe the answer that a contact was erased to whoever waited for these; nobody is named in it."""
    told = {
        "state": "failed",
        "video_status": NO_VIDEO,
        "reason": "erased",
        "sentence": "The contact was erased.",
    }
    return [change for row in rows for change in owe_callback(tx, row, None, told)]


def owe_callback(
    tx: Connection, row: TriggerRow, contact_id: str | None, told: Mapping[str, JSON]
) -> list[str]:
    """Owe what is *told* to whoever waits for this trigger, if it was not told before."""
    key = callback_of(row)
    if not key or changes.values_of(tx, row.connection_id, CALLBACK, key) is not None:
        return []
    values = {**_nothing(), **told}
    change_id = changes.owe(
        tx,
        connection_id=row.connection_id,
        kind=CALLBACK,
        contact_id=contact_id or "",
        key=key,
        values=values,
    )
    return [change_id]


def callback_of(row: TriggerRow) -> str:
    """Return what the CRM waits under; empty where nobody waits."""
    return str(row.trigger.facts.get(CALLBACK) or "")


def _nothing() -> dict[str, Any]:
    words = ("state", "video_url", "thumbnail_url", "video_status", "reason", "sentence")
    return dict.fromkeys(words, "")


def _told_of(facts: VideoFacts, state: str) -> dict[str, JSON]:
    return {
        "state": state,
        "video_url": facts.url,
        "thumbnail_url": facts.thumbnail_url or "",
        "video_status": str(facts.status),
        "reason": facts.reason,
        "sentence": facts.sentence,
    }


def _still_to_come(tx: Connection, row: TriggerRow, contact_id: str | None) -> bool:
    """Tell whether a campaign has a video for this trigger that is not lost."""
    own = videos.of_contact(tx, row.connection_id, contact_id) if contact_id else []
    return any(video.trigger_id == row.id and video.status not in LOST for video in own)
