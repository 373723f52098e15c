"""Draws plain forms: plates, gradients, discs, rings, ticks and rules."""

from collections.abc import Sequence
from dataclasses import dataclass

import skia

from renderers.layers.stage import Lettering, PictureUse, Stage, colour, fill, rounded, stroke
from renderers.parts import Box, ShapePart


@dataclass(frozen=True)
class ShapeDrawing:
    """A form that needs no preparation."""

    part: ShapePart

    def state(self, frame: int) -> int:
        """Say that a form looks the same in all frames."""
        return 0

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the form."""
        _FORMS[self.part.shape](canvas, self.part)

    def letterings(self) -> Sequence[Lettering]:
        """Say that a form shows no text."""
        return ()

    def pictures(self) -> Sequence[PictureUse]:
        """Say that a form shows no picture."""
        return ()


def set_up(part: ShapePart, stage: Stage) -> ShapeDrawing:
    """Take the form as it is."""
    return ShapeDrawing(part)


def draw_tick(canvas: skia.Canvas, box: Box, colour: str, width: float) -> None:
    """Draw a tick mark that fills a box."""
    path = skia.Path()
    path.moveTo(box.x, box.y + box.height * 0.55)
    path.lineTo(box.x + box.width * 0.36, box.y + box.height * 0.9)
    path.lineTo(box.x + box.width, box.y + box.height * 0.12)
    canvas.drawPath(path, stroke(colour, width))


def _rect(canvas: skia.Canvas, part: ShapePart) -> None:
    paint = fill(part.colour)
    if part.to:
        ends = [skia.Point(0, part.box.y), skia.Point(0, part.box.y + part.box.height)]
        colours = [colour(part.colour), colour(part.to)]
        paint = skia.Paint(
            AntiAlias=True, Shader=skia.GradientShader.MakeLinear(points=ends, colors=colours)
        )
    canvas.drawRRect(rounded(part.box, part.radius), paint)


def _disc(canvas: skia.Canvas, part: ShapePart) -> None:
    box = part.box
    radius = min(box.width, box.height) / 2
    canvas.drawCircle(box.x + box.width / 2, box.y + box.height / 2, radius, fill(part.colour))


def _ring(canvas: skia.Canvas, part: ShapePart) -> None:
    box = part.box
    radius = (min(box.width, box.height) - part.stroke) / 2
    paint = stroke(part.colour, part.stroke)
    canvas.drawCircle(box.x + box.width / 2, box.y + box.height / 2, radius, paint)


def _tick(canvas: skia.Canvas, part: ShapePart) -> None:
    draw_tick(canvas, part.box, part.colour, part.stroke)


def _rule(canvas: skia.Canvas, part: ShapePart) -> None:
    y = part.box.y + part.box.height / 2
    paint = stroke(part.colour, part.stroke)
    canvas.drawLine(part.box.x, y, part.box.x + part.box.width, y, paint)


_FORMS = {"rect": _rect, "disc": _disc, "ring": _ring, "tick": _tick, "rule": _rule}
