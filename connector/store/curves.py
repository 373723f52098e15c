"""
What the views of a campaign add up to, by day: curves of a hundred buckets, sums by scene, and what was
filtered.

A row moves by the difference that a session makes, in the transaction that stores the session, so it
never has to be counted anew; `store/recount.py` does so all the same, and must come to the same. Who
moves a row has written the session before, so that a recount can keep everybody out by one lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, case, func, select, update

from connector.measure.segments import BUCKETS
from connector.measure.sums import VIEW_SUMS, ZEROS, Contribution, Vector, contribution
from connector.store.clock import moment
from connector.store.sessions import SessionRow, Shown
from connector.store.tables import (
    curves,
    filtered_sums,
    scene_sums,
    settled_curves,
    settled_filtered_sums,
    settled_scene_sums,
)
from connector.store.upsert import insert_for

__all__ = [
    "BUCKETS", "Curve", "Key", "SceneSum", "Sums", "add", "day_of", "difference", "of_campaign",
    "scenes_of_campaign", "settle",
]  # fmt: skip

PAGE = 500  # rows that are held in memory at once
VECTORS = ("reach", "hits", "rewatched", "dropped")
SHARES = ("plays", "reached", "watched_ms", "completed", "rewatched", "dropped")


@dataclass(frozen=True, order=True)
class Key:
    """Which row a session adds to; its day is that of its beginning, in UTC."""

    connection_id: str
    campaign: str
    variant: str
    template: str
    day: str


KEY = [field.name for field in fields(Key)]


@dataclass(frozen=True)
class Curve:
    """
    Views (`plays`) by verified people and, per 1 % of the length: sessions that saw it (`reach`), times
    played (`hits`), times beyond the first (`rewatched`), sessions whose last position it was (`dropped`).
    """

    plays: int
    reach: tuple[int, ...]
    hits: tuple[int, ...]
    rewatched: tuple[int, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class SceneSum:
    """The same by scene, so that unlike videos add up; `completed`: sessions that saw 95 % of the scene."""

    scene: str
    place: int
    plays: int
    reached: int
    watched_ms: int
    completed: int
    dropped: int
    rewatched: int


@dataclass(frozen=True)
class Sums:
    """Three tables that move together."""

    curves: Table
    scenes: Table
    filtered: Table


ALL = Sums(curves, scene_sums, filtered_sums)
SETTLED = Sums(settled_curves, settled_scene_sums, settled_filtered_sums)


def of_campaign(
    tx: Connection, campaign: str, *, variant: str | None = None, template: str | None = None
) -> Curve:
    """Return the curve of a campaign, of all connections and days; None means all."""
    rows = tx.execute(
        select(curves.c.plays, *(curves.c[name] for name in VECTORS))
        .where(*_chosen(curves, campaign, variant, template))
        .execution_options(yield_per=PAGE)
    )
    plays, *vectors = 0, *(ZEROS for _ in VECTORS)
    for count, *more in rows:
        plays += count
        vectors = [_sum(ours, theirs) for ours, theirs in zip(vectors, more, strict=True)]
    return Curve(plays, *vectors)


def scenes_of_campaign(
    tx: Connection, campaign: str, *, variant: str | None = None, template: str | None = None
) -> list[SceneSum]:
    """Return a campaign's sums by scene, in the order of the video."""
    place = func.max(scene_sums.c.place).label("place")
    rows = tx.execute(
        select(
            scene_sums.c.scene,
            place,
            *(func.sum(scene_sums.c[name]).label(name) for name in SHARES),
        )
        .where(*_chosen(scene_sums, campaign, variant, template))
        .group_by(scene_sums.c.scene)
        .having(func.sum(scene_sums.c.plays) > 0)
        .order_by(place, scene_sums.c.scene)
    )
    return [
        SceneSum(scene=row.scene, place=row.place, **{n: int(row._mapping[n]) for n in SHARES})
        for row in rows
    ]


def day_of(first_at: int) -> str:
    """Return the day in UTC of a time in milliseconds."""
    return moment(first_at).date().isoformat()


def difference(
    shown: Mapping[str, Shown], changed: Iterable[tuple[SessionRow | None, SessionRow]]
) -> dict[Key, Contribution]:
    """Tell by how much sessions move the sums: what each adds now less what it added before."""
    moves: dict[Key, Contribution] = {}
    for before, row in changed:
        video = shown[row.video_id]
        scenes, key = video.of(row.version).scenes, _key(video, row)
        move = contribution(row, scenes) - contribution(before, scenes)
        moves[key] = moves[key] + move if key in moves else move
    return moves


def add(tx: Connection, moves: Mapping[Key, Contribution]) -> None:
    """Move the sums by these differences."""
    _add(tx, ALL, moves)


def settle(tx: Connection, moves: Mapping[Key, Contribution]) -> None:
    """Remember that so much of the sums belongs to sessions that are not kept any more."""
    _add(tx, SETTLED, moves)


def _add(tx: Connection, into: Sums, moves: Mapping[Key, Contribution]) -> None:
    # in one order everywhere, so that two processes cannot lock each other out
    for key in sorted(key for key, move in moves.items() if move):
        if moves[key].viewed:
            _move(tx, into, vars(key), moves[key])
        _filter(tx, into, vars(key), moves[key])


def _key(video: Shown, row: SessionRow) -> Key:
    return Key(
        connection_id=video.connection_id,
        campaign=video.campaign,
        variant=video.variant,
        template=video.template,
        day=day_of(row.first_at),
    )


def _chosen(
    table: Table, campaign: str, variant: str | None, template: str | None
) -> list[ColumnElement[bool]]:
    wanted = {"campaign": campaign, "variant": variant, "template": template}
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def _sum(ours: Vector, theirs: Iterable[int]) -> Vector:
    return tuple(map(int.__add__, ours, theirs))


# Moving a row


def _move(tx: Connection, into: Sums, key: Mapping[str, str], move: Contribution) -> None:
    own = {f"own_{name}": value for name, value in key.items()}
    row = tx.execute(_locking(into), own).one_or_none()
    if row is None:
        blank = {"plays": 0, **dict.fromkeys(VECTORS, ZEROS)}
        tx.execute(_beginning(tx.dialect.name, into), {**key, **blank})
        # another process may have begun it first, and added to it
        row = tx.execute(_locking(into), own).one()
    vectors = {f"new_{name}": _sum(getattr(move, name), getattr(row, name)) for name in VECTORS}
    counts = {"plays": move.plays, **dict(zip(VIEW_SUMS, move.views, strict=True))}
    counted = {f"more_{name}": count for name, count in counts.items()}
    tx.execute(_changing(into), {**own, **vectors, **counted})
    shares = [
        {**key, "scene": scene, **vars(share)}
        for scene, share in sorted(move.scenes.items())
        if any(share.numbers)
    ]
    if shares:
        tx.execute(_sharing(tx.dialect.name, into), shares)


def _filter(tx: Connection, into: Sums, key: Mapping[str, str], move: Contribution) -> None:
    rows = [
        {**key, "viewer": viewer, "reason": reason, "sessions": count}
        for (viewer, reason), count in sorted(move.filtered.items())
        if count
    ]
    if rows:
        tx.execute(_filtering(tx.dialect.name, into), rows)


def _own(table: Table) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(f"own_{name}") for name in KEY]


# Building a statement costs more than running it.
@cache
def _locking(into: Sums) -> Any:
    table = into.curves
    return select(*(table.c[name] for name in VECTORS)).where(*_own(table)).with_for_update()


@cache
def _changing(into: Sums) -> Any:
    table = into.curves
    vectors = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in VECTORS}
    counts = {name: table.c[name] + bindparam(f"more_{name}") for name in ("plays", *VIEW_SUMS)}
    return update(table).where(*_own(table)).values({**vectors, **counts})


@cache
def _beginning(dialect: str, into: Sums) -> Any:
    return insert_for(dialect, into.curves).on_conflict_do_nothing()


@cache
def _sharing(dialect: str, into: Sums) -> Any:
    table, adding = into.scenes, insert_for(dialect, into.scenes)
    later = adding.excluded.place > table.c.place
    return adding.on_conflict_do_update(
        index_elements=[*KEY, "scene"],
        set_={
            "place": case((later, adding.excluded.place), else_=table.c.place),
            **{name: table.c[name] + adding.excluded[name] for name in SHARES},
        },
    )


@cache
def _filtering(dialect: str, into: Sums) -> Any:
    table, adding = into.filtered, insert_for(dialect, into.filtered)
    return adding.on_conflict_do_update(
        index_elements=[*KEY, "viewer", "reason"],
        set_={"sessions": table.c.sessions + adding.excluded.sessions},
    )
