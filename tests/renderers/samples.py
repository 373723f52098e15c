"""Small templates and pictures that the renderer's tests are made of."""

from collections.abc import Callable

import numpy as np
import skia
from numpy.typing import NDArray

from renderers.template import Template

WriteTemplate = Callable[..., Template]

HELLO = """
title = "Hello"
formats = ["16:9", "9:16", "1:1"]
fps = 10

[slots.first_name]
kind = "text"
required = true
longest = 40

[[scenes]]
name = "hello"
seconds = 1.0
narration = "Hi {{ first_name }}."

[[scenes.layers]]
kind = "text"
text = "Hi {{ first_name }}"
largest = 200
smallest = 36
"""


def picture_bytes(width: int = 8, height: int = 8, colour: str = "#cc2200") -> bytes:
    """Make a real PNG of one colour."""
    surface = skia.Surface(width, height)
    surface.getCanvas().clear(skia.Color(*bytes.fromhex(colour[1:])))
    return bytes(surface.makeImageSnapshot().encodeToData(skia.kPNG, 100))


def ink(frame: NDArray[np.uint8]) -> int:
    """Count the pixels that differ from the frame's upper left corner."""
    return int((frame != frame[0, 0]).any(axis=-1).sum())
