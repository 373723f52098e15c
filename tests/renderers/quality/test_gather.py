"""What is gathered from a scene is what stands in its picture."""

import numpy as np
import pytest

from renderers.compose import SceneComposer, set_up_scene
from renderers.parts import Box, Timing
from renderers.quality.gather import gather_scene, moments_at_rest
from renderers.quality.glance import glance_scene
from renderers.quality.seen import LayerSeen, SceneSeen, samples_under
from renderers.storyboard import SlotValue, Storyboard, assemble
from tests.renderers.samples import WriteTemplate, picture_bytes

HEAD = """
title = "Sight"
fps = 10

[slots.first_name]
kind = "text"
fallback = "Ada"

[slots.items]
kind = "list"
item.title = { kind = "text" }
item.value = { kind = "number" }
item.price = { kind = "money" }
item.picture = { kind = "image" }

[[scenes]]
name = "only"
seconds = 2.0
background = "bg"

"""
ITEMS = SlotValue([
    {"title": SlotValue("One"), "value": SlotValue(1), "price": SlotValue(9, "€9.00")},
    {"title": SlotValue("Two"), "value": SlotValue(4, "4 seats"), "picture": SlotValue("a.png")},
])  # fmt: skip
TEXT = '[[scenes.layers]]\nkind = "text"\ntext = "Hi {{ first_name }}"\n'
LAYERS = {
    "text": TEXT,
    "text in the middle": TEXT + 'align = "center"\nvalign = "middle"\nat = "safe"\nlargest = 90\n',
    "text at the end": TEXT + 'align = "end"\nvalign = "bottom"\nat = "safe"\nlines = 1\n',
    "bars": '[[scenes.layers]]\nkind = "chart"\nchart = "bars"\nrows = "items"\nlabel = "title"\n'
    'at = "safe"\ncolour = "bg"\ntrack = "bg"\n',
    "line": '[[scenes.layers]]\nkind = "chart"\nchart = "line"\nrows = "items"\nlabel = "title"\n'
    'at = "safe"\ncolour = "bg"\n',
}


def board_of(write_template: WriteTemplate, layers: str, height: int = 180) -> Storyboard:
    """Assemble a template of one scene."""
    template = write_template(HEAD + layers, {"a.png": picture_bytes(30, 20)})
    return assemble(template, {"items": ITEMS}, height=height)


def gathered(board: Storyboard) -> SceneSeen:
    """Gather the only scene."""
    scene = board.scenes[0]
    return gather_scene(scene, board, set_up_scene(scene, board))


@pytest.mark.parametrize("kind", LAYERS)
def test_the_ink_is_where_letters_are_drawn(write_template: WriteTemplate, kind: str) -> None:
    """All that differs from the background lies in the letterings' boxes, and each box has ink."""
    board = board_of(write_template, LAYERS[kind])
    (layer,) = gathered(board).layers
    frame = SceneComposer(board.scenes[0], board).frame(19)
    ink = (abs(frame.astype(int) - frame[0, -1]) > 2).any(axis=-1)
    for text in layer.letterings:
        box = text.ink
        rows = slice(max(int(box.y) - 1, 0), int(box.y + box.height) + 2)
        columns = slice(max(int(box.x) - 2, 0), int(box.x + box.width) + 3)
        across = np.flatnonzero(ink[rows, columns].any(axis=0))
        assert across[-1] - across[0] > 0.8 * box.width
        ink[rows, columns] = False
    assert not ink.any()


def test_the_texts_of_a_list_are_told_with_their_plates(write_template: WriteTemplate) -> None:
    """Titles and prices on the plate, the initial of the row without a picture as a mark."""
    rows = '[[scenes.layers]]\nkind = "list"\nrows = "items"\npicture = "picture"\n'
    board = board_of(write_template, rows + 'price = "price"\nat = "safe"\n')
    (layer,) = gathered(board).layers
    plate = board.brand.colours.panel
    told = [(text.text, text.mark, text.on == plate) for text in layer.letterings]
    assert told == [
        ("One", False, True),
        ("€9.00", False, True),
        ("O", True, False),
        ("Two", False, True),
    ]
    (picture,) = layer.pictures
    assert (picture.name, picture.width, picture.height) == ("a.png", 30, 20)
    assert picture.drawn_width == pytest.approx(picture.drawn_height * 1.5)


def test_the_words_for_the_rest_are_told_too(write_template: WriteTemplate) -> None:
    """A cut title, a number as mark, and "+1 more" on the bare background."""
    rows = '[[scenes.layers]]\nkind = "list"\nrows = "items"\nshown = 1\nmore = "+{{ count }}"\n'
    more = 'marker = "number"\ncut = true\nplate = "panel"\nat = [64, 64, 300, 200]\n'
    template = write_template(HEAD + rows + more)
    title = SlotValue(
        "many words that nobody has room for in a row of so little width, however set"
    )
    items = SlotValue([{"title": title}, {"title": title}])
    board = assemble(template, {"items": items}, height=180)
    (layer,) = gathered(board).layers
    assert [(t.text, t.mark, t.cut) for t in layer.letterings[1:]] == [
        ("1", True, False),
        ("+1", False, False),
    ]
    assert layer.letterings[0].cut
    assert layer.letterings[2].on is None
    assert [f.reason for f in glance_scene(SceneSeen("only", (layer,)), board)] == [
        "text_cut",
        "narration_missing",
    ]


@pytest.mark.parametrize(("ground", "reason"), [("dark.png", "text_invisible"), ("light.png", "")])
def test_a_picture_under_a_text_decides_its_contrast(
    write_template: WriteTemplate, ground: str, reason: str
) -> None:
    """Ink on a dark photograph is found, on a light one it is not."""
    layers = f'[[scenes.layers]]\nkind = "image"\nsource = "{ground}"\n{TEXT}at = "safe"\n'
    pictures = {
        "dark.png": picture_bytes(320, 180, "#203030"),
        "light.png": picture_bytes(320, 180, "#e0f0f0"),
    }
    board = assemble(write_template(HEAD + layers, pictures), {}, height=180)
    reasons = [finding.reason for finding in glance_scene(gathered(board), board)]
    assert reasons == [*([reason] if reason else []), "narration_missing"]


def test_what_comes_under_a_text_later_is_seen_too(write_template: WriteTemplate) -> None:
    """A dark plate that enters half-way makes the text unreadable from then on."""
    plate = '[[scenes.layers]]\nkind = "shape"\ncolour = "ink"\nstart = 1.2\n'
    board = board_of(write_template, plate + TEXT + 'at = "safe"\n')
    assert "text_invisible" in [f.reason for f in glance_scene(gathered(board), board)]


@pytest.mark.parametrize(
    ("timing", "moments"),
    [
        (Timing(0, 20), (0, 9, 19)),
        (Timing(2, 18, "fade", 4, "fade", 2), (6, 10, 15)),
        (Timing(5, 6, "fade", 4, "fade", 4), (5,)),
    ],
)
def test_a_layer_is_looked_at_while_it_rests(timing: Timing, moments: tuple[int, ...]) -> None:
    """After it has come in and before it goes, however short that is."""
    assert moments_at_rest(timing) == moments


def test_samples_stay_inside_of_the_frame() -> None:
    """A text that sticks out is sampled where there is a picture."""
    frame = np.zeros((18, 32, 4), dtype=np.uint8)
    frame[:, 16:] = 200
    assert samples_under(frame, Box(200, 40, 200, 20), shrink=0.1).tolist()[0] == [200] * 3
    assert samples_under(frame, Box(-50, -50, 500, 500), shrink=0.1).shape == (256, 3)
    assert samples_under(frame, Box(900, 900, 10, 10), shrink=0.1).tolist() == [[200] * 3]


def test_an_image_layer_tells_how_large_it_is_drawn(write_template: WriteTemplate) -> None:
    """The whole picture counts, also what is cut off at the box."""
    image = '[[scenes.layers]]\nkind = "image"\nsource = "a.png"\nat = [0, 0, 120, 120]\n'
    (layer,) = gathered(board_of(write_template, image)).layers
    assert isinstance(layer, LayerSeen)
    (picture,) = layer.pictures
    assert (picture.drawn_width, picture.drawn_height) == pytest.approx((45, 30))
