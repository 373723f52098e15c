"""
Reads the state of a session from a beacon, which anybody on the internet may have written.

What a player can report by a slip of its clock is clipped; what none reports is refused, with a
reason, so that it can be counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.measure.segments import Segment, clip

VERSION = 1
MOST_SEGMENTS, MOST_EVENTS, MOST_BEATS = 200, 50, 1_000_000
SLOWEST, FASTEST = 0.25, 4.0
# a session may be older than the first beacon of it that arrives: they come every 10 s at most
SLACK_SECONDS = 15.0
EARLY = -0.5  # seconds; seeking to the start makes some players report just below zero
EVENTS = frozenset({
    "load", "play", "pause", "seek", "complete", "cta_view", "cta_click", "captions_on", "rate",
    "share", "unsubscribe_open", "error",
})  # fmt: skip
FLAGS = {"g": "gesture", "m": "muted", "fs": "fullscreen", "cc": "captions", "vis": "visible",
         "wd": "webdriver", "inp": "input", "dnt": "do_not_track", "hp": "honeypot"}  # fmt: skip
_ID = re.compile(r"[0-9A-Za-z_-]{8,40}")
_KEY = re.compile(r"[0-9A-Za-z_.-]{0,64}")


@dataclass(frozen=True)
class Refusal:
    """Why a beacon is not believed."""

    reason: str


@dataclass(frozen=True)
class Beat:
    """One discrete thing that happened in a session; its *id* makes a repeat recognisable."""

    id: str
    name: str
    cta: str
    position: float


@dataclass(frozen=True)
class SessionState:
    """
    The whole state of a session as of one beacon; a later *sequence* replaces an earlier one.

    *flags* tells of gesture, muted, fullscreen, captions, visible, webdriver, input (pointer, key
    or touch before the first play), do_not_track and honeypot (a link that no person can see).
    """

    id: str
    sequence: int
    segments: tuple[Segment, ...]
    last: float
    flags: Mapping[str, bool]
    events: tuple[Beat, ...] = ()
    clipped: bool = False


def read_state(
    payload: Mapping[str, Any], *, duration: float, wall_seconds: float
) -> SessionState | Refusal:
    """
    Read a beacon about a video of *duration*.

    *wall_seconds* is how long ago the session was first seen, by our own clock.
    """
    refusal = _misshapen(payload)
    segments = _segments(payload.get("r", [])) if refusal is None else refusal
    if isinstance(segments, Refusal):
        return segments
    inside = clip(segments, duration)
    believed = _within(inside, max(wall_seconds, 0.0) + SLACK_SECONDS)
    last = _finite(payload.get("p", 0.0))
    return SessionState(
        id=payload["s"],
        sequence=payload["q"],
        segments=believed,
        last=min(max(last or 0.0, 0.0), duration),
        flags=_flags(payload.get("f")),
        events=_events(payload.get("e"), duration),
        clipped=believed != segments,
    )


def _misshapen(payload: Any) -> Refusal | None:
    if not isinstance(payload, Mapping) or payload.get("v") != VERSION:
        return Refusal("unknown_version")
    session, sequence = payload.get("s"), payload.get("q")
    if not isinstance(session, str) or not _ID.fullmatch(session):
        return Refusal("session_invalid")
    if isinstance(sequence, bool) or not isinstance(sequence, int):
        return Refusal("sequence_invalid")
    if not 0 <= sequence <= MOST_BEATS:
        return Refusal("sequence_invalid")
    return None


def _segments(raw: Any) -> tuple[Segment, ...] | Refusal:
    if not isinstance(raw, list | tuple):
        return Refusal("segments_invalid")
    if len(raw) > MOST_SEGMENTS:
        return Refusal("too_many_segments")
    read = [_segment(item) for item in raw]
    wrong = next((item for item in read if isinstance(item, Refusal)), None)
    return wrong or tuple(item for item in read if not isinstance(item, Refusal))


def _segment(raw: Any) -> Segment | Refusal:
    if not isinstance(raw, list | tuple) or len(raw) not in (2, 3):
        return Refusal("segments_invalid")
    numbers = [_finite(part) for part in raw]
    if any(number is None for number in numbers):
        return Refusal("not_a_number")
    start, end, rate = (*(n for n in numbers if n is not None), 1.0)[:3]
    if start < EARLY or end < start:
        return Refusal("impossible_times")
    if not SLOWEST <= rate <= FASTEST:
        return Refusal("impossible_rate")
    return max(start, 0.0), max(end, 0.0), rate


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _within(segments: Sequence[Segment], budget: float) -> tuple[Segment, ...]:
    """Believe no more than could have been played since the session began, earliest first."""
    believed: list[Segment] = []
    for start, end, rate in segments:
        length = min(end - start, budget * rate)
        if length <= 0:
            break
        # what fits stays as it is: adding its length to its start could move its end by a hair
        believed.append((start, end if length == end - start else start + length, rate))
        budget -= length / rate
    return tuple(believed)


def _flags(raw: Any) -> Mapping[str, bool]:
    given = raw if isinstance(raw, Mapping) else {}
    return {name: bool(given.get(key)) for key, name in FLAGS.items()}


def _events(raw: Any, duration: float) -> tuple[Beat, ...]:
    given = raw[:MOST_EVENTS] if isinstance(raw, list | tuple) else ()
    return tuple(beat for item in given if (beat := _beat(item, duration)))


def _beat(raw: Any, duration: float) -> Beat | None:
    if not isinstance(raw, Mapping) or raw.get("n") not in EVENTS:
        return None
    ident, cta = raw.get("i"), raw.get("c", "")
    if not isinstance(ident, str) or not _ID.fullmatch(ident):
        return None
    if not isinstance(cta, str) or not _KEY.fullmatch(cta):
        return None
    position = _finite(raw.get("pos", 0.0)) or 0.0
    return Beat(ident, str(raw["n"]), cta, min(max(position, 0.0), duration))
