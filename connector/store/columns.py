"""
What columns of our tables have in common.

Times are whole milliseconds since 1970 in UTC, by the database's clock. Tables whose rows are work
carry the columns of `work_columns`, and only `store/leases.py` changes those: `work` is `due`, `running`,
`done` or `dead`; a row may be claimed when `due_at` has passed and no lease is open.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
ID = String(26)
Name = String(200)
Time = BigInteger
DUE, RUNNING, DONE, DEAD = "due", "running", "done", "dead"


def own_id() -> Column[str]:
    """Return a primary key of our own making."""
    return Column("id", ID, primary_key=True)


def of_connection() -> Column[str]:
    """Return the column that says to which connection a row belongs."""
    return Column("connection_id", ForeignKey("connections.id"), nullable=False)


def work_columns() -> list[Column[Any]]:
    """Return the columns of rows that are work, which only leases change."""
    return [
        Column("work", String(10), nullable=False, server_default=DUE),
        Column("due_at", Time),
        Column("rung_at", Time, nullable=False, server_default=text("0")),
        Column("lease_until", Time, nullable=False, server_default=text("0")),
        Column("fence", Integer, nullable=False, server_default=text("0")),
        Column("attempt", Integer, nullable=False, server_default=text("0")),
        Column("crashes", Integer, nullable=False, server_default=text("0")),
        Column("error_reason", Name),
        Column("error_sentence", Text),
    ]
