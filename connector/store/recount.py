"""
Counting the sums of views anew: what the sessions that are kept add up to, and what is settled.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Select,
    Table,
    Text,
    cast,
    func,
    not_,
    select,
)

from connector.measure.fields import HUMAN
from connector.measure.sums import (
    NOTHING,
    VIEW_SUMS,
    Contribution,
    SceneShare,
    Sign,
    contribution,
)
from connector.store import Store
from connector.store.curves import (
    ALL,
    KEY,
    PAGE,
    SETTLED,
    SHARES,
    VECTORS,
    Key,
    Sums,
    add,
    day_of,
)
from connector.store.sessions import NEVER, renderings
from connector.store.tables import sessions, videos

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1)
VIEW = sessions.c.viewed & (sessions.c.viewer == HUMAN)
MEASURED = [
    sessions.c[name]
    for name in (
        "first_at", "duration_ms", "counts", "segments", "shares", "unique_ms", "furthest_ms",
        "last_ms", "viewed", "viewer", "reasons", "clicked", "version",
    )
] + [
    videos.c.receipt["scenes"].label("scenes"),
    videos.c.earlier,
    videos.c.version.label("newest"),
]  # fmt: skip
_DAY = sessions.c.first_at // DAY_MS  # a number, which both databases can compute


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


def withdraw(tx: Connection, video_ids: Collection[str]) -> None:
    """Take back what the sessions of these videos added, before the sessions are deleted."""
    own = sessions.c.video_id.in_(video_ids)
    # before the sums, as everybody does who moves them
    tx.execute(select(sessions.c.id).where(own).order_by(sessions.c.id).with_for_update()).all()
    add(tx, {key: NOTHING - sum_ for key, sum_ in _kept(tx, own).items()})


def _hold(tx: Connection) -> None:
    """Keep others from moving the sums until the end of the transaction."""
    # who writes to SQLite is alone
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("LOCK TABLE sessions IN EXCLUSIVE MODE")


def _differences(tx: Connection, days: Collection[str] | None = None) -> dict[Key, Contribution]:
    """Return what each row lacks; a negative number is what it has too much."""
    begun = () if days is None else (_DAY.in_([_number(day) for day in days]),)
    parts = (_kept(tx, *begun), _stored(tx, SETTLED, days))
    stored = _stored(tx, ALL, days)
    lacking = {
        key: sum((part.get(key, NOTHING) for part in parts), NOTHING) - stored.get(key, NOTHING)
        for key in {*stored, *parts[0], *parts[1]}
    }
    return {key: difference for key, difference in lacking.items() if difference}


def _number(day: str) -> int:
    return (date.fromisoformat(day) - EPOCH).days


def _kept(tx: Connection, *where: ColumnElement[bool]) -> dict[Key, Contribution]:
    """Add up what the sessions that are kept contribute, a page of them at a time."""
    rows = tx.execute(
        select(*(videos.c[name] for name in KEY[:-1]), *MEASURED)
        .join_from(sessions, videos)
        .where(VIEW, *where)
        .execution_options(yield_per=PAGE)
    )
    found: dict[Key, Contribution] = {
        key: Contribution(filtered=signs) for key, signs in _left_out(tx, *where).items()
    }
    for row in rows:
        key = Key(row.connection_id, row.campaign, row.variant, row.template, day_of(row.first_at))
        found[key] = found.get(key, NOTHING) + contribution(row, _scenes(row))
    return found


def _left_out(tx: Connection, *where: ColumnElement[bool]) -> dict[Key, dict[Sign, int]]:
    """Count the sessions that are no views, by whom they were taken for and each sign."""
    words, number = cast(sessions.c.reasons, Text), _DAY.label("number")
    of = [videos.c[name] for name in KEY[:-1]]
    rows = tx.execute(
        select(*of, number, sessions.c.viewer, words, func.count())
        .join_from(sessions, videos)
        .where(not_(VIEW), *where)
        .group_by(*of, number, sessions.c.viewer, words)
    )
    found: dict[Key, dict[Sign, int]] = {}
    for *names, days, viewer, reasons, count in rows:
        day = (EPOCH + timedelta(days=days)).isoformat()
        key = Key(**dict(zip(KEY, (*names, day), strict=True)))
        signs = found.setdefault(key, {})
        for reason in ("", *json.loads(reasons)):
            signs[viewer, reason] = signs.get((viewer, reason), 0) + count
    return found


def _scenes(row: Row[Any]) -> Sequence[Mapping[str, Any]]:
    """Return the scenes of the rendering that was watched."""
    known = renderings(row.newest, 0.0, row.scenes, row.earlier)
    return known.get(row.version, NEVER).scenes


def _stored(tx: Connection, sums: Sums, days: Collection[str] | None) -> dict[Key, Contribution]:
    scenes: dict[Key, dict[str, SceneShare]] = {}
    for row in tx.execute(_of_days(sums.scenes, days)).mappings():
        share = SceneShare(row["place"], **{name: row[name] for name in SHARES})
        scenes.setdefault(_key(row), {})[row["scene"]] = share
    signs: dict[Key, dict[Sign, int]] = {}
    for row in tx.execute(_of_days(sums.filtered, days)).mappings():
        signs.setdefault(_key(row), {})[row["viewer"], row["reason"]] = row["sessions"]
    # what is in one table counts as stored though the others lack the row
    found = {
        key: Contribution(scenes=scenes.get(key, {}), filtered=signs.get(key, {}))
        for key in {*scenes, *signs}
    }
    for row in tx.execute(_of_days(sums.curves, days)).mappings():
        key = _key(row)
        found[key] = found.get(key, NOTHING) + _curve(row)
    return found


def _curve(row: RowMapping) -> Contribution:
    views = tuple(row[name] for name in VIEW_SUMS)
    reach, hits, rewatched, dropped = (tuple(row[name]) for name in VECTORS)
    return Contribution(row["plays"], reach, hits, rewatched, dropped, views=views)


def _of_days(table: Table, days: Collection[str] | None) -> Select[Any]:
    return select(table) if days is None else select(table).where(table.c.day.in_(days))


def _key(row: RowMapping) -> Key:
    return Key(*(row[name] for name in KEY))
