"""The stitching renderer shows what the reference shows: as drawn, as decoded, and as heard."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from numpy.typing import NDArray

from renderers.compose import Composer
from renderers.encode import probe
from renderers.order import Order
from renderers.planes import Planes, to_planes
from renderers.render import RENDERERS
from renderers.shelved import open_shelf
from renderers.stitch import Stitcher
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import PACKAGED as PACKAGED_FOLDER
from renderers.template import find_template, load_template
from tests.renderers import frames
from tests.renderers.boards import assembled, templates
from tests.renderers.samples import WriteTemplate
from tests.renderers.test_packaged_templates import FORMATS, OPTIONAL, branches
from tests.renderers.test_render import TWO_SCENES

PACKAGED = [(name, format) for name in sorted(OPTIONAL) for format in FORMATS]
FILMED = [one for one in PACKAGED if one[0] == "onboarding" or one[1] == "16:9"]
RATE = 48_000


def packaged_board(name: str, format: str) -> Storyboard:
    """Assemble a packaged template with every slot filled."""
    slots = list(branches(name))[-1]
    return assemble(find_template(name, []), slots, format=format, height=180)


def assert_drawn_alike(stage: Stitcher) -> None:
    """Every frame that goes into the encoder is the reference's frame, in light and in colour."""
    composer = Composer(stage.board)
    last: tuple[object, object] = (None, None)
    for number, planes in enumerate(frames.drawn(stage)):
        frame = composer.frame(number)
        if planes is last[0] and frame is last[1]:
            continue
        last = planes, frame
        wanted = to_planes(frame)
        assert frames.decibels(planes.y, frames.luma_of(frame)) >= 45, number
        assert frames.decibels(planes.u, wanted.u) >= 35, number
        assert frames.decibels(planes.v, wanted.v) >= 35, number


@dataclass(frozen=True)
class Filmed:
    """A storyboard with its frames before and behind the encoder."""

    stage: Stitcher
    drawn: Sequence[Planes]
    shown: Sequence[Planes]

    def scenes(self) -> list[tuple[slice, tuple[slice, slice]]]:
        """Tell of each scene its frames, and the rectangle in which something moves."""
        return [
            (
                slice(scene.start_frame, scene.start_frame + scene.frames),
                frames.moving(list(frames.painted(self.stage, index))),
            )
            for index, scene in enumerate(self.stage.board.scenes)
        ]


@dataclass(frozen=True)
class Loss:
    """The squared errors of a film, and of one that was encoded whole, over a number of pixels."""

    ours: float
    theirs: float
    pixels: int

    @property
    def decibels(self) -> float:
        """Tell how much worse the film is; nobody sees a difference above 45 dB."""
        unseen = self.pixels * 255**2 / 10**4.5
        return 10 * float(np.log10(max(self.ours, unseen) / max(self.theirs, unseen)))


def film(board: Storyboard, folder: Path) -> Filmed:
    """Render a storyboard by stitching, and decode it."""
    video = frames.stitched(board, folder / "out", folder / "shelf")
    stage = frames.stitcher(board, folder / "shelf")
    return Filmed(stage, frames.drawn(stage), frames.decoded(video))


def assert_decoded_well(filmed: Filmed) -> None:
    """All frames are there, sharp overall, and none is a picture of another moment."""
    assert len(filmed.shown) == len(filmed.drawn) == filmed.stage.board.frames
    assert frames.decibels(frames.lumas(filmed.shown), frames.lumas(filmed.drawn)) >= 38
    worst = min(
        frames.decibels(shown.y, drawn.y)
        for shown, drawn in zip(filmed.shown, filmed.drawn, strict=True)
    )
    assert worst >= 35


def losses(filmed: Filmed, folder: Path) -> list[Loss]:
    """Compare each scene with one of which every frame was encoded, where something moves."""
    found = []
    for span, (rows, columns) in filmed.scenes():
        drawn = filmed.drawn[span]
        whole = frames.coded_whole(filmed.stage.board, drawn, folder)
        ideal, ours, theirs = (
            frames.lumas(one)[:, rows, columns] for one in (drawn, filmed.shown[span], whole)
        )
        found.append(Loss(frames.noise(ours, ideal), frames.noise(theirs, ideal), ideal.size))
    return found


def assert_cut_in_time(filmed: Filmed) -> None:
    """The first frame of each scene shows that scene, the one before it the scene before."""
    for scene in filmed.stage.board.scenes[1:]:
        first = scene.start_frame
        before, after = filmed.drawn[first - 1].y, filmed.drawn[first].y
        if frames.decibels(before, after) > 35:
            continue  # so alike that an encoder's noise is louder
        late, shown = filmed.shown[first - 1].y, filmed.shown[first].y
        assert frames.decibels(shown, after) > frames.decibels(shown, before)
        assert frames.decibels(late, before) > frames.decibels(late, after)


@pytest.mark.parametrize(("name", "format"), PACKAGED)
def test_packaged_templates_are_drawn_as_the_reference_draws_them(
    name: str, format: str, tmp_path: Path
) -> None:
    """Every frame of every template in every format agrees before it is encoded."""
    assert_drawn_alike(frames.stitcher(packaged_board(name, format), tmp_path))


@pytest.fixture(scope="module", params=FILMED, ids="-".join)
def filmed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    """A packaged template as a film."""
    return film(packaged_board(*request.param), tmp_path_factory.mktemp("film"))


def test_packaged_templates_are_decoded_as_they_were_drawn(filmed: Filmed, tmp_path: Path) -> None:
    """The film holds its quality, also against an encoder that sees every frame."""
    assert_decoded_well(filmed)
    assert max(loss.decibels for loss in losses(filmed, tmp_path)) <= 1


def test_packaged_templates_cut_where_the_reference_cuts(filmed: Filmed) -> None:
    """No scene begins a frame early or late."""
    assert_cut_in_time(filmed)


@pytest.fixture(autouse=True)
def the_same_boards_whatever_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis mixes in numbers of the modules that happen to be loaded; here none."""
    monkeypatch.setattr(providers, "_get_local_constants", providers.Constants)
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", type(providers.CONSTANTS_CACHE)(1024))


@settings(
    max_examples=16,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(templates(), st.sampled_from(["16:9", "16:9", "1:1"]))
def test_any_storyboard_is_drawn_and_decoded_alike(words: str, format: str) -> None:
    """Layers of all kinds, coming and going at any time, personal or not, above one another."""
    with frames.room() as folder:
        board = assembled(words, folder / "any", format)
        assert_drawn_alike(frames.stitcher(board, folder / "shelf"))
        filmed = film(board, folder)
        assert_decoded_well(filmed)
        # an encoder's whims weigh much in half a second: these scenes are judged together
        each = losses(filmed, folder)
        together = Loss(*(sum(values) for values in zip(*map(astuple, each), strict=True)))
        assert together.decibels <= 1
        assert_cut_in_time(filmed)


OVER_THE_EDGE = """
title = "Over the edge"
formats = ["16:9"]
fps = 30

[[scenes]]
name = "one"
seconds = 0.7
background = "bg"

[[scenes.layers]]
kind = "shape"
shape = "tick"
stroke = 56
colour = "ink"
at = [145, 13, 345, 16]
enter = "rise"
enter_ms = 271
exit = "rise"
"""


def test_what_hangs_over_the_edge_comes_in_with_its_end(tmp_path: Path) -> None:
    """A shape that is cut by the picture's edge where it rests is whole while it comes from inside."""
    (tmp_path / "template.toml").write_text(OVER_THE_EDGE)
    board = assemble(load_template(tmp_path), {}, format="16:9", height=180)
    assert_drawn_alike(frames.stitcher(board, tmp_path / "shelf"))


def heard(video: Path) -> NDArray[np.float32]:
    """Decode the sound of a file as one channel, as players hear it: behind the edit list."""
    with av.open(str(video)) as film:
        parts = [frame.to_ndarray() for frame in film.decode(audio=0)]
    sound: NDArray[np.float32] = np.concatenate(parts, axis=1).mean(axis=0)
    return sound


def lag_and_likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    """Find by how many seconds a sound is late, and how alike the two are then."""
    length = min(len(one), len(other))
    size = 1 << (2 * length - 1).bit_length()
    first, second = (part[:length].astype(np.float64) for part in (one, other))
    found = np.fft.irfft(np.fft.rfft(first, size) * np.conj(np.fft.rfft(second, size)), size)
    at = int(np.argmax(found))
    power = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    return (at if at < size // 2 else at - size) / RATE, float(found[at]) / power


def test_a_film_lasts_and_sounds_like_that_of_the_reference(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Frames, duration and size are equal; the music starts within a frame of the other's."""
    music = (PACKAGED_FOLDER / "onboarding" / "music.m4a").read_bytes()
    board = assemble(
        write_template(TWO_SCENES, {"music.m4a": music}),
        {"first_name": SlotValue("Ольга")},
        height=180,
    )
    (tmp_path / "reference").mkdir()
    shelf = open_shelf(tmp_path / "shelf", board)
    order = Order(Composer(board), tmp_path / "reference", shelf)
    reference = RENDERERS["reference"](order).video
    ours = frames.stitched(board, tmp_path / "stitched", tmp_path / "shelf")
    assert probe(ours) == probe(reference)
    lag, likeness = lag_and_likeness(heard(ours), heard(reference))
    assert abs(lag) <= 1 / 30
    assert likeness >= 0.98
    assert abs(len(heard(ours)) / RATE - board.duration) <= 1 / 30
