"""
What the views of a campaign add up to, by day: curves of a hundred buckets, and sums by scene.

A row moves by the difference that a session makes, in the transaction that stores the session, so it
never has to be counted anew; `recount` does so all the same, and must come to the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Select,
    Table,
    bindparam,
    case,
    func,
    select,
    update,
)

from connector.measure.fields import HUMAN
from connector.measure.segments import BUCKETS
from connector.measure.sums import NOTHING, ZEROS, Contribution, SceneShare, Vector, contribution
from connector.store import Store
from connector.store.clock import moment
from connector.store.sessions import NEVER, renderings
from connector.store.tables import curves, scene_sums, sessions, videos
from connector.store.upsert import insert_for

__all__ = [
    "BUCKETS", "Curve", "Key", "SceneSum", "add", "day_of", "of_campaign", "recount",
    "scenes_of_campaign", "withdraw",
]  # fmt: skip

DAY_MS = 86_400_000
PAGE = 500  # sessions that a recount holds in memory at once
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


def add(tx: Connection, moves: Mapping[Key, Contribution]) -> None:
    """Move the sums by these differences."""
    # in one order everywhere, so that two processes cannot lock each other out
    for key in sorted(key for key, move in moves.items() if move):
        _move(tx, vars(key), moves[key])


def withdraw(tx: Connection, video_ids: Collection[str]) -> None:
    """Take back what the sessions of these videos added, before the sessions are deleted."""
    add(tx, {key: NOTHING - sum_ for key, sum_ in _true(tx, videos.c.id.in_(video_ids)).items()})


def recount(store: Store, *, mend: bool = False) -> int:
    """
    Compare the sums with what the sessions add up to; return how many rows differ.

    With *mend* they are made right. Nobody has to wait meanwhile, unless a row seems to differ.
    """
    with store.read() as tx:
        days = {key.day for key in _differences(tx)}
    if not days:
        return 0
    with store.write() as tx:
        _hold(tx)
        found = _differences(tx, days)
        if mend:
            add(tx, found)
    return len(found)


def _chosen(
    table: Table, campaign: str, variant: str | None, template: str | None
) -> list[ColumnElement[bool]]:
    wanted = {"campaign": campaign, "variant": variant, "template": template}
    return [table.c[name] == value for name, value in wanted.items() if value is not None]


def _sum(ours: Vector, theirs: Iterable[int]) -> Vector:
    return tuple(map(int.__add__, ours, theirs))


# Moving a row


def _move(tx: Connection, key: Mapping[str, str], move: Contribution) -> None:
    own = {f"own_{name}": value for name, value in key.items()}
    row = tx.execute(_LOCKING, own).one_or_none()
    if row is None:
        blank = {"plays": 0, **dict.fromkeys(VECTORS, ZEROS)}
        tx.execute(_beginning(tx.dialect.name), {**key, **blank})
        # another process may have begun it first, and added to it
        row = tx.execute(_LOCKING, own).one()
    vectors = {f"new_{name}": _sum(getattr(move, name), getattr(row, name)) for name in VECTORS}
    tx.execute(_CHANGING, {**own, **vectors, "new_plays": row.plays + move.plays})
    shares = [
        {**key, "scene": scene, **vars(share)}
        for scene, share in sorted(move.scenes.items())
        if any(share.numbers)
    ]
    if shares:
        tx.execute(_sharing(tx.dialect.name), shares)


_OWN = [curves.c[name] == bindparam(f"own_{name}") for name in KEY]
_LOCKING = (
    select(curves.c.plays, *(curves.c[name] for name in VECTORS)).where(*_OWN).with_for_update()
)
_CHANGING = (
    update(curves)
    .where(*_OWN)
    .values(
        {name: bindparam(f"new_{name}", type_=curves.c[name].type) for name in ("plays", *VECTORS)}
    )
)


# Building an insert costs more than running it.
@cache
def _beginning(dialect: str) -> Any:
    return insert_for(dialect, curves).on_conflict_do_nothing()


@cache
def _sharing(dialect: str) -> Any:
    adding = insert_for(dialect, scene_sums)
    later = adding.excluded.place > scene_sums.c.place
    return adding.on_conflict_do_update(
        index_elements=[*KEY, "scene"],
        set_={
            "place": case((later, adding.excluded.place), else_=scene_sums.c.place),
            **{name: scene_sums.c[name] + adding.excluded[name] for name in SHARES},
        },
    )


# Counting anew


MEASURED = [
    sessions.c[name]
    for name in ("first_at", "duration_ms", "counts", "segments", "last_ms", "viewed", "viewer")
] + [
    videos.c.receipt["scenes"].label("scenes"),
    videos.c.earlier,
    sessions.c.version,
    videos.c.version.label("newest"),
]
_DAY = sessions.c.first_at // DAY_MS  # a number, which both databases can compute


def _number(day: str) -> int:
    return (date.fromisoformat(day) - date(1970, 1, 1)).days


def _hold(tx: Connection) -> None:
    """Keep others from moving the sums until the end of the transaction."""
    # who writes to SQLite is alone
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("LOCK TABLE curves IN EXCLUSIVE MODE")


def _differences(tx: Connection, days: Collection[str] | None = None) -> dict[Key, Contribution]:
    """Return what each row lacks; a negative number is what it has too much."""
    begun = () if days is None else (_DAY.in_([_number(day) for day in days]),)
    true, stored = _true(tx, *begun), _stored(tx, days)
    lacking = {key: true.get(key, NOTHING) - stored.get(key, NOTHING) for key in {*true, *stored}}
    return {key: difference for key, difference in lacking.items() if difference}


def _true(tx: Connection, *where: ColumnElement[bool]) -> dict[Key, Contribution]:
    """Add up what sessions contribute, a page of them at a time."""
    rows = tx.execute(
        select(*(videos.c[name] for name in KEY[:-1]), *MEASURED)
        .join_from(sessions, videos)
        .where(sessions.c.viewed, sessions.c.viewer == HUMAN, *where)
        .execution_options(yield_per=PAGE)
    )
    found: dict[Key, Contribution] = {}
    for row in rows:
        key = Key(row.connection_id, row.campaign, row.variant, row.template, day_of(row.first_at))
        found[key] = found.get(key, NOTHING) + contribution(row, _scenes(row))
    return found


def _scenes(row: Row[Any]) -> Sequence[Mapping[str, Any]]:
    """Return the scenes of the rendering that was watched."""
    known = renderings(row.newest, 0.0, row.scenes, row.earlier)
    return known.get(row.version, NEVER).scenes


def _stored(tx: Connection, days: Collection[str] | None) -> dict[Key, Contribution]:
    scenes: dict[Key, dict[str, SceneShare]] = {}
    for row in tx.execute(_of_days(scene_sums, days)).mappings():
        share = SceneShare(row["place"], **{name: row[name] for name in SHARES})
        scenes.setdefault(_key(row), {})[row["scene"]] = share
    # scenes count as stored though their curve's row is missing
    found = {key: Contribution(scenes=shares) for key, shares in scenes.items()}
    for row in tx.execute(_of_days(curves, days)).mappings():
        vectors = {name: tuple(row[name]) for name in VECTORS}
        shares = scenes.get(_key(row), {})
        found[_key(row)] = Contribution(plays=row["plays"], scenes=shares, **vectors)
    return found


def _of_days(table: Table, days: Collection[str] | None) -> Select[Any]:
    return select(table) if days is None else select(table).where(table.c.day.in_(days))


def _key(row: RowMapping) -> Key:
    return Key(*(row[name] for name in KEY))
