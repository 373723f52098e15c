"""Encodes the scenes of a storyboard: shared ones once per machine, personal ones where they move.

A scene is one segment, or two when it begins with a transition, which then stands by itself: so
the rest of the scene stays the same whatever was shown before it.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np

from renderers.compose import Composer, Placed, count_still
from renderers.errors import in_scene
from renderers.furnish import furnished
from renderers.layers import LAYERS
from renderers.parts import VideoPart
from renderers.planes import Planes
from renderers.recipe import Coder
from renderers.scenery import Backdrop, Scenery, paint_backdrop
from renderers.segments import Segment
from renderers.shelf import Shelf
from renderers.shelved import backdrop_key, scene_key, stored_backdrop, stored_segment
from renderers.storyboard import Scene, Transition
from renderers.transitions import mix

# frames: before a hold as long as this a picture is encoded once more, so that the encoder mends
# what it left out while things moved
_WORTH_MENDING = 15


class Stitcher:
    """Makes the segments of one video, and keeps the scenery that it was painted with."""

    def __init__(self, composer: Composer, shelf: Shelf, *, reuse: bool) -> None:
        self.board = composer.board
        self._composer = composer
        self._shelf = shelf
        self._reuse = reuse
        self._sceneries: dict[int, Scenery] = {}

    def scenery(self, index: int) -> Scenery:
        """Set the stage for a scene, once."""
        if index not in self._sceneries:
            with in_scene(self.board.scenes[index].name):
                self._sceneries[index] = self._set(index)
        return self._sceneries[index]

    def furnish(self, index: int) -> None:
        """Let the composer draw a scene from what is prepared, so that no film is read again."""
        scene, placed = self.board.scenes[index], self._composer.placed(index)
        backdrop = self.scenery(index).backdrop
        self._composer.furnish(index, furnished(placed, _prepared(scene, placed), backdrop))

    def segments(self, index: int) -> Iterator[Segment]:
        """Encode a scene, or find what was encoded before."""
        scene = self.board.scenes[index]
        change = scene.transition
        first = change.frames if change else 0
        if change:
            alike = scene.shared and self.board.scenes[index - 1].shared
            key = f"{self._key(index - 1)}-{self._key(index)}" if alike else None
            yield self._kept(key, lambda: self._changing(index, change))
        key = f"{self._key(index)}-{first}" if scene.shared else None
        yield self._kept(key, lambda: self._encoded(self.scenery(index), first))

    def _kept(self, key: str | None, make: Callable[[], Segment]) -> Segment:
        if key is None or not self._reuse:
            return make()
        return stored_segment(self._shelf, key, make)

    def _key(self, index: int) -> str:
        return scene_key(self.board.scenes[index], self.board)

    def _set(self, index: int) -> Scenery:
        scene, placed = self.board.scenes[index], self._composer.placed(index)
        count = _prepared(scene, placed)
        return Scenery(scene, self.board, placed[count:], self._backdrop(scene, placed[:count]))

    def _backdrop(self, scene: Scene, layers: Sequence[Placed]) -> Backdrop:
        shown, firsts = _numbered(
            [tuple(layer.state(n) for layer in layers) for n in range(scene.frames)]
        )
        pixels = np.zeros((self.board.height, self.board.width, 4), np.uint8)

        def paint() -> Iterator[Planes]:
            for frame in firsts:
                yield paint_backdrop(scene, layers, frame, pixels)

        if scene.personal_background:
            return Backdrop(list(paint()), shown)
        key = backdrop_key(scene, self.board, layers)
        return Backdrop(stored_backdrop(self._shelf, key, self.board, paint), shown)

    def _encoded(self, scenery: Scenery, first: int) -> Segment:
        """Encode a scene from a frame on; frames that look alike are encoded once."""
        scenery.forget()
        moving = len(scenery.backdrop.pictures) > 1
        coder = self._coder(moving=moving)
        frames = range(first, scenery.scene.frames)
        runs = _runs([scenery.state(frame) for frame in frames])
        for offset, length in runs:
            if offset == runs[0][0] + runs[0][1] and not moving:
                coder.settle()
            scenery.paint(coder.picture, first + offset)
            again = int(length >= _WORTH_MENDING)
            for _ in range(1 + again):
                coder.add()
            coder.hold(length - 1 - again)
        return coder.finish()

    def _changing(self, index: int, change: Transition) -> Segment:
        """Encode the frames in which one scene gives way to the next."""
        before, scenery = self.scenery(index - 1), self.scenery(index)
        coder = self._coder()
        old = before.still(before.scene.frames - 1)
        for step in range(change.frames):
            new = scenery.still(step)
            _mix(change, old, new, step, coder.picture)
            coder.add()
        return coder.finish()

    def _coder(self, *, moving: bool = False) -> Coder:
        return Coder(self.board.width, self.board.height, self.board.fps, moving=moving)


def _mix(change: Transition, old: Planes, new: Planes, step: int, target: Planes) -> None:
    for name in ("y", "u", "v"):
        before, after = getattr(old, name), getattr(new, name)
        mixed = mix(change.kind, before, after, step, change.frames, halved=name != "y")
        getattr(target, name)[...] = mixed


def _prepared(scene: Scene, placed: Sequence[Placed]) -> int:
    """Count the layers at the bottom that are drawn once per template: still ones, and footage."""
    # sounds are layers too, but nothing that is placed
    seen = zip(scene.layers, scene.personal, strict=True)
    personal = [one for part, one in seen if part.kind in LAYERS]
    common = personal.index(True) if True in personal else len(placed)
    layers = placed[:common]
    footage = [n + 1 for n, layer in enumerate(layers) if isinstance(layer.part, VideoPart)]
    return max([count_still(layers, scene.frames), *footage])


def _numbered(states: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """Number states in the order of their coming; tell also in which frame each came first."""
    numbers: dict[Hashable, int] = {}
    firsts = []
    for frame, state in enumerate(states):
        if state not in numbers:
            numbers[state] = len(numbers)
            firsts.append(frame)
    return [numbers[state] for state in states], firsts


def _runs(states: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Find where runs of like states begin, and how long they are."""
    starts = [n for n, state in enumerate(states) if n == 0 or state != states[n - 1]]
    return [
        (start, end - start) for start, end in zip(starts, [*starts[1:], len(states)], strict=True)
    ]
