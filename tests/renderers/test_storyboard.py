"""A storyboard is a template filled for one subject: whole frames, plain words, one identity."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renderers.errors import AssetError, SlotError, TemplateError
from renderers.expressions import FSI, PDI
from renderers.parts import ImagePart, ListPart, TextPart
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.values import clean
from tests.renderers.samples import HELLO, WriteTemplate, picture_bytes

FULL = """
title = "Full"
fps = 30

[slots.first_name]
longest = 40
fallback = "there"

[slots.score]
kind = "number"

[slots.items]
kind = "list"
item.title = { kind = "text", required = true }
item.picture = { kind = "image" }

[[scenes]]
name = "hello"
seconds = 1.37
narration = "Hi {{ first_name }}."

[[scenes.layers]]
kind = "text"
text = "Hi {{ first_name }}!"

[[scenes]]
name = "score"
seconds = 2.0
when = "score > 10"
narration = "{{ 'You scored ' ~ score ~ '.' }}"

[[scenes.layers]]
kind = "text"
text = "{{ score }}"

[[scenes]]
name = "items"
seconds = 0.999
when = "items"

[[scenes.layers]]
kind = "list"
rows = "items"
shown = 2
more = "+{{ count }} more"
picture = "picture"
"""

INJECTIONS = [
    "{{7*7}}",
    "{{ first_name }}",
    "{% for i in range(9) %}x{% endfor %}",
    "{# note #}",
    "${7*7}",
    "%(name)s",
    "%s%n",
    "{first_name.__class__}",
    "{0}",
    "<b>bold</b>",
    "%{pts}:'",
    "'; DROP TABLE videos; --",
    "\\N{BULLET}",
]


def rows(*titles: str) -> SlotValue:
    """Make a list slot's value."""
    return SlotValue([{"title": SlotValue(title)} for title in titles])


@given(
    seconds=st.lists(st.floats(0.5, 9.9), min_size=1, max_size=6),
    fps=st.sampled_from([10, 24, 25, 30, 60]),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_scenes_follow_one_another_in_whole_frames(
    write_template: WriteTemplate, seconds: list[float], fps: int
) -> None:
    """There are no gaps and no overlaps, whatever the seconds are."""
    scenes = "".join(
        f'[[scenes]]\nname = "s{i}"\nseconds = {s:.4f}\n[[scenes.layers]]\nkind = "shape"\n'
        for i, s in enumerate(seconds)
    )
    board = assemble(write_template(f'title = "T"\nfps = {fps}\n{scenes}'), {})
    starts = [scene.start_frame for scene in board.scenes]
    ends = [scene.start_frame + scene.frames for scene in board.scenes]
    assert starts == [0, *ends[:-1]]
    assert all(isinstance(scene.frames, int) and scene.frames > 0 for scene in board.scenes)
    assert board.duration == ends[-1] / fps
    assert abs(board.duration - sum(seconds)) <= len(seconds) / fps


@given(value=st.one_of(st.sampled_from(INJECTIONS), st.text(max_size=38)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_is_shown_as_it_is_and_never_evaluated(
    write_template: WriteTemplate, value: str
) -> None:
    """Whatever a record holds appears literally, once, and kept to its own direction."""
    board = assemble(write_template(FULL), {"first_name": SlotValue(value)})
    part = board.scenes[0].layers[0]
    assert isinstance(part, TextPart)
    shown = clean(value) or "there"
    assert part.text == f"Hi {FSI}{shown}{PDI}!"
    assert board.scenes[0].narration.split() == f"Hi {shown}.".split()


def test_conditions_choose_the_scenes(write_template: WriteTemplate) -> None:
    """A scene whose condition fails leaves no trace in the manifest."""
    template = write_template(FULL)
    few = assemble(template, {"score": SlotValue(9)})
    all_of_them = assemble(template, {"score": SlotValue(11, "eleven"), "items": rows("a")})
    assert [scene["name"] for scene in few.manifest()] == ["hello"]
    assert [scene["name"] for scene in all_of_them.manifest()] == ["hello", "score", "items"]
    assert all_of_them.manifest()[1] == {"name": "score", "start": 1.367, "seconds": 2.0}
    assert all_of_them.scenes[1].narration == "You scored eleven."


def test_a_list_shows_some_rows_and_counts_the_rest(write_template: WriteTemplate) -> None:
    """Two rows are shown, three are counted."""
    board = assemble(write_template(FULL), {"items": rows("a", "b", "c", "d", "e")})
    part = board.scenes[-1].layers[0]
    assert isinstance(part, ListPart)
    assert [row.title for row in part.rows] == ["a", "b"]
    assert part.more == "+3 more"


def test_a_picture_is_found_by_its_hash_or_inside_the_template(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Stored pictures have any extension; a template's own are named by their path."""
    digest = "ab" * 32
    store = tmp_path / "assets"
    store.mkdir()
    (store / f"{digest}.png").write_bytes(picture_bytes())
    template = write_template(FULL, {"own.png": picture_bytes()})
    items = [
        {"title": SlotValue("a"), "picture": SlotValue(f"asset:{digest}")},
        {"title": SlotValue("b"), "picture": SlotValue("own.png")},
    ]
    part = assemble(template, {"items": SlotValue(items)}, asset_root=store).scenes[-1].layers[0]
    assert isinstance(part, ListPart)
    assert [row.path and row.path.name for row in part.rows] == [f"{digest}.png", "own.png"]


@pytest.mark.parametrize(
    "value", [f"asset:{'cd' * 32}", "none.png", "../../brand.toml", "/etc/passwd"]
)
def test_a_picture_that_is_nowhere_is_named(write_template: WriteTemplate, value: str) -> None:
    """The error names the slot and the scene; no path leads out of the template."""
    items = [{"title": SlotValue("a"), "picture": SlotValue(value)}]
    with pytest.raises(AssetError) as caught:
        assemble(write_template(FULL), {"items": SlotValue(items)})
    assert (caught.value.slot, caught.value.scene) == ("items", "items")


def test_an_image_layer_without_value_is_left_out(write_template: WriteTemplate) -> None:
    """An optional picture that a record lacks is no error."""
    toml = HELLO.replace("[[scenes]]", '[slots.photo]\nkind = "image"\n\n[[scenes]]')
    toml += '\n[[scenes.layers]]\nkind = "image"\nsource = "{{ photo }}"\n'
    template = write_template(toml, {"p.png": picture_bytes()})
    without = assemble(template, {"first_name": SlotValue("Ada")})
    filled = assemble(template, {"first_name": SlotValue("Ada"), "photo": SlotValue("p.png")})
    assert [part.kind for part in without.scenes[0].layers] == ["text"]
    assert isinstance(filled.scenes[0].layers[1], ImagePart)


def test_an_unknown_slot_is_refused(write_template: WriteTemplate) -> None:
    """A mapping's typing mistake does not pass silently."""
    with pytest.raises(SlotError, match="has no slot 'firstname'") as caught:
        assemble(write_template(), {"firstname": SlotValue("Ada")})
    assert caught.value.reason == "slot_unknown"


@pytest.mark.parametrize(("format", "size"), [("16:9", (640, 360)), ("9:16", (360, 640)), ("1:1", (360, 360))])  # fmt: skip
def test_the_height_is_the_shorter_side(
    write_template: WriteTemplate, format: str, size: tuple[int, int]
) -> None:
    """360p is 640x360, and 360x640 on a phone."""
    slots = {"first_name": SlotValue("Ada")}
    board = assemble(write_template(), slots, format=format, height=360)
    assert (board.width, board.height) == size


@pytest.mark.parametrize("wrong", [{"format": "4:3"}, {"height": 361}, {"height": 10}])
def test_a_size_that_cannot_be_made_is_refused(
    write_template: WriteTemplate, wrong: dict[str, object]
) -> None:
    """Odd and tiny sizes, and formats without layout, are refused in words."""
    with pytest.raises(TemplateError):
        assemble(write_template(), {"first_name": SlotValue("Ada")}, **wrong)  # type: ignore[arg-type]


def test_the_same_inputs_have_the_same_key(write_template: WriteTemplate, tmp_path: Path) -> None:
    """The key depends on what is shown, not on the folder where the template lies."""

    def board(name: str, folder: str = "small", **more: object) -> Storyboard:
        template = write_template(name=folder)
        return assemble(template, {"first_name": SlotValue(name)}, **more)  # type: ignore[arg-type]

    assert board("Ada").key() == board("Ada").key()
    others = [board("Bob"), board("Ada", locale="ja"), board("Ada", height=360)]
    assert len({board("Ada").key(), *(other.key() for other in others)}) == 4


def test_an_expression_cannot_blow_up(write_template: WriteTemplate) -> None:
    """Division by nothing is a slot's error, not a crash."""
    toml = FULL.replace("score > 10", "10 / score > 1")
    with pytest.raises(SlotError) as caught:
        assemble(write_template(toml), {"score": SlotValue(0)})
    assert caught.value.slot == "score"
