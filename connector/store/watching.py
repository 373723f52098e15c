"""
What the views of a campaign come to: milestones, clicks, viewers, and what was filtered.

A view is a session in which a verified person pressed play and 2 s were really played. All days are
taken together. Views are counted by the sums, which also know those whose sessions are not kept any more;
what is counted by video or by person can only come from sessions that are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Float,
    Select,
    and_,
    case,
    cast,
    distinct,
    func,
    or_,
    select,
)

from connector.measure.curves import Spread
from connector.measure.engagement import MILESTONES
from connector.measure.sums import MILLION, VIEW_SUMS
from connector.measure.tracking import IDENTIFIED
from connector.model import VideoStatus
from connector.store.sessions import COLUMNS, SessionRow
from connector.store.tables import curves, filtered_sums, sessions, videos

# a link that leads, or led, to something to watch
SENT = tuple(
    status.value
    for status in (
        VideoStatus.MINTED,
        VideoStatus.READY,
        VideoStatus.READY_WITH_FALLBACK,
        VideoStatus.APPROVED,
        VideoStatus.STALE,
        VideoStatus.EXPIRED,
    )
)
MOST_VALUES = 12
MANIFESTS = 200
HUMAN = "human"

VIEW = and_(sessions.c.viewed, sessions.c.viewer == HUMAN)
# 32 bits are too few for a hundred times the milliseconds of a long video
UNIQUE = cast(sessions.c.unique_ms, BigInteger)
LENGTH = case((sessions.c.duration_ms > 0, cast(sessions.c.duration_ms, BigInteger)), else_=1)
SHARE = case((UNIQUE >= LENGTH, 1.0), else_=cast(UNIQUE, Float) / cast(LENGTH, Float))
# without a contact every video is a viewer of its own
VIEWER = videos.c.connection_id + ":" + func.coalesce(videos.c.contact_id, "video " + videos.c.id)


@dataclass(frozen=True)
class Totals:
    """
    A campaign's views in all.

    *watched* is the sum of the shares that each view saw, *reached* counts views by milestone.
    """

    campaign: str
    sent: int
    plays: int = 0
    watched: float = 0.0
    completed: int = 0
    clicked: int = 0
    reached: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Crowd:
    """How many different people are behind those views whose sessions are kept."""

    viewers: int
    views: int


@dataclass(frozen=True)
class Funnel:
    """
    Of how many videos that were sent somebody saw how much, each counted by its best view.

    Only sessions that are kept tell of which video they are.
    """

    sent: int
    played: int
    reached: Mapping[int, int]
    clicked: int


@dataclass(frozen=True)
class Filtered:
    """Sessions of one kind of viewer that count nowhere, and how many showed which sign."""

    viewer: str
    sessions: int
    reasons: Mapping[str, int]


def totals(tx: Connection, campaign: str | None = None) -> list[Totals]:
    """Return what each campaign comes to, or one alone, those with most views first."""
    chosen = [] if campaign is None else [videos.c.campaign == campaign]
    sent = func.sum(_one(videos.c.status.in_(SENT)))
    made = tx.execute(
        select(videos.c.campaign, sent).where(*chosen).group_by(videos.c.campaign)
    ).all()
    seen = _seen(tx, campaign)
    found = [Totals(name, int(count), **seen.get(name, {})) for name, count in made]
    return sorted(found, key=lambda one: (-one.plays, -one.sent, one.campaign))


def crowd(tx: Connection, campaign: str) -> Crowd:
    """Count the different people who viewed a campaign, as far as sessions are kept."""
    row = tx.execute(
        select(func.count(distinct(VIEWER)), func.count())
        .join_from(sessions, videos)
        .where(VIEW, videos.c.campaign == campaign)
    ).one()
    return Crowd(row[0], row[1])


def funnel(tx: Connection, campaign: str) -> Funnel:
    """Count a campaign's videos by how far their best view came."""
    best = _best(campaign).subquery()
    columns = [func.sum(_one(best.c.percent >= mark)) for mark in MILESTONES]
    row = tx.execute(select(func.count(), func.sum(best.c.clicked), *columns)).one()
    sent = tx.execute(
        select(func.count())
        .select_from(videos)
        .where(videos.c.campaign == campaign)
        # what was watched was sent, whatever became of it
        .where(or_(videos.c.status.in_(SENT), videos.c.id.in_(select(best.c.video_id))))
    ).scalar_one()
    counts = {mark: int(count or 0) for mark, count in zip(MILESTONES, row[2:], strict=True)}
    return Funnel(sent, row[0], counts, int(row[1] or 0))


def filtered(tx: Connection, campaign: str) -> list[Filtered]:
    """Count a campaign's sessions that are no views, by viewer and sign."""
    table = filtered_sums
    count = func.sum(table.c.sessions)
    rows = tx.execute(
        select(table.c.viewer, table.c.reason, count)
        .where(table.c.campaign == campaign)
        .group_by(table.c.viewer, table.c.reason)
        .having(count > 0)
    )
    found: dict[str, dict[str, int]] = {}
    for viewer, reason, number in rows:
        found.setdefault(viewer, {})[reason] = int(number)
    return [Filtered(name, signs.pop("", 0), signs) for name, signs in sorted(found.items())]


def makes(tx: Connection, campaign: str) -> tuple[list[str], list[str]]:
    """Return a campaign's templates and its variants, each by name; no variant is none."""
    rows = tx.execute(
        select(videos.c.template, videos.c.variant).where(videos.c.campaign == campaign).distinct()
    ).all()
    return sorted({row[0] for row in rows}), sorted({row[1] for row in rows} - {""})


def manifests(tx: Connection, campaign: str) -> list[tuple[Sequence[Mapping[str, Any]], float]]:
    """Return scenes and length of a campaign's newest videos, to place its scenes by."""
    rows = tx.execute(
        select(videos.c.receipt["scenes"], videos.c.receipt["duration"].as_float())
        .where(videos.c.campaign == campaign, videos.c.receipt.is_not(None))
        .order_by(videos.c.minted_at.desc(), videos.c.id)
        .limit(MANIFESTS)
    )
    return [(row[0] or (), float(row[1] or 0)) for row in rows]


def few_valued(tx: Connection, campaign: str, slots: Sequence[str]) -> list[str]:
    """Return those of *slots* that have two values or more in a campaign, but not too many."""
    if not slots:
        return []
    counts = [func.count(distinct(_value(slot))) for slot in slots]
    row = tx.execute(select(*counts).where(videos.c.campaign == campaign)).one()
    return [slot for slot, count in zip(slots, row, strict=True) if 2 <= count <= MOST_VALUES]


def by_value(tx: Connection, campaign: str, slot: str) -> list[Spread]:
    """Add up the shares that were seen of a campaign's videos, by a slot's value; best view each."""
    best = _best(campaign).subquery()
    # each name of the slot is a parameter of its own, so the database could not see that two are one
    rows = (
        select(_value(slot).label("value"), best.c.share, VIEWER.label("viewer"))
        .join_from(best, videos, best.c.video_id == videos.c.id)
        .subquery()
    )
    share = rows.c.share
    found = tx.execute(
        select(
            rows.c.value,
            func.count(),
            func.sum(share),
            func.sum(share * share),
            func.count(distinct(rows.c.viewer)),
        ).group_by(rows.c.value)
    )
    return [Spread(row[0] or "", row[1], float(row[2]), float(row[3]), row[4]) for row in found]


def newest_sessions(tx: Connection, video_id: str, limit: int) -> list[SessionRow]:
    """Return a video's newest sessions, as far as somebody may look at them."""
    query = select(*COLUMNS).where(
        sessions.c.video_id == video_id,
        sessions.c.tracking == IDENTIFIED,
        # how rows of earlier versions say that they may not be told of
        sessions.c.flags["untracked"].as_integer().is_(None),
    )
    newest = query.order_by(sessions.c.first_at.desc(), sessions.c.id).limit(limit)
    return [SessionRow(**row._mapping) for row in tx.execute(newest)]


def _seen(tx: Connection, campaign: str | None) -> dict[str, dict[str, Any]]:
    """Return what the sums say of each campaign, or of one alone."""
    names = ("plays", *VIEW_SUMS)
    query = select(curves.c.campaign, *(func.sum(curves.c[name]) for name in names))
    if campaign is not None:
        query = query.where(curves.c.campaign == campaign)
    found = {}
    for name, *numbers in tx.execute(query.group_by(curves.c.campaign)):
        sums = dict(zip(names, map(int, numbers), strict=True))
        reached = {mark: sums.pop(f"reached_{mark}") for mark in MILESTONES}
        found[name] = {**sums, "watched": sums["watched"] / MILLION, "reached": reached}
    return found


def _best(campaign: str) -> Select[Any]:
    """Select, of each video that was viewed, the most that one view saw of it."""
    return (
        select(
            sessions.c.video_id.label("video_id"),
            func.max(SHARE).label("share"),
            # in whole numbers, as milestones are: 79.9 % has not reached 80
            func.max(UNIQUE * 100 // LENGTH).label("percent"),
            func.max(_one(sessions.c.clicked)).label("clicked"),
        )
        .join_from(sessions, videos)
        .where(VIEW, videos.c.campaign == campaign)
        .group_by(sessions.c.video_id)
    )


def _value(slot: str) -> Any:
    return videos.c.slots[slot]["value"].as_string()


def _one(condition: Any) -> Any:
    return case((condition, 1), else_=0)
