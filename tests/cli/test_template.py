"""Templates on the command line: what is made ahead, what is wrong, and what may go."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import cuereel
from connector.cli.prepare import prepare
from connector.settings import Settings

CARD = """
title = "Card"
formats = ["16:9", "1:1"]
fps = 10

[slots.first_name]
kind = "text"
fallback = "there"
longest = 40

[slots.offer]
kind = "text"
fallback = "Nothing"
cardinality = "static"

[[scenes]]
name = "hello"
seconds = 1.0
narration = "Hi {{ first_name }}."

[[scenes.layers]]
kind = "text"
text = "Hi {{ first_name }}"

[[scenes]]
name = "offer"
seconds = 1.0
narration = "{{ offer }}"

[[scenes.layers]]
kind = "text"
text = "{{ offer }}"
"""
CAMPAIGN = """
title = "Card"
stage = "retention"
purpose = "video_service"
trigger = "contact_onboarding"

[[steps]]
template = "card"

[slots]
first_name = { from = "contact.first_name", otherwise = "there" }
offer      = "Ten days free"
"""


@pytest.fixture
def card(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own template with a personal scene and a shared one, in small videos."""
    monkeypatch.setenv("CUEREEL_VIDEO_HEIGHT", "180")
    folder = settings.folder / "templates" / "card"
    folder.mkdir(parents=True)
    (folder / "template.toml").write_text(CARD)
    return folder


def run(*words: str) -> Result:
    return CliRunner().invoke(cuereel, words)


def listed(name: str = "card") -> dict[str, Any]:
    found = json.loads(run("template", "list", "--json").stdout)["templates"]
    return next(one for one in found if one["name"] == name)


def scenes(settings: Settings) -> dict[str, set[str]]:
    """Return the encoded scenes that are kept, by folder."""
    found: dict[str, set[str]] = {}
    for path in settings.compiled.glob("*/scene-*"):
        found.setdefault(path.parent.name, set()).add(path.name)
    return found


def test_compiling_tells_what_each_scene_costs(card: Path) -> None:
    """A shared scene costs nothing per video, a personal one the frames that change."""
    done = run("template", "compile", "card", "--format", "16:9", "--height", "36")
    assert done.exit_code == 0
    first, hello, offer = done.stdout.splitlines()
    assert first.startswith("card 16:9 36p  ")
    assert hello.split() == ["hello", "personal:", hello.split()[2], "of", "10", "frames", "drawn"]
    assert offer.split() == ["offer", "shared"]


def test_what_is_compiled_is_listed_with_its_size(card: Path, settings: Settings) -> None:
    """Without a format all formats of the template are made."""
    assert listed()["compiled"] == []
    made = json.loads(run("template", "compile", "card", "--json").stdout)["compiled"]
    assert [one["format"] for one in made] == ["16:9", "1:1"]
    assert [one["name"] for one in made[0]["scenes"] if one["personal"]] == ["hello"]
    ready = listed()["compiled"]
    assert {(one["format"], one["height"]) for one in ready} == {("16:9", 180), ("1:1", 180)}
    assert all(one["bytes"] > 0 for one in ready)
    assert "1:1 180p (" in run("template", "list").stdout


def test_what_to_compile_must_be_said(card: Path) -> None:
    """Neither nothing nor a format that the template lacks is guessed at."""
    assert run("template", "compile").exit_code == 2
    wrong = run("template", "compile", "card", "--format", "9:16")
    assert "not laid out for 9:16" in str(wrong.exception)


def test_a_damaged_piece_is_named_and_made_again(
    card: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check reads every piece and names the one that is not what it was."""
    compiled = ("template", "compile", "card", "--format", "1:1")
    run(*compiled)
    assert run("template", "check", "card").exit_code == 0
    # another home, because this process remembers what it has read in the first
    home = shutil.copytree(settings.folder, tmp_path / "moved")
    monkeypatch.setenv("CUEREEL_HOME", str(home))
    [piece] = home.glob("compiled/*/scene-*")
    piece.write_bytes(b"x" * piece.stat().st_size)
    checked = run("template", "check", "card")
    assert checked.exit_code == 1
    assert f"{piece.name} is damaged" in checked.stderr
    assert run("template", "check", "onboarding").exit_code == 0
    run(*compiled)
    assert run("template", "check", "card").exit_code == 0


def test_an_asset_that_cannot_be_opened_is_named_with_its_scene(card: Path) -> None:
    """The check opens what a template is made of, before anybody's video needs it."""
    picture = '[[scenes.layers]]\nkind = "image"\nsource = "photo.png"\n'
    (card / "template.toml").write_text(CARD + picture)
    (card / "photo.png").write_bytes(b"no picture at all")
    checked = run("template", "check", "card")
    assert checked.exit_code == 1
    assert "photo.png" in checked.stderr
    assert "offer" in checked.stderr


def test_what_no_video_would_use_is_cleaned_away(card: Path, settings: Settings) -> None:
    """A changed template leaves its old pieces behind; cleaning takes them and spares the rest."""
    run("template", "compile", "card", "--format", "1:1")
    [old] = scenes(settings)
    (card / "template.toml").write_text(CARD.replace('fallback = "Nothing"', 'fallback = "More"'))
    run("template", "compile", "card", "--format", "1:1")
    assert len(scenes(settings)) == 2
    cleaned = run("template", "clean")
    assert old in cleaned.stdout
    assert old not in scenes(settings)
    assert len(scenes(settings)) == 1
    run("template", "clean", "--all")
    assert scenes(settings) == {}


def test_a_campaigns_shared_scenes_are_made_when_it_is_installed(
    card: Path, settings: Settings, tmp_path: Path
) -> None:
    """With the values that the campaign gives, so that its first video encodes no scene for all."""
    prepare(settings).store.close()
    own = settings.folder / "mappings" / "campaigns"
    own.mkdir(parents=True)
    # in the place of the packaged ones, whose templates are larger
    for name in ("onboarding", "abandoned_cart", "account_review"):
        (own / f"{name}.toml").write_text(CAMPAIGN)
    assert run("campaign", "install", "--no-compile").exit_code == 0
    assert scenes(settings) == {}
    installed = run("campaign", "install")
    assert "card 16:9 180p" in installed.stdout
    before = scenes(settings)
    assert len(before) == 1
    slots = tmp_path / "slots.json"
    slots.write_text(json.dumps({"first_name": "Ольга", "offer": "Ten days free"}))
    rendered = run(
        "render", "card", "--slots", str(slots), "--out", str(tmp_path / "out"), "--json"
    )
    assert rendered.exit_code == 0, rendered.output
    assert json.loads(rendered.stdout)["verdict"] in ("ready", "needs_review")
    assert scenes(settings) == before


def test_reuse_can_be_switched_off(
    card: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then no encoded scene is kept, neither by a video nor by a campaign's install."""
    monkeypatch.setenv("CUEREEL_REUSE", "none")
    assert run("render", "card", "--out", str(tmp_path / "out")).exit_code == 0
    assert scenes(settings) == {}


def test_a_renderer_can_be_chosen_for_one_video(card: Path, tmp_path: Path) -> None:
    """The reference renders the same video whole."""
    for renderer in ("stitching", "reference"):
        words = ("render", "card", "--height", "36", "--renderer", renderer, "--json", "--out")
        done = run(*words, str(tmp_path / renderer))
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["duration"] == 2.0
    assert run("render", "card", "--renderer", "quick", "--out", str(tmp_path)).exit_code == 2
