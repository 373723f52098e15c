"""
The whole database as lines of JSON, so that a backup of one database restores into the other.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, MetaData, func, select

from connector.errors import SchemaError
from connector.store import Store
from connector.store.migrate import current, upgrade_to
from connector.store.tables import metadata

BATCH = 500


def dump(tx: Connection) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield each table's name with its rows as JSON lines, parents before children."""
    for table in metadata.sorted_tables:
        rows = tx.execute(select(table)).mappings()
        yield table.name, (_line(dict(row)) for row in rows)


def load(store: Store, version: str, tables: Iterable[tuple[str, Iterable[str]]]) -> dict[str, int]:
    """
    Fill an empty database with what `dump` wrote at schema *version*; return rows per table.

    The caller migrates afterwards. Raises SchemaError where the database already holds something.
    """
    if current(store) is not None and not _is_empty(store):
        raise SchemaError("the database already holds something; restore into an empty one")
    if current(store) is None:
        upgrade_to(store, version)
    counts = {}
    with store.write() as tx:
        shape = MetaData()
        shape.reflect(tx)
        for name, lines in tables:
            table = shape.tables[name]
            binary = {c.name for c in metadata.tables[name].c if c.type.python_type is bytes}
            counts[name] = 0
            rows = (_row(line, binary) for line in lines)
            while batch := list(islice(rows, BATCH)):
                tx.execute(table.insert(), batch)
                counts[name] += len(batch)
    return counts


def _is_empty(store: Store) -> bool:
    with store.read() as tx:
        return not any(
            tx.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        )


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=True, default=_bytes, separators=(",", ":"))


def _bytes(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"cannot write {type(value).__name__}")


def _row(line: str, binary: set[str]) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(line)
    return {
        name: base64.b64decode(value) if name in binary and value is not None else value
        for name, value in row.items()
    }
