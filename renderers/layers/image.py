"""Draws a picture into its box by the CSS meaning of its fit word."""

from dataclasses import dataclass
from functools import lru_cache

import skia

from renderers.layers.stage import Stage, rect, rounded
from renderers.parts import Box, ImagePart
from renderers.pictures import load_picture

_SAMPLING = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
_SMOOTH = skia.SamplingOptions(skia.CubicResampler.Mitchell())


@dataclass(frozen=True)
class ImageDrawing:
    """A decoded picture, already scaled for its box."""

    part: ImagePart
    picture: skia.Image

    def state(self, frame: int) -> int:
        """Say that a picture looks the same in all frames."""
        return 0

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the prepared picture."""
        canvas.drawImage(self.picture, self.part.box.x, self.part.box.y)


def set_up(part: ImagePart, stage: Stage) -> ImageDrawing:
    """Decode the picture and scale it into its box, once."""
    stamp = part.path.stat() if part.path.is_file() else None
    changed = (stamp.st_mtime_ns, stamp.st_size) if stamp else (0, 0)
    return ImageDrawing(part, _fitted(_Key(part, stage.scale, changed)))


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
    if fit == "contain-blur":
        blur = skia.Paint(ImageFilter=skia.ImageFilters.Blur(24 * scale, 24 * scale))
        canvas.drawImageRect(picture, rect(_target(picture, box, "cover", scale)), _SAMPLING, blur)
    target = _target(picture, box, fit, scale)
    larger = target.width > picture.width()
    canvas.drawImageRect(picture, rect(target), _SMOOTH if larger else _SAMPLING)
    canvas.restore()


def _target(picture: skia.Image, box: Box, fit: str, scale: float) -> Box:
    """Compute where the whole picture comes to lie, centred in the box."""
    if fit == "fill":
        return box
    across, down = box.width / picture.width(), box.height / picture.height()
    factor = {"cover": max(across, down), "none": scale}.get(fit, min(across, down))
    width, height = picture.width() * factor, picture.height() * factor
    return Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)
