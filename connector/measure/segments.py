"""
The arithmetic of played stretches.

A player reports `[start, end, rate]` in seconds of the video, one for each stretch that was played
without a break; the same second may occur several times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

BUCKETS = 100
SATURATED = 255
Segment = tuple[float, float, float]


def clip(segments: Iterable[Sequence[float]], duration: float) -> tuple[Segment, ...]:
    """Keep what lies inside the video, in the order in which it was played."""
    kept = ((max(s[0], 0.0), min(s[1], duration), s[2] if len(s) > 2 else 1.0) for s in segments)
    return tuple((start, end, rate) for start, end, rate in kept if end > start)


def union(segments: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
    """Merge stretches, so that no second occurs twice."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted((s[0], s[1]) for s in segments):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def watch_seconds(segments: Iterable[Sequence[float]]) -> float:
    """Add up all that was played; what is watched twice counts twice."""
    return math.fsum(s[1] - s[0] for s in segments)


def unique_seconds(segments: Iterable[Sequence[float]]) -> float:
    """Add up the different seconds that were played."""
    return math.fsum(end - start for start, end in union(segments))


def furthest(segments: Iterable[Sequence[float]]) -> float:
    """Find the furthest second that was played."""
    return max((s[1] for s in segments), default=0.0)


def counts(segments: Iterable[Sequence[float]], duration: float) -> bytes:
    """
    Count for each hundredth of the video how often it was played, at most 255 times.

    A hundredth was played when its middle was: so neighbouring stretches never count one twice.
    """
    found = [0] * BUCKETS
    if duration <= 0:
        return bytes(found)
    for segment in segments:
        for bucket in range(_after(segment[0], duration), _after(segment[1], duration)):
            found[bucket] = min(found[bucket] + 1, SATURATED)
    return bytes(found)


def from_counts(played: bytes, duration: float) -> list[Segment]:
    """Return stretches that were played as often, where only the counts are kept; without order."""
    edges = [place / BUCKETS * duration for place in range(BUCKETS + 1)]
    found: list[Segment] = []
    for level in range(max(played, default=0)):
        begun: int | None = None
        for place in range(BUCKETS + 1):
            inside = place < len(played) and played[place] > level
            if inside and begun is None:
                begun = place
            elif not inside and begun is not None:
                found.append((edges[begun], edges[place], 1.0))
                begun = None
    return found


def _after(second: float, duration: float) -> int:
    """Find the first bucket whose middle lies at or after a second."""
    return min(max(math.ceil(second / duration * BUCKETS - 0.5), 0), BUCKETS)


def milliseconds(seconds: float) -> int:
    """Round seconds to whole milliseconds."""
    return round(seconds * 1000)
