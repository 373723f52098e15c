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


# shared and personal scenes, every transition, holds beyond an encoder's counters (16, 600)
REEL = """
title = "Reel"
formats = ["16:9"]
fps = 30

[music]
source = "music.m4a"

[slots]
first_name = { kind = "text", required = true }
tint = { kind = "color", fallback = "#a03060" }

[[scenes]]
name = "opening"
seconds = 1.0
layers = [
  { kind = "text", text = "Hello", largest = 200, enter = "rise", exit = "fade" },
]

[[scenes]]
name = "shared"
seconds = 1.2
background = "accent"
transition = { kind = "fade", ms = 300 }
layers = [
  { kind = "shape", shape = "disc", colour = "panel", enter = "grow", exit = "fade" },
]

[[scenes]]
name = "personal"
seconds = 22.0
transition = { kind = "wipe", ms = 400 }
layers = [
  { kind = "shape", shape = "rect", colour = "accent", at = [0, 360, 1280, 360] },
  { kind = "text", text = "Hi {{ first_name }}", largest = 200, enter = "fade", exit = "slide" },
]

[[scenes]]
name = "between"
seconds = 1.0
background = "panel"
transition = { kind = "slide", ms = 400 }
layers = [
  { kind = "text", text = "Bye", largest = 200, align = "end" },
]

[[scenes]]
name = "last"
seconds = 1.4
background = "tint"
layers = [
  { kind = "text", text = "{{ first_name }}", largest = 300, colour = "on-accent", start = 0.2 },
]
"""
