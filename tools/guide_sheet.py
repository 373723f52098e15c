"""Lay frames out on sheets for the template guide: rows of frames with words under them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import skia
from numpy.typing import NDArray
from PIL import Image

from renderers.brand import load_brand
from renderers.layers.stage import fill, rounded, stroke
from renderers.parts import Box
from renderers.typography import Setting, Style, line

COLOURS = 256
WIDE, MARGIN, GAP, UNDER = 1280, 32, 24, 44
Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Cell:
    """One frame on a sheet with the words under it."""

    frame: Frame
    words: str = ""
    bold: bool = True
    marked: bool = False


@dataclass(frozen=True)
class Row:
    """Frames side by side, all of one height, with a word at their left."""

    cells: Sequence[Cell]
    word: str = ""


def sheet(rows: Sequence[Row], *, width: int = WIDE) -> Image.Image:
    """Lay frames out in rows that fill the width, on the brand's panel."""
    colours = load_brand().colours
    left = MARGIN + (_label_width(rows) + GAP if any(row.word for row in rows) else 0)
    room = width - left - MARGIN
    heights = [_row_height(row, room) for row in rows]
    below = [UNDER if any(cell.words for cell in row.cells) else 0 for row in rows]
    total = (
        2 * MARGIN - (12 if below[-1] else 0) + sum(heights) + sum(below) + GAP * (len(rows) - 1)
    )
    surface = skia.Surface(width, total)
    canvas, y = surface.getCanvas(), MARGIN
    canvas.clear(fill(colours.panel).getColor())
    for row, height, more in zip(rows, heights, below, strict=True):
        if row.word:
            word = _word(row.word)
            word.paint(canvas, MARGIN, y + (height - word.height) / 2)
        _paint_row(canvas, row, Box(left, y, room, height))
        y += height + more + GAP
    pixels = surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
    return Image.fromarray(np.ascontiguousarray(pixels)[:, :, :3])


def _label_width(rows: Sequence[Row]) -> int:
    widest: float = max(_word(row.word).width for row in rows if row.word)
    return round(widest)


@cache
def _word(text: str, colour: str = "ink", bold: bool = True) -> Setting:
    shade = load_brand().colours.named(colour) or ""
    return line(text, Style("inter", "en", shade, bold), 24)


def _row_height(row: Row, room: float) -> int:
    aspects: float = sum(cell.frame.shape[1] / cell.frame.shape[0] for cell in row.cells)
    return round((room - GAP * (len(row.cells) - 1)) / aspects)


def _paint_row(canvas: skia.Canvas, row: Row, box: Box) -> None:
    x = box.x
    for cell in row.cells:
        width = box.height * cell.frame.shape[1] / cell.frame.shape[0]
        size = (round(width), round(box.height))
        small = Image.fromarray(cell.frame).resize(size, Image.Resampling.LANCZOS).convert("RGBA")
        picture = skia.Image.fromarray(np.asarray(small), colorType=skia.kRGBA_8888_ColorType)
        canvas.save()
        canvas.clipRRect(rounded(Box(x, box.y, *size), 8), True)
        canvas.drawImage(picture, x, box.y)
        canvas.restore()
        if cell.marked:
            frame = rounded(Box(x - 5, box.y - 5, size[0] + 10, size[1] + 10), 12)
            canvas.drawRRect(frame, stroke(load_brand().colours.accent, 4))
        if cell.words:
            words = _word(cell.words, "ink" if cell.bold else "muted", cell.bold)
            words.paint(canvas, x + (width - words.width) / 2, box.y + box.height + 10)
        x += width + GAP


def save(image: Image.Image, path: Path) -> None:
    """Write a picture as PNG with few colours."""
    few = image.quantize(COLOURS, kmeans=4, dither=Image.Dither.NONE)
    few.save(path, "PNG", optimize=True)
