"""
A default engagement score, for CRMs that have no scoring of their own.

It counts what a person watched and clicked, fades with time, and is bounded, so that nobody
becomes hot by playing one video all day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from connector.measure.engagement import milestone

MILESTONE_POINTS = {25: 3, 50: 5, 75: 8, 95: 10}
REWATCH_POINTS, REWATCHES_COUNTED = 3, 2
CLICK_POINTS = 15
VIDEO_CAP, WINDOW_CAP = 25, 40
WINDOW = timedelta(days=30)
HALF_LIFE = timedelta(days=30)
BORED_PERCENT, BORED_IN_A_ROW, BORED_POINTS = 10, 2, 2
OPT_OUT_POINTS = 50
WORTH_WRITING = 0.2
LONGEST_FADING = 400  # days; whatever was scored is nothing by then
WARM, HOT = 8, 20  # three quarters of one video; watched and clicked


@dataclass(frozen=True)
class Watched:
    """What one person did with one video; *at* is when they last watched it."""

    at: datetime
    percent: int
    rewatches: int = 0
    clicked: bool = False


def score(watched: Iterable[Watched], now: datetime, *, opted_out: bool = False) -> int:
    """Score a contact by the videos that they watched, 0 at least."""
    newest_first = sorted(watched, key=lambda w: w.at, reverse=True)
    total = sum(
        points * fading(now - each.at)
        for each, points in zip(newest_first, _bounded(newest_first), strict=True)
    )
    total -= BORED_POINTS if _bored(newest_first) else 0
    total -= OPT_OUT_POINTS if opted_out else 0
    return max(round(total), 0)


def fades_in(
    watched: Sequence[Watched], now: datetime, *, opted_out: bool = False
) -> timedelta | None:
    """
    Tell in how many whole days a score that is left alone is worth writing down anew.

    That is when its tier changes or a fifth of it is gone; None for a score of nothing.
    """
    points_now = score(watched, now, opted_out=opted_out)
    for days in range(1, LONGEST_FADING if points_now else 0):
        later = score(watched, now + timedelta(days=days), opted_out=opted_out)
        if tier(later) != tier(points_now) or later <= points_now * (1 - WORTH_WRITING):
            return timedelta(days=days)
    return None


def points(one: Watched) -> int:
    """Score one video when it was watched just now."""
    found = MILESTONE_POINTS.get(milestone(one.percent), 0)
    found += REWATCH_POINTS * min(one.rewatches, REWATCHES_COUNTED)
    return min(found + (CLICK_POINTS if one.clicked else 0), VIDEO_CAP)


def fading(age: timedelta) -> float:
    """Tell what is left of points after some time: a half after each half-life."""
    return float(2.0 ** (-max(age, timedelta(0)) / HALF_LIFE))


def _bounded(newest_first: Sequence[Watched]) -> list[int]:
    """Let the videos of any 30 days earn no more than the cap together, newest first."""
    earned: list[int] = []
    for each in newest_first:
        recent = (
            gained
            for other, gained in zip(newest_first, earned, strict=False)
            if other.at - each.at < WINDOW
        )
        earned.append(min(points(each), max(WINDOW_CAP - sum(recent), 0)))
    return earned


def _bored(newest_first: Sequence[Watched]) -> bool:
    last = newest_first[:BORED_IN_A_ROW]
    return len(last) == BORED_IN_A_ROW and all(w.percent < BORED_PERCENT for w in last)


def tier(points: int) -> Literal["cold", "warm", "hot"]:
    """Name a score for people who sort lists by it."""
    return "hot" if points >= HOT else "warm" if points >= WARM else "cold"
