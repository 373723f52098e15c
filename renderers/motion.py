"""Moves parts in and out at the edges of their time: quick, eased, and never by chance."""

from dataclasses import dataclass

from renderers.parts import Timing


@dataclass(frozen=True)
class Pose:
    """How a part stands in one frame; equal poses draw alike."""

    alpha: float
    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0


GONE = Pose(0.0)
STILL = Pose(1.0)
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


def ease_out(share: float) -> float:
    """Run quickly first and settle gently (cubic)."""
    return 1 - (1 - min(max(share, 0.0), 1.0)) ** 3


def ease_in(share: float) -> float:
    """Leave slowly first and then quickly (cubic)."""
    return min(max(share, 0.0), 1.0) ** 3


def _moved(way: str, shown: float, scale: float) -> Pose:
    away = 1 - shown
    alpha = round(shown, 4)
    match way:
        case "rise":
            return Pose(alpha, dy=round(_RISE * away * scale, 2))
        case "slide":
            return Pose(alpha, dx=round(-_SLIDE * away * scale, 2))
        case "grow":
            return Pose(alpha, scale=round(1 - _GROW * away, 4))
        case "fade":
            return Pose(alpha)
    return STILL
