"""Plays footage of the template inside a layer; a last frame is held when it is too short."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import av
import numpy as np
import skia
from numpy.typing import NDArray

from renderers.errors import AssetError
from renderers.layers.image import draw_fitted
from renderers.layers.stage import Stage
from renderers.parts import VideoPart

Picture = NDArray[np.uint8]


@dataclass
class Footage:
    """Frames of a film by time, read forwards; going back starts again from the beginning."""

    part: VideoPart
    _frames: Iterator[tuple[float, Picture]] | None = None
    _ahead: tuple[float, Picture] | None = None
    _shown: tuple[float, Picture] | None = None

    def at(self, seconds: float) -> Picture:
        """Return the frame that is on screen at a time of the film."""
        if self._frames is None or (self._shown and seconds < self._shown[0]):
            self._frames, self._shown = _read(self.part), None
            self._ahead = next(self._frames, None)
        while self._ahead and (self._shown is None or self._ahead[0] <= seconds + 1e-6):
            self._shown, self._ahead = self._ahead, next(self._frames, None)
        if self._shown is None:
            raise _broken(self.part, "it has no pictures")
        return self._shown[1]


@dataclass(frozen=True)
class VideoDrawing:
    """Footage in its box."""

    part: VideoPart
    stage: Stage
    footage: Footage = field(compare=False)

    def state(self, frame: int) -> int:
        """Say that every frame may look different."""
        return frame

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the film's frame for this moment."""
        pixels = self.footage.at(self.part.skip + frame / self.stage.fps)
        picture = skia.Image.fromarray(pixels, colorType=skia.kRGBA_8888_ColorType)
        part = self.part
        draw_fitted(canvas, picture, part.box, part.fit, part.radius, self.stage.scale)


def set_up(part: VideoPart, stage: Stage) -> VideoDrawing:
    """Open nothing yet: files are read from the first frame on."""
    return VideoDrawing(part, stage, Footage(part))


def _read(part: VideoPart) -> Iterator[tuple[float, Picture]]:
    options = {"protocol_whitelist": "file", "format_whitelist": "mov,mp4,matroska,webm"}
    try:
        with part.path.open("rb") as file, av.open(file, mode="r", options=options) as film:
            for frame in film.decode(video=0):
                yield frame.time or 0.0, np.asarray(frame.to_ndarray(format="rgba"), dtype=np.uint8)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise _broken(part, str(error)) from error


def _broken(part: VideoPart, why: str) -> AssetError:
    return AssetError(f"Film {part.source!r} cannot be read: {why}.", reason="asset_invalid")
