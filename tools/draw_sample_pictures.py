"""Draw the product pictures of the demo's shop as one series, the same every time.

Run by hand when the look should change; what it writes is committed. Each picture is a list of
forms on a square of 100 units, light from the upper left, standing on the same line.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import skia

PICTURES = Path(__file__).resolve().parent.parent / "connector" / "cli" / "sample" / "pictures"
SIDE = 640
FLOOR = 80.0  # where things stand
SHADE, DEEP_SHADE, LIGHT = "#1f1a3a1f", "#1f1a3a38", "#ffffff38"


@dataclass(frozen=True)
class Form:
    """A filled form, or a line of a width; *inside* bounds it to another form."""

    colour: str
    path: str
    line: float = 0.0
    inside: str = ""


@dataclass(frozen=True)
class Picture:
    """A thing on its disc; *shadow* is the half width of what it throws on the floor."""

    paper: str
    disc: str
    forms: Sequence[Form]
    shadow: float
    tilt: float = 0.0


SHOE = "M13 71 L15.5 46 Q16 41.5 20.5 42.5 Q27 45.5 34 41 Q38 38.5 42 34.5 L53 47.5 Q60 55.5 74 57.5 Q87 59.5 88 71 Z"
SOLE = "M13 69 L88.5 69 Q91 69 91 72 Q90 79 82 79 L20 79 Q11 79 11 71.5 Q11 69 13 69 Z"
TRAIL_SHOE = (
    Form("#2f6f73", SHOE),
    Form("#e8a33d", "M36 72 Q46 52 66 55 L70 57 Q54 58 47 72 Z", inside=SHOE),
    Form("#24575b", "M70 72 Q71 62 79 56 L92 58 L92 72 Z", inside=SHOE),
    Form("#24575b", "M10 40 L24 42 Q22 58 27 72 L10 72 Z", inside=SHOE),
    Form(LIGHT, "M42 34.5 L53 47.5 L49 50.5 L38 38 Z", inside=SHOE),
    Form("#f6f1e7", "M38.5 45 L46 39.5 M42.5 49.5 L50 44 M46.5 54 L54.5 48.5", 2.1),
    Form("#173b40", "M17 44.5 Q27 48.5 36 42.5 Q39 40.5 42 36.5", 2.6),
    Form("#f6f1e7", SOLE),
    Form(SHADE, "M9 74.5 L93 74.5 L93 81 L9 81 Z", inside=SOLE),
    Form("#d9573f", "M17 77 L17 82 M27 77 L27 82 M37 77 L37 82 M60 77 L60 82 M70 77 L70 82 M80 77 L80 82", 5.0),
)

SOCK = "M0 0 L19 0 L19 31 Q19 35 22 37.5 L35 46 Q41 50.5 37 56.5 Q33 61.5 26 58 L7 47 Q0 42.5 0 35 Z"
