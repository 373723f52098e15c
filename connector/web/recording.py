"""
From beacons to rows: what is plausible of a group of them is stored in one transaction.

Nothing in a beacon is believed that the server can know better: the video's length, how long the
page has been open, whose session it is. Times are the database's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

from connector.measure.engagement import Refusal, SessionState, engagement, is_view, read_state
from connector.measure.tracking import AGGREGATE, strictest
from connector.measure.viewers import (
    SHOWN_BY_OTHERS,
    Signals,
    Verdict,
    judge,
    judge_again,
    ua_class,
)
from connector.store import curves, sessions
from connector.store.clock import now
from connector.store.sessions import CTA_CLICK, Event, SessionRow, Shown
from connector.web.desk import Desk
from connector.web.wire import Beacon, Ticket

MOST_SKEW = 60_000  # milliseconds that a browser's clock may be off before it is noted
OTHER_LENGTH = 1.0  # seconds that a player's idea of the length may differ, likewise


class Outcome(StrEnum):
    """What became of a beacon."""

    STORED = "stored"
    OLD = "old"
    DROPPED = "dropped"
    FOREIGN = "foreign"


@dataclass(frozen=True)
class Heard:
    """One beacon with its verified ticket, how the browser names itself, and whether it looks ahead."""

    beacon: Beacon
    ticket: Ticket
    agent: str = ""
    prefetch: bool = False


def record(here: Desk, group: Sequence[Heard]) -> list[Outcome]:
    """Store a group of beacons in one transaction; return what became of each."""
    with here.store.write() as tx:
        batch = _Batch(tx, group, here.settings.tracking)
        outcomes = [batch.take(heard) for heard in group]
        sessions.keep(tx, batch.fresh.values())
        sessions.note(tx, batch.events)
        sessions.owe_measure(tx, batch.moved, here.settings.coalesce_seconds)
        # last, because everybody else who watches the same campaign waits for these rows
        curves.add(tx, curves.difference(batch.shown, batch.changed()))
    return outcomes


class _Batch:
    """One transaction's beacons, read against what was known before it."""

    def __init__(self, tx: Connection, group: Sequence[Heard], tracking: str) -> None:
        self.tracking = tracking
        self.moment = now(tx)
        self.shown = sessions.shown(tx, (heard.ticket.v for heard in group))
        self.known = sessions.by_ids(tx, (heard.beacon.s for heard in group))
        self.fresh: dict[str, SessionRow] = {}
        self.events: list[Event] = []
        self.moved: set[str] = set()

    def take(self, heard: Heard) -> Outcome:
        """Weigh one beacon against what is known and remember what is new of it."""
        beacon, video = heard.beacon, self.shown.get(heard.ticket.v)
        if video is None or not video.measured(heard.ticket.n):
            return Outcome.DROPPED
        before = self.fresh.get(beacon.s) or self.known.get(beacon.s)
        same = (video.video_id, heard.ticket.n)
        if before is not None and (before.video_id, before.version) != same:
            return Outcome.FOREIGN
        if before is not None and beacon.q <= before.sequence:
            return Outcome.OLD
        open_for = max(0, self.moment - heard.ticket.at) / 1000
        duration = video.of(heard.ticket.n).duration
        state = read_state(beacon.model_dump(), duration=duration, wall_seconds=open_for)
        if isinstance(state, Refusal):
            return Outcome.DROPPED
        row = _row(heard, video, state, before, self.moment)
        mode = strictest(self.tracking, row.tracking, before.tracking if before else None)
        self._remember(row if mode == row.tracking else replace(row, tracking=mode), state)
        return Outcome.STORED

    def changed(self) -> list[tuple[SessionRow | None, SessionRow]]:
        """Return the group's sessions as they were, if they were, and as they are."""
        return [(self.known.get(row.id), row) for row in self.fresh.values()]

    def _remember(self, row: SessionRow, state: SessionState) -> None:
        self.fresh[row.id] = row
        self.moved.add(row.video_id)
        self.events += [
            Event(beat.id, row.id, row.video_id, beat.name, round(beat.position * 1000), beat.cta)
            for beat in state.events
        ]


def _row(
    heard: Heard, video: Shown, state: SessionState, before: SessionRow | None, moment: int
) -> SessionRow:
    seen = engagement(state.segments, video.of(heard.ticket.n).duration, state.last)
    first_at = before.first_at if before else moment
    own = judge(_signals(heard, state, seen.watch_ms, (first_at - video.minted_at) / 1000))
    viewed = is_view(gesture=state.flags["gesture"], watch_ms=seen.watch_ms)
    verdict = _with_others(own, before, viewed=viewed, watch_ms=seen.watch_ms)
    return SessionRow(
        id=state.id,
        video_id=video.video_id,
        sequence=state.sequence,
        first_at=first_at,
        last_at=moment,
        duration_ms=seen.duration_ms,
        segments=[[*segment] for segment in state.segments],
        counts=seen.counts,
        unique_ms=seen.unique_ms,
        watch_ms=seen.watch_ms,
        furthest_ms=seen.furthest_ms,
        last_ms=seen.last_ms,
        viewed=viewed,
        viewer=verdict.viewer,
        score=verdict.score,
        reasons=list(verdict.reasons),
        flags=_flags(heard, video, state, moment),
        version=heard.ticket.n,
        tracking=_tracking(heard),
        clicked=(before is not None and before.clicked)
        or any(beat.name == CTA_CLICK for beat in state.events),
    )


def _with_others(
    own: Verdict, before: SessionRow | None, *, viewed: bool, watch_ms: int
) -> Verdict:
    """Let those signs stand that no beacon can show, because only other sessions do."""
    shown = [sign for sign in before.reasons if sign in SHOWN_BY_OTHERS] if before else []
    return judge_again(own, *shown, viewed=viewed, watch_ms=watch_ms) if shown else own


def _tracking(heard: Heard) -> str:
    """Return how this may be remembered, by its page and by what the browser asks for."""
    return strictest(heard.ticket.m, AGGREGATE if heard.beacon.f.dnt else None)


def _signals(
    heard: Heard, state: SessionState, watch_ms: int, seconds_after_send: float
) -> Signals:
    return Signals(
        gesture=state.flags["gesture"],
        watch_ms=watch_ms,
        user_agent=heard.agent,
        visible=state.flags["visible"],
        input=bool(heard.beacon.f.inp),
        webdriver=state.flags["webdriver"],
        honeypot=state.flags["honeypot"],
        prefetch=heard.prefetch,
        # a link cannot be sent before it exists; when it really was sent the CRM does not say
        seconds_after_send=seconds_after_send,
        internal=heard.ticket.own,
    )


def _flags(heard: Heard, video: Shown, state: SessionState, moment: int) -> dict[str, Any]:
    beacon, duration = heard.beacon, video.of(heard.ticket.n).duration
    told = {name for name, value in state.flags.items() if value}
    told |= {
        name
        for name, holds in (
            ("input", beacon.f.inp),
            ("untracked", beacon.f.dnt),
            ("clipped", state.clipped),
            ("other_length", abs(beacon.d - duration) > OTHER_LENGTH),
            ("clock_off", abs(beacon.at - moment) > MOST_SKEW),
        )
        if holds
    }
    return dict.fromkeys(sorted(told), 1) | {
        # what it says of itself is classed and not kept
        "agent": ua_class(heard.agent),
        "startup_ms": beacon.k.st,
        "stalled": beacon.k.sl,
        "errors": beacon.k.er,
    }
