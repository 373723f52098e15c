"""
What is kept of sessions when they are old: their part in the sums, and less and less of the rest.

Sessions of which only sums may be kept go after a day. Of the others go the stretches that were played,
with their order and speed; what is left are a hundred counts, and what each scene got of them. The sums
of views do not change by either.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from connector.measure.sums import shares_of
from connector.measure.tracking import AGGREGATE
from connector.store import Store, curves
from connector.store.clock import now
from connector.store.sessions import COLUMNS, SessionRow, Shown, shown
from connector.store.tables import events, sessions

DAY_MS = 86_400_000
PAGE = 500  # sessions in one transaction


def settle_passing(store: Store) -> int:
    """Forget sessions of which only sums may be kept, a day after their end; return how many."""
    gone = 0
    while count := _settle_page(store):
        gone += count
    return gone


def drop_stretches(store: Store, days: int) -> int:
    """Forget the stretches of sessions that began so many days ago; return of how many."""
    done = 0
    while count := _drop_page(store, days):
        done += count
    return done


def _settle_page(store: Store) -> int:
    with store.write() as tx:
        old = and_(sessions.c.tracking == AGGREGATE, sessions.c.last_at < now(tx) - DAY_MS)
        rows, videos = _page(tx, old, sessions.c.last_at)
        ids = [row.id for row in rows]
        tx.execute(delete(events).where(events.c.session_id.in_(ids)))
        tx.execute(delete(sessions).where(sessions.c.id.in_(ids)))
        curves.settle(tx, curves.difference(videos, [(None, row) for row in rows]))
    return len(rows)


def _drop_page(store: Store, days: int) -> int:
    with store.write() as tx:
        old = and_(sessions.c.shares.is_(None), sessions.c.first_at < now(tx) - days * DAY_MS)
        rows, videos = _page(tx, old, sessions.c.first_at)
        for row in rows:
            kept = _shares(row, videos[row.video_id])
            own = sessions.c.id == row.id
            tx.execute(update(sessions).where(own).values(segments=[], shares=kept))
    return len(rows)


def _page(
    tx: Connection, old: ColumnElement[bool], by: ColumnElement[int]
) -> tuple[Sequence[SessionRow], dict[str, Shown]]:
    """Return the oldest of the sessions that are *old*, with their videos, held against beacons."""
    chosen = select(sessions.c.id, sessions.c.video_id).where(old).order_by(by).limit(PAGE)
    found = tx.execute(chosen).all()
    videos = shown(tx, {row.video_id for row in found})
    # read when nobody can change them any more
    ids = [row.id for row in found]
    rows = tx.execute(select(*COLUMNS).where(sessions.c.id.in_(ids), old))
    return [SessionRow(**row._mapping) for row in rows], videos


def _shares(row: SessionRow, video: Shown) -> dict[str, list[int]]:
    """Return what a session adds to each scene; one that is no view may yet become one."""
    seen = shares_of(row, video.of(row.version).scenes)
    return {name: [share.place, *share.numbers] for name, share in seen.items()}
