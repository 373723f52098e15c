"""Finds the line of a TOML file on which something stands, so that a mistake can be pointed at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_TABLE = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\")(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"))*)\s*=")
_AT = re.compile(r"\(at line (\d+), column \d+\)")
Path = tuple[str | int, ...]


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Find the line of a path such as `("steps", 0, "template")`, or of its nearest parent."""
    best, depth = None, 0
    for number, place in _places(text):
        shared = _shared(place, path)
        if shared == len(place) and shared > depth:
            best, depth = number, shared
    return best


def line_of_syntax(message: str) -> int | None:
    """Read the line number out of a TOML parser's complaint."""
    found = _AT.search(message)
    return int(found[1]) if found else None


def _places(text: str) -> Iterator[tuple[int, Path]]:
    table: Path = ()
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                index = seen.get(header[2], -1) + 1
                seen[header[2]] = index
                table = (*table, index)
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_parts(key[1]))


def _parts(dotted: str) -> Path:
    return tuple(part.strip().strip('"') for part in dotted.split("."))


def _shared(place: Path, path: Sequence[str | int]) -> int:
    count = 0
    for one, other in zip(place, path, strict=False):
        if one != other:
            break
        count += 1
    return count
