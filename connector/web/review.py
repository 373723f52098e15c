"""
A person's word on a video that was kept back, from a page or from a program.
"""

from __future__ import annotations

from sqlalchemy import Connection

from connector.errors import NotFoundError
from connector.store import audit, sessions, videos
from connector.store.videos import VideoRow
from connector.web.desk import Desk


def find(tx: Connection, video_id: str) -> VideoRow | None:
    """Return a video by the id that an address names, or None where there can be none."""
    possible = video_id.isascii() and video_id.isalnum()
    return videos.get(tx, video_id) if possible else None


def review(here: Desk, video_id: str, *, approved: bool, actor: str) -> VideoRow | None:
    """
    Show a video from now on, or never; return it as it stands then, None where it cannot be judged.

    Who did it is in the audit log; the CRM is told by the job that also tells what was watched.
    """
    with here.store.write() as tx:
        video = find(tx, video_id)
        if video is None:
            raise NotFoundError(f"there is no video {video_id[:64]!r}")
        if not videos.review(tx, video, approved=approved):
            return None
        audit.record(tx, actor, "approve" if approved else "reject", f"video:{video_id}")
        sessions.owe_measure(tx, [video_id], 0)
        judged = videos.get(tx, video_id)
    here.doorbell.ring("update_engagement", [video_id])
    return judged
