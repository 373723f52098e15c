"""A template is made ready ahead: what everybody sees is encoded, for each combination of values."""

import json
from pathlib import Path

import pytest

from renderers.compile import (
    check_compiled,
    clean_compiled,
    compile_template,
    compiled_shelves,
    vet_template,
)
from renderers.errors import RenderError
from renderers.render import render
from renderers.shelf import MANIFEST
from renderers.storyboard import SlotValue, assemble
from tests.renderers.samples import WriteTemplate, picture_bytes
from tests.renderers.test_sound import tone

TEMPLATE = """
title = "Plans"
formats = ["16:9", "1:1"]
fps = 10

[music]
source = "music.m4a"

[slots.first_name]
required = true

[slots.plan]
kind = "enum"
options = ["small", "large"]
cardinality = "enum"
fallback = "small"

[slots.cta]
cardinality = "static"
fallback = "Go"

[slots.photo]
kind = "image"
required = true

[slots.ready]
kind = "boolean"
cardinality = "enum"

[[scenes]]
name = "hello"
seconds = 1.0

[[scenes.layers]]
kind = "image"
source = "back.png"

[[scenes.layers]]
kind = "text"
text = "Hi {{ first_name }}"
enter = "fade"

[[scenes]]
name = "plan"
seconds = 1.0
transition = { kind = "wipe", ms = 300 }

[[scenes.layers]]
kind = "text"
text = "The {{ plan }} plan: {{ cta }}"
enter = "rise"

[[scenes.layers]]
kind = "shape"
shape = "disc"
when = "ready"

[[scenes]]
name = "end"
seconds = 0.5
transition = { kind = "fade", ms = 200 }

[[scenes.layers]]
kind = "shape"
shape = "disc"

[[scenes]]
name = "photo"
seconds = 0.5
when = "first_name == 'nobody'"

[[scenes.layers]]
kind = "image"
source = "{{ photo }}"
"""
ASSETS = {"back.png": picture_bytes(), "music.m4a": tone(1.0)}
ADA = {"first_name": SlotValue("Ada"), "photo": SlotValue("asset:" + "0" * 64)}


def pieces(folder: Path, kind: str) -> list[str]:
    """List the pieces of one kind in the only shelf of a folder."""
    manifest = json.loads(next(folder.glob(f"*16x9*/{MANIFEST}")).read_text())
    return sorted(name for name in manifest["pieces"] if name.startswith(kind))


def test_every_combination_of_enum_values_is_encoded_once(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Two plans, with and without the disc, behind a personal scene: four scenes; the end: one."""
    told: list[tuple[float, str]] = []
    made = compile_template(
        write_template(TEMPLATE, ASSETS), compiled=tmp_path / "c", height=36,
        progress=lambda share, name: told.append((share, name)),
    )  # fmt: skip
    assert [facts.format for facts in made] == ["16:9", "1:1"]
    costs = {scene.name: scene for scene in made[0].scenes}
    assert (costs["hello"].personal, costs["hello"].frames, costs["hello"].drawn) == (True, 10, 5)
    assert (costs["plan"].personal, costs["plan"].drawn) == (False, 0)
    # four plans, their four ways into the end, and the end itself
    assert len(pieces(tmp_path / "c", "scene-")) == 4 + 4 + 1
    assert len(pieces(tmp_path / "c", "sound-")) == 1
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[-1][0] == 1.0


def test_a_video_takes_from_the_shelf_what_was_compiled(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """The first viewer waits for nothing that could be made before."""
    template = write_template(TEMPLATE, ASSETS)
    compile_template(template, compiled=tmp_path / "c", formats=["16:9"], height=36)
    before = pieces(tmp_path / "c", "")
    render(assemble(template, ADA, height=36), tmp_path / "out", compiled=tmp_path / "c")
    assert pieces(tmp_path / "c", "") == before


def test_values_that_a_campaign_gives_to_all_are_compiled(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Its own words on the button, not the fallback."""
    template = write_template(TEMPLATE, ASSETS)
    slots = {"cta": SlotValue("Book a call"), "plan": SlotValue("large")}
    compile_template(template, compiled=tmp_path / "c", formats=["16:9"], height=36, slots=slots)
    before = pieces(tmp_path / "c", "")
    render(assemble(template, {**ADA, **slots}, height=36), tmp_path / "o", compiled=tmp_path / "c")
    assert pieces(tmp_path / "c", "") == before


def test_nobodys_name_is_on_the_shelf(write_template: WriteTemplate, tmp_path: Path) -> None:
    """Scenes with a personal slot are encoded for one video and kept nowhere else."""
    template = write_template(TEMPLATE, ASSETS)
    render(assemble(template, ADA, height=36), tmp_path / "a", compiled=tmp_path / "c")
    before = pieces(tmp_path / "c", "")
    other = {**ADA, "first_name": SlotValue("Grace")}
    render(assemble(template, other, height=36), tmp_path / "b", compiled=tmp_path / "c")
    assert pieces(tmp_path / "c", "") == before


def test_a_sound_before_a_name_does_not_put_the_name_on_the_shelf(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Layers that are heard count as layers, but nothing stands in their place."""
    words = TEMPLATE.replace(
        """seconds = 1.0

[[scenes.layers]]
kind = "image"
source = "back.png"
""",
        """seconds = 1.0

[[scenes.layers]]
kind = "audio"
source = "music.m4a"
""",
        1,
    ).replace('text = "Hi {{ first_name }}"\nenter = "fade"', 'text = "Hi {{ first_name }}"')
    template = write_template(words, ASSETS)
    render(assemble(template, ADA, height=36), tmp_path / "a", compiled=tmp_path / "c")
    before = pieces(tmp_path / "c", "")
    other = {**ADA, "first_name": SlotValue("Grace")}
    render(assemble(template, other, height=36), tmp_path / "b", compiled=tmp_path / "c")
    assert pieces(tmp_path / "c", "") == before


def test_compiled_shelves_can_be_listed_checked_and_cleaned(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Damage is named; what an older release made is not current and can go."""
    folder = tmp_path / "c"
    assert compiled_shelves(folder) == []
    compile_template(write_template(TEMPLATE, ASSETS), compiled=folder, height=36)
    shelves = compiled_shelves(folder)
    assert [(s.template, s.format, s.height, s.current) for s in shelves] == [
        ("small", "16:9", 36, True), ("small", "1:1", 36, True),
    ]  # fmt: skip
    assert shelves[0].bytes == sum(
        (shelves[0].folder / n).stat().st_size for n in pieces(folder, "")
    )
    assert check_compiled(folder) == []
    damaged = shelves[0].folder / pieces(folder, "scene-")[0]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    assert check_compiled(folder) == [f"{shelves[0].folder.name}/{damaged.name}"]
    manifest = shelves[1].folder / MANIFEST
    manifest.write_text(manifest.read_text().replace('"renderer": "', '"renderer": "older-'))
    assert [gone.folder for gone in clean_compiled(folder)] == [shelves[1].folder]
    assert [left.folder for left in compiled_shelves(folder)] == [shelves[0].folder]
    clean_compiled(folder, everything=True)
    assert compiled_shelves(folder) == []


def test_every_bad_asset_is_named_with_its_scene(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """All of them at once, before anything is encoded."""
    half = tone(1.0)[: len(tone(1.0)) // 2]
    template = write_template(
        TEMPLATE, {"back.png": picture_bytes()[:60], "music.m4a": half}, name="broken"
    )
    wrong = {error.scene: str(error) for error in vet_template(template)}
    assert "back.png" in wrong["hello"]
    assert "music.m4a" in wrong[None]
    assert vet_template(write_template(TEMPLATE, ASSETS)) == []


def test_a_template_that_cannot_be_compiled_says_where(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """The error carries the scene, and the folder has no piece of it."""
    template = write_template(TEMPLATE, {**ASSETS, "back.png": picture_bytes()[:60]})
    with pytest.raises(RenderError, match=r"back\.png") as caught:
        compile_template(template, compiled=tmp_path / "c", height=36)
    assert caught.value.scene == "hello"
    assert not list((tmp_path / "c").glob("*/backdrop*"))
