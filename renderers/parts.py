"""A scene with everything decided: what layers draw from, in pixels, frames and final words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from renderers.schema import Entrance, Fit


@dataclass(frozen=True)
class Box:
    """A rectangle in output pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Timing:
    """When a part is on screen, in frames of its scene, and how it comes and goes."""

    first: int
    last: int
    enter: Entrance = "none"
    enter_frames: int = 0
    exit: Entrance = "none"
    exit_frames: int = 0


@dataclass(frozen=True)
class Part:
    """What every part has; `slots` are the slots that decided it, for messages and for reuse."""

    kind: str
    box: Box
    timing: Timing
    opacity: float
    slots: tuple[str, ...]


@dataclass(frozen=True)
class Plate:
    """A filled form behind a text, that hugs it."""

    colour: str
    across: float
    down: float
    radius: float


@dataclass(frozen=True)
class TextPart(Part):
    """Words to set; sizes in output pixels."""

    text: str
    largest: float
    smallest: float
    lines: int
    bold: bool
    colour: str
    align: Literal["start", "center", "end"]
    valign: Literal["top", "middle", "bottom"]
    leading: float
    tracking: float
    plate: Plate | None


@dataclass(frozen=True)
class ImagePart(Part):
    """A picture: the name it was given, and where it lies on this machine."""

    source: str
    path: Path
    fit: Fit
    radius: float


@dataclass(frozen=True)
class VideoPart(Part):
    """Footage; `skip` in seconds."""

    source: str
    path: Path
    fit: Fit
    radius: float
    skip: float


@dataclass(frozen=True)
class AudioPart(Part):
    """A sound that begins with the part."""

    source: str
    path: Path
    gain_db: float


@dataclass(frozen=True)
class ShapePart(Part):
    """A plain form."""

    shape: Literal["rect", "disc", "ring", "tick", "rule"]
    colour: str
    to: str | None
    radius: float
    stroke: float


@dataclass(frozen=True)
class Point:
    """One labelled number of a chart."""

    label: str
    value: float
    text: str


@dataclass(frozen=True)
class ChartPart(Part):
    """Numbers to show; for progress and ring there is one point and a total."""

    chart: Literal["bars", "line", "progress", "ring"]
    points: tuple[Point, ...]
    total: float
    colour: str
    track: str
    ink: str
    size: float
    grow_frames: int


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    title: str
    price: str
    picture: str | None
    path: Path | None


@dataclass(frozen=True)
class ListPart(Part):
    """Rows to show, and the words for what was left out."""

    rows: tuple[Row, ...]
    more: str
    pictures: bool
    marker: Literal["none", "number", "tick"]
    colour: str
    accent: str
    on_accent: str
    plate: str | None
    size: float
    gap: float
    stagger_frames: int
    cut: bool


AnyPart = TextPart | ImagePart | VideoPart | AudioPart | ShapePart | ChartPart | ListPart
