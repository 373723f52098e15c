"""Draws a picture into its box by the CSS meaning of its fit word."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import skia

from renderers.layers.stage import Lettering, PictureUse, Stage, rect, rounded
from renderers.parts import Box, ImagePart
from renderers.pictures import load_picture, measure_picture

_SAMPLING = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
_SMOOTH = skia.SamplingOptions(skia.CubicResampler.Mitchell())


@dataclass(frozen=True)
class ImageDrawing:
    """A picture for its box; one of the template is decoded when it is first drawn."""

    part: ImagePart
    key: "_Key"

    def state(self, frame: int) -> int:
        """Say that a picture looks the same in all frames."""
        return 0

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the prepared picture."""
        canvas.drawImage(_fitted(self.key), self.part.box.x, self.part.box.y, _SAMPLING)

    def letterings(self) -> Sequence[Lettering]:
        """Say that a picture shows no text that is known."""
        return ()

    def pictures(self) -> Sequence[PictureUse]:
        """List its one picture."""
        part = self.part
        size = measure_picture(part.path, slots=part.slots, name=part.source)
        return (used(part.source, size, part.box, part.fit, self.key.scale),)


def set_up(part: ImagePart, stage: Stage) -> ImageDrawing:
    """Find the picture; one from a record is decoded now, before anything is encoded.

    Those of a template were looked at when it was compiled, and may never have to be drawn again.
    """
    stamp = part.path.stat() if part.path.is_file() else None
    key = _Key(part, stage.scale, (stamp.st_mtime_ns, stamp.st_size) if stamp else (0, 0))
    if part.slots:
        _fitted(key)
    else:
        measure_picture(part.path, name=part.source)
    return ImageDrawing(part, key)


@dataclass(frozen=True)
class _Key:
    part: ImagePart
    scale: float
    changed: tuple[int, int]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[object, ...]:
        part = self.part
        size = (part.box.width, part.box.height)
        return part.path, self.changed, size, part.fit, part.radius, self.scale


@lru_cache(maxsize=8)
def _fitted(key: _Key) -> skia.Image:
    """Keep the newest few: the scenes of a template share pictures, and so do its videos."""
    part = key.part
    picture = load_picture(part.path, slots=part.slots, name=part.source)
    surface = skia.Surface(max(round(part.box.width), 1), max(round(part.box.height), 1))
    inner = Box(0, 0, surface.width(), surface.height())
    draw_fitted(surface.getCanvas(), picture, inner, part.fit, part.radius, key.scale)
    return surface.makeImageSnapshot()


def draw_fitted(
    canvas: skia.Canvas, picture: skia.Image, box: Box, fit: str, radius: float, scale: float
) -> None:
    """Draw a picture into a box; what sticks out is cut off at the box's rounded corners."""
    canvas.save()
    canvas.clipRRect(rounded(box, radius), True)
    size = (picture.width(), picture.height())
    if fit == "contain-blur":
        # at its edges the picture goes on, else the blur would fade to nothing there
        filter = skia.ImageFilters.Blur(24 * scale, 24 * scale, skia.TileMode.kClamp)
        blur = skia.Paint(ImageFilter=filter)
        canvas.drawImageRect(picture, rect(_target(size, box, "cover", scale)), _SAMPLING, blur)
    target = _target(size, box, fit, scale)
    larger = target.width > size[0]
    canvas.drawImageRect(picture, rect(target), _SMOOTH if larger else _SAMPLING)
    canvas.restore()


def used(name: str, size: tuple[int, int], box: Box, fit: str, scale: float) -> PictureUse:
    """Tell how large a picture of some size is drawn in a box."""
    target = _target(size, box, fit, scale)
    return PictureUse(name, *size, target.width, target.height)


def _target(size: tuple[int, int], box: Box, fit: str, scale: float) -> Box:
    """Compute where the whole picture comes to lie, centred in the box."""
    if fit == "fill":
        return box
    across, down = box.width / size[0], box.height / size[1]
    factor = {"cover": max(across, down), "none": scale}.get(fit, min(across, down))
    width, height = size[0] * factor, size[1] * factor
    return Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)
