"""
JSON from outside, read strictly.

`json.loads` lets through what a database or a frame of video cannot hold: NaN, infinities, half
characters, depths that exhaust the stack, one key twice. Everything that comes in is read here.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn

from connector.errors import PayloadError
from connector.model import JSON

DEEPEST = 32
LONGEST_NUMBER = 40


def parse_json(raw: bytes) -> JSON:
    """Return the value that *raw* holds; PayloadError where any part of it is not sound."""
    try:
        value = json.loads(
            raw.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except UnicodeDecodeError:
        raise PayloadError("the body is not UTF-8 text") from None
    except RecursionError:
        raise PayloadError(f"the JSON is nested deeper than {DEEPEST} levels") from None
    except ValueError as error:
        raise PayloadError(f"the body is not JSON: {error}") from None
    return _sound(value, 0)


def _object(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result: dict[str, JSON] = {}
    for name, value in pairs:
        clean = _text(name)
        if clean in result:
            raise PayloadError(f"the JSON names {clean[:80]!r} twice in one object")
        result[clean] = value
    return result


def _constant(name: str) -> NoReturn:
    raise PayloadError(f"the JSON holds {name}, which is no number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise PayloadError("the JSON holds a number that is too large")
    return number


def _int(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise PayloadError(f"the JSON holds a number of {len(text)} digits")
    return int(text)


def _sound(value: JSON, depth: int) -> JSON:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | dict) and depth >= DEEPEST:
        raise PayloadError(f"the JSON is nested deeper than {DEEPEST} levels")
    if isinstance(value, list):
        return [_sound(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {name: _sound(item, depth + 1) for name, item in value.items()}
    return value


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PayloadError("the JSON holds half of a character (a lone surrogate)") from None
    # PostgreSQL cannot hold NUL, and SQLite cuts the text there
    return value.replace("\0", "")
