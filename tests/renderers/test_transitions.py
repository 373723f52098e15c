"""A scene may take over from the one before it; planes and pictures agree on how."""

import re
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from renderers.errors import TemplateError
from renderers.schema import TransitionKind
from renderers.storyboard import SlotValue, Storyboard, Transition, assemble
from renderers.transitions import mix
from tests.renderers.samples import WriteTemplate

KINDS = get_args(TransitionKind)
Plane = NDArray[np.uint8]

THREE = """
title = "Three"
fps = 30

[slots.first_name]

[[scenes]]
name = "one"
seconds = 2.0
when = "first_name"
transition = { kind = "fade" }
layers = [{ kind = "shape" }]

[[scenes]]
name = "two"
seconds = 2.0
transition = { kind = "wipe", ms = 600 }
layers = [{ kind = "shape" }]

[[scenes]]
name = "three"
seconds = 2.0
transition = { kind = "slide" }
layers = [{ kind = "shape" }]
"""


def three(write_template: WriteTemplate, toml: str = THREE, name: str | None = "Ada") -> Storyboard:
    """Assemble the three scenes; without a name the first is left out."""
    slots = {"first_name": SlotValue(name)} if name else {}
    return assemble(write_template(toml), slots, height=36)


def picture(seed: int, blocks: tuple[int, int]) -> Plane:
    """Make a picture of random blocks of two by two pixels, so that halving it loses nothing."""
    colours = np.random.default_rng(seed).integers(0, 256, (*blocks, 3), dtype=np.uint8)
    return colours.repeat(2, axis=0).repeat(2, axis=1)


def planes(rgb: Plane) -> tuple[Plane, Plane, Plane]:
    """Turn RGB into Y, U and V (bt709, limited range), U and V of half the size."""
    red, green, blue = (rgb[:, :, i].astype(float) / 255 for i in range(3))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    u, v = (blue - luma) / 1.8556, (red - luma) / 1.5748
    y, u, v = 16 + 219 * luma, *(128 + 224 * _halved(plane) for plane in (u, v))
    return tuple(np.rint(plane).astype(np.uint8) for plane in (y, u, v))  # type: ignore[return-value]


def _halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = plane.shape
    means: NDArray[np.float64] = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return means


def furthest(one: Plane, other: Plane) -> int:
    """Tell the largest difference of two pictures in levels."""
    return int(np.abs(one.astype(int) - other).max())


def test_a_scene_carries_its_transition_in_frames(write_template: WriteTemplate) -> None:
    """Milliseconds become whole frames; 400 are the default."""
    scenes = three(write_template).scenes
    assert [scene.transition for scene in scenes] == [
        None,
        Transition("wipe", 18),
        Transition("slide", 12),
    ]


def test_the_first_scene_that_is_shown_has_no_transition(write_template: WriteTemplate) -> None:
    """Also when it is first because the one before it is left out for this person."""
    board = three(write_template, name=None)
    assert [scene.name for scene in board.scenes] == ["two", "three"]
    assert [scene.transition for scene in board.scenes] == [None, Transition("slide", 12)]


def test_transitions_move_no_scene(write_template: WriteTemplate) -> None:
    """Scenes begin when they would begin without; the video is another one nevertheless."""
    plain = three(write_template, re.sub(r"transition = .*\n", "", THREE))
    moving = three(write_template)
    assert moving.manifest() == plain.manifest()
    assert moving.duration == plain.duration == 6
    assert moving.key() != plain.key()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('"wipe", ms = 1000', "1000 ms is not below half of the scene's 2 s"),
        ('"wipe", ms = 1201', "less than or equal to 1200"),
        ('"wipe", ms = 199', "greater than or equal to 200"),
        ('"zoom"', "'fade', 'slide' or 'wipe'"),
        ('"wipe", secs = 1', "secs: is not a word of templates"),
    ],
)
def test_a_transition_that_cannot_be_is_refused_with_its_line(
    write_template: WriteTemplate, wrong: str, words: str
) -> None:
    """The message names file, line and scene."""
    toml = THREE.replace('"wipe", ms = 600', wrong)
    with pytest.raises(TemplateError, match=re.escape(words)) as caught:
        three(write_template, toml)
    assert re.search(r"template\.toml:17: scene 'two': transition", str(caught.value))


def test_a_transition_just_below_half_of_its_scene_is_fine(write_template: WriteTemplate) -> None:
    """Half is the limit, not near it."""
    board = three(write_template, THREE.replace("ms = 600", "ms = 999"))
    assert board.scenes[1].transition == Transition("wipe", 30)


def test_an_unknown_kind_is_an_error() -> None:
    """No transition passes silently as another."""
    plane = np.zeros((4, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match="'zoom' is no transition"):
        mix("zoom", plane, plane, 0, 5)


moments = st.integers(1, 36).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n)))
sizes = st.tuples(st.integers(2, 40), st.integers(2, 80))


@given(kind=st.sampled_from(KINDS), moment=moments, blocks=sizes, seed=st.integers(0, 999))
@settings(max_examples=80, deadline=None)
def test_planes_are_mixed_as_their_picture_is(
    kind: str, moment: tuple[int, int], blocks: tuple[int, int], seed: int
) -> None:
    """Mixing Y, U and V gives what mixing RGB and turning it into Y, U and V gives."""
    before, after = picture(seed, blocks), picture(seed + 1, blocks)
    whole = planes(mix(kind, before, after, *moment))
    pairs = zip(planes(before), planes(after), strict=True)
    for index, (one, other) in enumerate(pairs):
        mixed = mix(kind, one, other, *moment, halved=index > 0)
        assert mixed.shape == one.shape
        assert furthest(mixed, whole[index]) <= 2


@given(kind=st.sampled_from(KINDS), moment=moments, blocks=sizes, halved=st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_alike_in_both_scenes_does_not_flicker(
    kind: str, moment: tuple[int, int], blocks: tuple[int, int], halved: bool
) -> None:
    """A fade or a wipe between equal pictures is that picture, to the level."""
    plane = picture(7, blocks)[:, :, 0]
    alike = plane if kind != "slide" else np.full_like(plane, 77)
    assert (mix(kind, alike, alike, *moment, halved=halved) == alike).all()


@given(moment=moments, blocks=sizes)
@settings(max_examples=40, deadline=None)
def test_a_slide_moves_both_pictures_by_whole_even_pixels(
    moment: tuple[int, int], blocks: tuple[int, int]
) -> None:
    """Every pixel of the mix is one of the old picture or of the new one, side by side."""
    before, after = picture(1, blocks), picture(2, blocks)
    width, mixed = before.shape[1], mix("slide", before, after, *moment)
    both = np.concatenate([before, after], axis=1)
    gone = [x for x in range(0, width + 1, 2) if (both[:, x : x + width] == mixed).all()]
    assert len(gone) == 1
    half = mix("slide", before[::2, ::2, 0], after[::2, ::2, 0], *moment, halved=True)
    assert (half == mixed[::2, ::2, 0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_transition_runs_from_one_picture_to_the_other(kind: str) -> None:
    """Its first frame is nearly the old picture, its last nearly the new one, and it never turns."""
    before, after = np.full((72, 128), 16, np.uint8), np.full((72, 128), 235, np.uint8)
    levels = [mix(kind, before, after, step, 12).mean() for step in range(12)]
    assert levels == sorted(levels)
    assert levels[0] - 16 < 0.05 * 219
    assert 235 - levels[-1] < 0.05 * 219
    assert levels[5] + levels[6] == pytest.approx(16 + 235, abs=4)


def test_a_wipe_has_a_soft_edge_that_goes_from_left_to_right() -> None:
    """At 720p it is 64 pixels wide; left of it all is new, right of it all is old."""
    before, after = np.zeros((720, 1280), np.uint8), np.full((720, 1280), 255, np.uint8)
    row = mix("wipe", before, after, 5, 12)[300].astype(int)
    between = np.flatnonzero((row > 0) & (row < 255))
    assert 62 <= between.size <= 64
    assert (np.diff(row) <= 0).all()
    assert np.diff(row).min() >= -5
