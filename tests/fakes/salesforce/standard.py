"""The standard objects of an org, as far as we use them; their tables are in standard_objects."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from tests.fakes.salesforce.schema import Sobject, from_line, sobject

FOLDER = Path(__file__).parent / "standard_objects"
AREAS = ("people", "sales", "commerce", "activities", "marketing", "admin")


def standard() -> dict[str, Sobject]:
    """Return the standard objects, made anew for each org."""
    return {
        name: sobject(name, prefix, [from_line(line) for line in lines])
        for name, (prefix, lines) in _tables().items()
    }


@cache
def _tables() -> dict[str, tuple[str, list[str]]]:
    read = [tomllib.loads((FOLDER / f"{area}.toml").read_text()) for area in AREAS]
    return {
        name: (table["prefix"], table["fields"].splitlines())
        for tables in read
        for name, table in tables.items()
    }
