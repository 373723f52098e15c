"""What the template guide shows is tried: its example draws, its messages are said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from connector.decide.slots import plain_values
from renderers.brand import load_brand
from renderers.compose import Composer
from renderers.errors import RenderError
from renderers.expressions import FILTERS
from renderers.layers import LAYERS
from renderers.schema import AnyLayer, ChartLayer, ListLayer, Scene, ShapeLayer, Slot
from renderers.storyboard import Storyboard, assemble
from renderers.template import Template, load_template
from tests.renderers.samples import ink
from tools import guide_scenes
from tools.draw_guide_pictures import PAINTERS, PICTURES, Studio, snippets

GUIDE = (Path(__file__).parent.parent / "docs" / "template-guide.md").read_text()
BLOCKS = re.findall(r"```(toml|json)\n(.+?)```", GUIDE, re.S)
EXAMPLE = next(text for kind, text in BLOCKS if kind == "toml" and "[[scenes]]" in text)
BRAND = next(text for kind, text in BLOCKS if kind == "toml" and "[colours]" in text)
LINES = [text for kind, text in BLOCKS if kind == "toml" and text.startswith("[[scenes.layers]]")]
SLOTS = next(json.loads(text) for kind, text in BLOCKS if kind == "json")


def write(folder: Path, toml: str = EXAMPLE) -> Template:
    """Put a template where an author would."""
    home = folder / "templates" / "seat_check"
    home.mkdir(parents=True)
    (home / "template.toml").write_text(toml, encoding="utf-8")
    return load_template(home)


def board(template: Template, format: str = "16:9") -> Storyboard:
    """Fill it as `cuereel render` does."""
    values = plain_values(template, SLOTS, "en")
    return assemble(template, values, format=format, height=360)


@pytest.mark.parametrize("format", ["16:9", "9:16"])
def test_the_example_of_the_guide_draws(format: str, tmp_path: Path) -> None:
    """Each of its scenes has something on it, in each of its formats."""
    found = board(write(tmp_path), format)
    composer = Composer(found)
    assert [scene.name for scene in found.scenes] == ["seats", "tips"]
    for scene in found.scenes:
        frame = composer.frame(scene.start_frame + scene.frames // 2)
        assert frame.shape == (found.height, found.width, 3)
        assert ink(frame) > 1_000


def test_a_scene_of_the_example_is_left_out_when_its_condition_fails(tmp_path: Path) -> None:
    """As the guide says: without free seats the video is shorter."""
    template = write(tmp_path)
    full = plain_values(template, {**SLOTS, "seats_used": 50}, "en")
    assert [scene.name for scene in assemble(template, full).scenes] == ["seats"]


def test_the_brand_of_the_guide_is_a_brand(tmp_path: Path) -> None:
    """With all six colours."""
    (tmp_path / "brand.toml").write_text(BRAND)
    assert load_brand(tmp_path).name == "Acme"


MISTAKES = {
    "is not a word of templates": ("seconds = 5\n", "seconds = 5\nsecnods = 5\n"),
    "uses 'frist_name', which is not a declared slot": ("Hi {{ first_name }}.", "{{ frist_name }}"),
    "has no place for format 9:16": (", tall = [160, 560, 400, 400]", ""),
    "is not inside 1280x720": ("[816, 160, 400, 400]", "[1016, 160, 400, 400]"),
    "400 ms is not below half of the scene's 0.7 s": ("seconds = 5\n", "seconds = 0.7\n"),
    "the layer has no time left in 4.5 s": ('enter = "rise"', 'enter = "rise"\nstart = 4'),
    "is neither a brand colour (": ('colour = "accent"', 'colour = "teal"'),
    "'backdrop.png' is not there": (
        'kind = "chart"\nchart = "ring"\nvalue = "seats_used"\nof = "seats_total"',
        'kind = "image"\nsource = "backdrop.png"',
    ),
    "is not a valid expression: calls are not allowed": ("{{ seats_used }} of", "{{ range(9) }}"),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_every_message_of_the_guide_is_what_an_author_gets(message: str, tmp_path: Path) -> None:
    """With the file and the line of the mistake."""
    assert message.rstrip("(") in GUIDE
    right, wrong = MISTAKES[message]
    assert right in EXAMPLE
    with pytest.raises(RenderError, match=re.escape(message)) as caught:
        write(tmp_path, EXAMPLE.replace(right, wrong, 1))
    assert re.search(r"template\.toml:\d+: ", str(caught.value))


def named(part: str, after: str) -> bool:
    """Tell whether a word stands in backticks in a section of the guide."""
    section = re.sub(r"```.*?```", "", GUIDE, flags=re.S).partition(after)[2].partition("\n## ")[0]
    return any(part in code.split() for code in re.findall(r"`([^`]+)`", section))


def test_every_word_of_a_template_is_explained() -> None:
    """Slots, their kinds, every key of scenes and of every layer, the filters of expressions."""
    kinds = {*get_args(get_args(Slot.model_fields["kind"].annotation)[0]), "list"}
    assert sorted(kind for kind in kinds if not named(kind, "\n## Slots")) == []
    own = {name for name in Slot.model_fields if name not in ("kind", "item")}
    assert sorted(name for name in own if not named(name, "\n## Slots")) == []
    assert sorted(name for name in Scene.model_fields if not named(name, "\n## Scenes")) == []
    layers = get_args(get_args(AnyLayer)[0])
    keys = {name for layer in layers for name in layer.model_fields}
    assert sorted(key for key in keys if not named(key, "\n## Layers")) == []
    assert [name for name in FILTERS if f"{name}" not in GUIDE] == []


def values(layer: type, key: str) -> set[str]:
    """List the words that a key of a layer may have."""
    return set(get_args(layer.model_fields[key].annotation))  # type: ignore[attr-defined]


def test_every_picture_of_the_guide_is_there_and_light() -> None:
    """The guide names each picture once, each is drawn by the tool, and a clone stays light."""
    shown = re.findall(r"!\[[^\]]{10,}\]\(images/guide/([\w-]+)\.png\)", GUIDE)
    assert sorted(shown) == sorted({*PAINTERS, *(name for name, _ in snippets())})
    sizes = {path.stem: path.stat().st_size for path in PICTURES.glob("*")}
    assert sorted(sizes) == sorted(shown)
    assert {name: size for name, size in sizes.items() if size > 60_000} == {}


def test_every_kind_has_its_picture() -> None:
    """A new kind of layer, chart, shape or marker needs one; those of fit are drawn from its words.

    Entrances and transitions come from the schema too; a sound has no looks.
    """
    drawn = {*PAINTERS, *(name for name, _ in snippets())}
    assert {*LAYERS, "audio"} - drawn == {"audio"}
    assert set(guide_scenes.CHARTS) == values(ChartLayer, "chart")
    assert values(ShapeLayer, "shape") <= set(guide_scenes.SHAPES)
    markers = {f'marker = "{word}"' for word in values(ListLayer, "marker")}
    assert markers <= set(guide_scenes.LISTS)


@pytest.mark.parametrize("lines", LINES)
def test_the_lines_of_every_layer_draw(lines: str, tmp_path: Path) -> None:
    """What the guide shows of a layer is a layer, with something to see."""
    found = Studio(tmp_path).board(guide_scenes.scene(lines), height=90)
    assert ink(Composer(found).frame(found.poster_frame)) > 100
