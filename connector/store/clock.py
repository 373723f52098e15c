"""
The one clock: the database's, so that all machines that share it agree on leases and due times.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction


class now_ms(GenericFunction[int]):  # noqa: N801 - reads as the SQL function that it is
    """Milliseconds since 1970 at this very moment, not at the transaction's start."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_ms, "sqlite")
def _sqlite(element: now_ms, compiler: Any, **options: Any) -> str:
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"


@compiles(now_ms, "postgresql")
def _postgresql(element: now_ms, compiler: Any, **options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"


NOW = select(now_ms())


def now(tx: Connection) -> int:
    """Return the database's time in milliseconds since 1970."""
    return int(tx.execute(NOW).scalar_one())


def moment(milliseconds: int) -> datetime:
    """Return a stored time as an aware datetime."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def milliseconds(moment: datetime) -> int:
    """Return an aware datetime as it is stored."""
    return int(moment.timestamp() * 1000)
