"""
Videos: one storyboard for one subject, from the minted link to the published file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, bindparam, func, select, update

from connector.model import VideoStatus
from connector.store import contact_words
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import DONE, DUE, videos
from connector.store.upsert import insert_for

GONE = (VideoStatus.ERASED,)
# a person may look again at what was decided before
REVIEWABLE = (VideoStatus.NEEDS_REVIEW, VideoStatus.APPROVED, VideoStatus.REJECTED)


@dataclass(frozen=True)
class VideoRow:
    """A video as stored; times are milliseconds since 1970."""

    id: str
    connection_id: str
    trigger_id: str
    campaign: str
    campaign_version: str
    step: int
    subject_kind: str
    subject_id: str
    contact_id: str | None
    template: str
    variant: str
    locale: str
    format: str
    slots: dict[str, Any]
    fallback_slots: list[str]
    call_to_action: dict[str, str] | None
    actions: list[dict[str, Any]] | None
    status: str
    reason: str
    sentence: str
    token_sealed: str
    queue: str
    minted_at: int
    filled_at: int
    fresh_seconds: int | None
    expires_at: int | None
    ready_at: int | None
    receipt: dict[str, Any] | None
    version: int
    earlier: dict[str, Any] | None


COLUMNS = [videos.c[field.name] for field in fields(VideoRow)]


@dataclass(frozen=True)
class NewVideo:
    """What a plan knows of a video before it is rendered."""

    connection_id: str
    trigger_id: str
    campaign: str
    campaign_version: str
    step: int
    subject_kind: str
    subject_id: str
    contact_id: str | None
    template: str
    variant: str
    locale: str
    format: str
    slots: dict[str, Any]
    fallback_slots: list[str]
    call_to_action: dict[str, str] | None
    fresh_seconds: int | None
    expires_seconds: int
    queue: str
    on_open: bool
    actions: list[dict[str, Any]] | None = None


def mint(tx: Connection, video: NewVideo, token_hash: str, token_sealed: str) -> str | None:
    """Store a video with its link; None where this trigger and step already has one."""
    values = {field.name: getattr(video, field.name) for field in fields(NewVideo)}
    on_open, expires = values.pop("on_open"), values.pop("expires_seconds")
    values |= {
        "id": new_id(),
        "status": VideoStatus.MINTED if on_open else VideoStatus.QUEUED,
        "token_hash": token_hash,
        "token_sealed": token_sealed,
        "expires_ms": expires * 1000,
        "work": DONE if on_open else DUE,
    }
    row = tx.execute(_minting(tx.dialect.name), values).first()
    if row is None:
        return None
    if video.contact_id is not None:
        contact_words.learn(
            tx, video.connection_id, video.contact_id, video.slots, video.fallback_slots
        )
    return str(row.id)


@lru_cache(maxsize=2)
def _minting(dialect: str) -> Any:
    return (
        insert_for(dialect, videos)
        .values(
            minted_at=now_ms(),
            filled_at=now_ms(),
            expires_at=now_ms() + bindparam("expires_ms", type_=BigInteger),
            due_at=now_ms(),
        )
        .on_conflict_do_nothing(index_elements=["trigger_id", "campaign", "step"])
        .returning(videos.c.id)
    )


# built once: every video of a campaign runs them
BY_ID = select(*COLUMNS).where(videos.c.id == bindparam("video"))
OF_CONTACT = (
    videos.c.connection_id == bindparam("connection"),
    videos.c.contact_id == bindparam("contact"),
)
COUNT = select(func.count()).select_from(videos).where(*OF_CONTACT)
NEWEST = (
    select(*COLUMNS)
    .where(*OF_CONTACT, videos.c.status.not_in(GONE))
    .order_by(videos.c.minted_at.desc(), videos.c.id.desc())
    .limit(1)
)


def get(tx: Connection, video_id: str) -> VideoRow | None:
    """Return one video, or None."""
    return _one(tx.execute(BY_ID, {"video": video_id}).first())


def by_token(tx: Connection, token_hash: str) -> VideoRow | None:
    """Return the video that a link leads to, or None."""
    return _one(tx.execute(select(*COLUMNS).where(videos.c.token_hash == token_hash)).first())


def of_contact(tx: Connection, connection_id: str, contact_id: str) -> list[VideoRow]:
    """Return a contact's videos, newest first."""
    rows = tx.execute(
        select(*COLUMNS)
        .where(videos.c.connection_id == connection_id, videos.c.contact_id == contact_id)
        .order_by(videos.c.minted_at.desc(), videos.c.id.desc())
    )
    return [_row(row) for row in rows]


def count_of_contact(tx: Connection, connection_id: str, contact_id: str) -> int:
    """Return how many videos were ever minted for a contact."""
    return int(tx.execute(COUNT, {"connection": connection_id, "contact": contact_id}).scalar_one())


def newest(tx: Connection, connection_id: str, contact_id: str) -> VideoRow | None:
    """Return the video that a contact's video fields describe, or None."""
    return _one(tx.execute(NEWEST, {"connection": connection_id, "contact": contact_id}).first())


def latest(
    tx: Connection,
    *,
    limit: int = 100,
    offset: int = 0,
    status: str | None = None,
    only: str | None = None,
) -> list[VideoRow]:
    """Return videos of all connections, or of the one named by *only*, newest first."""
    query = select(*COLUMNS).order_by(videos.c.minted_at.desc(), videos.c.id.desc())
    if status:
        query = query.where(videos.c.status == status)
    if only:
        query = query.where(videos.c.connection_id == only)
    return [_row(row) for row in tx.execute(query.limit(limit).offset(offset))]


def change(tx: Connection, video_id: str, **values: object) -> None:
    """Change columns of a video that are not work columns."""
    tx.execute(update(videos).where(videos.c.id == video_id).values(**values))


def redo(tx: Connection, ids: Sequence[str]) -> None:
    """Show dead videos that were revived as queued again."""
    tx.execute(
        update(videos)
        .where(videos.c.id.in_(ids), videos.c.status == VideoStatus.FAILED)
        .values(status=VideoStatus.QUEUED, reason="", sentence="")
    )


def review(tx: Connection, video: VideoRow, *, approved: bool) -> bool:
    """Show a video that was kept back, or see to it that nobody does; False where it has moved on."""
    status = VideoStatus.APPROVED if approved else VideoStatus.REJECTED
    reason, sentence = (
        fallback_note(video.fallback_slots)
        if approved
        else ("rejected", "Somebody looked at the video and rejected it.")
    )
    result = tx.execute(
        update(videos)
        .where(
            videos.c.id == video.id,
            videos.c.status.in_(REVIEWABLE),
            videos.c.status != status,
            videos.c.work == DONE,
        )
        .values(
            status=status,
            reason=reason,
            sentence=sentence,
            ready_at=now_ms() if approved else None,
        )
    )
    return result.rowcount == 1


def fallback_note(slots: Sequence[str]) -> tuple[str, str]:
    """Return the reason and the sentence of a video in which something else stands for these slots."""
    if not slots:
        return "", ""
    return "fallback_used", f"Made with the fallback for: {', '.join(slots)}."


def count_by_status(tx: Connection, only: str | None = None) -> dict[str, int]:
    """Return how many videos stand at each status, in all connections or in one."""
    query = select(videos.c.status, func.count()).group_by(videos.c.status)
    rows = tx.execute(query.where(videos.c.connection_id == only) if only else query)
    return {status: int(count) for status, count in rows}


def expire_old(tx: Connection, limit: int = 500) -> list[str]:
    """Mark videos whose link has run out; return their ids."""
    due = (
        select(videos.c.id)
        .where(
            videos.c.expires_at <= now_ms(),
            videos.c.status.not_in((VideoStatus.EXPIRED, VideoStatus.ERASED)),
        )
        .limit(limit)
    )
    rows = tx.execute(
        update(videos)
        .where(videos.c.id.in_(due))
        .values(
            status=VideoStatus.EXPIRED,
            reason="expired",
            sentence="The link has run out.",
            work=DONE,
            fence=videos.c.fence + 1,
        )
        .returning(videos.c.id)
    )
    return list(rows.scalars())


def _one(row: Row[Any] | None) -> VideoRow | None:
    return None if row is None else _row(row)


def _row(row: Row[Any]) -> VideoRow:
    return VideoRow(**row._mapping)
