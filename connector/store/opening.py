"""
What opening a link makes due, and how whoever opened it keeps the film that there was.

A video that was filled too long ago for its campaign is `stale` from its opening until it is made
afresh. Until then its row goes on describing the earlier film, and the receipt tells how that
stood, so that one update brings everything back.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from connector.model import PLAYABLE, VideoStatus
from connector.store.clock import now, now_ms
from connector.store.tables import DONE, DUE, videos
from connector.store.videos import COLUMNS, VideoRow

UNMADE = (VideoStatus.MINTED, VideoStatus.QUEUED, VideoStatus.RENDERING, VideoStatus.STALE)
# what is shown for as long as it takes to make it would be stale again before it is seen
SHORTEST_FRESH_MS = 60_000
AGAIN_MS = 600_000
FILM = "video.mp4"
STOOD = "stood"  # in a receipt: the status that the film had before it was opened
DUE_AT_ONCE = {"queue": "render-now", "work": DUE, "rung_at": 0, "attempt": 0, "crashes": 0}


def fresh_ms(video: VideoRow) -> int | None:
    """Return for how many milliseconds what a video was filled with holds; None: for ever."""
    if video.fresh_seconds is None:
        return None
    return max(video.fresh_seconds * 1000, SHORTEST_FRESH_MS)


def is_stale(video: VideoRow, now: int) -> bool:
    """Tell whether a video has to be filled anew before anybody sees it."""
    fresh = fresh_ms(video)
    waits = video.status == VideoStatus.MINTED or video.status in PLAYABLE
    return waits and fresh is not None and video.filled_at + fresh <= now


def has_film(video: VideoRow) -> bool:
    """Tell whether there is a film that its viewer may see, be it the newest or the one before."""
    shown = video.status in PLAYABLE or video.status == VideoStatus.STALE
    return shown and bool(_files(video).get(FILM))


def stood(video: VideoRow) -> VideoStatus:
    """Return how a stale video stood before it was opened."""
    known = (video.receipt or {}).get(STOOD)
    if known:
        return VideoStatus(known)
    if not _files(video).get(FILM):
        return VideoStatus.MINTED
    return VideoStatus.READY_WITH_FALLBACK if video.fallback_slots else VideoStatus.READY


def plain_receipt(video: VideoRow) -> dict[str, Any] | None:
    """Return a video's receipt without what was noted in it at the opening."""
    if video.receipt is None:
        return None
    return {name: value for name, value in video.receipt.items() if name != STOOD} or None


def filled_at(video: VideoRow, at: int, *, again_soon: bool = False) -> int:
    """
    Return when a video counts as filled that was looked at anew at *at*.

    *again_soon*: as if so long ago that it is stale again in ten minutes, where it is not anyway.
    """
    fresh = fresh_ms(video) or 0
    return at - max(fresh - AGAIN_MS, 0) if again_soon else at


def open_now(tx: Connection, video: VideoRow) -> bool:
    """
    Make a video due that waits for its first viewer, or for one after it has become stale.

    False where it does not wait, or somebody else was quicker.
    """
    values = _opened(video, now(tx))
    if not values:
        return False
    result = tx.execute(
        update(videos)
        .where(
            videos.c.id == video.id,
            videos.c.status == video.status,
            # what was made afresh since *video* was read is not to be made again
            videos.c.filled_at == video.filled_at,
            videos.c.work == DONE,
        )
        .values(due_at=now_ms(), **DUE_AT_ONCE, **values)
    )
    return result.rowcount == 1


def _opened(video: VideoRow, at: int) -> dict[str, Any]:
    """Return what changes when a video is opened; nothing where it does not wait for that."""
    if is_stale(video, at):
        noted = {**video.receipt, STOOD: video.status} if video.receipt else None
        return {"status": VideoStatus.STALE, "receipt": noted}
    return {"status": VideoStatus.QUEUED} if video.status == VideoStatus.MINTED else {}


def restore(tx: Connection, video: VideoRow, **more: object) -> None:
    """Let a stale video stand as it did before it was opened; *more* are further columns."""
    tx.execute(
        update(videos)
        .where(videos.c.id == video.id, videos.c.status == VideoStatus.STALE)
        .values(
            status=stood(video),
            receipt=plain_receipt(video),
            work=DONE,
            # whoever makes it afresh right now loses the right to publish
            fence=videos.c.fence + 1,
            **more,
        )
    )


def cancel(tx: Connection, connection_id: str, contact_id: str) -> list[str]:
    """Stop what is not yet rendered for a contact; return the videos. A film that is there stays."""
    of_contact = (videos.c.connection_id == connection_id, videos.c.contact_id == contact_id)
    query = select(*COLUMNS).where(*of_contact, videos.c.status == VideoStatus.STALE)
    for row in tx.execute(query.order_by(videos.c.id)).all():
        video = VideoRow(**row._mapping)
        if has_film(video):
            restore(tx, video)
    rows = tx.execute(
        update(videos)
        .where(*of_contact, videos.c.status.in_(UNMADE))
        .values(
            status=VideoStatus.EXPIRED,
            reason="opted_out",
            sentence="The contact opted out before the video was rendered.",
            work=DONE,
            # whoever renders it right now loses the right to publish
            fence=videos.c.fence + 1,
        )
        .returning(videos.c.id)
    )
    return list(rows.scalars())


def _files(video: VideoRow) -> dict[str, str]:
    return (video.receipt or {}).get("files") or {}
