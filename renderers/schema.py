"""The words of `template.toml`: what an author may write, typed; everything else is refused."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic import Field as Limits

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Format = Literal["16:9", "9:16", "1:1"]
# design canvas of each format: all boxes and sizes are written in its pixels
CANVAS: dict[str, tuple[int, int]] = {"16:9": (1280, 720), "9:16": (720, 1280), "1:1": (720, 720)}
Rect = tuple[float, float, float, float]
Fit = Literal["cover", "contain", "contain-blur", "fill", "none"]
Entrance = Literal["none", "fade", "rise", "slide", "grow"]
TransitionKind = Literal["fade", "slide", "wipe"]
SingleKind = Literal[
    "text", "number", "money", "percent", "date", "image", "video", "audio", "color", "url",
    "enum", "boolean",
]  # fmt: skip
SMALLEST_TEXT = 36  # pixels on the design canvas: smaller is not readable on a phone


class Strict(BaseModel):
    """A table of the file in which every unknown key is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Field(Strict):
    """One typed value: a slot, or a field in the rows of a list slot."""

    kind: SingleKind = "text"
    required: bool = False
    longest: int = Limits(default=80, ge=1, le=2000, description="graphemes shown at most")
    options: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _enum_has_options(self) -> "Field":
        if (getattr(self, "kind", "") == "enum") != bool(self.options):
            raise ValueError("options belong to kind enum, which needs them")
        return self


class Slot(Field):
    """A typed hole of the template, filled for each subject."""

    kind: SingleKind | Literal["list"] = "text"  # type: ignore[assignment]
    label: str = ""
    fallback: str | int | float | bool | date | list[dict[str, Any]] | None = None
    pii: bool = False
    cardinality: Literal["static", "enum", "unique"] = "unique"
    item: dict[Name, Field] = Limits(default_factory=dict, description="fields of a list's rows")
    longest_list: int = Limits(default=100, ge=1, le=1000, description="rows taken at most")

    @model_validator(mode="after")
    def _list_has_items(self) -> "Slot":
        if (self.kind == "list") != bool(self.item):
            raise ValueError("item fields belong to kind list, which needs them")
        return self


class Place(Strict):
    """Where a layer stands in each format, `[x, y, width, height]` on the design canvas."""

    wide: Rect
    tall: Rect | None = None
    square: Rect | None = None

    def on(self, format: str) -> Rect | None:
        """Find the rectangle for one format."""
        return {"16:9": self.wide, "9:16": self.tall, "1:1": self.square}[format]


class Layer(Strict):
    """What all layers share: place, time inside the scene, condition and motion at the edges."""

    at: Literal["full", "safe"] | Rect | Place = "full"
    when: str | None = None
    start: float = Limits(default=0.0, ge=0, description="seconds after the scene begins")
    stop: float = Limits(default=0.0, ge=0, description="seconds before the scene ends")
    enter: Entrance = "none"
    enter_ms: int = Limits(default=480, ge=100, le=1500)
    exit: Entrance = "none"
    exit_ms: int = Limits(default=240, ge=80, le=1000)
    opacity: float = Limits(default=1.0, ge=0, le=1)


class TextLayer(Layer):
    """A text that fits itself between a largest and a smallest size."""

    kind: Literal["text"]
    text: str
    largest: float = Limits(default=64, ge=SMALLEST_TEXT, le=400)
    smallest: float = Limits(default=SMALLEST_TEXT, ge=SMALLEST_TEXT, le=400)
    lines: int = Limits(default=2, ge=1, le=12)
    weight: Literal["regular", "bold"] = "regular"
    colour: str = "ink"
    align: Literal["start", "center", "end"] = "start"
    valign: Literal["top", "middle", "bottom"] = "top"
    leading: float = Limits(default=1.2, ge=0.9, le=2.0, description="line height by size")
    tracking: float = Limits(default=0.0, ge=-0.1, le=0.5, description="letter space by size")
    fill: str | None = Limits(default=None, description="colour of a plate that hugs the text")
    padding: tuple[float, float] = (40, 20)
    radius: float = Limits(default=999, ge=0, description="corners of the plate")

    @model_validator(mode="after")
    def _sizes_in_order(self) -> "TextLayer":
        if self.smallest > self.largest:
            raise ValueError("smallest must not be above largest")
        return self


class ImageLayer(Layer):
    """A picture: a file of the template, `brand:logo`, or a slot of kind image."""

    kind: Literal["image"]
    source: str
    fit: Fit = "cover"
    radius: float = Limits(default=0, ge=0)


class VideoLayer(Layer):
    """Footage of the template; it holds its last frame when it is shorter than the layer."""

    kind: Literal["video"]
    source: str
    fit: Fit = "cover"
    radius: float = Limits(default=0, ge=0)
    skip: float = Limits(default=0.0, ge=0, description="seconds left out at its beginning")


class AudioLayer(Layer):
    """A sound that begins with its scene."""

    kind: Literal["audio"]
    source: str
    gain_db: float = Limits(default=0.0, ge=-60, le=12)


class ShapeLayer(Layer):
    """A plain form: plate, rule, disc, tick or a scrim under text."""

    kind: Literal["shape"]
    shape: Literal["rect", "disc", "ring", "tick", "rule"] = "rect"
    colour: str = "panel"
    to: str | None = Limits(default=None, description="second colour of a gradient, downwards")
    radius: float = Limits(default=0, ge=0)
    stroke: float = Limits(default=6, gt=0, le=60, description="width of ring, tick and rule")


class ChartLayer(Layer):
    """Numbers as bars, a line, or progress towards a total."""

    kind: Literal["chart"]
    chart: Literal["bars", "line", "progress", "ring"]
    rows: Name | None = Limits(default=None, description="list slot for bars and line")
    label: Name = "label"
    value: str = Limits(default="value", description="field of the rows, or slot for progress")
    of: Name | None = Limits(default=None, description="slot that holds the total")
    colour: str = "accent"
    track: str = "panel"
    ink: str = "ink"
    size: float = Limits(default=SMALLEST_TEXT, ge=SMALLEST_TEXT, le=96)
    grow_ms: int = Limits(default=1000, ge=200, le=3000)

    @model_validator(mode="after")
    def _has_numbers(self) -> "ChartLayer":
        if self.chart in ("bars", "line") and not self.rows:
            raise ValueError("bars and line need rows, the name of a list slot")
        if self.chart in ("progress", "ring") and not self.of:
            raise ValueError("progress and ring need of, the slot that holds the total")
        return self


class ListLayer(Layer):
    """Rows with a picture, a title and a price, one after the other."""

    kind: Literal["list"]
    rows: Name
    shown: int = Limits(default=3, ge=1, le=8)
    more: str | None = Limits(default=None, description='text for the rest, "+{{ count }} more"')
    title: Name = "title"
    picture: Name | None = None
    price: Name | None = None
    marker: Literal["none", "number", "tick"] = "none"
    colour: str = "ink"
    accent: str = "accent"
    plate: str | None = "panel"
    size: float = Limits(default=40, ge=SMALLEST_TEXT, le=96)
    gap: float = Limits(default=16, ge=0, le=64)
    stagger_ms: int = Limits(default=160, ge=0, le=1000)
    cut: bool = Limits(default=False, description="end long titles with … instead of failing")


AnyLayer = Annotated[
    TextLayer | ImageLayer | VideoLayer | AudioLayer | ShapeLayer | ChartLayer | ListLayer,
    Limits(discriminator="kind"),
]


class Transition(Strict):
    """How a scene takes over from the one shown before it, within its own time."""

    kind: TransitionKind
    ms: int = Limits(default=400, ge=200, le=1200, description="below half of the scene's time")


class Scene(Strict):
    """A stretch of the video that stands by itself: the unit of encoding and of analytics."""

    name: Name
    title: str = Limits(default="", description="shown in the player's chapters")
    seconds: float = Limits(ge=0.5, le=60)
    when: str | None = None
    background: str = "bg"
    transition: Transition | None = Limits(
        default=None, description="from the scene shown before; the first scene shown has none"
    )
    narration: str = ""
    tags: dict[str, str] = Limits(default_factory=dict)
    layers: tuple[AnyLayer, ...] = Limits(min_length=1)


class Music(Strict):
    """The bed under the whole video: looped or trimmed to its length, faded at both ends."""

    source: str
    gain_db: float = Limits(default=0.0, ge=-60, le=12)
    fade_in: float = Limits(default=0.3, ge=0, le=10)
    fade_out: float = Limits(default=1.5, ge=0, le=10)


class Words(Strict):
    """A whole `template.toml`."""

    title: str
    description: str = ""
    formats: tuple[Format, ...] = Limits(default=("16:9",), min_length=1)
    fps: int = Limits(default=30, ge=10, le=60)
    tags: dict[str, str] = Limits(default_factory=dict)
    poster: Name | None = Limits(default=None, description="scene that the poster shows")
    music: Music | None = None
    slots: dict[Name, Slot] = Limits(default_factory=dict)
    scenes: tuple[Scene, ...] = Limits(min_length=1)
