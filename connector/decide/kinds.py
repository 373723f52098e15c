"""Reads one raw value from a record as the kind that a slot wants, and writes it for its viewer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from connector.decide.cleaning import LONGEST, clusters, shortened, usable_text
from connector.decide.formatting import date_text, money_text, number_text, percent_text
from renderers.storyboard import SlotValue

LARGEST = Decimal(10) ** 15
_CURRENCY = re.compile(r"[A-Z]{3}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_ADDRESS = re.compile(r"https?://[^\s\"<>\\@/]+(/[^\s\"<>\\]*)?", re.IGNORECASE)
_MILLISECONDS = re.compile(r"\d{12,13}")
_ASSET = re.compile(r"asset:[0-9a-f]{64}")
# as connector.fetch will ask it to be; what stands behind it is looked at there, before rendering
_PICTURE = re.compile(r"https://[^\s\"<>\\@/?#:]+(:443)?([/?][^\s\"<>\\]*)?", re.IGNORECASE)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class FieldKind(Protocol):
    """What a slot, or a field of a list's rows, says of itself."""

    @property
    def kind(self) -> str:
        """One of text number money percent date image audio video color url enum boolean list."""

    @property
    def required(self) -> bool:
        """Whether there is no video without it."""

    @property
    def longest(self) -> int:
        """How many visible characters it takes."""

    @property
    def options(self) -> tuple[str, ...]:
        """What an enum may be."""


@dataclass(frozen=True)
class Writing:
    """How a value is to be written: language, format for text, currency for money."""

    locale: str
    form: str | None = None
    currency: str | None = None
    name: bool = False
    trusted: bool = False  # written by an author, not by a record: used as it stands


@dataclass(frozen=True)
class Unusable:
    """Why a value cannot be used; *reason* `missing` is an ordinary gap, the others are mistakes."""

    reason: str
    sentence: str = ""


@dataclass(frozen=True)
class Read:
    """A value ready for its slot; *cut* when only its beginning fits."""

    value: SlotValue
    cut: bool = False


MISSING = Unusable("missing")
Outcome = Read | Unusable


def read_value(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    """Read a raw value as the kind of its slot."""
    if isinstance(raw, str) and len(raw) > LONGEST:
        return Unusable(
            "slot_too_long",
            f"holds {len(raw):,} characters; {LONGEST:,} are accepted, so the mapping is wrong",
        )
    if raw is None or (isinstance(raw, str) and usable_text(raw) is None and not writing.trusted):
        return MISSING
    return _READERS[field.kind](raw, field, writing)


def _text(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    if writing.form in _NUMERIC or writing.form == "date":
        kind = "percent" if writing.form == "fraction" else str(writing.form)
        found = _READERS[kind](raw, field, writing)
        return Read(_shown(found.value)) if isinstance(found, Read) else found
    if isinstance(raw, Mapping | list):
        return _invalid(raw, "a text")
    text = str(raw).lower() if isinstance(raw, bool) else str(raw)
    text = text if writing.trusted else usable_text(text, name=writing.name) or ""
    short = shortened(text, field.longest)
    return Read(SlotValue(short, short), cut=short != text) if short else MISSING


def _shown(value: SlotValue) -> SlotValue:
    return SlotValue(value.text, value.text)


def _decimal(raw: Any) -> Decimal | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal | str):
        return None
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < LARGEST else None


def _native(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _number(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    number = _decimal(raw)
    if number is None:
        return _invalid(raw, "a number")
    return Read(SlotValue(_native(number), number_text(number, writing.locale)))


def _percent(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    number = _decimal(raw.strip().removesuffix("%") if isinstance(raw, str) else raw)
    if number is None:
        return _invalid(raw, "a percentage")
    number = number * 100 if writing.form == "fraction" else number
    return Read(SlotValue(_native(number), percent_text(number, writing.locale)))


def _money(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    amount, currency = raw, writing.currency
    if isinstance(raw, Mapping):
        amount, currency = raw.get("amount"), raw.get("currency") or currency
    number, code = _decimal(amount), str(currency or "").strip().upper()
    if number is None:
        return MISSING if amount is None else _invalid(amount, "an amount of money")
    if not _CURRENCY.fullmatch(code):
        return Unusable("currency_missing", f"is {number}, but of which currency is not known")
    return Read(SlotValue(_native(number), money_text(number, code, writing.locale)))


def _date(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    day = _day(raw)
    if day is None:
        return _invalid(raw, "a date such as 2026-11-21")
    return Read(SlotValue(day.isoformat(), date_text(day, writing.locale)))


def _day(raw: Any) -> date | None:
    if isinstance(raw, datetime):
        return raw.date()
    if isinstance(raw, date):
        return raw
    text = str(raw).strip()
    try:
        if _MILLISECONDS.fullmatch(text):  # HubSpot sends dates as milliseconds
            return datetime.fromtimestamp(int(text) / 1000, UTC).date()
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _enum(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    wanted = str(raw).strip().casefold()
    for option in field.options:
        if option.casefold() == wanted:
            return Read(SlotValue(option, option.replace("_", " ").capitalize()))
    return _invalid(raw, f"one of {', '.join(field.options)}")


def _boolean(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    found = raw if isinstance(raw, bool) else _BOOLEANS.get(str(raw).strip().lower())
    return _invalid(raw, "true or false") if found is None else Read(SlotValue(found, ""))


def _matching(pattern: re.Pattern[str], wanted: str) -> Callable[..., Outcome]:
    def reader(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
        text = str(raw).strip()
        return Read(SlotValue(text, text)) if pattern.fullmatch(text) else _invalid(raw, wanted)

    return reader


def _image(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    text = str(raw).strip()
    if _PICTURE.fullmatch(text) and text.isprintable():
        return Read(SlotValue(text, ""))
    if isinstance(found := _media(raw, field, writing), Read):
        return found
    return _invalid(raw, "an https address of a picture or a stored file (asset:…)")


def _media(raw: Any, field: FieldKind, writing: Writing) -> Outcome:
    text = str(raw).strip()
    # a path into the template's folder is for its author only; records name stored files
    if writing.trusted or _ASSET.fullmatch(text):
        return Read(SlotValue(text, ""))
    return _invalid(raw, "a stored file (asset:…)")


def _invalid(raw: Any, wanted: str) -> Unusable:
    shown = "".join(clusters(str(raw))[:40])
    return Unusable("slot_invalid", f"should be {wanted}, but the record says {shown!r}")


_NUMERIC = frozenset({"number", "money", "percent", "fraction"})
_READERS: dict[str, Callable[[Any, FieldKind, Writing], Outcome]] = {
    "text": _text,
    "number": _number,
    "money": _money,
    "percent": _percent,
    "date": _date,
    "enum": _enum,
    "boolean": _boolean,
    "color": _matching(_COLOUR, "a colour such as #1a2b3c"),
    "url": _matching(_ADDRESS, "a web address"),
    "image": _image,
    "video": _media,
    "audio": _media,
}
