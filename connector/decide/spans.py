"""Reads the times that admins write: `2h`, `30 days`, `1 per 7 days`, `20:00-08:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_SHORT = {"min": "minute", "m": "minute", "h": "hour", "d": "day", "w": "week"}
_SPAN = re.compile(r"\s*(\d{1,4})\s*([a-z]+?)s?\s*", re.IGNORECASE)
_CAP = re.compile(r"\s*(\d{1,4})\s+per\s+(.+)", re.IGNORECASE)
_QUIET = re.compile(r"\s*(\d{1,2}:\d\d)\s*(?:-|–|to)\s*(\d{1,2}:\d\d)\s*")


@dataclass(frozen=True)
class Cap:
    """At most *count* videos in any stretch of *window*."""

    count: int
    window: timedelta

    def __str__(self) -> str:
        return f"{self.count} per {written(self.window)}"


@dataclass(frozen=True)
class QuietHours:
    """The hours of the day in which nothing is sent; they may cross midnight."""

    begin: time
    end: time

    def cover(self, moment: time) -> bool:
        """Tell whether a time of day lies inside."""
        if self.begin <= self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


def span(text: Any) -> timedelta:
    """Read a length of time such as `90 minutes`, `24h`, `3d` or `2 weeks`."""
    if isinstance(text, timedelta):
        return text
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    unit = _SHORT.get(found[2].lower(), found[2].lower()) if found else ""
    if not found or unit not in _UNITS:
        raise ValueError(f"{text!r} is not a length of time; write for example '24h' or '30 days'")
    return int(found[1]) * _UNITS[unit]


def caps(text: Any) -> tuple[Cap, ...]:
    """Read one limit such as `1 per 7 days`, or a list of them."""
    if isinstance(text, list | tuple):
        return tuple(cap for each in text for cap in caps(each))
    if isinstance(text, Cap):
        return (text,)
    found = _CAP.fullmatch(text) if isinstance(text, str) else None
    if not found or int(found[1]) == 0:
        raise ValueError(f"{text!r} is not a limit; write for example '1 per 7 days'")
    bare = found[2].strip()
    return (Cap(int(found[1]), span(bare if bare[:1].isdigit() else f"1 {bare}")),)


def quiet_hours(text: Any) -> QuietHours:
    """Read hours of the day such as `20:00-08:00`."""
    if isinstance(text, QuietHours):
        return text
    found = _QUIET.fullmatch(text) if isinstance(text, str) else None
    try:
        begin, end = (time.fromisoformat(p.zfill(5)) for p in (found.groups() if found else ()))
    except ValueError:
        raise ValueError(f"{text!r} are no hours; write for example '20:00-08:00'") from None
    if begin == end:
        raise ValueError(f"{text!r} would cover the whole day")
    return QuietHours(begin, end)


def written(length: timedelta) -> str:
    """Write a length of time in words: `7 days`, `1 hour`."""
    for name, unit in reversed(_UNITS.items()):
        if length >= unit and length % unit == timedelta(0) and name != "week":
            count = length // unit
            return f"{count} {name}{'s' if count != 1 else ''}"
    return f"{int(length.total_seconds())} seconds"


Span = Annotated[timedelta, BeforeValidator(span)]
Caps = Annotated[tuple[Cap, ...], BeforeValidator(caps)]
Quiet = Annotated[QuietHours, BeforeValidator(quiet_hours)]
