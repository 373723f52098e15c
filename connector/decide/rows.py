"""Reads the rows of a list slot, such as the items of a cart, from a list or its JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from connector.decide.kinds import MISSING, FieldKind, Outcome, Read, Unusable, Writing, read_value
from connector.decide.schema import Source
from renderers.storyboard import SlotValue

LONGEST_JSON = 100_000  # characters; a cart with a thousand items is shorter
Lookup = Callable[[str], Any]


class ListKind(FieldKind, Protocol):
    """What a template says of a list slot."""

    @property
    def item(self) -> Mapping[str, FieldKind]:
        """The fields of its rows."""

    @property
    def longest_list(self) -> int:
        """How many rows it takes."""


def read_rows(
    raw: Any, slot: ListKind, source: Source | None, writing: Writing, word: Lookup
) -> Outcome:
    """
    Read rows; one that lacks a required field is left out, and what does not fit is cut off.

    Row fields are taken by the names that *source* gives, else by the slot's own names.
    """
    rows = _listed(raw)
    if isinstance(rows, Unusable):
        return rows
    read = [_row(row, slot, source, writing, word) for row in rows if isinstance(row, Mapping)]
    kept = [row for row in read if row is not None]
    if not kept:
        return MISSING
    shown = [row.value for row in kept[: slot.longest_list]]
    cut = len(shown) < len(rows) or any(row.cut for row in kept)
    return Read(SlotValue(shown, ""), cut=cut)


@dataclass(frozen=True)
class _Row:
    value: dict[str, SlotValue]
    cut: bool


def _listed(raw: Any) -> list[Any] | Unusable:
    if isinstance(raw, str) and len(raw) > LONGEST_JSON:
        return Unusable("slot_too_long", f"holds {len(raw):,} characters of rows")
    if isinstance(raw, str) and raw.strip():
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            return Unusable("slot_invalid", "should be a list of rows, but is not valid JSON")
    if raw is None or raw in ("", []):
        return MISSING
    return raw if isinstance(raw, list) else Unusable("slot_invalid", "should be a list of rows")


def _row(
    row: Mapping[str, Any], slot: ListKind, source: Source | None, writing: Writing, word: Lookup
) -> _Row | None:
    found: dict[str, Read] = {}
    for name, field in slot.item.items():
        read = _cell(name, row, field, source, writing, word)
        if isinstance(read, Read):
            found[name] = read
        elif field.required:
            return None
    if not found:
        return None
    values = {name: read.value for name, read in found.items()}
    return _Row(values, any(read.cut for read in found.values()))


def _cell(
    name: str,
    row: Mapping[str, Any],
    field: FieldKind,
    source: Source | None,
    writing: Writing,
    word: Lookup,
) -> Outcome:
    cell = source.items.get(name) if source else None
    if cell is None:
        taken = None if source and source.items else row.get(name)
        return read_value(taken, field, writing)
    currency = _currency(cell, row, word) or writing.currency
    read = read_value(
        row.get(cell.from_ or "") if cell.from_ else cell.value,
        field,
        Writing(writing.locale, cell.format, currency),
    )
    if isinstance(read, Read) or cell.otherwise is None:
        return read
    return read_value(cell.otherwise, field, Writing(writing.locale, cell.format, currency))


def _currency(cell: Source, row: Mapping[str, Any], word: Lookup) -> str | None:
    if cell.currency is None:
        return None
    if cell.currency.isupper():
        return cell.currency
    return word(cell.currency) if "." in cell.currency else row.get(cell.currency)
