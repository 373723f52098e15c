"""Draws single frames of a storyboard; frames that look alike are drawn once."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import skia
from numpy.typing import NDArray

from renderers.errors import RenderError
from renderers.layers import LAYERS, Drawing, Stage
from renderers.layers.stage import colour
from renderers.motion import GONE, STILL, Pose, pose
from renderers.parts import AnyPart
from renderers.storyboard import Scene, Storyboard

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class Placed:
    """A layer that is set up, with its place in the scene's time."""

    part: AnyPart
    drawing: Drawing


class SceneComposer:
    """Draws the frames of one scene on a canvas of its own."""

    def __init__(self, scene: Scene, board: Storyboard) -> None:
        self.scene = scene
        self.stage = Stage(
            board.brand.font, board.locale, min(board.width, board.height) / 720, board.fps
        )
        self._pixels = np.zeros((board.height, board.width, 4), dtype=np.uint8)
        self._surface = skia.Surface(
            self._pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType
        )
        self._placed = [self._set_up(part) for part in scene.layers if part.kind in LAYERS]
        self._still = self._count_still()
        self._behind: skia.Image | None = None
        self._drawn: tuple[Hashable, Frame] | None = None

    def state(self, frame: int) -> Hashable:
        """Name what a frame of the scene looks like; equal states are equal pictures."""
        return tuple(self._state(placed, frame) for placed in self._placed)

    def frame(self, frame: int) -> Frame:
        """Draw a frame, counted from the scene's beginning, as rows of red, green and blue."""
        state = self.state(frame)
        if self._drawn is None or self._drawn[0] != state:
            self._paint(frame)
            self._drawn = (state, _without_alpha(self._pixels))
        return self._drawn[1]

    def _set_up(self, part: AnyPart) -> Placed:
        try:
            return Placed(part, LAYERS[part.kind](part, self.stage))
        except RenderError as error:
            error.scene = self.scene.name
            raise

    def _pose(self, placed: Placed, frame: int) -> Pose:
        return pose(placed.part.timing, frame, self.stage.scale)

    def _state(self, placed: Placed, frame: int) -> Hashable:
        stands = self._pose(placed, frame)
        if stands == GONE:
            return GONE
        return stands, placed.drawing.state(frame - placed.part.timing.first)

    def _count_still(self) -> int:
        """Count the layers at the bottom that look the same throughout the scene."""
        for count, placed in enumerate(self._placed):
            if len({self._state(placed, frame) for frame in range(self.scene.frames)}) > 1:
                return count
        return len(self._placed)

    def _paint(self, frame: int) -> None:
        canvas = self._surface.getCanvas()
        if self._behind is None:
            canvas.clear(colour(self.scene.background))
            for placed in self._placed[: self._still]:
                self._draw(canvas, placed, frame)
            self._behind = self._surface.makeImageSnapshot()
        canvas.drawImage(self._behind, 0, 0)
        for placed in self._placed[self._still :]:
            self._draw(canvas, placed, frame)
        self._surface.flushAndSubmit()

    def _draw(self, canvas: skia.Canvas, placed: Placed, frame: int) -> None:
        stands = self._pose(placed, frame)
        if stands == GONE:
            return
        part = placed.part
        alpha = stands.alpha * part.opacity
        canvas.saveLayerAlpha(None, round(255 * alpha)) if alpha < 1 else canvas.save()
        if stands != STILL:
            x, y = part.box.x + part.box.width / 2, part.box.y + part.box.height / 2
            canvas.translate(stands.dx + x, stands.dy + y)
            canvas.scale(stands.scale, stands.scale)
            canvas.translate(-x, -y)
        placed.drawing.draw(canvas, frame - part.timing.first)
        canvas.restore()


def _without_alpha(pixels: Frame) -> Frame:
    """Copy red, green and blue plane by plane, which is four times quicker than a slice."""
    frame = np.empty((*pixels.shape[:2], 3), dtype=np.uint8)
    for plane in range(3):
        frame[:, :, plane] = pixels[:, :, plane]
    return frame


class Composer:
    """Draws the frames of a whole storyboard, scene by scene."""

    def __init__(self, board: Storyboard) -> None:
        self.board = board
        self._scene = lru_cache(maxsize=8)(lambda index: SceneComposer(board.scenes[index], board))

    def rehearse(self) -> None:
        """Set up every scene, so that what cannot be drawn is found before anything is encoded."""
        for index in range(len(self.board.scenes)):
            self._scene(index)

    def frame(self, number: int) -> Frame:
        """Draw a frame of the video by its number."""
        scene = self._scene(self._index(number))
        return scene.frame(number - scene.scene.start_frame)

    def _index(self, number: int) -> int:
        for index, scene in enumerate(self.board.scenes):
            if number < scene.start_frame + scene.frames:
                return index
        raise IndexError(f"frame {number} is behind the end of {self.board.frames} frames")
