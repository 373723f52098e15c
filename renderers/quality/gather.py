"""Gathers what a glance needs from a scene that is set up: its texts and what lies under them."""

from collections.abc import Sequence

import numpy as np

from renderers.compose import Placed, SceneComposer
from renderers.parts import Timing
from renderers.quality.seen import LayerSeen, Samples, SceneSeen, samples_under
from renderers.storyboard import Scene, Storyboard

SIDE = 320  # pixels: enough to tell what is light and what is dark
_NOTHING = np.empty((0, 3), dtype=np.uint8)


def gather_scene(scene: Scene, board: Storyboard, placed: Sequence[Placed]) -> SceneSeen:
    """Ask every layer of a scene what it shows, and draw small what is beneath its texts."""
    layers = tuple(_layer(scene, board, placed, index) for index in range(len(placed)))
    return SceneSeen(scene.name, layers)


def moments_at_rest(timing: Timing) -> tuple[int, ...]:
    """Choose frames of a layer's rest: when it has come in, half-way, and before it goes."""
    last = max(timing.last - timing.exit_frames - 1, timing.first)
    first = min(timing.first + timing.enter_frames, last)
    return tuple(dict.fromkeys((first, (first + last) // 2, last)))


def _layer(scene: Scene, board: Storyboard, placed: Sequence[Placed], index: int) -> LayerSeen:
    layer = placed[index]
    texts = tuple(layer.drawing.letterings())
    pictures = tuple(layer.drawing.pictures())
    if all(text.on for text in texts) and layer.part.opacity >= 1:
        return LayerSeen(layer.part, texts, pictures, (_NOTHING,) * len(texts))
    shrink = min(SIDE / max(board.width, board.height), 1.0)
    below = SceneComposer(scene, board, placed=placed[:index], shrink=shrink)
    states = {below.state(frame): frame for frame in moments_at_rest(layer.part.timing)}
    under: list[list[Samples]] = [[] for _ in texts]
    for moment in states.values():
        pixels = below.frame(moment)
        for text, samples in zip(texts, under, strict=True):
            samples.append(samples_under(pixels, text.ink, shrink=shrink))
    return LayerSeen(layer.part, texts, pictures, tuple(map(np.concatenate, under)))
