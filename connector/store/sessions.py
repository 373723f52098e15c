"""
Who watched what: one row per load of the player, and the discrete things that happened in it.

A beacon carries a session's whole state and a growing number, so a row only ever moves forward:
beacons that are lost, repeated or overtaken change nothing. `measures` says which videos have news
that is not yet on their contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from connector.measure.segments import from_counts
from connector.measure.tracking import IDENTIFIED, OFF
from connector.model import VideoStatus
from connector.store.clock import now
from connector.store.tables import (
    DUE,
    events,
    measures,
    sessions,
    subjects,
    videos,
)
from connector.store.upsert import insert
from connector.store.watching_upserts import keeping, noting, owing, prepared

CTA_CLICK = "cta_click"


@dataclass(frozen=True)
class SessionRow:
    """A session as stored; times are milliseconds since 1970."""

    id: str
    video_id: str
    sequence: int
    first_at: int
    last_at: int
    duration_ms: int
    segments: list[list[float]]
    counts: bytes
    unique_ms: int
    watch_ms: int
    furthest_ms: int
    last_ms: int
    viewed: bool
    viewer: str
    score: int
    reasons: list[str]
    flags: dict[str, Any]
    version: int = 1
    tracking: str = IDENTIFIED
    clicked: bool = False
    shares: dict[str, list[int]] | None = None

    @property
    def told(self) -> bool:
        """Whether anybody may learn that it was this contact who watched."""
        # the flag is how rows of earlier versions say it
        return self.tracking == IDENTIFIED and not self.flags.get("untracked")

    @property
    def played(self) -> Sequence[Sequence[float]]:
        """The stretches that were played, or what can be told of them when they are not kept."""
        if self.shares is None:
            return self.segments
        return from_counts(self.counts, self.duration_ms / 1000)


@dataclass(frozen=True)
class Event:
    """Something discrete in a session; its own id makes a repeat recognisable."""

    id: str
    session_id: str
    video_id: str
    name: str
    position_ms: int
    cta: str = ""


@dataclass(frozen=True)
class Rendering:
    """One rendering of a video as far as measuring needs it."""

    duration: float
    scenes: list[dict[str, Any]]


NEVER = Rendering(0.0, [])


@dataclass(frozen=True)
class Shown:
    """What judging a beacon and adding it up needs of the video that it is about."""

    video_id: str
    status: str
    minted_at: int
    refused: bool  # the viewer wants no videos, or not to be measured
    connection_id: str
    campaign: str
    variant: str
    template: str
    renderings: Mapping[int, Rendering]

    def of(self, version: int) -> Rendering:
        """Return a rendering; one without length where there never was such a one."""
        return self.renderings.get(version, NEVER)

    def measured(self, version: int) -> bool:
        """Tell whether watching this rendering may be remembered, and there is something to watch."""
        watchable = self.of(version).duration > 0
        return self.status != VideoStatus.ERASED and not self.refused and watchable


COLUMNS = [sessions.c[field.name] for field in fields(SessionRow)]


def _showing() -> Select[Any]:
    # the receipt holds far more than the two things that a beacon needs
    duration = videos.c.receipt["duration"].as_float()
    # without a contact a video is a viewer of its own
    nobody = videos.c.contact_id.is_(None)
    refused = exists().where(
        subjects.c.connection_id == videos.c.connection_id,
        subjects.c.kind == case((nobody, "video"), else_="contact"),
        subjects.c.subject_id == func.coalesce(videos.c.contact_id, videos.c.id),
        or_(subjects.c.opted_out_at.is_not(None), subjects.c.tracking == OFF),
    )
    return (
        select(videos.c.id, videos.c.status, duration, videos.c.minted_at, refused)
        .add_columns(*(videos.c[name] for name in ("connection_id", "campaign", "variant")))
        .add_columns(videos.c.template, videos.c.receipt["scenes"])
        .add_columns(videos.c.version, videos.c.earlier)
        .where(videos.c.id.in_(IDS))
        .order_by(videos.c.id)
        # one process at a time may say what a session was before; an erasure at the same moment
        # waits for us too, then takes our rows along
        .with_for_update(key_share=True, of=videos)
    )


# built once: every group of beacons runs them
IDS: BindParameter[Any] = bindparam("ids", expanding=True)
SHOWING = _showing()
BY_IDS = select(*COLUMNS).where(sessions.c.id.in_(IDS))


def shown(tx: Connection, video_ids: Iterable[str]) -> dict[str, Shown]:
    """Return what is known of these videos; unknown ones are absent."""
    return {
        row[0]: Shown(
            video_id=row[0],
            status=row[1],
            minted_at=row[3],
            refused=bool(row[4]),
            connection_id=row[5],
            campaign=row[6],
            variant=row[7],
            template=row[8],
            renderings=renderings(row[10], float(row[2] or 0.0), row[9], row[11]),
        )
        for row in tx.execute(SHOWING, {"ids": sorted(set(video_ids))})
    }


def renderings(
    version: int,
    duration: float,
    scenes: list[dict[str, Any]] | None,
    earlier: Mapping[str, Mapping[str, Any]] | None,
) -> dict[int, Rendering]:
    """Return the renderings of a video by version: the present one and those before it."""
    before = {
        int(number): Rendering(float(one["duration"]), one["scenes"])
        for number, one in (earlier or {}).items()
    }
    return {**before, version: Rendering(duration, scenes or [])}


def by_ids(tx: Connection, session_ids: Iterable[str]) -> dict[str, SessionRow]:
    """Return the sessions that exist among *session_ids*."""
    rows = tx.execute(BY_IDS, {"ids": sorted(set(session_ids))})
    return {row[0]: SessionRow(*row) for row in rows}


def of_videos(tx: Connection, video_ids: Sequence[str]) -> list[SessionRow]:
    """Return all sessions of some videos, oldest first."""
    rows = tx.execute(
        select(*COLUMNS)
        .where(sessions.c.video_id.in_(video_ids))
        .order_by(sessions.c.first_at, sessions.c.id)
    )
    return [SessionRow(**row._mapping) for row in rows]


def keep(tx: Connection, rows: Iterable[SessionRow]) -> None:
    """Store these states; one that is not newer than what is there changes nothing."""
    # in one order everywhere, so that two web processes cannot lock each other out
    values = [_values(row) for row in sorted(rows, key=lambda row: row.id)]
    if values:
        tx.execute(prepared(tx, keeping), values)


def begin(tx: Connection, row: SessionRow) -> bool:
    """Make sure that a session exists, leaving one that does; False where it is another video's."""
    tx.execute(insert(tx, sessions).values(**_values(row)).on_conflict_do_nothing())
    owner = tx.execute(select(sessions.c.video_id).where(sessions.c.id == row.id)).scalar_one()
    return bool(owner == row.video_id)


def change(tx: Connection, session_id: str, **columns: Any) -> None:
    """Set columns of a session."""
    tx.execute(update(sessions).where(sessions.c.id == session_id).values(**columns))


def note(tx: Connection, these: Iterable[Event]) -> None:
    """Remember what happened; a repeat of the same event changes nothing."""
    moment = now(tx)
    values = [{**vars(event), "at": moment} for event in sorted(these, key=lambda event: event.id)]
    if values:
        tx.execute(prepared(tx, noting), values)


def clicks(tx: Connection, session_ids: Sequence[str]) -> Mapping[str, list[str]]:
    """Return which calls to action were clicked in each session, each at most once."""
    rows = tx.execute(
        select(events.c.session_id, events.c.cta, func.min(events.c.at).label("at"))
        .where(events.c.session_id.in_(session_ids), events.c.name == CTA_CLICK)
        .group_by(events.c.session_id, events.c.cta)
        .order_by("at")
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.session_id, []).append(row.cta)
    return found


def owe_measure(tx: Connection, video_ids: Iterable[str], delay: float) -> None:
    """Have these videos measured in *delay* seconds, or sooner where they wait already."""
    soon = now(tx) + int(delay * 1000)
    values = [
        {"id": video_id, "version": 1, "work": DUE, "due_at": soon}
        for video_id in sorted(set(video_ids))
    ]
    if values:
        tx.execute(prepared(tx, owing), values)


def measure_version(tx: Connection, video_id: str) -> int:
    """Return how often a video's measuring was asked for."""
    found = tx.execute(select(measures.c.version).where(measures.c.id == video_id)).scalar()
    return int(found or 0)


def _values(row: SessionRow) -> dict[str, Any]:
    # dataclasses.asdict would copy every segment of every session
    return dict(vars(row))
