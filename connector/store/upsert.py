"""
INSERT … ON CONFLICT for both databases; checking first and inserting then would race.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert(tx: Connection, table: Table) -> Any:
    """Return an insert of this database's dialect, which knows `on_conflict_do_…`."""
    return insert_for(tx.dialect.name, table)


def insert_for(dialect: str, table: Table) -> Any:
    """Return such an insert for a dialect by name, for statements that are built once."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)
