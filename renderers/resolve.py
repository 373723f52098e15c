"""Turns one layer of a template and the slots' values into a part with everything decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from renderers import parts, schema
from renderers.checks import locate
from renderers.errors import AssetError, SlotError
from renderers.expressions import ExpressionError, Seen, check_text, fill, holds
from renderers.template import Template
from renderers.values import SlotValue, is_stored

CODE_POINTS_PER_GRAPHEME = 16


@dataclass(frozen=True)
class Filling:
    """A template, the clean values for its slots, and the size that they are laid out for."""

    template: Template
    values: Mapping[str, SlotValue]
    format: str
    scale: float
    asset_root: Path | None

    def seen(self, *, isolated: bool) -> dict[str, Seen]:
        """Show the slots to expressions; `isolated` keeps each value's direction to itself."""
        return {name: _seen(value, isolated) for name, value in self.values.items()}

    def text(self, source: str, *, isolated: bool = True, **extra: Any) -> str:
        """Fill a text of the template."""
        seen = {**self.seen(isolated=isolated), **extra}
        try:
            return fill(source, seen, self._bound(source))
        except ExpressionError as error:
            raise self._not_fitting(source, error) from error

    def holds(self, condition: str | None) -> bool:
        """Decide a condition of the template; none holds always."""
        try:
            return condition is None or holds(condition, self.seen(isolated=False))
        except ExpressionError as error:
            raise self._not_fitting("{{ " + str(condition) + " }}", error) from error

    def used(self, source: str) -> tuple[str, ...]:
        """List the slots that a text uses."""
        return tuple(sorted(check_text(source) & set(self.template.slots)))

    def colour(self, name: str) -> str:
        """Find a colour by its brand name or by the color slot that holds it."""
        branded = self.template.brand.colours.named(name)
        return branded or str(self.values[name].value or self.template.brand.colours.accent)

    def path(self, source: str, slot: str | None = None) -> Path:
        """Locate a picture, film or sound on disk."""
        if is_stored(source):
            return self._stored(source.removeprefix("asset:"), slot)
        try:
            path = locate(self.template.folder, self.template.brand, source)
        except AssetError as error:
            raise AssetError(str(error), reason=error.reason, slot=slot) from error
        if not path.is_file():
            raise AssetError(
                f"{source!r} is no file of template {self.template.name!r}.",
                reason="asset_missing",
                slot=slot,
            )
        return path

    def _stored(self, digest: str, slot: str | None) -> Path:
        found = sorted(self.asset_root.glob(f"{digest}*")) if self.asset_root else []
        if not found:
            raise AssetError(
                f"The picture asset:{digest[:12]}… is not in the store: upload it again.",
                reason="asset_missing",
                slot=slot,
            )
        return found[0]

    def _bound(self, source: str) -> int:
        longest = sum(_longest(self.template.slots[name]) for name in self.used(source))
        return len(source) + CODE_POINTS_PER_GRAPHEME * longest * source.count("{{")

    def _not_fitting(self, source: str, error: ExpressionError) -> SlotError:
        slot = next(iter(self.used(source)), None)
        return SlotError(f"Slot {slot!r}: {error}.", reason="slot_invalid", slot=slot)


def _longest(slot: schema.Slot) -> int:
    return max((slot.longest, *(field.longest for field in slot.item.values())))


def _seen(value: SlotValue, isolated: bool) -> Seen:
    if isinstance(value.value, list):
        rows = [{k: _seen(v, isolated) for k, v in row.items()} for row in value.value]
        return Seen(rows, "", isolated)
    return Seen(value.value, value.text, isolated)


def resolve(layer: schema.AnyLayer, filling: Filling, frames: int) -> parts.AnyPart | None:
    """Decide a layer, or return None when nothing of it is shown."""
    if not filling.holds(layer.when):
        return None
    common = {
        "kind": layer.kind,
        "box": _box(layer, filling),
        "timing": _timing(layer, filling.template.fps, frames),
        "opacity": layer.opacity,
    }
    part: parts.AnyPart | None = _RESOLVERS[layer.kind](layer, filling, common)
    return part


def _box(layer: schema.Layer, filling: Filling) -> parts.Box:
    width, height = schema.CANVAS[filling.format]
    margin = filling.template.brand.margin
    at = layer.at.on(filling.format) if isinstance(layer.at, schema.Place) else layer.at
    if at == "full" or at is None:
        at = (0, 0, width, height)
    elif at == "safe":
        at = (margin, margin, width - 2 * margin, height - 2 * margin)
    x, y, w, h = (float(side) * filling.scale for side in at)
    return parts.Box(x, y, w, h)


def _timing(layer: schema.Layer, fps: int, frames: int) -> parts.Timing:
    first = min(round(layer.start * fps), frames - 1)
    last = max(frames - round(layer.stop * fps), first + 1)
    return parts.Timing(
        first,
        last,
        layer.enter,
        max(round(layer.enter_ms * fps / 1000), 1) if layer.enter != "none" else 0,
        layer.exit,
        max(round(layer.exit_ms * fps / 1000), 1) if layer.exit != "none" else 0,
    )


def _text(
    layer: schema.TextLayer, filling: Filling, common: dict[str, Any]
) -> parts.TextPart | None:
    text = filling.text(layer.text).strip()
    if not text:
        return None
    scale = filling.scale
    plate = layer.fill and parts.Plate(
        filling.colour(layer.fill),
        layer.padding[0] * scale,
        layer.padding[1] * scale,
        layer.radius * scale,
    )
    return parts.TextPart(
        **common,
        slots=filling.used(layer.text),
        text=text,
        largest=layer.largest * scale,
        smallest=layer.smallest * scale,
        lines=layer.lines,
        bold=layer.weight == "bold",
        colour=filling.colour(layer.colour),
        align=layer.align,
        valign=layer.valign,
        leading=layer.leading,
        tracking=layer.tracking,
        plate=plate or None,
    )


def _image(
    layer: schema.ImageLayer, filling: Filling, common: dict[str, Any]
) -> parts.ImagePart | None:
    slots = filling.used(layer.source)
    source = filling.text(layer.source, isolated=False).strip()
    if not source:
        return None
    path = filling.path(source, slots[0] if slots else None)
    radius = layer.radius * filling.scale
    return parts.ImagePart(
        **common, slots=slots, source=source, path=path, fit=layer.fit, radius=radius
    )


def _video(layer: schema.VideoLayer, filling: Filling, common: dict[str, Any]) -> parts.VideoPart:
    return parts.VideoPart(
        **common,
        slots=(),
        source=layer.source,
        path=filling.path(layer.source),
        fit=layer.fit,
        radius=layer.radius * filling.scale,
        skip=layer.skip,
    )


def _audio(layer: schema.AudioLayer, filling: Filling, common: dict[str, Any]) -> parts.AudioPart:
    path = filling.path(layer.source)
    return parts.AudioPart(
        **common, slots=(), source=layer.source, path=path, gain_db=layer.gain_db
    )


def _shape(layer: schema.ShapeLayer, filling: Filling, common: dict[str, Any]) -> parts.ShapePart:
    return parts.ShapePart(
        **common,
        slots=(),
        shape=layer.shape,
        colour=filling.colour(layer.colour),
        to=filling.colour(layer.to) if layer.to else None,
        radius=layer.radius * filling.scale,
        stroke=layer.stroke * filling.scale,
    )


def _chart(
    layer: schema.ChartLayer, filling: Filling, common: dict[str, Any]
) -> parts.ChartPart | None:
    points, total = _points(layer, filling)
    if not points:
        return None
    return parts.ChartPart(
        **common,
        slots=(layer.rows,) if layer.rows else tuple(n for n in (layer.value, layer.of) if n),
        chart=layer.chart,
        points=points,
        total=total,
        colour=filling.colour(layer.colour),
        track=filling.colour(layer.track),
        ink=filling.colour(layer.ink),
        size=layer.size * filling.scale,
        grow_frames=max(round(layer.grow_ms * filling.template.fps / 1000), 1),
    )


def _points(layer: schema.ChartLayer, filling: Filling) -> tuple[tuple[parts.Point, ...], float]:
    if layer.rows:
        rows = filling.values[layer.rows].value
        fields = [(row[layer.label], row[layer.value]) for row in rows]
        points = tuple(parts.Point(a.text, float(b.value or 0), b.text) for a, b in fields)
        return points, max((abs(point.value) for point in points), default=0.0)
    part, whole = filling.values[layer.value], filling.values[layer.of or ""]
    if part.value is None or not whole.value:
        return (), 0.0
    return (parts.Point("", float(part.value), part.text),), float(whole.value)


def _list(
    layer: schema.ListLayer, filling: Filling, common: dict[str, Any]
) -> parts.ListPart | None:
    given = filling.values[layer.rows].value
    rows = tuple(_row(layer, filling, row) for row in given[: layer.shown])
    left_out = len(given) - len(rows)
    if not rows:
        return None
    return parts.ListPart(
        **common,
        slots=(layer.rows,),
        rows=rows,
        more=filling.text(layer.more, count=left_out) if layer.more and left_out else "",
        pictures=any(row.picture for row in rows),
        marker=layer.marker,
        colour=filling.colour(layer.colour),
        accent=filling.colour(layer.accent),
        on_accent=filling.colour("on-accent"),
        plate=filling.colour(layer.plate) if layer.plate else None,
        size=layer.size * filling.scale,
        gap=layer.gap * filling.scale,
        stagger_frames=round(layer.stagger_ms * filling.template.fps / 1000),
        cut=layer.cut,
    )


def _row(layer: schema.ListLayer, filling: Filling, row: Mapping[str, SlotValue]) -> parts.Row:
    picture = row[layer.picture].value if layer.picture else None
    return parts.Row(
        title=row[layer.title].text,
        price=row[layer.price].text if layer.price else "",
        picture=picture,
        path=filling.path(picture, layer.rows) if picture else None,
    )


_RESOLVERS: dict[str, Any] = {
    "text": _text,
    "image": _image,
    "video": _video,
    "audio": _audio,
    "shape": _shape,
    "chart": _chart,
    "list": _list,
}
