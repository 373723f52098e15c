"""Both renderers make a whole, playable video with everything that is published beside."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from renderers import encode
from renderers import render as door
from renderers.compose import Composer
from renderers.encode import placed, probe, settle
from renderers.errors import EncodeError, RenderError
from renderers.order import Made, Order
from renderers.quality.seen import FileSeen
from renderers.render import Rendered, render
from renderers.storyboard import SlotValue, Storyboard, assemble
from tests.renderers.samples import HELLO, WriteTemplate
from tests.renderers.test_sound import MUSIC, tone

TWO_SCENES = HELLO.replace("fps = 10", "fps = 30").replace("\n[[scenes]]", MUSIC, 1) + (
    'enter = "rise"\nexit = "fade"\n\n[[scenes]]\nname = "end"\nseconds = 1.0\n'
    'background = "accent"\nnarration = "Bye."\n\n[[scenes.layers]]\n'
    'kind = "shape"\nshape = "disc"\ncolour = "on-accent"\nenter = "grow"\n'
)

RUNES = '\n[[scenes.layers]]\nkind = "text"\ntext = "ᚠᚢᚦ"\n'


@pytest.fixture
def short_board(write_template: WriteTemplate) -> Storyboard:
    """Two seconds of moving pictures and sound at 320x180."""
    template = write_template(TWO_SCENES, {"music.m4a": tone(1.0)})
    return assemble(template, {"first_name": SlotValue("Ольга")}, height=180)


@pytest.fixture(params=["stitching", "reference"])
def renderer(request: pytest.FixtureRequest) -> str:
    """Each of the two that are shipped."""
    return str(request.param)


def decoded(video: Path) -> list[NDArray[np.uint8]]:
    """Decode all frames of a file."""
    with av.open(str(video)) as film:
        return [np.asarray(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)]


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Compare two pictures in decibels."""
    error = float(np.square(one.astype(float) - other).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def test_a_storyboard_becomes_a_folder_that_can_be_published(
    short_board: Storyboard, tmp_path: Path, renderer: str
) -> None:
    """Right length, frames, size, sound, colours and files; the pictures are those that were drawn."""
    told: list[float] = []
    made = render(short_board, tmp_path / "out", renderer=renderer, progress=told.append)
    facts = probe(made.video)
    assert (facts.width, facts.height, facts.frames, facts.seconds) == (320, 180, 60, 2.0)
    assert (facts.video_codec, facts.audio_codec) == ("h264", "aac")
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "captions.vtt", "chapters.vtt", "poster-play.jpg", "poster.jpg", "preview.gif", "video.mp4",
    ]  # fmt: skip
    assert (made.duration, made.fps, made.bytes) == (2.0, 30, made.video.stat().st_size)
    assert made.manifest == [
        {"name": "hello", "start": 0.0, "seconds": 1.0},
        {"name": "end", "start": 1.0, "seconds": 1.0},
    ]
    assert made.transcript == "Hi Ольга.\n\nBye."
    assert told[-1] == 1.0
    assert told == sorted(told)
    frames, composer = decoded(made.video), Composer(short_board)
    assert min(psnr(frames[n], composer.frame(n)) for n in (0, 5, 20, 29, 30, 45, 59)) > 27
    assert_index_comes_first(made)


def assert_index_comes_first(made: Rendered) -> None:
    """Browsers start to play before the whole file has arrived."""
    content = made.video.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_sound_lasts_as_long_as_the_pictures(
    short_board: Storyboard, tmp_path: Path, renderer: str
) -> None:
    """No drift and no early silence."""
    video = render(short_board, tmp_path, renderer=renderer).video
    with av.open(str(video)) as film:
        samples = np.concatenate([f.to_ndarray() for f in film.decode(audio=0)], axis=1)
        rate = film.streams.audio[0].rate
    assert rate == 48_000
    assert abs(samples.shape[1] / rate - 2.0) < 0.05
    assert np.abs(samples[:, : int(1.6 * rate)]).max() > 0.1


def test_the_same_inputs_give_the_same_frames(
    short_board: Storyboard, tmp_path: Path, renderer: str
) -> None:
    """Drawn again in another folder, every decoded pixel is equal."""
    one = decoded(render(short_board, tmp_path / "a", renderer=renderer).video)
    other = decoded(render(short_board, tmp_path / "b", renderer=renderer).video)
    assert len(one) == len(other) == 60
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_storyboard_without_sound_makes_a_silent_video(
    hello_board: Callable[..., Storyboard], tmp_path: Path, renderer: str
) -> None:
    """There is no empty audio track."""
    assert probe(render(hello_board(), tmp_path, renderer=renderer).video).audio_codec is None


def test_an_unknown_renderer_is_refused(
    hello_board: Callable[..., Storyboard], tmp_path: Path
) -> None:
    """The message lists those that there are."""
    with pytest.raises(RenderError, match="reference"):
        render(hello_board(), tmp_path, renderer="remotion")


def test_another_renderer_is_one_more_row(
    hello_board: Callable[..., Storyboard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever makes video.mp4 in a folder can take the reference's place."""

    def instant(order: Order) -> Made:
        (order.folder / "video.mp4").write_bytes(b"film")
        board = order.board
        seen = FileSeen(board.frames, board.duration, board.width, board.height, True, None)
        return Made(order.folder / "video.mp4", seen)

    monkeypatch.setitem(door.RENDERERS, "instant", instant)
    assert render(hello_board(), tmp_path, renderer="instant").bytes == 4


def test_what_cannot_be_drawn_is_found_before_encoding(
    write_template: WriteTemplate, tmp_path: Path, renderer: str
) -> None:
    """A missing glyph in the last scene costs no encoding, and leaves nothing behind."""
    template = write_template(TWO_SCENES + RUNES, {"music.m4a": tone(1.0)})
    board = assemble(template, {"first_name": SlotValue("Ada")}, height=36)
    with pytest.raises(RenderError) as caught:
        render(board, tmp_path / "out", renderer=renderer)
    assert (caught.value.reason, caught.value.scene) == ("missing_glyph", "end")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_wrong_file_is_never_put_in_place(short_board: Storyboard, tmp_path: Path) -> None:
    """A file with too few frames is refused by the check."""
    video = render(short_board, tmp_path).video
    longer = replace(short_board, scenes=(*short_board.scenes, short_board.scenes[0]))
    with pytest.raises(EncodeError, match="not") as caught:
        encode.verify(video, longer, sound=True)
    assert not caught.value.temporary


def test_a_failed_render_leaves_the_old_video_alone(
    short_board: Storyboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renderer: str
) -> None:
    """Encoding again over a published video either replaces it or changes nothing."""
    (tmp_path / "video.mp4").write_bytes(b"old")

    def refuse(*_: object, **__: object) -> None:
        raise EncodeError("wrong", temporary=False)

    module = "reference" if renderer == "reference" else "stitched"
    monkeypatch.setattr(f"renderers.{module}.verify", refuse)
    with pytest.raises(EncodeError):
        render(short_board, tmp_path, renderer=renderer)
    assert [path.name for path in tmp_path.iterdir() if path.name != "templates"] == ["video.mp4"]
    assert (tmp_path / "video.mp4").read_bytes() == b"old"


def test_no_space_left_is_temporary(tmp_path: Path) -> None:
    """The queue tries again later; the operator is told to free space."""
    with pytest.raises(EncodeError, match="free space") as caught, placed(tmp_path / "x.mp4"):
        raise OSError(28, "No space left on device")
    assert (caught.value.reason, caught.value.temporary) == ("disk_full", True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_appears_whole(tmp_path: Path) -> None:
    """It has no name until it is complete."""
    with placed(tmp_path / "x.txt") as work:
        (work / "x.txt").write_text("whole")
        assert not (tmp_path / "x.txt").exists()
        settle(work / "x.txt", tmp_path / "x.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


CHILD = """
import json, resource, sys
from pathlib import Path
from renderers.errors import EncodeError
from renderers.render import render
from renderers.storyboard import SlotValue, assemble
from renderers.template import load_template

board = assemble(load_template(Path(sys.argv[1])), {"first_name": SlotValue("Ada")}, height=360)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    render(board, Path(sys.argv[2]), renderer=sys.argv[4])
except EncodeError as error:
    print(json.dumps([error.reason, error.temporary]))
"""


@pytest.mark.parametrize("limit", [2_000, 12_000])
def test_a_full_disk_leaves_nothing_behind(
    write_template: WriteTemplate, tmp_path: Path, limit: int, renderer: str
) -> None:
    """Whether sound or pictures meet the limit: one reason, temporary, no half-written file."""
    template = write_template(TWO_SCENES, {"music.m4a": tone(1.0)})
    out = tmp_path / "out"
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(template.folder), str(out), str(limit), renderer],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert child.stdout.strip(), child.stderr
    assert json.loads(child.stdout) == ["disk_full", True]
    assert list(out.iterdir()) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
