"""
What a curve of a hundred hundredths tells: where views end suddenly, and what is watched again.

The rules are stated in words beside the numbers that they use, so that a page can print them.
Intervals are for 95 %: Wilson's for shares, Student's for averages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BUCKETS = 100
ENOUGH_VIEWS = 10
DROP_WITHIN, DROP_POINTS, END_CARD = 5, 10, 5
PEAK_SHARE, PEAK_ABOVE, NEIGHBOURS, PEAK_WIDTH = 0.05, 1.2, 10, 2
FEWEST_VIEWERS = 5
Z = 1.959964
DROP_RULE = (
    f"A sudden drop is a fall of reach by at least {DROP_POINTS} points within {DROP_WITHIN} % of the "
    f"length, with at least {ENOUGH_VIEWS} views. The last {END_CARD} % do not count: there people leave "
    "because it is over."
)
PEAK_RULE = (
    f"A peak is a place with at least {PEAK_SHARE * 100:.0f} rewatches per 100 views, and at least "
    f"{PEAK_ABOVE * 100 - 100:.0f} % more than the {NEIGHBOURS} % before and after it, with at least "
    f"{ENOUGH_VIEWS} views."
)


@dataclass(frozen=True)
class Placed:
    """A scene and where it lies, as shares of the length."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Finding:
    """A drop (points of reach that are lost) or a peak (rewatches per 100 views), and its scene."""

    kind: str
    bucket: int
    size: float
    scene: str


@dataclass(frozen=True)
class Interval:
    """A value with the bounds between which it lies with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """Sums of shares watched: of how many videos, their sum and that of their squares, and viewers."""

    label: str
    count: int
    total: float
    squares: float
    viewers: int


def share(part: int, whole: int) -> Interval | None:
    """Give a share with Wilson's interval; None of nothing."""
    if whole <= 0:
        return None
    p, z2 = min(max(part / whole, 0.0), 1.0), Z * Z
    middle = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = Z * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return Interval(p, min(max(middle - half, 0.0), p), max(min(middle + half, 1.0), p))


def average(spread: Spread) -> Interval | None:
    """Give the mean of shares with Student's interval; None of fewer than two."""
    count = spread.count
    if count < 2:
        return None
    mean = spread.total / count
    variance = max(spread.squares - count * mean * mean, 0.0) / (count - 1)
    half = _student(count - 1) * math.sqrt(variance / count)
    return Interval(mean, max(mean - half, 0.0), min(mean + half, 1.0))


def _student(freedom: int) -> float:
    """Approximate the 97.5 % quantile by its series; for one degree alone the series is too short."""
    if freedom == 1:
        return 12.7062
    if freedom == 2:
        return 4.3027
    z, v = Z, freedom
    first = (z**3 + z) / (4 * v)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    return z + first + second + third


def mean_places(manifests: Iterable[tuple[Sequence[Mapping[str, Any]], float]]) -> list[Placed]:
    """Place each scene by its mean share, from the scenes and the length of some videos."""
    found: dict[str, list[tuple[float, float]]] = {}
    for scenes, duration in manifests:
        for scene in scenes if duration > 0 else ():
            start, seconds = float(scene["start"]), float(scene["seconds"])
            ends = start / duration, min((start + seconds) / duration, 1.0)
            found.setdefault(str(scene["name"]), []).append(ends)
    placed = [
        Placed(name, sum(s for s, _ in ends) / len(ends), sum(e for _, e in ends) / len(ends))
        for name, ends in found.items()
    ]
    return sorted(placed, key=lambda one: (one.start, one.name))


def scene_at(scenes: Sequence[Placed], place: float) -> str:
    """Name the scene that lies at a share of the length, or nothing."""
    inside = [scene.name for scene in scenes if scene.start <= place]
    return inside[-1] if inside else ""


def drops(reach: Sequence[int], plays: int, scenes: Sequence[Placed] = ()) -> list[Finding]:
    """Find sudden drops by DROP_RULE, in the order of the video; the steepest stretches first win."""
    if plays < ENOUGH_VIEWS:
        return []
    # in whole sessions, so that exactly ten points are ten points
    falls = {
        at: reach[at] - reach[at + DROP_WITHIN]
        for at in range(BUCKETS - DROP_WITHIN - END_CARD)
        if (reach[at] - reach[at + DROP_WITHIN]) * 100 >= DROP_POINTS * plays
    }
    found = []
    for at in _apart(falls, DROP_WITHIN):
        # the steepest step of the stretch is where people leave
        steps = range(at + 1, at + DROP_WITHIN + 1)
        bucket = max(steps, key=lambda i: (reach[i - 1] - reach[i], -i))
        scene = scene_at(scenes, bucket / BUCKETS)
        found.append(Finding("drop", bucket, 100 * falls[at] / plays, scene))
    return found


def peaks(rewatched: Sequence[int], plays: int, scenes: Sequence[Placed] = ()) -> list[Finding]:
    """Find what is watched again by PEAK_RULE, in the order of the video."""
    if plays < ENOUGH_VIEWS:
        return []
    high = {
        at: count
        for at, count in enumerate(rewatched)
        if count >= PEAK_SHARE * plays and count >= PEAK_ABOVE * _around(rewatched, at)
    }
    return [
        Finding("peak", at, 100 * rewatched[at] / plays, scene_at(scenes, (at + 0.5) / BUCKETS))
        for at in _apart(high, NEIGHBOURS)
    ]


def _around(numbers: Sequence[int], at: int) -> float:
    """Average what is near, without the place itself and what touches it."""
    near = [
        number
        for i, number in enumerate(numbers)
        if PEAK_WIDTH < abs(i - at) <= NEIGHBOURS + PEAK_WIDTH
    ]
    return sum(near) / len(near)


def _apart(sizes: Mapping[int, int], distance: int) -> list[int]:
    """Choose the largest first, then only what lies far enough from what is chosen."""
    chosen: list[int] = []
    for at in sorted(sizes, key=lambda at: (-sizes[at], at)):
        if all(abs(at - other) > distance for other in chosen):
            chosen.append(at)
    return sorted(chosen)


def grouped(spreads: Iterable[Spread], others: str = "others") -> list[Spread]:
    """Put values with few viewers together, the most common value first, the rest last."""
    given = sorted(spreads, key=lambda one: (-one.viewers, one.label))
    kept = [one for one in given if one.viewers >= FEWEST_VIEWERS]
    few = [one for one in given if one.viewers < FEWEST_VIEWERS]
    if not few:
        return kept
    rest = Spread(
        others,
        sum(one.count for one in few),
        math.fsum(one.total for one in few),
        math.fsum(one.squares for one in few),
        sum(one.viewers for one in few),
    )
    return [*kept, rest]
