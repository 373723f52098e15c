"""A template with its slots filled for one subject: scenes chosen, every time a whole frame."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from renderers.brand import Brand
from renderers.errors import RenderError, SlotError, TemplateError
from renderers.parts import AnyPart
from renderers.resolve import Filling, resolve
from renderers.schema import CANVAS, AnyLayer, TransitionKind
from renderers.schema import Scene as SceneWords
from renderers.template import Template
from renderers.values import SlotValue, checked

__all__ = ["Scene", "SlotValue", "Sound", "Storyboard", "Transition", "assemble"]
HEIGHTS = range(36, 2161)


@dataclass(frozen=True)
class Transition:
    """How a scene takes over: in its first frames the last frame before it gives way to it."""

    kind: TransitionKind
    frames: int


@dataclass(frozen=True)
class Scene:
    """One scene as it will be drawn; `start_frame` counts from the beginning of the video.

    `personal` says of each layer whether a slot of cardinality unique decides what it shows.
    """

    name: str
    title: str
    start_frame: int
    frames: int
    background: str
    layers: tuple[AnyPart, ...]
    narration: str
    transition: Transition | None = None
    personal: tuple[bool, ...] = ()
    personal_background: bool = False

    @property
    def shared(self) -> bool:
        """Tell whether it looks the same for everybody with the same words and enum values."""
        return not self.personal_background and not any(self.personal)


@dataclass(frozen=True)
class Sound:
    """The bed under the whole video."""

    source: str
    path: Path
    gain_db: float
    fade_in: float
    fade_out: float


@dataclass(frozen=True)
class Storyboard:
    """Everything that decides the pixels and the sound of one video."""

    template: str
    template_version: str
    locale: str
    format: str
    fps: int
    width: int
    height: int
    scenes: tuple[Scene, ...]
    poster_frame: int
    music: Sound | None
    brand: Brand = field(repr=False)

    @property
    def frames(self) -> int:
        """Count the frames of the whole video."""
        return sum(scene.frames for scene in self.scenes)

    @property
    def duration(self) -> float:
        """Tell the length in seconds."""
        return self.frames / self.fps

    def manifest(self) -> list[dict[str, Any]]:
        """List the scenes with their start and length in seconds, for players and analytics."""
        return [
            {
                "name": scene.name,
                "start": round(scene.start_frame / self.fps, 3),
                "seconds": round(scene.frames / self.fps, 3),
            }
            for scene in self.scenes
        ]

    def key(self) -> str:
        """Identify the video: the same key means the same frames, on any machine."""
        facts = {k: v for k, v in asdict(self).items() if k != "brand"}
        facts["brand"] = self.brand.model_dump(mode="json")
        # paths differ between machines; names and the template's version say what is in them
        text = json.dumps(facts, sort_keys=True, ensure_ascii=False, default=lambda _: None)
        return hashlib.sha256(text.encode()).hexdigest()


def assemble(
    template: Template,
    slots: Mapping[str, SlotValue],
    *,
    locale: str = "en",
    format: str = "16:9",
    height: int = 720,
    asset_root: Path | None = None,
) -> Storyboard:
    """Fill a template for one subject; `height` is the shorter side, the 720 of 720p."""
    width, tall = _size(template, format, height)
    values = _values(template, slots)
    filling = Filling(template, values, format, height / 720, asset_root)
    scenes = _scenes(filling)
    return Storyboard(
        template=template.name,
        template_version=template.version,
        locale=locale,
        format=format,
        fps=template.fps,
        width=width,
        height=tall,
        scenes=scenes,
        poster_frame=_poster_frame(template, scenes),
        music=_music(filling),
        brand=template.brand,
    )


def _size(template: Template, format: str, height: int) -> tuple[int, int]:
    if format not in template.formats:
        raise TemplateError(
            f"Template {template.name!r} has no format {format!r}; "
            f"it has {', '.join(template.formats)}.",
            reason="format_unknown",
        )
    if height not in HEIGHTS or height % 2:
        raise TemplateError(
            f"Height {height} cannot be encoded: use an even number from 36 to 2160.",
            reason="size_invalid",
        )
    width, tall = (round(side * height / 720 / 2) * 2 for side in CANVAS[format])
    return width, tall


def _values(template: Template, slots: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
    unknown = sorted(set(slots) - set(template.slots))
    if unknown:
        raise SlotError(
            f"Template {template.name!r} has no slot {unknown[0]!r}; "
            f"it has {', '.join(template.slots)}.",
            reason="slot_unknown",
            slot=unknown[0],
        )
    return {name: checked(name, slot, slots.get(name)) for name, slot in template.slots.items()}


def _scenes(filling: Filling) -> tuple[Scene, ...]:
    scenes: list[Scene] = []
    start = 0
    for words in filling.template.scenes:
        if not filling.holds(words.when):
            continue
        scenes.append(_scene(words, filling, start))
        start += scenes[-1].frames
    if not scenes:
        raise TemplateError(f"Template {filling.template.name!r}: no scene's condition holds.")
    return tuple(scenes)


def _scene(words: SceneWords, filling: Filling, start: int) -> Scene:
    frames = max(round(words.seconds * filling.template.fps), 1)
    try:
        found = [(layer, resolve(layer, filling, frames)) for layer in words.layers]
    except RenderError as error:
        error.scene = words.name
        raise
    shown = [(layer, part) for layer, part in found if part is not None]
    return Scene(
        name=words.name,
        title=words.title or words.name.replace("_", " ").capitalize(),
        start_frame=start,
        frames=frames,
        background=filling.colour(words.background),
        layers=tuple(part for _, part in shown),
        narration=" ".join(filling.text(words.narration, isolated=False).split()),
        transition=_transition(words, filling.template.fps) if start else None,
        personal=tuple(_personal(layer, filling) for layer, _ in shown),
        personal_background=_is_unique(words.background, filling),
    )


def _personal(layer: AnyLayer, filling: Filling) -> bool:
    """Look for a unique slot in what a layer shows; `when` only chooses, and shows nothing."""
    shows = layer.model_dump(exclude={"when", "kind"})
    words = [value for value in shows.values() if isinstance(value, str)]
    return any(
        _is_unique(name, filling)
        for text in words
        for name in (filling.used(text) if "{{" in text else (text,))
    )


def _is_unique(name: str, filling: Filling) -> bool:
    slot = filling.template.slots.get(name)
    return slot is not None and slot.cardinality == "unique"


def _transition(words: SceneWords, fps: int) -> Transition | None:
    if words.transition is None:
        return None
    return Transition(words.transition.kind, max(round(words.transition.ms * fps / 1000), 1))


def _poster_frame(template: Template, scenes: tuple[Scene, ...]) -> int:
    """Choose the moment when the poster's scene is complete: entered, and not yet leaving."""
    scene = next((s for s in scenes if s.name == template.words.poster), scenes[0])
    leaving = max((p.timing.exit_frames for p in scene.layers), default=0)
    return scene.start_frame + max(scene.frames - leaving - 1, 0)


def _music(filling: Filling) -> Sound | None:
    music = filling.template.music
    if music is None:
        return None
    path = filling.path(music.source)
    return Sound(music.source, path, music.gain_db, music.fade_in, music.fade_out)
