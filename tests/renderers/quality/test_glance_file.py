"""A glance at a file finds where it is not what the storyboard promised."""

from collections.abc import Callable
from pathlib import Path

import pytest

from renderers.captions import Cue, cues
from renderers.quality.glance import glance_file
from renderers.quality.reasons import SEVERITY
from renderers.quality.seen import FileSeen, SoundSeen
from renderers.storyboard import Sound, Storyboard
from tests.renderers.quality.sights import a_board, a_file, a_scene, a_sound

MUSIC = Sound("music.m4a", Path("music.m4a"), 0.0, 0.3, 1.5)
Sight = tuple[FileSeen, Storyboard, list[Cue]]


def film(**changes: object) -> Sight:
    """Change one fact of the file."""
    return a_file(**changes), a_board(music=MUSIC), []


def heard(peak: float = 0.5, rms: float = -20.0, seconds: float = 4.0) -> Sight:
    """Change one fact of its sound."""
    return film(sound=SoundSeen(peak, rms, seconds))


def said(*timed: tuple[float, float, str]) -> Sight:
    """Give it captions."""
    return a_file(), a_board(), [Cue(*cue) for cue in timed]


# reason -> what triggers it, and what only nearly does
FILE_CASES: dict[str, tuple[Sight, Sight]] = {
    "frames_wrong": (film(frames=39), film(frames=40)),
    "duration_wrong": (film(seconds=4.11), film(seconds=3.95)),
    "size_wrong": (film(width=322), film(width=320)),
    "parameter_sets_differ": (film(sets_alike=False), film()),
    "sound_missing": (film(sound=None), (a_file(sound=None), a_board(), [])),
    "sound_silent": (heard(rms=-61.0), heard(rms=-59.0)),
    "sound_clipped": (heard(peak=1.0), heard(peak=0.98)),
    "sound_length_wrong": (heard(seconds=3.85), heard(seconds=3.95)),
    "captions_overlap": (
        said((0.0, 1.5, "One."), (1.4, 2.5, "Two.")),
        said((0.0, 1.5, "One."), (1.5, 2.5, "Two.")),
    ),
    "caption_outside": (said((3.0, 4.1, "Late.")), said((3.0, 4.0, "Last."))),
    "caption_short": (said((0.0, 0.6, "Hi.")), said((0.0, 0.7, "Hi."))),
    "caption_fast": (said((0.0, 1.0, "x" * 26)), said((0.0, 1.0, "x" * 25))),
}


def reasons(sight: Sight) -> list[str]:
    """List the reasons that a glance at a file gives."""
    return [finding.reason for finding in glance_file(*sight)]


@pytest.mark.parametrize("reason", FILE_CASES)
def test_what_is_wrong_is_found_and_a_near_miss_is_not(reason: str) -> None:
    """Each threshold has two sides, and the near side is quite in order."""
    bad, near = FILE_CASES[reason]
    assert reasons(bad) == [reason]
    assert reasons(near) == []


@pytest.mark.parametrize("rms", [float("-inf"), float("nan")])
def test_digital_silence_is_silence(rms: float) -> None:
    """No samples at all have no level that can be compared."""
    assert reasons(heard(rms=rms)) == ["sound_silent"]


def test_a_sound_inside_of_a_scene_is_expected_too() -> None:
    """Not only music promises sound."""
    board = a_board(scenes=(a_scene(layers=(a_sound(),)), a_scene("bye", 20)))
    assert reasons((a_file(sound=None), board, [])) == ["sound_missing"]


def test_a_caption_that_runs_backwards_is_outside_of_any_video() -> None:
    """An end before the beginning is a fault, not a pace."""
    assert reasons(said((2.0, 1.0, "Back."))) == ["caption_outside"]


@pytest.mark.parametrize(("start", "scene"), [(0.5, "hello"), (2.0, "bye"), (3.3, "bye")])
def test_a_caption_is_found_in_its_scene(start: float, scene: str) -> None:
    """Whoever reads the finding knows which narration to change."""
    (finding,) = glance_file(*said((start, start + 0.5, "Hi.")))
    assert (finding.scene, finding.severity) == (scene, SEVERITY["caption_short"])


def test_our_own_captions_are_in_order(hello_board: Callable[..., Storyboard]) -> None:
    """What the renderer times by itself passes."""
    board = hello_board(height=180)
    seen = FileSeen(board.frames, board.duration, board.width, board.height, True, None)
    assert glance_file(seen, board, cues(board)) == []
