"""What a property accepts, and in which shape it is kept: always a string or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LONGEST = 65_536


class UnfitError(Exception):
    """A value that its property does not accept."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def kept(definition: Mapping[str, Any], value: Any) -> str | None:
    """Return *value* as the portal keeps it; UnfitError where the property does not take it."""
    text = _text(value)
    if not text:
        return None
    return KINDS.get(str(definition["type"]), _string)(definition, text)


def number_of(text: str) -> float:
    """Read a number or a time, for comparing; a time counts in milliseconds."""
    try:
        return float(text)
    except ValueError:
        return moment(text).timestamp() * 1000


def moment(text: str) -> datetime:
    """Read milliseconds or ISO 8601."""
    if text.lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def iso(at: datetime) -> str:
    """Write a time as HubSpot does, with milliseconds only where there are some."""
    at = at.astimezone(UTC)
    shape = "milliseconds" if at.microsecond >= 1000 else "seconds"
    return at.isoformat(timespec=shape).replace("+00:00", "Z")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise UnfitError("INVALID_TYPE", "a value must be text, a number or a boolean")


def _string(_definition: Mapping[str, Any], text: str) -> str:
    if len(text) > LONGEST:
        raise UnfitError("INVALID_LENGTH", f"the value is longer than {LONGEST} characters")
    return text


def _number(_definition: Mapping[str, Any], text: str) -> str:
    try:
        finite = abs(float(text)) < 1e300 and "_" not in text
    except ValueError:
        finite = False
    if not finite:
        raise UnfitError("INVALID_NUMBER", f"{text[:40]} was not a valid number.")
    return text


def _bool(_definition: Mapping[str, Any], text: str) -> str:
    if text.lower() not in ("true", "false"):
        raise UnfitError("INVALID_OPTION", f"{text[:40]} was not one of the allowed options")
    return text.lower()


def _enumeration(definition: Mapping[str, Any], text: str) -> str:
    options = [option["value"] for option in definition.get("options", ())]
    chosen = text.lstrip(";").split(";") if definition["fieldType"] == "checkbox" else [text]
    if options and any(one not in options for one in chosen):
        raise UnfitError(
            "INVALID_OPTION", f"{text[:40]} was not one of the allowed options: {options}"
        )
    return text


def _datetime(_definition: Mapping[str, Any], text: str) -> str:
    try:
        return iso(moment(text))
    except (ValueError, OverflowError, OSError):
        raise UnfitError("INVALID_DATE", f"{text[:40]} was not a valid date.") from None


def _date(definition: Mapping[str, Any], text: str) -> str:
    at = moment(_datetime(definition, text))
    if (at.hour, at.minute, at.second, at.microsecond) != (0, 0, 0, 0):
        raise UnfitError("INVALID_DATE", f"{text[:40]} is not midnight in UTC.")
    return at.date().isoformat()


KINDS = {
    "number": _number,
    "bool": _bool,
    "enumeration": _enumeration,
    "datetime": _datetime,
    "date": _date,
}
