"""
INSERT … ON CONFLICT for both databases; checking first and inserting then would race.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(tx: Connection, table: Table) -> Any:
    """Return an insert of this database's dialect, which knows `on_conflict_do_…`."""
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)
