"""What the renderer's tests share: templates written into a temporary folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import Template, load_template
from tests.renderers.samples import HELLO, WriteTemplate


@pytest.fixture
def write_template(tmp_path: Path) -> WriteTemplate:
    """Write a template folder and read it."""

    def write(
        toml: str = HELLO, assets: Mapping[str, bytes] | None = None, name: str = "small"
    ) -> Template:
        folder = tmp_path / "templates" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "template.toml").write_text(toml, encoding="utf-8")
        for file, content in (assets or {}).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        return load_template(folder)

    return write


@pytest.fixture
def hello_board(write_template: WriteTemplate) -> Callable[..., Storyboard]:
    """Assemble the hello template for a name."""

    def board(name: str = "Ada", height: int = 36, locale: str = "en") -> Storyboard:
        slots = {"first_name": SlotValue(name)}
        return assemble(write_template(), slots, height=height, locale=locale)

    return board
