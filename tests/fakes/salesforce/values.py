"""Values as records hold them, as JSON or a cell tells them, and as conditions compare them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from tests.fakes.salesforce.refusals import RecordError
from tests.fakes.salesforce.schema import NUMBERS, Field, whole

Values = dict[str, Any]
ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def normal(text: str) -> str:
    """Return an id with eighteen characters; empty where it is none."""
    return whole(text) if isinstance(text, str) and ID.fullmatch(text) else ""


def key_of(one: Field, value: Any) -> Any:
    """Return a value as conditions compare it: capitals do not matter, except in ids."""
    if not isinstance(value, str):
        return value
    return (normal(value) or value) if one.type in ("id", "reference") else value.casefold()


def native(one: Field, value: Any) -> Any:
    """Return a value of JSON or of a cell in Python's own type; RecordError where it cannot be."""
    if value is None or value == "":
        return None
    try:
        return _native(one, value)
    except (ValueError, TypeError):
        message = f"{one.label}: value not of required type: {value}"
        raise RecordError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (one.name,)) from None


def shown(one: Field, value: Any) -> Any:
    """Return a value as JSON tells it."""
    if value is None:
        return False if one.type == "boolean" else None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return value.isoformat() if isinstance(value, date) else value


def _native(one: Field, value: Any) -> Any:
    if one.type == "boolean":
        return _switch(value)
    if one.type in NUMBERS:
        return _number(one, value)
    if one.type == "datetime":
        return _moment(value)
    if one.type == "date":
        return _day(value)
    return str(value).strip() or None


def _switch(value: Any) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    return value if isinstance(value, bool) else known.get(str(value).lower(), False)


def _number(one: Field, value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError(value)
    number = float(value)
    return int(number) if one.type == "int" else number


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        if not MOMENT.fullmatch(value):
            raise ValueError(value)
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(value)
    return value.astimezone(UTC).replace(microsecond=0)


def _day(value: Any) -> date:
    if isinstance(value, str):
        if not DAY.fullmatch(value):
            raise ValueError(value)
        return date.fromisoformat(value)
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError(value)
    return value
