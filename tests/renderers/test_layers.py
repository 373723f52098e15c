"""Each kind of layer draws what it says, also on a canvas of 64 by 36 pixels."""

import io
from fractions import Fraction
from typing import get_args

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from renderers.compose import Composer, SceneComposer
from renderers.errors import AssetError, RenderError
from renderers.layers import LAYERS
from renderers.schema import Layer
from renderers.storyboard import SlotValue, Storyboard, assemble
from tests.renderers.samples import WriteTemplate, ink, picture_bytes

Frame = NDArray[np.uint8]
ITEMS = SlotValue([{"title": SlotValue("One"), "value": SlotValue(1)},
                   {"title": SlotValue("Two"), "value": SlotValue(4)}])  # fmt: skip
HEAD = """
title = "Layer"
fps = 10

[slots.items]
kind = "list"
item.title = { kind = "text" }
item.value = { kind = "number" }
item.price = { kind = "money" }
item.picture = { kind = "image" }

[slots.done]
kind = "number"
fallback = 3

[slots.total]
kind = "number"
fallback = 4

[[scenes]]
name = "only"
seconds = 2.0

[[scenes.layers]]
"""

KINDS = {
    "text": 'kind = "text"\ntext = "Hi"\nlargest = 300',
    "button": 'kind = "text"\ntext = "Go"\nlargest = 300\nfill = "accent"\ncolour = "on-accent"',
    "image": 'kind = "image"\nsource = "red.png"',
    "rect": 'kind = "shape"\nradius = 20\nat = [100, 100, 600, 400]',
    "gradient": 'kind = "shape"\ncolour = "ink"\nto = "accent"',
    "disc": 'kind = "shape"\nshape = "disc"\ncolour = "accent"',
    "ring": 'kind = "shape"\nshape = "ring"\ncolour = "accent"\nstroke = 60',
    "tick": 'kind = "shape"\nshape = "tick"\ncolour = "accent"\nstroke = 60',
    "rule": 'kind = "shape"\nshape = "rule"\ncolour = "accent"\nstroke = 60',
    "bars": 'kind = "chart"\nchart = "bars"\nrows = "items"\nlabel = "title"',
    "line": 'kind = "chart"\nchart = "line"\nrows = "items"\nlabel = "title"',
    "progress": 'kind = "chart"\nchart = "progress"\nvalue = "done"\nof = "total"',
    "ring chart": 'kind = "chart"\nchart = "ring"\nvalue = "done"\nof = "total"',
    "list": 'kind = "list"\nrows = "items"\nmarker = "number"',
    "ticked list": 'kind = "list"\nrows = "items"\nmarker = "tick"',
    "bare list": 'kind = "list"\nrows = "items"\nshown = 1\nmore = "+{{ count }}"',
}


def board_of(write_template: WriteTemplate, layer: str, **slots: SlotValue) -> Storyboard:
    """Assemble a template of one layer at 64x36."""
    sizes = {"red.png": (8, 8), "wide.png": (16, 4), "large.png": (160, 160)}
    assets = {name: picture_bytes(*size, "#ff0000") for name, size in sizes.items()}
    template = write_template(HEAD + layer, assets)
    return assemble(template, {"items": ITEMS, **slots}, height=36)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_leaves_ink_and_comes_to_rest(write_template: WriteTemplate, kind: str) -> None:
    """Something is drawn, its last frames are equal, and equal states mean equal pixels."""
    board = board_of(write_template, KINDS[kind])
    scene = SceneComposer(board.scenes[0], board)
    frames = [scene.frame(number).copy() for number in range(board.frames)]
    blank = np.broadcast_to(np.array([0xFA, 0xF7, 0xF1], dtype=np.uint8), frames[0].shape)
    assert (frames[-1] != blank).any(axis=-1).sum() > 20
    assert scene.state(board.frames - 1) == scene.state(board.frames - 2)
    for one in range(1, board.frames):
        if scene.state(one) == scene.state(one - 1):
            assert np.array_equal(frames[one], frames[one - 1])


@pytest.mark.parametrize("kind", ["bars", "line", "progress", "ring chart", "list"])
def test_charts_and_lists_grow(write_template: WriteTemplate, kind: str) -> None:
    """The first frame shows less than the last."""
    composer = Composer(board_of(write_template, KINDS[kind]))
    assert not np.array_equal(composer.frame(0), composer.frame(19))


@pytest.mark.parametrize("way", ["fade", "rise", "slide", "grow"])
def test_layers_enter_and_leave_at_the_edges(write_template: WriteTemplate, way: str) -> None:
    """Absent before the start, moving, at rest, and gone after the stop."""
    timed = (
        f'start = 0.2\nstop = 0.2\nenter = "{way}"\nexit = "{way}"\nenter_ms = 300\nexit_ms = 200'
    )
    composer = Composer(board_of(write_template, f"{KINDS['disc']}\n{timed}"))
    frames = [composer.frame(number).copy() for number in range(20)]
    assert [ink(frame) > 0 for frame in frames] == [2 <= number < 18 for number in range(20)]
    assert not np.array_equal(frames[2], frames[8])
    assert np.array_equal(frames[8], frames[12])
    assert not np.array_equal(frames[17], frames[12])


def test_every_kind_that_can_be_written_can_be_drawn_or_heard() -> None:
    """The schema's words and the table of drawings agree."""
    kinds = {get_args(layer.model_fields["kind"].annotation)[0] for layer in Layer.__subclasses__()}
    assert kinds == {*LAYERS, "audio"}


def red(frame: Frame) -> tuple[int, int, int, int]:
    """Find the box of red pixels: left, top, right, bottom."""
    there = np.argwhere((frame[..., 0] > 200) & (frame[..., 1] < 60))
    top, left = there.min(axis=0)
    bottom, right = there.max(axis=0) + 1
    return int(left), int(top), int(right), int(bottom)


@pytest.mark.parametrize(
    ("fit", "box"),
    [
        ("fill", (0, 0, 64, 36)),
        ("cover", (0, 0, 64, 36)),
        ("contain", (0, 10, 64, 26)),
        ("none", (28, 14, 36, 22)),
    ],
)
def test_fit_words_mean_what_css_means(
    write_template: WriteTemplate, fit: str, box: tuple[int, int, int, int]
) -> None:
    """A picture four times as wide as high, on a wide canvas."""
    layer = f'kind = "image"\nsource = "wide.png"\nfit = "{fit}"'
    if fit == "none":
        layer = layer.replace("wide.png", "large.png")
    found = red(Composer(board_of(write_template, layer)).frame(0))
    assert all(abs(one - other) <= 1 for one, other in zip(found, box, strict=True))


def test_contain_blur_leaves_no_empty_edge(write_template: WriteTemplate) -> None:
    """The rest of the box is filled with the picture itself, blurred."""
    layer = 'kind = "image"\nsource = "wide.png"\nfit = "contain-blur"'
    frame = Composer(board_of(write_template, layer)).frame(0)
    assert frame[2, 32, 0] > frame[2, 32, 2] + 60


def test_bars_below_zero_hang_down(write_template: WriteTemplate) -> None:
    """A negative number is drawn on the other side of the zero line."""
    down = SlotValue([{"title": SlotValue("a"), "value": SlotValue(2)},
                      {"title": SlotValue("b"), "value": SlotValue(-2)}])  # fmt: skip
    frame = Composer(board_of(write_template, KINDS["bars"], items=down)).frame(19)
    green = (frame[..., 1].astype(int) - frame[..., 0]) > 60
    panel = (abs(frame.astype(int) - [0xEC, 0xE6, 0xDA]).sum(axis=-1)) < 12
    assert np.argwhere(panel)[:, 0].max() <= np.argwhere(green)[:, 0].min() + 1


def film(seconds: float = 1.0) -> bytes:
    """Make a film that turns from blue to red half-way."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for number in range(int(seconds * 10)):
            late = number >= seconds * 5
            picture = np.full((36, 64, 3), (255, 0, 0) if late else (0, 0, 255), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def test_footage_plays_and_then_holds(write_template: WriteTemplate) -> None:
    """One second of film in a scene of two: its last picture stays."""
    template = write_template(HEAD + 'kind = "video"\nsource = "film.mp4"\n', {"film.mp4": film()})
    composer = Composer(assemble(template, {}, height=36))
    colours = ["rgb"[int(composer.frame(number)[18, 32].argmax())] for number in (0, 3, 6, 19, 2)]
    assert colours == ["b", "b", "r", "r", "b"]


def test_broken_footage_is_named(write_template: WriteTemplate) -> None:
    """A film that is cut off is an error with its name and scene, not a black frame."""
    template = write_template(
        HEAD + 'kind = "video"\nsource = "film.mp4"\n', {"film.mp4": film()[:200]}
    )
    with pytest.raises(AssetError, match=r"film\.mp4"):
        Composer(assemble(template, {}, height=36)).frame(0)


def test_an_error_names_its_scene(write_template: WriteTemplate) -> None:
    """Whoever reads the message finds the place."""
    layer = 'kind = "text"\ntext = "' + "x" * 400 + '"\nlargest = 90\nlines = 1'
    with pytest.raises(RenderError) as caught:
        Composer(board_of(write_template, layer)).frame(0)
    assert caught.value.scene == "only"


def test_the_row_without_a_picture_still_lines_up(write_template: WriteTemplate) -> None:
    """One picture of two: the other row shows the title's initial."""
    items = SlotValue([
        {"title": SlotValue("One"), "picture": SlotValue("red.png"), "price": SlotValue(9)},
        {"title": SlotValue("Two")},
    ])  # fmt: skip
    layer = 'kind = "list"\nrows = "items"\npicture = "picture"\nprice = "price"'
    frame = Composer(board_of(write_template, layer, items=items)).frame(19)
    assert red(frame)[0] < 8
