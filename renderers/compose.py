"""Draws single frames of a storyboard; frames that look alike are drawn once."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import skia
from numpy.typing import NDArray

from renderers.errors import in_scene
from renderers.layers import LAYERS, Drawing, Stage
from renderers.layers.stage import colour
from renderers.motion import GONE, Pose, pose
from renderers.parts import AnyPart
from renderers.storyboard import Scene, Storyboard
from renderers.transitions import mix

Frame = NDArray[np.uint8]
_CANVASES = 8


@dataclass(frozen=True)
class Placed:
    """A layer that is set up, with its place in the scene's time."""

    part: AnyPart
    drawing: Drawing
    scale: float

    def pose(self, frame: int) -> Pose:
        """Tell how it stands in a frame of the scene."""
        return pose(self.part.timing, frame, self.scale)

    def state(self, frame: int) -> Hashable:
        """Name what it looks like in a frame of the scene; equal states are equal pictures."""
        stands = self.pose(frame)
        if stands == GONE:
            return GONE
        return stands, self.drawing.state(frame - self.part.timing.first)

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw it as it stands in a frame of the scene."""
        stands = self.pose(frame)
        if stands == GONE:
            return
        alpha = stands.alpha * self.part.opacity
        canvas.saveLayerAlpha(None, round(255 * alpha)) if alpha < 1 else canvas.save()
        canvas.translate(stands.dx, stands.dy)
        self.enlarge(canvas, frame)
        self.drawing.draw(canvas, frame - self.part.timing.first)
        canvas.restore()

    def enlarge(self, canvas: skia.Canvas, frame: int) -> None:
        """Scale a canvas about the middle of the layer's box, as the frame asks for."""
        scale = self.pose(frame).scale
        if scale == 1:
            return
        box = self.part.box
        x, y = box.x + box.width / 2, box.y + box.height / 2
        canvas.translate(x, y)
        canvas.scale(scale, scale)
        canvas.translate(-x, -y)


def count_still(placed: Sequence[Placed], frames: int) -> int:
    """Count the layers at the bottom that look the same throughout a scene."""
    for count, layer in enumerate(placed):
        if len({layer.state(frame) for frame in range(frames)}) > 1:
            return count
    return len(placed)


def set_up_scene(scene: Scene, board: Storyboard) -> list[Placed]:
    """Set up all layers of a scene that can be seen, or raise an error that names the scene."""
    stage = Stage(board.brand.font, board.locale, min(board.width, board.height) / 720, board.fps)
    with in_scene(scene.name):
        return [
            Placed(part, LAYERS[part.kind](part, stage), stage.scale)
            for part in scene.layers
            if part.kind in LAYERS
        ]


class SceneComposer:
    """Draws the frames of one scene on a canvas of its own, at full size or smaller."""

    def __init__(
        self,
        scene: Scene,
        board: Storyboard,
        *,
        placed: Sequence[Placed] | None = None,
        shrink: float = 1.0,
    ) -> None:
        self.scene = scene
        self.placed = set_up_scene(scene, board) if placed is None else placed
        self._board = board
        self._shrink = shrink
        height, width = round(board.height * shrink), round(board.width * shrink)
        self._pixels = np.zeros((height, width, 4), dtype=np.uint8)
        self._surface = skia.Surface(
            self._pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType
        )
        self._surface.getCanvas().scale(width / board.width, height / board.height)
        self._still = count_still(self.placed, scene.frames)
        self._behind: skia.Image | None = None
        self._drawn: tuple[Hashable, Frame] | None = None

    def state(self, frame: int) -> Hashable:
        """Name what a frame of the scene looks like; equal states are equal pictures."""
        return tuple(placed.state(frame) for placed in self.placed)

    def frame(self, frame: int) -> Frame:
        """Draw a frame, counted from the scene's beginning, as rows of red, green and blue."""
        state = self.state(frame)
        if self._drawn is None or self._drawn[0] != state:
            with in_scene(self.scene.name):
                self._paint(frame)
            self._drawn = (state, _without_alpha(self._pixels))
        return self._drawn[1]

    def _paint(self, frame: int) -> None:
        canvas = self._surface.getCanvas()
        if self._behind is None:
            canvas.clear(colour(self.scene.background))
            for placed in self.placed[: self._still]:
                placed.draw(canvas, frame)
            self._behind = self._surface.makeImageSnapshot()
        canvas.save()
        canvas.resetMatrix()
        canvas.drawImage(self._behind, 0, 0)
        canvas.restore()
        for placed in self.placed[self._still :]:
            placed.draw(canvas, frame)
        self._surface.flushAndSubmit()


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
        self._placed: dict[int, list[Placed]] = {}
        self._scenes: dict[int, SceneComposer] = {}

    def rehearse(self) -> None:
        """Set up every scene, so that what cannot be drawn is found before anything is encoded."""
        for index in range(len(self.board.scenes)):
            self.placed(index)

    def placed(self, index: int) -> Sequence[Placed]:
        """Set up the layers of a scene, once."""
        if index not in self._placed:
            self._placed[index] = set_up_scene(self.board.scenes[index], self.board)
        return self._placed[index]

    def furnish(self, index: int, placed: Sequence[Placed]) -> None:
        """Draw a scene with other layers from now on, which look the same."""
        self._placed[index] = list(placed)
        self._scenes.pop(index, None)

    def scene(self, index: int) -> SceneComposer:
        """Make ready one scene; the canvases of the newest few are kept."""
        if index not in self._scenes:
            if len(self._scenes) >= _CANVASES:
                del self._scenes[next(iter(self._scenes))]
            scene, placed = self.board.scenes[index], self.placed(index)
            self._scenes[index] = SceneComposer(scene, self.board, placed=placed)
        return self._scenes[index]

    def frame(self, number: int) -> Frame:
        """Draw a frame of the video by its number."""
        index = self.index(number)
        within = number - self.board.scenes[index].start_frame
        frame = self.scene(index).frame(within)
        transition = self.board.scenes[index].transition
        if transition is None or within >= transition.frames:
            return frame
        before = self.scene(index - 1).frame(self.board.scenes[index - 1].frames - 1)
        return mix(transition.kind, before, frame, within, transition.frames)

    def index(self, number: int) -> int:
        """Find the scene that a frame of the video belongs to."""
        for index, scene in enumerate(self.board.scenes):
            if number < scene.start_frame + scene.frames:
                return index
        raise IndexError(f"frame {number} is behind the end of {self.board.frames} frames")
