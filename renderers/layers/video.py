"""Plays footage of the template inside a layer; a last frame is held when it is too short."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import av
import skia

from renderers.errors import AssetError
from renderers.footage import Film, open_film, read_pictures
from renderers.layers.image import draw_fitted
from renderers.layers.stage import Lettering, PictureUse, Stage
from renderers.parts import VideoPart
from renderers.projection import Picture, Projector


class Footage:
    """Pictures of a film by time, read forwards; going back starts again from a key picture."""

    def __init__(self, film: Film) -> None:
        self.film = film
        self._projector: Projector = film.projector()
        self._reel: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._ahead: tuple[int, av.VideoFrame] | None = None
        self._now: tuple[int, av.VideoFrame] | None = None
        self._shown: tuple[int, Picture] | None = None

    def number(self, seconds: float) -> int:
        """Number the picture that is on screen at a time of the film."""
        return self.film.number(seconds)

    def at(self, seconds: float) -> Picture:
        """Return the picture that is on screen at a time of the film."""
        number, frame = self._wound(self.number(seconds))
        if self._shown is None or self._shown[0] != number:
            self._shown = (number, self._projector.show(frame))
        return self._shown[1]

    def _wound(self, wanted: int) -> tuple[int, av.VideoFrame]:
        """Wind the film to a picture, or to the last one before it."""
        if self._now is None or wanted < self._now[0]:
            self._reel, self._now = read_pictures(self.film, wanted), None
            self._ahead = next(self._reel, None)
        while self._ahead and (self._now is None or self._ahead[0] <= wanted):
            self._now, self._ahead = self._ahead, next(self._reel, None)
        if self._now is None:
            name = self.film.name
            raise AssetError(f"Film {name!r} has no pictures: replace it.", reason="asset_invalid")
        return self._now


@dataclass(frozen=True)
class VideoDrawing:
    """Footage in its box."""

    part: VideoPart
    stage: Stage
    footage: Footage = field(compare=False)

    def state(self, frame: int) -> int:
        """Number the film's picture: a slower film and a held end look the same for a while."""
        return self.footage.number(self._seconds(frame))

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the film's picture for this moment."""
        pixels = self.footage.at(self._seconds(frame))
        picture = skia.Image.fromarray(pixels, colorType=skia.kRGBA_8888_ColorType)
        part = self.part
        draw_fitted(canvas, picture, part.box, part.fit, part.radius, self.stage.scale)

    def letterings(self) -> Sequence[Lettering]:
        """List no texts: what is written in footage cannot be read."""
        return ()

    def pictures(self) -> Sequence[PictureUse]:
        """List no pictures: footage is vetted when a template is compiled."""
        return ()

    def _seconds(self, frame: int) -> float:
        return self.part.skip + frame / self.stage.fps


def set_up(part: VideoPart, stage: Stage) -> VideoDrawing:
    """Learn when the film's pictures are shown; they are decoded from the first frame on."""
    seconds = (part.timing.last - part.timing.first) / stage.fps
    film = open_film(part.path, part.source, seconds=seconds, skip=part.skip)
    return VideoDrawing(part, stage, Footage(film))
