"""Fills slots with stand-ins, so that a template can be compiled before anybody's record is read."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice, product
from pathlib import Path

import skia

from renderers.schema import Field, Slot
from renderers.template import Template
from renderers.values import SlotValue

MOST_COMBINATIONS = (
    64  # of enum values: what lies beyond is encoded by the first video that needs it
)
_VALUES = {
    "text": "Alex",
    "number": 7,
    "money": 120,
    "percent": 12,
    "date": date(2026, 1, 15),
    "url": "https://example.com/",
    "color": "#3355cc",
    "boolean": True,
}


def fillings(
    template: Template, given: Mapping[str, SlotValue], asset_root: Path
) -> Iterator[dict[str, SlotValue]]:
    """List ways to fill a template: each combination of enum values, with and without the rest.

    `given` are values that are known already; a stand-in picture is put into `asset_root`.
    """
    picture = _stored_picture(asset_root)
    unique = {
        name: _stand_in(slot, picture)
        for name, slot in template.slots.items()
        if slot.cardinality == "unique"
    }
    needed = {n: v for n, v in unique.items() if _must_have(template.slots[n])}
    for chosen in islice(_combinations(template, given), MOST_COMBINATIONS):
        for others in (unique, needed):
            yield {**others, **chosen, **given}


def _combinations(
    template: Template, given: Mapping[str, SlotValue]
) -> Iterator[dict[str, SlotValue]]:
    slots = {name: slot for name, slot in template.slots.items() if name not in given}
    choices = {name: _choices(slot) for name, slot in slots.items() if len(_choices(slot)) > 1}
    for values in product(*choices.values()):
        yield {name: SlotValue(value) for name, value in zip(choices, values, strict=True)}


def _choices(slot: Slot) -> tuple[str | bool | None, ...]:
    """List what a slot of cardinality enum can hold; other slots count as one."""
    if slot.cardinality != "enum":
        return (None,)
    values: tuple[str | bool | None, ...] = slot.options
    if slot.kind == "boolean":
        values = (True, False)
    # without value, text or fallback stands in for what nobody listed
    return values or (None,)


def _must_have(slot: Slot) -> bool:
    return slot.required and slot.fallback is None


def _stand_in(slot: Slot, picture: str) -> SlotValue:
    if slot.kind == "list":
        row = {name: _single(field, picture) for name, field in slot.item.items()}
        return SlotValue([row, row])
    return _single(slot, picture)


def _single(field: Field, picture: str) -> SlotValue:
    if field.kind in ("image", "video", "audio"):
        return SlotValue(picture if field.kind == "image" else None)
    if field.kind == "enum":
        return SlotValue(field.options[0])
    value = _VALUES[field.kind]
    text = "A" if field.longest < len(str(value)) else ""
    return SlotValue(text or value if field.kind == "text" else value, text)


def _stored_picture(asset_root: Path) -> str:
    surface = skia.Surface(64, 64)
    surface.getCanvas().clear(skia.ColorGRAY)
    content = bytes(surface.makeImageSnapshot().encodeToData(skia.kPNG, 100))
    digest = hashlib.sha256(content).hexdigest()
    (asset_root / f"{digest}.png").write_bytes(content)
    return f"asset:{digest}"
