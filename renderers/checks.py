"""Checks a parsed template against its slots, its assets and its canvas, before anybody gets it.

A mistake of the author must show when the template is read, never in somebody's video.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from renderers import lines
from renderers.brand import COLOUR_NAMES, Brand
from renderers.errors import AssetError, TemplateError
from renderers.expressions import ExpressionError, check_condition, check_text
from renderers.media import MediaKind, complaint
from renderers.schema import (
    CANVAS,
    AudioLayer,
    ChartLayer,
    ImageLayer,
    Layer,
    ListLayer,
    Place,
    Scene,
    ShapeLayer,
    Slot,
    TextLayer,
    VideoLayer,
    Words,
)

BRAND_LOGO = "brand:logo"


@dataclass(frozen=True)
class _Reader:
    words: Words
    source: str
    file: Path
    brand: Brand

    def mistake(self, loc: lines.Loc, why: str, *, slot: str | None = None) -> TemplateError:
        scene = self.words.scenes[int(loc[1])].name if loc[0] == "scenes" else None
        at = lines.where(self.file, self.source, loc)
        key = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
        in_scene = f"scene {scene!r}: " if scene else ""
        return TemplateError(f"{at}: {in_scene}{key}: {why}.", scene=scene, slot=slot)


def check(words: Words, *, source: str, file: Path, brand: Brand) -> None:
    """Raise for the first thing that parses but cannot work."""
    reader = _Reader(words, source, file, brand)
    _check_names(reader)
    if words.music:
        _check_asset(reader, ("music", "source"), words.music.source, "audio")
    for number, scene in enumerate(words.scenes):
        _check_scene(reader, ("scenes", number), scene)


def locate(folder: Path, brand: Brand, source: str) -> Path:
    """Locate an asset; a name must stay inside the template's folder."""
    if source == BRAND_LOGO:
        if brand.logo_path is None:
            raise AssetError(
                "The brand has no logo: give one in brand.toml.", reason="asset_missing"
            )
        return brand.logo_path
    path = (folder / source).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise AssetError(f"{source!r} is outside the template's folder.", reason="asset_invalid")
    return path


def sources(words: Words) -> Iterator[str]:
    """List the assets that a template names itself."""
    if words.music:
        yield words.music.source
    for scene in words.scenes:
        for layer in scene.layers:
            if isinstance(layer, ImageLayer | VideoLayer | AudioLayer) and "{{" not in layer.source:
                yield layer.source


def _check_names(reader: _Reader) -> None:
    seen: set[str] = set()
    for number, scene in enumerate(reader.words.scenes):
        if scene.name in seen:
            raise reader.mistake(("scenes", number, "name"), f"{scene.name!r} is used twice")
        seen.add(scene.name)
    if reader.words.poster and reader.words.poster not in seen:
        raise reader.mistake(("poster",), f"there is no scene {reader.words.poster!r}")


def _check_scene(reader: _Reader, loc: lines.Loc, scene: Scene) -> None:
    _check_words(reader, (*loc, "when"), scene.when, condition=True)
    _check_words(reader, (*loc, "narration"), scene.narration)
    _check_colours(reader, loc, [("background", scene.background)])
    _check_transition(reader, (*loc, "transition"), scene)
    for number, layer in enumerate(scene.layers):
        at = (*loc, "layers", number)
        _check_words(reader, (*at, "when"), layer.when, condition=True)
        _check_times(reader, at, layer, scene.seconds)
        for format in reader.words.formats:
            _check_place(reader, at, layer, format)
        _check_kind(reader, at, layer)


def _check_transition(reader: _Reader, loc: lines.Loc, scene: Scene) -> None:
    if scene.transition and scene.transition.ms * 2 >= scene.seconds * 1000:
        ms = scene.transition.ms
        raise reader.mistake(loc, f"{ms} ms is not below half of the scene's {scene.seconds:g} s")


def _check_words(
    reader: _Reader,
    loc: lines.Loc,
    text: str | None,
    *,
    condition: bool = False,
    extra: Sequence[str] = (),
) -> None:
    if text is None:
        return
    try:
        names = check_condition(text) if condition else check_text(text)
    except ExpressionError as error:
        raise reader.mistake(loc, f"{text!r} is not a valid expression: {error}") from error
    for name in sorted(names - set(reader.words.slots) - set(extra)):
        raise reader.mistake(loc, f"uses {name!r}, which is not a declared slot", slot=name)


def _check_times(reader: _Reader, loc: lines.Loc, layer: Layer, seconds: float) -> None:
    moving = (layer.enter_ms if layer.enter != "none" else 0) / 1000
    moving += (layer.exit_ms if layer.exit != "none" else 0) / 1000
    if layer.start + layer.stop + moving > seconds:
        raise reader.mistake((*loc, "start"), f"the layer has no time left in {seconds:g} s")


def _check_place(reader: _Reader, loc: lines.Loc, layer: Layer, format: str) -> None:
    if isinstance(layer.at, str):
        return
    place = layer.at.on(format) if isinstance(layer.at, Place) else layer.at
    if place is None:
        raise reader.mistake((*loc, "at"), f"has no place for format {format}")
    x, y, width, height = place
    canvas_width, canvas_height = CANVAS[format]
    inside = x >= 0 and y >= 0 and x + width <= canvas_width and y + height <= canvas_height
    if not inside or width <= 0 or height <= 0:
        raise reader.mistake(
            (*loc, "at"), f"{list(place)} is not inside {canvas_width}x{canvas_height} ({format})"
        )


def _check_kind(reader: _Reader, loc: lines.Loc, layer: Layer) -> None:
    match layer:
        case TextLayer():
            _check_words(reader, (*loc, "text"), layer.text)
            _check_colours(reader, loc, [("colour", layer.colour), ("fill", layer.fill)])
        case ImageLayer():
            _check_source(reader, loc, layer.source, "image")
        case VideoLayer():
            _check_asset(reader, (*loc, "source"), layer.source, "video")
        case AudioLayer():
            _check_asset(reader, (*loc, "source"), layer.source, "audio")
        case ShapeLayer():
            _check_colours(reader, loc, [("colour", layer.colour), ("to", layer.to)])
        case ChartLayer():
            _check_chart(reader, loc, layer)
        case ListLayer():
            _check_list(reader, loc, layer)


def _check_source(reader: _Reader, loc: lines.Loc, source: str, kind: MediaKind) -> None:
    if "{{" in source:
        _check_words(reader, (*loc, "source"), source)
    else:
        _check_asset(reader, (*loc, "source"), source, kind)


def _check_asset(reader: _Reader, loc: lines.Loc, source: str, kind: MediaKind) -> None:
    try:
        why = complaint(locate(reader.file.parent, reader.brand, source), kind)
    except AssetError as error:
        raise reader.mistake(loc, str(error).rstrip(".")) from error
    if why:
        raise reader.mistake(loc, f"{source!r} {why}")


def _check_colours(reader: _Reader, loc: lines.Loc, used: Sequence[tuple[str, str | None]]) -> None:
    for key, colour in used:
        if colour is None or colour in COLOUR_NAMES:
            continue
        slot = reader.words.slots.get(colour)
        if slot is None or slot.kind != "color":
            names = ", ".join(COLOUR_NAMES)
            raise reader.mistake(
                (*loc, key), f"{colour!r} is neither a brand colour ({names}) nor a color slot"
            )


def _check_chart(reader: _Reader, loc: lines.Loc, layer: ChartLayer) -> None:
    colours = (("colour", layer.colour), ("track", layer.track), ("ink", layer.ink))
    _check_colours(reader, loc, colours)
    if layer.rows:
        slot = _list_slot(reader, (*loc, "rows"), layer.rows)
        _check_fields(reader, loc, slot, [("label", layer.label), ("value", layer.value)])
        return
    for key, name in (("value", layer.value), ("of", layer.of)):
        if name not in reader.words.slots:
            raise reader.mistake((*loc, key), f"{name!r} is not a declared slot", slot=name)


def _check_list(reader: _Reader, loc: lines.Loc, layer: ListLayer) -> None:
    slot = _list_slot(reader, (*loc, "rows"), layer.rows)
    fields = [("title", layer.title), ("picture", layer.picture), ("price", layer.price)]
    _check_fields(reader, loc, slot, fields)
    _check_words(reader, (*loc, "more"), layer.more, extra=("count",))
    colours = (("colour", layer.colour), ("accent", layer.accent), ("plate", layer.plate))
    _check_colours(reader, loc, colours)


def _list_slot(reader: _Reader, loc: lines.Loc, name: str) -> Slot:
    slot = reader.words.slots.get(name)
    if slot is None or slot.kind != "list":
        raise reader.mistake(loc, f"{name!r} is not a declared slot of kind list", slot=name)
    return slot


def _check_fields(
    reader: _Reader, loc: lines.Loc, slot: Slot, used: Sequence[tuple[str, str | None]]
) -> None:
    for key, name in used:
        if name and name not in slot.item:
            fields = ", ".join(slot.item)
            raise reader.mistake((*loc, key), f"rows have no field {name!r}; they have {fields}")
