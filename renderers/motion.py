"""Moves parts in and out at the edges of their time: quick, eased, and never by chance."""

import math
from dataclasses import dataclass

from renderers.parts import Timing


@dataclass(frozen=True)
class Pose:
    """How a part stands in one frame; equal poses draw alike.

    Shifts are whole pixels: text is as sharp on its way as it is at rest, and what was drawn once
    can be moved.
    """

    alpha: float
    dx: int = 0
    dy: int = 0
    scale: float = 1.0


GONE = Pose(0.0)
STILL = Pose(1.0)
_STEPS = 32
_RISE, _SLIDE, _GROW = 32.0, 64.0, 0.08  # pixels at 720p, pixels, share of the size


def pose(timing: Timing, frame: int, scale: float) -> Pose:
    """Place a part in a frame of its scene; `scale` turns 720p pixels into output pixels."""
    if not timing.first <= frame < timing.last:
        return GONE
    since, until = frame - timing.first, timing.last - 1 - frame
    if since < timing.enter_frames:
        return _moved(timing.enter, ease_out((since + 1) / (timing.enter_frames + 1)), scale)
    if until < timing.exit_frames:
        gone = (timing.exit_frames - until) / (timing.exit_frames + 1)
        return _moved(timing.exit, 1 - ease_in(gone), -scale)
    return STILL


def reach(timing: Timing, scale: float) -> tuple[int, int]:
    """Tell by how many pixels a part may stand aside of its place, across and up or down."""
    ways = (timing.enter, timing.exit)
    across = _SLIDE * scale if "slide" in ways else 0.0
    upright = _RISE * scale if "rise" in ways else 0.0
    return math.ceil(across), math.ceil(upright)


def ease_out(share: float) -> float:
    """Run quickly first and settle gently (cubic)."""
    return 1 - (1 - min(max(share, 0.0), 1.0)) ** 3


def ease_in(share: float) -> float:
    """Leave slowly first and then quickly (cubic)."""
    return min(max(share, 0.0), 1.0) ** 3


def ease_in_out(share: float) -> float:
    """Start gently and settle gently (cubic), half-way at half time."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def stepped(share: float) -> float:
    """Round a share to steps that can just not be seen.

    Smaller ones would cost a picture each, and encoders leave out what changes so little: it would
    be missing in the end.
    """
    return round(share * _STEPS) / _STEPS


def _moved(way: str, shown: float, scale: float) -> Pose:
    away = 1 - shown
    alpha = stepped(shown)
    match way:
        case "rise":
            return Pose(alpha, dy=round(_RISE * away * scale))
        case "slide":
            return Pose(alpha, dx=round(-_SLIDE * away * scale))
        case "grow":
            return Pose(alpha, scale=1 - _GROW * (1 - alpha))
        case "fade":
            return Pose(alpha)
    return STILL
