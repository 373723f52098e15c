"""
What a render comes to in the database: a film in place of none, or of the one before.

Whoever had a film keeps it until a better one is there: each ending is one transaction, by the holder
of the newest fence, and files go only once nothing points to them.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import Connection

from connector.errors import CredentialError, TemporaryError
from connector.jobs.looked_at import Standing
from connector.jobs.owed import owe_video
from connector.jobs.station import Station, open_station
from connector.model import PLAYABLE, Decision, Outcome, VideoStatus
from connector.publish import open_files
from connector.store import contact_words, leases, opening, videos
from connector.store.clock import now
from connector.store.leases import Claim
from connector.store.opening import has_film
from connector.store.videos import VideoRow, fallback_note

REFRESH_FAILED = "refresh_failed"
# somebody who may not be shown anything new is not shown what was never made either
FORBIDDEN = frozenset({Outcome.BLOCKED_SUPPRESSED, Outcome.BLOCKED_CONSENT})
log = structlog.get_logger(__name__)


def finish(
    station: Station,
    claim: Claim,
    video: VideoRow,
    standing: Standing,
    receipt: dict[str, Any],
    *,
    again_soon: bool = False,
) -> list[str]:
    """
    Publish the video's standing if the lease still holds; return the changes that this owes.

    *again_soon*: it was stale and could not be read anew, which the next opening is to try.
    """
    with station.store.write() as tx:
        leases.finish(tx, claim)
        filling = _filling(tx, video, again_soon) if video.status == VideoStatus.STALE else {}
        videos.change(
            tx,
            video.id,
            status=standing.status,
            reason=standing.reason,
            sentence=standing.sentence,
            ready_at=now(tx) if standing.status in PLAYABLE else None,
            receipt=receipt,
            **{"fallback_slots": video.fallback_slots, **filling, **_succession(video)},
        )
        if filling and video.contact_id:
            # who was given another name is found by that, too
            said = video.slots, video.fallback_slots
            contact_words.learn(tx, video.connection_id, video.contact_id, *said)
        return owe_video(tx, station, video.id)


def finish_unchanged(station: Station, claim: Claim, video: VideoRow) -> list[str]:
    """Show the film that there is, since its record says the same; return the changes owed."""
    reason, sentence = fallback_note(video.fallback_slots)
    status = VideoStatus.READY_WITH_FALLBACK if reason else VideoStatus.READY
    if opening.stood(video) == VideoStatus.APPROVED:
        status = VideoStatus.APPROVED
    with station.store.write() as tx:
        leases.finish(tx, claim)
        videos.change(
            tx,
            video.id,
            status=status,
            reason=reason,
            sentence=sentence,
            receipt=opening.plain_receipt(video),
            **_filling(tx, video, False),
        )
        return owe_video(tx, station, video.id)


def keep(station: Station, claim: Claim, why: str, *, again_soon: bool) -> list[str]:
    """Show the film that there is, since no newer one came to be; return the changes owed."""
    with station.store.write() as tx:
        leases.finish(tx, claim)
        return _kept(tx, station, claim.id, why, again_soon=again_soon)


def refuse(station: Station, claim: Claim, decision: Decision) -> list[str]:
    """End a video that nobody has seen, because it may not be made now; return the changes owed."""
    ends = VideoStatus.EXPIRED if decision.outcome in FORBIDDEN else VideoStatus.FAILED
    with station.store.write() as tx:
        leases.finish(tx, claim)
        videos.change(tx, claim.id, status=ends, reason=decision.reason, sentence=decision.sentence)
        return owe_video(tx, station, claim.id)


def given_up(tx: Connection, claim: Claim, reason: str, sentence: str) -> None:
    """Show on the video why it failed, in the transaction that gives it up; a film stays."""
    video = videos.get(tx, claim.id)
    if video is None or video.status in (VideoStatus.ERASED, VideoStatus.EXPIRED):
        return
    if video.status == VideoStatus.STALE and has_film(video):
        _kept(tx, open_station(), claim.id, sentence, again_soon=False)
        return
    videos.change(tx, claim.id, status=VideoStatus.FAILED, reason=reason, sentence=sentence)
    owe_video(tx, open_station(), claim.id)


def is_passing(error: Exception) -> bool:
    """Tell whether what kept us from a newer film may be over in some minutes."""
    return isinstance(error, TemporaryError | CredentialError)


def discard(station: Station, video_id: str, prefix: str) -> None:
    """Delete files that no row points to; a commit whose answer was lost may have kept them."""
    try:
        with station.store.read() as tx:
            video = videos.get(tx, video_id)
        used = (video.receipt or {}).get("files", {}).values() if video else ()
        if not any(key.startswith(f"{prefix}/") for key in used):
            open_files(station.settings).delete(prefix)
    except TemporaryError as error:
        log.warning("files left behind", id=video_id, reason=error.reason)


def delete_earlier(station: Station, video: VideoRow, fence: int) -> None:
    """Delete what holders of older fences have published."""
    stored = open_files(station.settings)
    for old in range(1, fence):
        stored.delete(f"{video.connection_id}/{video.id}/{old}")


def _kept(
    tx: Connection, station: Station, video_id: str, why: str, *, again_soon: bool
) -> list[str]:
    video = videos.get(tx, video_id)
    if video is None:
        return []
    opening.restore(
        tx,
        video,
        reason=REFRESH_FAILED,
        sentence=f"The earlier film is shown on, because no newer one could be made: {why}",
        filled_at=opening.filled_at(video, now(tx), again_soon=again_soon),
    )
    return owe_video(tx, station, video_id)


def _filling(tx: Connection, video: VideoRow, again_soon: bool) -> dict[str, Any]:
    return {
        "locale": video.locale,
        "slots": video.slots,
        "fallback_slots": video.fallback_slots,
        "call_to_action": video.call_to_action,
        "actions": video.actions,
        "filled_at": opening.filled_at(video, now(tx), again_soon=again_soon),
    }


def _succession(video: VideoRow) -> dict[str, Any]:
    """Count one rendering more, and keep of the one before what measuring its views needs."""
    before = video.receipt or {}
    if not before.get("files"):
        return {}
    kept = {"duration": before["duration"], "scenes": before["scenes"]}
    return {
        "version": video.version + 1,
        "earlier": {**(video.earlier or {}), str(video.version): kept},
    }
