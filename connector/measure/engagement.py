"""
What one person watched of one video, in one session and in all of them together.

Percentages are unique seconds by duration, rounded down: 79.9 % has not reached 80. Definitions
are those that players' vendors publish, so that figures can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.measure.segments import (
    Segment,
    clip,
    counts,
    furthest,
    milliseconds,
    unique_seconds,
    watch_seconds,
)
from connector.measure.states import Refusal, SessionState, read_state

__all__ = [
    "MILESTONES", "Engagement", "Refusal", "Segment", "SessionState", "completed",
    "drop_off_scene", "engagement", "is_view", "milestone", "percent", "read_state", "rewatches",
    "scene_seconds",
]  # fmt: skip

MILESTONES = (25, 50, 75, 95)
VIEW_SECONDS = 2.0
END_SECONDS, END_SHARE = 2.0, 0.8


@dataclass(frozen=True)
class Engagement:
    """The figures of some played stretches of one video; *counts* has one byte per hundredth."""

    duration_ms: int
    counts: bytes
    unique_ms: int
    watch_ms: int
    furthest_ms: int
    last_ms: int

    @property
    def percent(self) -> int:
        """How much of the video was seen, in whole percent."""
        return percent(self.unique_ms, self.duration_ms)

    @property
    def furthest_percent(self) -> int:
        """How far into the video the viewer came, in whole percent."""
        return percent(self.furthest_ms, self.duration_ms)

    @property
    def milestone(self) -> int:
        """The highest milestone that was reached, or 0."""
        return milestone(self.percent)

    @property
    def completed(self) -> bool:
        """Tell whether the viewer saw it through."""
        return completed(self)


def engagement(
    segments: Iterable[Sequence[float]], duration: float, last: float | None = None
) -> Engagement:
    """Measure stretches of one session, or of several sessions of the same video together."""
    inside = clip(segments, duration)
    ended = inside[-1][1] if inside else 0.0
    stopped = ended if last is None else min(max(last, 0.0), duration)
    return Engagement(
        duration_ms=milliseconds(duration),
        counts=counts(inside, duration),
        unique_ms=milliseconds(unique_seconds(inside)),
        watch_ms=milliseconds(watch_seconds(inside)),
        furthest_ms=milliseconds(furthest(inside)),
        last_ms=milliseconds(stopped),
    )


def percent(part_ms: int, duration_ms: int) -> int:
    """Express a part of a video in whole percent, rounded down, 100 at most."""
    return min(part_ms * 100 // duration_ms, 100) if duration_ms > 0 else 0


def milestone(percent_watched: int) -> int:
    """Find the highest milestone at or below a percentage, or 0."""
    return max((m for m in MILESTONES if m <= percent_watched), default=0)


def completed(seen: Engagement) -> bool:
    """
    Tell whether somebody saw a video through.

    Reaching the end counts only with most of the video seen: who skips to the end has not.
    """
    near_end = seen.furthest_ms >= seen.duration_ms - END_SECONDS * 1000
    most = seen.unique_ms >= END_SHARE * seen.duration_ms
    return seen.duration_ms > 0 and (seen.percent >= MILESTONES[-1] or (near_end and most))


def is_view(*, gesture: bool, watch_ms: int) -> bool:
    """Tell whether a session is a view: a person pressed play, and 2 s were really played."""
    return gesture and watch_ms >= VIEW_SECONDS * 1000


def rewatches(sessions: Iterable[Iterable[Sequence[float]]]) -> int:
    """
    Count the sessions in which at least 2 s were watched again.

    It does not matter whether the viewer went back within a session or came back for another.
    """
    seen: list[Sequence[float]] = []
    count = 0
    for session in sessions:
        played = list(session)
        new = unique_seconds([*seen, *played]) - unique_seconds(seen)
        count += watch_seconds(played) - new >= VIEW_SECONDS - 1e-6
        seen += played
    return count


def drop_off_scene(scenes: Sequence[Mapping[str, Any]], last: float) -> str | None:
    """Name the scene of the manifest in which a position lies."""
    inside = [scene for scene in scenes if float(scene["start"]) <= last]
    return str(inside[-1]["name"]) if inside else None


def scene_seconds(
    scenes: Sequence[Mapping[str, Any]], segments: Iterable[Sequence[float]]
) -> dict[str, float]:
    """Add up the different seconds that were seen of each scene, so that unlike videos compare."""
    played = list(segments)
    return {str(scene["name"]): _seen(scene, played) for scene in scenes}


def _seen(scene: Mapping[str, Any], played: Sequence[Sequence[float]]) -> float:
    start, end = float(scene["start"]), float(scene["start"]) + float(scene["seconds"])
    return unique_seconds(
        (max(s[0], start), min(s[1], end)) for s in played if s[0] < end and s[1] > start
    )
