"""Cleans and checks the values that fill slots: they come from records that anybody may edit."""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from renderers.errors import SlotError
from renderers.schema import Field, Slot

LONGEST_VALUE = 100_000  # code points; far above every `longest`, far below a 10 MB surprise
MARKS_PER_BASE = 4
_ZWJ, _SKIN = "\u200d", range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)
_SPACES = dict.fromkeys(map(ord, "\n\r\t\v\f\x85\u2028\u2029"), " ")
# overrides, embeddings and isolates: direction is ours to set; the rest is invisible mischief
_REMOVED = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ue000-\uf8ff\ufffe\uffff]")
_UNREAD = ("image", "video", "audio", "boolean")  # nobody reads these, so no length is too long
_PICTURE = re.compile(r"asset:[0-9a-f]{64}")


@dataclass(frozen=True)
class SlotValue:
    """A slot's value for conditions and charts, and the text that a viewer reads for it."""

    value: Any
    text: str = ""


def clean(text: str) -> str:
    """Make a text from a record safe to lay out: one line, NFC, no controls, few marks per base."""
    text = unicodedata.normalize("NFC", _REMOVED.sub("", text.translate(_SPACES)))
    kept = [c for c in text if unicodedata.category(c) not in ("Cc", "Cs", "Cn")]
    return "".join(_few_marks(kept)).strip()


def _few_marks(chars: Sequence[str]) -> list[str]:
    kept: list[str] = []
    marks = 0
    for char in chars:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if marks <= MARKS_PER_BASE:
            kept.append(char)
    return kept


def graphemes(text: str) -> int:
    """Count what a reader sees as characters (marks, emoji sequences and flags count once)."""
    count, previous, flags = 0, "", 0
    for char in text:
        flags = flags + 1 if ord(char) in _FLAGS else 0
        joined = previous == _ZWJ or char == _ZWJ or ord(char) in _SKIN or flags == 2
        if not joined and unicodedata.category(char) not in ("Mn", "Me", "Mc"):
            count += 1
        flags, previous = flags % 2, char
    return count


def checked(name: str, slot: Slot, given: SlotValue | None) -> SlotValue:
    """Return the clean value of a slot, its fallback, or an empty value; refuse what is wrong."""
    if given is None or _blank(given.value):
        if slot.fallback is None and slot.required:
            raise SlotError(
                f"Slot {name!r} has no value and no fallback: map a field to it or give one.",
                reason="slot_missing",
                slot=name,
            )
        given = _fallback(slot)
    if _blank(given.value):
        return SlotValue([] if slot.kind == "list" else None, "")
    if slot.kind == "list":
        return SlotValue([_row(name, slot, row) for row in _rows(name, slot, given.value)], "")
    return _single(name, slot, given)


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not clean(value[:LONGEST_VALUE]))


def _fallback(slot: Slot) -> SlotValue:
    if isinstance(slot.fallback, list):
        return SlotValue([{k: SlotValue(v) for k, v in row.items()} for row in slot.fallback])
    return SlotValue(slot.fallback)


def _rows(name: str, slot: Slot, value: Any) -> list[Mapping[str, SlotValue]]:
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise _refused(name, "must be a list of rows, each with named fields")
    if len(value) > slot.longest_list:
        raise _refused(name, f"has {len(value)} rows; the template takes {slot.longest_list}")
    return value


def _row(name: str, slot: Slot, row: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
    unknown = sorted(set(row) - set(slot.item))
    if unknown:
        raise _refused(name, f"has a field {unknown[0]!r}; its rows have {', '.join(slot.item)}")
    return {key: _field(f"{name}.{key}", field, row.get(key)) for key, field in slot.item.items()}


def _field(name: str, field: Field, given: SlotValue | None) -> SlotValue:
    if given is None or _blank(given.value):
        if field.required:
            raise SlotError(
                f"Slot {name!r} has no value in one of its rows.",
                reason="slot_missing",
                slot=name.partition(".")[0],
            )
        return SlotValue(None, "")
    return _single(name, field, given)


def _single(name: str, field: Field, given: SlotValue) -> SlotValue:
    raw = given.value
    for text in (raw, given.text):
        if isinstance(text, str) and len(text) > LONGEST_VALUE:
            raise _refused(name, f"holds {len(text):,} characters, which no video can show")
    value = _typed(name, field, clean(raw) if isinstance(raw, str) else raw)
    text = clean(given.text) or _plain_text(field, value)
    if field.kind not in _UNREAD and graphemes(text) > field.longest:
        raise _refused(
            name, f"is {graphemes(text)} characters long; the template shows {field.longest} of it"
        )
    return SlotValue(value, text)


def _typed(name: str, field: Field, value: Any) -> Any:
    kind = field.kind
    if kind in ("number", "money", "percent"):
        return _number(name, value)
    if kind == "boolean" and not isinstance(value, bool):
        raise _refused(name, f"must be true or false, not {_short(value)}")
    if kind == "date":
        return _date(name, value)
    if kind in ("text", "enum", "url", "color", "image", "video", "audio"):
        return _word(name, field, value)
    return value


def _word(name: str, field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _refused(name, f"must be text, not {_short(value)}")
    if field.kind == "enum" and value not in field.options:
        raise _refused(name, f"must be one of {', '.join(field.options)}, not {_short(value)}")
    if field.kind == "color" and not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise _refused(name, f"must be a colour such as #1a2b3c, not {_short(value)}")
    if field.kind == "url" and not re.match(r"https?://\S+$", value):
        raise _refused(name, f"must be a web address, not {_short(value)}")
    return value


def is_stored(value: str) -> bool:
    """Tell whether a picture value names a file of our own storage (`asset:<sha256>`)."""
    return bool(_PICTURE.fullmatch(value))


def _number(name: str, value: Any) -> float | int | Decimal:
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except ArithmeticError:
            raise _refused(name, f"must be a number, not {_short(value)}") from None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _refused(name, f"must be a number, not {_short(value)}")
    if not math.isfinite(value):
        raise _refused(name, "must be a finite number")
    return value


def _date(name: str, value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise _refused(name, f"must be a date such as 2026-11-21, not {_short(value)}") from None


def _plain_text(field: Field, value: Any) -> str:
    if isinstance(value, date):
        return f"{value.day} {value:%B %Y}"
    if field.kind == "percent":
        return f"{value:g}%" if isinstance(value, int | float) else f"{value.normalize():f}%"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _refused(name: str, why: str) -> SlotError:
    return SlotError(f"Slot {name!r} {why}.", reason="slot_invalid", slot=name.partition(".")[0])
