"""
The film of benchmarks/render: one template, its pictures, footage and music made on demand.

Nothing is stored in the repository: everything is drawn from fixed seeds, the same on any machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.reel.footage import write_footage
from benchmarks.reel.music import write_music
from benchmarks.reel.pictures import write_picture
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import load_template

CASES = ("cards", "footage")
HEIGHT = 720
STILLS = ("harbour", "ridge", "market", "meadow", "night")
MOVING = ("harbour", "meadow")  # behind the personal text; in `footage` they are films
MUSIC = "music.m4a"
_HERE = Path(__file__).parent
_NAMES = (
    "Ana", "Beatriz", "Chloé", "Dmitri", "Elena", "Farid", "Grace", "Hương", "Imogen", "Jürgen",
    "Katarzyna", "Lucía", "Matteo", "Noor", "Oksana", "Priya", "Quentin", "Renée", "Sofía", "Tomás",
    "Uma", "Verónica", "Willem", "Ximena", "Yasmin", "Zoë", "Åsa", "Łukasz", "Øyvind", "Çağla",
    "Maximiliano", "Jo", "Anneliese", "Bartholomew", "Li", "Ottoline", "Ignacio",
)  # fmt: skip


def make_reel(root: Path) -> None:
    """Write both templates with everything they show into a folder, unless they are there."""
    for name in CASES:
        (root / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(_HERE / "brand.toml", root / name / "brand.toml")
    cards, footage = root / "cards", root / "footage"
    for seed, name in enumerate(STILLS):
        _once(cards / f"{name}.jpg", partial(write_picture, seed=seed))
        shutil.copy2(cards / f"{name}.jpg", footage)
    for seed, name in enumerate(MOVING):
        _once(footage / f"{name}.mp4", partial(write_footage, seed=seed))
    _once(cards / MUSIC, write_music)
    shutil.copy2(cards / MUSIC, footage)
    words = (_HERE / "template.toml").read_text(encoding="utf-8")
    (cards / "template.toml").write_text(words, encoding="utf-8")
    (footage / "template.toml").write_text(_with_films(words), encoding="utf-8")


def board_of(folder: Path, number: int, *, height: int = HEIGHT) -> Storyboard:
    """Assemble the video of one invented person; each number is another name and amount."""
    name = _NAMES[number % len(_NAMES)]
    amount = round(120 + (number * 7919) % 96_000 / 10.1, 2)
    slots = {
        "first_name": SlotValue(name, name),
        "balance": SlotValue(amount, f"${amount:,.2f}"),
    }
    return assemble(load_template(folder), slots, height=height)


def personal_scenes(board: Storyboard, folder: Path) -> list[int]:
    """List the scenes, by index, that show a slot which is unique to each person."""
    slots = load_template(folder).slots
    unique = {name for name, slot in slots.items() if slot.cardinality == "unique"}
    return [
        index
        for index, scene in enumerate(board.scenes)
        if any(unique & set(part.slots) for part in scene.layers)
    ]


def _with_films(words: str) -> str:
    for name in MOVING:
        still = f'kind = "image"\nsource = "{name}.jpg"'
        if still not in words:
            raise RuntimeError(f"template.toml shows no {name}.jpg; what would the film replace?")
        words = words.replace(still, f'kind = "video"\nsource = "{name}.mp4"')
    return words


def _once(path: Path, write: Callable[[Path], None]) -> None:
    if path.exists():
        return
    half = path.with_name(f"half-{path.name}")
    write(half)
    half.replace(path)
