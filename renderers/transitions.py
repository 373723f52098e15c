"""Lets one scene give way to the next: fade, slide and wipe, alike for RGB and for Y, U, V planes.

All arithmetic is on whole numbers and all edges stand on even pixels of the full-size picture, so
that planes of half the size agree with the picture that they belong to.
"""

import numpy as np
from numpy.typing import NDArray

from renderers.motion import ease_in_out

Plane = NDArray[np.uint8]  # (height, width), or (height, width, 3) for a picture in RGB
_ONE = 256  # the weight of a picture that is shown alone
_EDGE = 64  # width of a wipe's soft edge, pixels at 720p
_BAND = 32  # rows that are blended at once: their numbers stay in the processor's cache


def mix(
    kind: str, before: Plane, after: Plane, step: int, steps: int, *, halved: bool = False
) -> Plane:
    """Mix the frame before with the one after it, at a step from 0 to `steps` - 1.

    `halved` tells that a plane has half the width and height of the picture, as U and V have.
    """
    share = ease_in_out((step + 1) / (steps + 1))
    match kind:
        case "fade":
            return _fade(before, after, round(share * _ONE))
        case "slide":
            return _slide(before, after, share, 2 if halved else 1)
        case "wipe":
            return _wipe(before, after, share, 2 if halved else 1)
    raise ValueError(f"{kind!r} is no transition: use fade, slide or wipe")


def _fade(before: Plane, after: Plane, weight: int) -> Plane:
    mixed = np.empty_like(before)
    one, other = np.uint16(_ONE - weight), np.uint16(weight)
    for top in range(0, before.shape[0], _BAND):
        rows = slice(top, top + _BAND)
        mixed[rows] = _blend(before[rows], after[rows], one, other)
    return mixed


def _slide(before: Plane, after: Plane, share: float, halves: int) -> Plane:
    """Let the new picture come in from the right and push the old one out."""
    width = before.shape[1]
    gone = 2 * round(share * width * halves / 2) // halves
    mixed = np.empty_like(before)
    mixed[:, : width - gone] = before[:, gone:]
    mixed[:, width - gone :] = after[:, :gone]
    return mixed


def _wipe(before: Plane, after: Plane, share: float, halves: int) -> Plane:
    """Uncover the new picture from the left to the right, as one reads, behind a soft edge."""
    height, width = before.shape[0] * halves, before.shape[1] * halves
    edge = 2 * max(round(_EDGE * min(height, width) / 720 / 2), 1)
    start = 2 * round(share * (width + edge) / 2) - edge
    left, right = max(start, 0) // halves, min(start + edge, width) // halves
    mixed = np.empty_like(before)
    mixed[:, :left], mixed[:, right:] = after[:, :left], before[:, right:]
    ramp = _ramp(edge, halves)[max(-start, 0) // halves :][: right - left]
    weights = ramp if before.ndim == 2 else ramp[:, np.newaxis]
    between = slice(left, right)
    mixed[:, between] = _blend(before[:, between], after[:, between], _ONE - weights, weights)
    return mixed


def _ramp(edge: int, halves: int) -> NDArray[np.uint16]:
    """Weigh the new picture across the edge: all of it at the left end, nothing at the right."""
    middles = np.arange(edge, dtype=np.float64) + 0.5
    full = np.rint(_ONE * (1 - middles / edge)).astype(np.uint16)
    return full if halves == 1 else (full[0::2] + full[1::2] + np.uint16(1)) >> np.uint16(1)


def _blend(
    before: Plane,
    after: Plane,
    one: np.uint16 | NDArray[np.uint16],
    other: np.uint16 | NDArray[np.uint16],
) -> Plane:
    """Blend by weights that add up to 256: sums stay within 16 bits, equal pictures stay equal."""
    total = before.astype(np.uint16)
    total *= one
    part = after.astype(np.uint16)
    part *= other
    total += part
    total += np.uint16(_ONE // 2)
    total >>= np.uint16(8)
    return total.astype(np.uint8)
