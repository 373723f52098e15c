"""Judges the captions: whether each stands alone, inside of the video, long enough to be read."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from renderers.captions import Cue
from renderers.storyboard import Storyboard

SHORTEST = 0.7  # seconds; guides for subtitlers ask for five sixths, rounded down to be lenient
FASTEST = 25.0  # characters a second; guides ask for 15 to 20
_MOMENT = 0.001  # WebVTT counts in milliseconds


def judge_captions(cues: Sequence[Cue], board: Storyboard) -> Iterator[tuple[str, str, Cue]]:
    """Tell which captions are badly timed: of each kind the worst."""
    for one, other in pairwise(sorted(cues, key=lambda cue: cue.start)):
        if other.start < one.end - _MOMENT:
            yield "captions_overlap", f"Two captions are shown at {other.start:.2f} s.", other
            break
    for cue in cues:
        if cue.start < -_MOMENT or cue.end > board.duration + _MOMENT or cue.end <= cue.start:
            yield (
                "caption_outside",
                f"A caption runs from {cue.start:.2f} to {cue.end:.2f} s in a video of "
                f"{board.duration:.2f} s.",
                cue,
            )
            break
    yield from _hurried([cue for cue in cues if cue.end > cue.start])


def _hurried(cues: Sequence[Cue]) -> Iterator[tuple[str, str, Cue]]:
    if not cues:
        return
    brief = min(cues, key=_seconds)
    if _seconds(brief) < SHORTEST - _MOMENT:
        yield (
            "caption_short",
            f"A caption is shown for {_seconds(brief):.1f} s only: lengthen the scene or narrate "
            "less.",
            brief,
        )
    fast = max(cues, key=_pace)
    if _pace(fast) > FASTEST:
        yield (
            "caption_fast",
            f"A caption asks for {_pace(fast):.0f} characters a second; {FASTEST:.0f} can be "
            "read: lengthen the scene or narrate less.",
            fast,
        )


def _seconds(cue: Cue) -> float:
    return cue.end - cue.start


def _pace(cue: Cue) -> float:
    return len(cue.text.replace("\n", " ")) / _seconds(cue)
