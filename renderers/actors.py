"""Everything that moves in a scene by itself: a layer, or one piece of it, drawn as a sprite."""

import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import skia

from renderers.compose import Placed
from renderers.layers.stage import Piece, Pieced
from renderers.motion import GONE, reach
from renderers.parts import Box, TextPart
from renderers.planes import Area, Sprite, cut_out


@dataclass(frozen=True)
class Stance:
    """How an actor stands in a frame: its opacity of 255, its shift, and what it looks like."""

    opacity: int
    dx: int
    dy: int
    look: Hashable


class Actor:
    """Cuts out a layer, or a piece of it; what looks the same is not drawn again."""

    def __init__(self, layer: Placed, size: tuple[int, int], piece: Piece | None = None) -> None:
        self._layer = layer
        self._piece = piece
        self._region = _region(layer, piece.box if piece else layer.part.box, size)
        self._kept: tuple[Hashable, Sprite | None] | None = None

    def stance(self, frame: int) -> Stance | None:
        """Tell how it stands in a frame of the scene; None when it is not seen."""
        stands = self._layer.pose(frame)
        if stands == GONE:
            return None
        since = frame - self._layer.part.timing.first
        alpha, dy = stands.alpha * self._layer.part.opacity, stands.dy
        if self._piece:
            shown, down = self._piece.shown(since)
            opacity = round(255 * alpha) * round(255 * shown) / 255  # as if one faded in the other
            return _stance(round(opacity), stands.dx, dy + down, stands.scale)
        look = (stands.scale, self._layer.drawing.state(since))
        return _stance(round(255 * alpha), stands.dx, dy, look)

    def sprite(self, frame: int, stance: Stance) -> Sprite | None:
        """Cut it out as it looks in a frame, before it is shifted or faded."""
        if self._kept is None or self._kept[0] != stance.look:
            self._kept = stance.look, self._cut(frame)
        return self._kept[1]

    def _cut(self, frame: int) -> Sprite | None:
        area = self._region
        pixels = np.zeros((area.bottom - area.top, area.right - area.left, 4), np.uint8)
        surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
        canvas = surface.getCanvas()
        canvas.translate(-area.left, -area.top)
        self._layer.enlarge(canvas, frame)
        if self._piece:
            self._piece.draw(canvas)
        else:
            self._layer.drawing.draw(canvas, frame - self._layer.part.timing.first)
        surface.flushAndSubmit()
        return cut_out(pixels, area.left, area.top)


def actors_of(layer: Placed, size: tuple[int, int]) -> list[Actor]:
    """Take a layer apart where its pieces move by themselves."""
    grows = "grow" in (layer.part.timing.enter, layer.part.timing.exit)
    if isinstance(layer.drawing, Pieced) and not grows:
        return [Actor(layer, size, piece) for piece in layer.drawing.pieces]
    return [Actor(layer, size)]


def _stance(opacity: int, dx: int, dy: int, look: Hashable) -> Stance | None:
    return Stance(opacity, dx, dy, look) if opacity else None


def _region(layer: Placed, box: Box, size: tuple[int, int]) -> Area:
    """
    Bound where something may draw: its box, and room for what hangs over its edges.

    Beyond the picture's edge only as far as it moves: what comes in from there comes in whole.
    """
    part, (width, height) = layer.part, size
    over = 48 * layer.scale
    if isinstance(part, TextPart):
        over = max(over, part.largest)
    across, upright = reach(part.timing, layer.scale)
    return Area(
        max(math.floor(box.x - over), -across),
        max(math.floor(box.y - over), -upright),
        min(math.ceil(box.x + box.width + over), width + across),
        min(math.ceil(box.y + box.height + over), height + upright),
    )
