"""
Who did what, as a chain: each entry carries the hash of the one before it.

An entry that is changed or taken out later breaks the chain, and `broken_link` names the place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from connector.model import JSON
from connector.store.clock import moment, now
from connector.store.ids import new_id
from connector.store.tables import audit

# any number will do, as long as nobody else takes this lock
CHAIN_LOCK = 4_732_011


@dataclass(frozen=True)
class Entry:
    """One line of the audit log."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    facts: Mapping[str, JSON]


def record(
    tx: Connection,
    actor: str,
    action: str,
    subject: str,
    facts: Mapping[str, JSON] | None = None,
) -> None:
    """Append to the log, in the transaction that does what it tells of."""
    if tx.dialect.name == "postgresql":
        # SQLite has one writer anyway; here two would hang their entries on the same link
        tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHAIN_LOCK})
    last_at, previous = _last(tx)
    values: dict[str, Any] = {
        "id": new_id(),
        "at": max(now(tx), last_at),
        "actor": actor[:200],
        "action": action[:64],
        "subject": subject[:200],
        "facts": dict(facts or {}),
        "previous": previous,
    }
    tx.execute(audit.insert().values(**values, hash=_hash(values)))


def entries(
    tx: Connection, *, subject: str | None = None, limit: int = 100, offset: int = 0
) -> list[Entry]:
    """Return entries, newest first."""
    query = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc())
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    return [
        Entry(row.id, moment(row.at), row.actor, row.action, row.subject, row.facts)
        for row in tx.execute(query.limit(limit).offset(offset))
    ]


def broken_link(tx: Connection) -> str | None:
    """Return the id of the first entry that does not hold, or None where the chain is whole."""
    follows = {row.previous: row for row in _rows(tx)}
    expected, seen = "", 0
    while (row := follows.get(expected)) is not None:
        if _hash(row._mapping) != row.hash:
            return str(row.id)
        expected, seen = row.hash, seen + 1
    total = tx.execute(select(func.count()).select_from(audit)).scalar_one()
    return None if seen == total else _first_loose(tx, expected)


def _first_loose(tx: Connection, expected: str) -> str | None:
    # what comes after the gap is whole in itself but hangs on nothing
    known = {"", *(row.hash for row in _rows(tx))}
    loose = [row for row in _rows(tx) if row.previous not in known and row.previous != expected]
    forked = [row for row in _rows(tx) if row.previous == expected]
    return next((str(row.id) for row in [*loose, *forked]), expected or None)


def _rows(tx: Connection) -> Iterator[Row[Any]]:
    yield from tx.execute(select(audit).order_by(audit.c.at, audit.c.id))


def _last(tx: Connection) -> tuple[int, str]:
    newest = select(func.max(audit.c.at)).scalar_subquery()
    rows = tx.execute(
        select(audit.c.at, audit.c.hash, audit.c.previous).where(audit.c.at == newest)
    ).all()
    if not rows:
        return 0, ""
    # several may share a millisecond: the last is the one that no other hangs on
    taken = {row.previous for row in rows}
    return next((row.at, row.hash) for row in rows if row.hash not in taken)


def _hash(values: Any) -> str:
    parts = [values[name] for name in ("previous", "id", "at", "actor", "action", "subject")]
    content = json.dumps([*parts, values["facts"]], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()
