"""Pictures as a video encoder takes them: one plane of luma and two of chroma at half size.

Everything is bt709 in limited range (luma 16-235, chroma 16-240), 8 bits, with chroma samples
beside the left luma sample and between two rows (ITU-T H.264 E.2.1, chroma_sample_loc_type 0).
Layers are blended here, in the planes, so that no whole picture is ever converted per frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

# weights of red, green, blue and alpha: ITU-R BT.709 luma in 1/256, then the colour differences
# in 1/65536, scaled to limited range; sums are exact for black, white and grey
_Y = (47, 157, 16, 16)
_U = (-6596, -22189, 28785, 32897)
_V = (28785, -26146, -2639, 32897)


@dataclass(frozen=True)
class Area:
    """A rectangle of whole pixels; edges are even, so that it covers whole chroma samples."""

    left: int
    top: int
    right: int
    bottom: int

    def joined(self, other: "Area") -> "Area":
        """Bound two areas by one."""
        return Area(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def meets(self, other: "Area") -> bool:
        """Tell whether two areas have a pixel in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True)
class Planes:
    """One opaque picture; the arrays may be views of somebody else's memory."""

    y: Plane
    u: Plane
    v: Plane

    def copy_from(self, other: "Planes", area: Area | None = None) -> None:
        """Take over another picture of the same size, or an area of it."""
        if area is None:
            self.y[...], self.u[...], self.v[...] = other.y, other.u, other.v
            return
        at = np.s_[area.top : area.bottom, area.left : area.right]
        half = np.s_[area.top // 2 : area.bottom // 2, area.left // 2 : area.right // 2]
        self.y[at], self.u[half], self.v[half] = other.y[at], other.u[half], other.v[half]


def blank(width: int, height: int) -> Planes:
    """Make an uninitialised picture."""
    half = (height // 2, width // 2)
    return Planes(
        np.empty((height, width), np.uint8), np.empty(half, np.uint8), np.empty(half, np.uint8)
    )


def to_planes(pixels: Plane) -> Planes:
    """Convert an opaque picture of (height, width, 3 or 4) bytes; both sides must be even."""
    red, green, blue = (np.ascontiguousarray(pixels[..., n]) for n in range(3))
    alpha = np.full(red.shape, 255, np.uint8)
    halves = [_halved(_edged(plane)) for plane in (red, green, blue, alpha)]
    return Planes(_luma((red, green, blue, alpha)), _colour(halves, _U), _colour(halves, _V))


@dataclass
class Sprite:
    """A layer cut out of its transparent surroundings, ready to be laid onto planes.

    `left` and `top` may be any pixel. Luma is prepared once; chroma once for each of the four ways
    in which the sprite can lie on the grid of chroma samples.
    """

    left: int
    top: int
    channels: tuple[Plane, Plane, Plane, Plane] = field(repr=False)
    luma: Plane = field(repr=False)
    _chroma: dict[tuple[int, int, bool], tuple[Plane, Plane, Plane]] = field(
        default_factory=dict, repr=False
    )

    @property
    def alpha(self) -> Plane:
        """Return how much each pixel covers, 0 to 255."""
        return self.channels[3]

    def chroma(self, left: int, top: int) -> tuple[Plane, Plane, Plane]:
        """Return u, v and alpha at half size for a place in the picture."""
        key = (left & 1, top & 1, left == 0)
        if key not in self._chroma:
            padded = [_padded(plane, *key) for plane in self.channels]
            halves = [_halved(plane) for plane in padded]
            self._chroma[key] = (_colour(halves, _U), _colour(halves, _V), halves[3])
        return self._chroma[key]


def cut_out(pixels: Plane, left: int = 0, top: int = 0) -> Sprite | None:
    """Cut what is not transparent out of premultiplied RGBA; None when there is nothing.

    `left` and `top` say where the given pixels lie in the picture.
    """
    ink = pixels.view(np.uint32)[..., 0]
    rows = np.flatnonzero(ink.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(ink[rows[0] : rows[-1] + 1].any(axis=0))
    inner = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    red, green, blue, alpha = (np.ascontiguousarray(inner[..., n]) for n in range(4))
    channels = (red, green, blue, alpha)
    return Sprite(left + int(columns[0]), top + int(rows[0]), channels, _luma(channels))


def area_of(picture: Planes, sprite: Sprite, dx: int = 0, dy: int = 0) -> Area:
    """Find the area that a sprite touches when it is laid onto a picture, shifted."""
    left, top = sprite.left + dx, sprite.top + dy
    height, width = sprite.alpha.shape
    # a chroma sample sees one pixel to its left and one to its right
    right, bottom = left + width + 1, top + height
    tall, wide = picture.y.shape
    return Area(
        max((left - 1) // 2 * 2, 0),
        max(top // 2 * 2, 0),
        min(-(-right // 2) * 2, wide),
        min(-(-bottom // 2) * 2, tall),
    )


def lay(
    picture: Planes,
    sprite: Sprite,
    dx: int = 0,
    dy: int = 0,
    opacity: int = 255,
    clip: Area | None = None,
) -> None:
    """Lay a sprite onto a picture, shifted, with an opacity of 0-255, inside of an area only."""
    left, top = sprite.left + dx, sprite.top + dy
    clip = clip or Area(0, 0, picture.y.shape[1], picture.y.shape[0])
    _blend(picture.y, sprite.luma, sprite.alpha, (left, top), opacity, clip)
    u, v, alpha = sprite.chroma(left, top)
    # one sample further out on the left: the sample there sees the sprite's first column
    place = ((left - (left & 1)) // 2 - 1, (top - (top & 1)) // 2)
    half = Area(clip.left // 2, clip.top // 2, clip.right // 2, clip.bottom // 2)
    _blend(picture.u, u, alpha, place, opacity, half)
    _blend(picture.v, v, alpha, place, opacity, half)


def _blend(
    plane: Plane, value: Plane, alpha: Plane, place: tuple[int, int], opacity: int, clip: Area
) -> None:
    """Compute plane * (1 - alpha) + value for the part of a sprite that is inside of the clip."""
    left, top = place
    x, y = max(clip.left - left, 0), max(clip.top - top, 0)
    right = min(alpha.shape[1], clip.right - left)
    bottom = min(alpha.shape[0], clip.bottom - top)
    if right <= x or bottom <= y:
        return
    value, alpha = value[y:bottom, x:right], alpha[y:bottom, x:right]
    if opacity < 255:
        weaker = _WEAKER[opacity]
        value, alpha = weaker.take(value), weaker.take(alpha)
    under = plane[top + y : top + bottom, left + x : left + right]
    mixed = np.multiply(under, 255 - alpha, dtype=np.uint16)
    mixed += 128
    mixed += mixed >> 8  # together with the shift: an exact division by 255
    mixed >>= 8
    mixed += value
    np.minimum(mixed, 255, out=under, casting="unsafe")


def _luma(channels: Sequence[Plane]) -> Plane:
    """Sum channels in sixteen bits, which is enough for what is looked at most closely."""
    total = np.full(channels[0].shape, 128, np.uint16)
    for channel, weight in zip(channels, _Y, strict=True):
        total += np.multiply(channel, np.uint16(weight), dtype=np.uint16)
    total >>= 8
    return total.astype(np.uint8)


def _colour(channels: Sequence[Plane], weights: Sequence[int]) -> Plane:
    """Sum channels in thirty-two bits; premultiplied sums are never below zero."""
    total = np.full(channels[0].shape, 1 << 15, np.int32)
    for channel, weight in zip(channels, weights, strict=True):
        total += np.multiply(channel, np.int32(weight), dtype=np.int32)
    total >>= 16
    return total.astype(np.uint8)


def _halved(plane: Plane) -> Plane:
    """Halve a plane that has one spare column on its left: weights 1 2 1 across, 1 1 down."""
    rows = np.add(plane[0::2], plane[1::2], dtype=np.uint16)
    sums = rows[:, 1:-1:2] * np.uint16(2)
    sums += rows[:, 0:-2:2]
    sums += rows[:, 2::2]
    sums += 4
    sums >>= 3
    return sums.astype(np.uint8)


def _edged(plane: Plane) -> Plane:
    """Repeat the left column of a whole picture as the spare one."""
    return np.concatenate([plane[:, :1], plane], axis=1)


def _padded(plane: Plane, odd_x: int, odd_y: int, edge: bool) -> Plane:
    """Surround a sprite so that its pixels fall onto the chroma grid, and a spare column.

    At the left edge of the picture its first column goes on, as that of a whole picture does.
    """
    height, width = plane.shape
    left, top = odd_x + 3, odd_y
    tall = top + height + ((top + height) & 1)
    wide = left + width + 1 + ((left + width) & 1)
    padded = np.zeros((tall, wide), np.uint8)
    padded[top : top + height, left : left + width] = plane
    if edge:
        padded[top : top + height, left - 1] = plane[:, 0]
    return padded


_SHARES = np.arange(256, dtype=np.uint32)
# opacity, value -> value made weaker
_WEAKER = ((np.outer(_SHARES, _SHARES) + 127) // 255).astype(np.uint8)
