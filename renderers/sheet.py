"""Draws frames of a scene as plain pixels for the pictures that stand for a video."""

from collections.abc import Sequence

import numpy as np
import skia
from numpy.typing import NDArray

from renderers.compose import Placed, SceneComposer
from renderers.layers.stage import colour
from renderers.storyboard import Storyboard

Pixels = NDArray[np.uint8]
GIF_SIDE = 480  # the longer one


class Sheet:
    """A canvas, often smaller than the video, for layers that are set up already.

    Pixels are blue, green, red and an unused byte, the order in which Skia draws quickest;
    `order` may ask for another one.
    """

    def __init__(
        self,
        scene: SceneComposer,
        board: Storyboard,
        side: int | None = None,
        order: skia.ColorType = skia.kBGRA_8888_ColorType,
    ) -> None:
        long = max(board.width, board.height)
        share = min(side or long, long) / long
        self.size = (round(board.width * share), round(board.height * share))
        self.pixels: Pixels = np.empty((self.size[1], self.size[0], 4), dtype=np.uint8)
        # opaque: what lies behind is copied instead of blended
        self.surface = skia.Surface(self.pixels, order, skia.kOpaque_AlphaType)
        self._scene = scene
        self._scale = (self.size[0] / board.width, self.size[1] / board.height)
        self._still = 0
        self._behind: skia.Image | None = None

    def keep(self, frames: Sequence[int]) -> None:
        """Draw what is the same in all of these frames, once."""
        placed = self._scene.placed
        moving = (i for i, one in enumerate(placed) if len({one.state(f) for f in frames}) > 1)
        self._still = next(moving, len(placed))
        self.surface.getCanvas().clear(colour(self._scene.scene.background))
        self._place(placed[: self._still], frames[0])
        self._behind = self.surface.makeImageSnapshot()

    def draw(self, frame: int) -> Pixels:
        """Draw a frame of the scene; the pixels are those of the sheet, not a copy."""
        canvas = self.surface.getCanvas()
        if self._behind is None:
            canvas.clear(colour(self._scene.scene.background))
        else:
            canvas.drawImage(self._behind, 0, 0)
        self._place(self._scene.placed[self._still :], frame)
        return self.pixels

    def _place(self, placed: Sequence[Placed], frame: int) -> None:
        canvas = self.surface.getCanvas()
        canvas.save()
        canvas.scale(*self._scale)
        for layer in placed:
            layer.draw(canvas, frame)
        canvas.restore()
