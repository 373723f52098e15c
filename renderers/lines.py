"""Finds the line of `template.toml` that a mistake stands on, since TOML parsers do not keep it."""

import re
from collections.abc import Sequence
from pathlib import Path

Loc = Sequence[int | str]


def where(file: Path, source: str, loc: Loc) -> str:
    """Name file and, when it can be found, line."""
    line = line_of(source, loc)
    return f"{file}:{line}" if line else str(file)


def line_of(source: str, loc: Loc) -> int | None:
    """Find the line of a key by its place in the parsed file, such as ("scenes", 1, "name")."""
    rows = source.splitlines()
    start, rest = _table(rows, loc)
    end = next((i for i in range(start, len(rows)) if rows[i].startswith("[")), len(rows))
    keys = [str(part) for part in rest if isinstance(part, str)]
    for key in reversed(keys):
        for index in range(start, end):
            if re.match(rf"\s*\"?{re.escape(key)}\"?\s*[=.]", rows[index]):
                return index + 1
    return start or None


def key_of(loc: Loc) -> str:
    """Write a place as an author would, without the parser's own marks."""
    if len(loc) >= 4 and loc[0] == "scenes" and loc[2] == "layers":
        loc = ("layer", *(loc[4:] if loc[4:] == ("kind",) else loc[5:]))
    elif len(loc) > 2 and loc[0] == "scenes":
        loc = loc[2:]
    return ".".join(str(part) for part in loc if re.fullmatch(r"[\w-]+", str(part)))


def scene_of(source: str, loc: Loc) -> str | None:
    """Name the scene that a place in the parsed file belongs to."""
    if len(loc) < 2 or loc[0] != "scenes":
        return None
    line = line_of(source, (*loc[:2], "name"))
    found = line and re.search(r'name\s*=\s*"([^"]+)"', source.splitlines()[line - 1])
    return found.group(1) if found else None


def _table(rows: Sequence[str], loc: Loc) -> tuple[int, Loc]:
    """Return the line after the header of the innermost table of a place, and what remains."""
    if len(loc) >= 2 and loc[0] == "scenes":
        start = _nth(rows, "[[scenes]]", int(loc[1]), 0)
        if len(loc) >= 4 and loc[2] == "layers":
            return _nth(rows, "[[scenes.layers]]", int(loc[3]), start), loc[4:]
        return start, loc[2:]
    if len(loc) >= 2 and loc[0] in ("slots", "music"):
        name = f"[slots.{loc[1]}]" if loc[0] == "slots" else "[music]"
        return _nth(rows, name, 0, 0), loc[2 if loc[0] == "slots" else 1 :]
    return 0, loc


def _nth(rows: Sequence[str], header: str, wanted: int, start: int) -> int:
    seen = -1
    for index in range(start, len(rows)):
        seen += rows[index].split("#")[0].strip() == header
        if seen == wanted:
            return index + 1
    return start
