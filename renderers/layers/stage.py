"""What every layer is given to draw with, and what it gives back."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import skia

from renderers.parts import Box
from renderers.typography import Style


@dataclass(frozen=True)
class Stage:
    """The surroundings of a scene's layers: type, language and size."""

    font: str
    locale: str
    scale: float
    fps: int

    def style(self, colour: str, *, bold: bool = False, align: str = "start") -> Style:
        """Make a text style in the brand's font."""
        return Style(self.font, self.locale, colour, bold, align)


@dataclass(frozen=True)
class Lettering:
    """One text as it stands at rest, in output pixels.

    `ink` is where its lines stand, `on` the colour that the layer itself paints under it, `cut`
    that its end was left out. A `mark` is a numeral or initial that only adorns a row.
    """

    text: str
    size: float
    largest: float
    smallest: float
    colour: str
    bold: bool
    ink: Box
    on: str | None = None
    cut: bool = False
    mark: bool = False


@dataclass(frozen=True)
class PictureUse:
    """One picture: its own pixels, and those that the whole of it would take on screen."""

    name: str
    width: int
    height: int
    drawn_width: float
    drawn_height: float


@dataclass(frozen=True)
class Piece:
    """A part of a drawing that comes in by itself and does not change otherwise.

    `shown` tells for a frame of the layer how much of it is seen (0 to 1), and how many whole
    pixels it stands below its place.
    """

    box: Box
    draw: Callable[[skia.Canvas], None]
    shown: Callable[[int], tuple[float, int]]


class Drawing(Protocol):
    """A layer that is ready to draw any of its frames."""

    def state(self, frame: int) -> Hashable:
        """Name what the frame looks like; equal states draw equal pixels."""
        ...

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw one frame, counted from the layer's own first frame."""
        ...

    def letterings(self) -> Sequence[Lettering]:
        """List the texts that it shows once it is at rest."""
        ...

    def pictures(self) -> Sequence[PictureUse]:
        """List the pictures that it shows."""
        ...


@runtime_checkable
class Pieced(Protocol):
    """A drawing whose every frame is a number of pieces, laid one over the other."""

    @property
    def pieces(self) -> Sequence[Piece]:
        """List the pieces from the bottom up."""
        ...


def colour(value: str, alpha: float = 1.0) -> int:
    """Turn #rrggbb into Skia's number."""
    return int(skia.Color(*bytes.fromhex(value[1:]), round(255 * alpha)))


def fill(value: str, alpha: float = 1.0) -> skia.Paint:
    """Make a paint that fills with a colour."""
    return skia.Paint(Color=colour(value, alpha), AntiAlias=True)


def stroke(value: str, width: float) -> skia.Paint:
    """Make a paint that draws lines with round ends."""
    return skia.Paint(
        Color=colour(value),
        AntiAlias=True,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )


def rect(box: Box) -> skia.Rect:
    """Turn a box into Skia's rectangle."""
    return skia.Rect.MakeXYWH(box.x, box.y, box.width, box.height)


def rounded(box: Box, radius: float) -> skia.RRect:
    """Turn a box into a rounded rectangle; the radius never passes half of a side."""
    radius = min(radius, box.width / 2, box.height / 2)
    return skia.RRect.MakeRectXY(rect(box), radius, radius)
