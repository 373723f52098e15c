"""
When somebody is told that a person watched: the owner by a task, programs outside by events.

Scanners show within a minute or so what they are, and what was told cannot be taken back. So no
session is believed before it has stood for some time; until then it is looked at again. What was
told is not remembered here: an event has a key under which it is owed once, and a task a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from connector.measure.engagement import MILESTONES
from connector.measure.fields import HUMAN, SessionFacts, together

ALERT_SECONDS = 75.0
QUIET = timedelta(hours=4)
# what is older was told when it happened, or to nobody
NEWS = timedelta(days=2)

FIRST_VIEW, MILESTONE = "watch.first_view", "watch.milestone"
COMPLETED, CLICKED = "watch.completed", "cta.clicked"


class Task(StrEnum):
    """What becomes of the owner's task: one that is new, or the last one with newer words."""

    NEW = "new"
    FOLD = "fold"


@dataclass(frozen=True)
class Happened:
    """Something in a session that is told once under *key*; *percent* is of the video by then."""

    kind: str
    key: str
    session_id: str
    at: datetime
    percent: int
    milestone: int = 0
    cta: str = ""


def proven(sessions: Mapping[str, SessionFacts], now: datetime) -> dict[str, SessionFacts]:
    """Keep the sessions of verified people that have stood long enough to be told of."""
    return {key: s for key, s in sessions.items() if s.viewer == HUMAN and _left(s, now) <= 0}


def look_again(sessions: Iterable[SessionFacts], now: datetime) -> float | None:
    """Return in how many seconds the next session of a person has proved itself; None without."""
    waits = [_left(s, now) for s in sessions if s.viewer == HUMAN]
    return min((left for left in waits if left > 0), default=None)


def happenings(
    video_id: str,
    sessions: Mapping[str, SessionFacts],
    clicks: Mapping[str, Sequence[str]],
    now: datetime,
) -> list[Happened]:
    """Find what is to be told of a video whose proven *sessions* these are."""
    ordered = sorted(sessions.items(), key=lambda item: (item[1].first_at, item[0]))
    watched = [(key, facts) for key, facts in ordered if facts.counts]
    found = [*_watching(video_id, watched)]
    for key, facts in ordered:
        percent = together([one for _, one in watched if one.first_at <= facts.first_at]).percent
        found += [
            Happened(CLICKED, f"{key}:{cta}", key, facts.last_at, percent, cta=cta)
            for cta in clicks.get(key, ())
        ]
    return [one for one in found if now - one.at <= NEWS]


def task_due(sessions: Iterable[SessionFacts], told_at: datetime | None) -> Task | None:
    """
    Tell what the proven sessions of a video mean for its owner, who was last told at *told_at*.

    What follows within four hours is folded into that task; what comes later is a task of its own.
    """
    last = max((s.last_at for s in sessions if s.counts), default=None)
    if last is None:
        return None
    if told_at is None or last - told_at >= QUIET:
        return Task.NEW
    return Task.FOLD


def _left(session: SessionFacts, now: datetime) -> float:
    return ALERT_SECONDS - (now - session.first_at).total_seconds()


def _watching(video_id: str, ordered: Sequence[tuple[str, SessionFacts]]) -> Iterator[Happened]:
    """Name the session that first brought a view, each milestone and the end."""
    before = together([])
    for place, (key, facts) in enumerate(ordered):
        seen = together([one for _, one in ordered[: place + 1]])
        if place == 0:
            yield Happened(FIRST_VIEW, video_id, key, facts.last_at, seen.percent)
        for mark in MILESTONES:
            if before.percent < mark <= seen.percent:
                own = f"{video_id}:{mark}"
                yield Happened(MILESTONE, own, key, facts.last_at, seen.percent, mark)
        if seen.completed and not before.completed:
            yield Happened(COMPLETED, video_id, key, facts.last_at, seen.percent)
        before = seen
