"""
Records of the local CRM as CSV, safe to open in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator

from connector.model import JSON
from connector.store.records import StoredRecord

# a spreadsheet runs a cell that begins so as a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_csv(found: Iterable[StoredRecord]) -> Iterator[str]:
    """Yield the lines of a CSV file with one row per record and a column per field."""
    rows = list(found)
    names = sorted({name for row in rows for name in row.fields})
    yield _line(["id", *names])
    for row in rows:
        yield _line([safe_cell(row.id), *(safe_cell(row.fields.get(name)) for name in names)])


def safe_cell(value: JSON) -> str:
    """Return a value as text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.startswith(FORMULA) and not isinstance(value, int | float):
        return "'" + text
    return text


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
