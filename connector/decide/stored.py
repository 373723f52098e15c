"""Carries slot values through the database, which knows only JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from renderers.storyboard import SlotValue


def to_json(slots: Mapping[str, SlotValue]) -> dict[str, Any]:
    """Write slots as plain JSON for a video's row."""
    return {name: _written(value) for name, value in slots.items()}


def from_json(stored: Mapping[str, Any]) -> dict[str, SlotValue]:
    """Read slots back from a video's row."""
    return {name: _restored(value) for name, value in stored.items()}


def _written(slot: SlotValue) -> dict[str, Any]:
    if isinstance(slot.value, list):
        return {"rows": [to_json(row) for row in slot.value]}
    return {"value": slot.value, "text": slot.text}


def _restored(stored: Mapping[str, Any]) -> SlotValue:
    if "rows" in stored:
        return SlotValue([from_json(row) for row in stored["rows"]], "")
    return SlotValue(stored["value"], stored["text"])
