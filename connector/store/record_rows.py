"""
The second layer of the local CRM: one row per video and per view, under its contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from connector.model import JSON
from connector.store.clock import moment, now_ms
from connector.store.tables import record_rows
from connector.store.upsert import insert


@dataclass(frozen=True)
class RecordRow:
    """One video or view as the local CRM shows it."""

    kind: str
    key: str
    contact_id: str
    values: Mapping[str, JSON]
    updated_at: datetime


def put(
    tx: Connection,
    connection_id: str,
    *,
    kind: str,
    key: str,
    contact_id: str,
    values: Mapping[str, JSON],
) -> None:
    """Write one row; what it held before and *values* do not name stays."""
    old: Any = tx.execute(
        select(record_rows.c["values"])
        .where(
            record_rows.c.connection_id == connection_id,
            record_rows.c.kind == kind,
            record_rows.c.key == key,
        )
        .with_for_update()
    ).scalar_one_or_none()
    merged = {k: v for k, v in {**(old or {}), **values}.items() if v is not None}
    changed = {"contact_id": contact_id, "values": merged, "updated_at": now_ms()}
    tx.execute(
        insert(tx, record_rows)
        .values(connection_id=connection_id, kind=kind, key=key, **changed)
        .on_conflict_do_update(index_elements=["connection_id", "kind", "key"], set_=changed)
    )


def of_contact(
    tx: Connection, connection_id: str, contact_id: str, kind: str | None = None
) -> list[RecordRow]:
    """Return the rows of a contact, newest first."""
    query = select(record_rows).where(
        record_rows.c.connection_id == connection_id, record_rows.c.contact_id == contact_id
    )
    if kind is not None:
        query = query.where(record_rows.c.kind == kind)
    rows = tx.execute(query.order_by(record_rows.c.updated_at.desc(), record_rows.c.key))
    return [
        RecordRow(row.kind, row.key, row.contact_id, row._mapping["values"], moment(row.updated_at))
        for row in rows
    ]


def forget(tx: Connection, connection_id: str, contact_id: str) -> int:
    """Delete the rows of a contact; return how many there were."""
    return tx.execute(
        delete(record_rows).where(
            record_rows.c.connection_id == connection_id, record_rows.c.contact_id == contact_id
        )
    ).rowcount
