"""Draws a text, with a plate behind it when the template asks for one (a button)."""

from collections.abc import Sequence
from dataclasses import dataclass

import skia

from renderers.layers.stage import Lettering, PictureUse, Stage, fill, rounded
from renderers.parts import Box, TextPart
from renderers.typography import Room, Setting, Style, fit

_DOWN = {"top": 0.0, "middle": 0.5, "bottom": 1.0}


@dataclass(frozen=True)
class TextDrawing:
    """A text that was set once."""

    part: TextPart
    setting: Setting
    x: float
    y: float
    plate: Box | None

    def state(self, frame: int) -> int:
        """Say that a text looks the same in all frames."""
        return 0

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the plate, then the text."""
        if self.plate and self.part.plate:
            canvas.drawRRect(
                rounded(self.plate, self.part.plate.radius), fill(self.part.plate.colour)
            )
        self.setting.paint(canvas, self.x, self.y)

    def letterings(self) -> Sequence[Lettering]:
        """List its one text."""
        part, on = self.part, self.part.plate.colour if self.part.plate else None
        return (
            Lettering(
                part.text,
                self.setting.size,
                part.largest,
                part.smallest,
                part.colour,
                part.bold,
                self.setting.ink(self.x, self.y),
                on,
            ),
        )

    def pictures(self) -> Sequence[PictureUse]:
        """Say that a text shows no picture."""
        return ()


def set_up(part: TextPart, stage: Stage) -> TextDrawing:
    """Set the text at the largest size that fits."""
    across, down = (part.plate.across, part.plate.down) if part.plate else (0.0, 0.0)
    box = part.box
    width, height = box.width - 2 * across, box.height - 2 * down
    style = Style(
        stage.font, stage.locale, part.colour, part.bold, part.align, part.leading, part.tracking
    )
    room = Room(width, height, part.largest, part.smallest, part.lines)
    setting = fit(part.text, style, room, slots=part.slots)
    y = box.y + down + (height - setting.height) * _DOWN[part.valign]
    x = box.x + across
    plate = part.plate and Box(
        x + setting.left - across,
        y - down,
        setting.width + 2 * across,
        setting.height + 2 * down,
    )
    return TextDrawing(part, setting, x, y, plate or None)
