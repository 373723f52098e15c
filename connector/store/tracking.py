"""
How a viewer's watching may be remembered, and their choice that it is not remembered at all.

A viewer is a contact, or a video that has none.
"""

from __future__ import annotations

from sqlalchemy import Connection, and_, select, update

from connector.measure.tracking import AGGREGATE, OFF, strictest
from connector.model import Subject
from connector.store import sessions, subjects
from connector.store.tables import connections, videos
from connector.store.tables import sessions as session_table
from connector.store.tables import subjects as subject_table
from connector.store.videos import VideoRow


def viewer_of(video: VideoRow) -> Subject:
    """Return for whom a video is; without a contact it stands for itself."""
    return Subject("contact", video.contact_id) if video.contact_id else Subject("video", video.id)


def mode_of(tx: Connection, installation: str, connection_id: str, viewer: Subject) -> str:
    """Return the strictest of what the installation, the connection and the viewer want."""
    own = and_(
        subject_table.c.connection_id == connections.c.id,
        subject_table.c.kind == viewer.kind,
        subject_table.c.subject_id == viewer.id,
    )
    row = tx.execute(
        select(connections.c.config["tracking"].as_string(), subject_table.c.tracking)
        .join_from(connections, subject_table, own, isouter=True)
        .where(connections.c.id == connection_id)
    ).first()
    return strictest(installation, *(row or ()))


def mode_of_video(tx: Connection, installation: str, video: VideoRow) -> str:
    """Return how watching a video may be remembered."""
    return mode_of(tx, installation, video.connection_id, viewer_of(video))


def refuse(tx: Connection, video: VideoRow) -> None:
    """
    Measure a video's viewer no more, in none of their videos.

    What was remembered of them until now becomes part of the sums alone.
    """
    subjects.refuse_tracking(tx, video.connection_id, viewer_of(video))
    blur(tx, video.connection_id, viewer_of(video))


def refused(tx: Connection, connection_id: str, viewer: Subject) -> bool:
    """Tell whether a viewer chose not to be measured."""
    chosen = tx.execute(
        select(subject_table.c.tracking).where(
            subject_table.c.connection_id == connection_id,
            subject_table.c.kind == viewer.kind,
            subject_table.c.subject_id == viewer.id,
        )
    ).scalar()
    return chosen == OFF


def blur(tx: Connection, connection_id: str, viewer: Subject) -> None:
    """Keep a viewer's sessions only until their sums are settled, and tell nobody of them."""
    column = videos.c.contact_id if viewer.kind == "contact" else videos.c.id
    own = select(videos.c.id).where(videos.c.connection_id == connection_id, column == viewer.id)
    ids = list(tx.execute(own).scalars())
    # beacons that are being stored are waited for, so that none loosens it again
    sessions.shown(tx, ids)
    tx.execute(
        update(session_table).where(session_table.c.video_id.in_(ids)).values(tracking=AGGREGATE)
    )
