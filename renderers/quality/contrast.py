"""Measures how well a text stands out from what is under it, as WCAG 2 defines contrast."""

import numpy as np
from numpy.typing import NDArray

from renderers.layers.stage import Lettering
from renderers.quality.seen import Samples

Floats = NDArray[np.float64]
WORST = 0.05  # the share of the samples that may be worse than the figure we report
_LEVELS = np.arange(256) / 255
# https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
_LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4)
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def luminances(colours: Samples) -> Floats:
    """Compute the relative luminance of each row of red, green and blue."""
    light: Floats = _LINEAR[colours] @ _WEIGHTS
    return light


def ratios(one: Samples, other: Samples) -> Floats:
    """Compute the contrast of colours with colours, row by row, from 1 to 21."""
    first, second = luminances(one) + 0.05, luminances(other) + 0.05
    return np.maximum(first, second) / np.minimum(first, second)


def stands_out(lettering: Lettering, opacity: float, under: Samples) -> float | None:
    """Compute the contrast that all but the worst twentieth of a text has, or None if unknown.

    A layer that lets shine through mixes both its text and its plate with what is beneath.
    """
    on = rgb(lettering.on) if lettering.on else None
    if on is not None and (opacity >= 1 or not len(under)):
        return float(ratios(rgb(lettering.colour), on)[0])
    if not len(under):
        return None
    text = _mixed(rgb(lettering.colour), under, opacity)
    ground = under if on is None else _mixed(on, under, opacity)
    found = np.sort(ratios(text, ground))
    return float(found[int(WORST * (len(found) - 1))])


def rgb(colour: str) -> Samples:
    """Turn #rrggbb into one row of red, green and blue."""
    return np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8).reshape(1, 3)


def _mixed(over: Samples, under: Samples, opacity: float) -> Samples:
    if opacity >= 1:
        return over
    mixed = under + (over.astype(np.float64) - under) * opacity
    return np.rint(mixed).astype(np.uint8)
