"""Draws the frames of one scene straight into planes, and only what changes.

Below lies the backdrop: pictures that were prepared once. Above it stand the actors, each a sprite;
one that only fades or moves is drawn once and laid in many places, one that changes is drawn anew.
"""

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import skia

from renderers.actors import Stance, actors_of
from renderers.compose import Placed
from renderers.layers.stage import colour
from renderers.planes import Area, Plane, Planes, Sprite, area_of, blank, lay, to_planes
from renderers.storyboard import Scene, Storyboard


@dataclass(frozen=True)
class Backdrop:
    """What lies under the layers that move: `shown` tells which picture is seen in which frame."""

    pictures: Sequence[Planes]
    shown: Sequence[int]


@dataclass(frozen=True)
class _Seen:
    """An actor in a picture: what was laid there, how, and the area that it touches."""

    stance: Stance
    sprite: Sprite
    area: Area

    def lay(self, picture: Planes, clip: Area) -> None:
        """Lay it into a part of the picture."""
        stance = self.stance
        lay(picture, self.sprite, stance.dx, stance.dy, stance.opacity, clip)


class Scenery:
    """One scene with its backdrop and the layers above it, ready to paint any frame."""

    def __init__(
        self, scene: Scene, board: Storyboard, layers: Sequence[Placed], backdrop: Backdrop
    ) -> None:
        self.scene = scene
        self.backdrop = backdrop
        self._board = board
        self._layers = layers
        size = board.width, board.height
        self._actors = [actor for layer in layers for actor in actors_of(layer, size)]
        self._cast: list[_Seen | None] = []
        self._under: int | None = None

    def state(self, frame: int) -> Hashable:
        """Name what a frame looks like; equal states are equal pictures."""
        return self.backdrop.shown[frame], *(layer.state(frame) for layer in self._layers)

    def changes(self) -> int:
        """Count the frames that differ from the one before."""
        states = [self.state(frame) for frame in range(self.scene.frames)]
        return 1 + sum(a != b for a, b in itertools.pairwise(states))

    def paint(self, picture: Planes, frame: int) -> None:
        """Turn the frame that was painted into this picture before into another one."""
        cast = [self._seen(index, picture, frame) for index in range(len(self._actors))]
        under = self.backdrop.shown[frame]
        if under == self._under:
            stale = [
                area for was, now in zip(self._cast, cast, strict=True) for area in _stale(was, now)
            ]
        else:
            stale = [Area(0, 0, self._board.width, self._board.height)]
        for area in stale:
            picture.copy_from(self.backdrop.pictures[under], area)
            for seen in cast:
                if seen and seen.area.meets(area):
                    seen.lay(picture, area)
        self._under, self._cast = under, cast

    def still(self, frame: int) -> Planes:
        """Paint one frame into a picture of its own."""
        picture = blank(self._board.width, self._board.height)
        self.forget()
        self.paint(picture, frame)
        self.forget()
        return picture

    def forget(self) -> None:
        """Begin with another picture: nothing is known to stand in it."""
        self._under = None

    def _seen(self, index: int, picture: Planes, frame: int) -> _Seen | None:
        stance = self._actors[index].stance(frame)
        if stance is None:
            return None
        sprite = self._actors[index].sprite(frame, stance)
        if sprite is None:
            return None
        return _Seen(stance, sprite, area_of(picture, sprite, stance.dx, stance.dy))


def _stale(was: _Seen | None, now: _Seen | None) -> list[Area]:
    """Find what has to be painted again where an actor stood, and where it stands."""
    if was and now:
        if was.stance == now.stance:
            return []
        return [was.area.joined(now.area)]
    return [seen.area for seen in (was, now) if seen]


def paint_backdrop(scene: Scene, layers: Sequence[Placed], frame: int, pixels: Plane) -> Planes:
    """Draw layers on the scene's background, converted once; `pixels` is room for RGBA."""
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    canvas = surface.getCanvas()
    canvas.clear(colour(scene.background))
    for layer in layers:
        layer.draw(canvas, frame)
    surface.flushAndSubmit()
    return to_planes(pixels)
