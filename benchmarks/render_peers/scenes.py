"""Reads a storyboard as its author would describe it to another tool: what stands where and when.

Positions and sizes of text are handed over ready: the author of a script would have found them by
trying, and nobody is charged for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import skia

from renderers.fonts import FOLDER
from renderers.parts import AnyPart, ImagePart, ShapePart, TextPart, VideoPart
from renderers.storyboard import Scene, Storyboard
from renderers.typography import Room, Setting, Style, fit

RISE = 32  # pixels at 720p that a rising part travels
_DOWN = {"top": 0.0, "middle": 0.5, "bottom": 1.0}
_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))


@dataclass(frozen=True)
class Element:
    """One thing on screen, in pixels of the output and seconds of its scene."""

    kind: Literal["still", "film", "plate", "text"]
    x: int
    y: int
    width: int
    height: int
    entry: Entry
    path: Path | None = None
    colour: str = ""
    lettering: Lettering | None = None


@dataclass(frozen=True)
class Entry:
    """When something comes, and how; zero seconds mean that it is simply there."""

    start: float
    way: str
    seconds: float


@dataclass(frozen=True)
class Lettering:
    """A line of text: the words, the font's file, and where its baseline lies below the top."""

    text: str
    font: Path
    size: float
    baseline: float
    setting: Setting


@dataclass(frozen=True)
class Cut:
    """One scene: how long, on which colour, with what on it from the bottom up."""

    seconds: float
    colour: str
    elements: tuple[Element, ...]


def describe(board: Storyboard) -> list[Cut]:
    """Describe all scenes of a storyboard."""
    return [_cut(scene, board) for scene in board.scenes]


def draw_text(element: Element, path: Path) -> None:
    """Draw a text alone on a transparent picture that begins at even coordinates.

    ffmpeg's overlay moves anything else by a pixel, as colours have half the resolution.
    """
    if element.lettering is None:
        raise ValueError("this element has no text")
    x, y = element.x % 2, element.y % 2
    surface = skia.Surface(element.width + x, element.height + y)
    setting = element.lettering.setting
    setting.paint(surface.getCanvas(), x - setting.left, y)
    path.write_bytes(bytes(surface.makeImageSnapshot().encodeToData(skia.kPNG, 100)))


def _cut(scene: Scene, board: Storyboard) -> Cut:
    return Cut(
        scene.frames / board.fps,
        scene.background,
        tuple(_element(part, board) for part in scene.layers),
    )


def _element(part: AnyPart, board: Storyboard) -> Element:
    if isinstance(part, TextPart):
        return _text(part, board)
    x, y, width, height = (
        round(side) for side in (part.box.x, part.box.y, part.box.width, part.box.height)
    )
    kind: Literal["still", "film", "plate"] = "plate"
    if isinstance(part, ImagePart | VideoPart):
        kind = "still" if isinstance(part, ImagePart) else "film"
    elif not isinstance(part, ShapePart) or part.shape != "rect":
        raise ValueError(f"the other contestants were not taught layers of kind {part.kind!r}")
    return Element(
        kind, x, y, width, height, _entry(part, board),
        path=getattr(part, "path", None), colour=getattr(part, "colour", ""),
    )  # fmt: skip


def _text(part: TextPart, board: Storyboard) -> Element:
    style = Style(
        board.brand.font, board.locale, part.colour, part.bold, part.align, part.leading,
        part.tracking,
    )  # fmt: skip
    box = part.box
    setting = fit(part.text, style, Room(box.width, box.height, part.largest, part.smallest, 1))
    weight = "bold" if part.bold else "regular"
    lettering = Lettering(
        part.text.translate(_ISOLATES),
        FOLDER / f"{board.brand.font}-{weight}.ttf",
        setting.size,
        setting.paragraph.AlphabeticBaseline,
        setting,
    )
    return Element(
        "text",
        round(box.x + setting.left),
        round(box.y + (box.height - setting.height) * _DOWN[part.valign]),
        round(setting.width) + 2,
        round(setting.height) + 2,
        _entry(part, board),
        colour=part.colour,
        lettering=lettering,
    )


def _entry(part: AnyPart, board: Storyboard) -> Entry:
    timing = part.timing
    return Entry(timing.first / board.fps, timing.enter, timing.enter_frames / board.fps)
