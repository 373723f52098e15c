"""What is known of a video once it is made: the facts that a glance judges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.layers.stage import Lettering, PictureUse
from renderers.parts import AnyPart, Box

Samples = NDArray[np.uint8]
MOST_SAMPLES = 16  # along each side: 256 of a text say enough of what is under it


@dataclass(frozen=True)
class LayerSeen:
    """A layer at rest; `under` has, for each lettering, colours (n, 3) of what lies beneath it."""

    part: AnyPart
    letterings: tuple[Lettering, ...] = ()
    pictures: tuple[PictureUse, ...] = ()
    under: tuple[Samples, ...] = ()


@dataclass(frozen=True)
class SceneSeen:
    """The layers of one scene."""

    name: str
    layers: tuple[LayerSeen, ...]


@dataclass(frozen=True)
class SoundSeen:
    """The encoded sound: linear peak (1.0 = full scale), rms in dBFS, seconds that are heard."""

    peak: float
    rms: float
    seconds: float


@dataclass(frozen=True)
class FileSeen:
    """What a probe of the finished file says; `sets_alike` is true when all scenes agree."""

    frames: int
    seconds: float
    width: int
    height: int
    sets_alike: bool
    sound: SoundSeen | None


def samples_under(frame: Samples, ink: Box, *, shrink: float = 1.0) -> Samples:
    """Take colours, evenly spread, from the part of a frame that a text stands on.

    The frame has rows of red, green and blue (more planes are left out) and is the picture without
    the text's own layer; `shrink` is its size by that of the video.
    """
    rows = _spread(ink.y * shrink, ink.height * shrink, frame.shape[0])
    columns = _spread(ink.x * shrink, ink.width * shrink, frame.shape[1])
    return np.ascontiguousarray(frame[rows[:, None], columns, :3]).reshape(-1, 3)


def _spread(start: float, length: float, end: int) -> NDArray[np.intp]:
    first = min(max(int(start), 0), end - 1)
    last = min(max(int(start + length), first), end - 1)
    return np.linspace(first, last, min(last - first + 1, MOST_SAMPLES)).astype(np.intp)
