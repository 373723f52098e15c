"""
The records of the built-in local CRM: contacts, companies, carts, accounts and whatever else.

An outside CRM keeps these in its own database; ours live here. A record is its id and a flat set of
named values as they were imported or typed in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, or_, select, update

from connector.errors import PayloadError
from connector.model import JSON
from connector.store import contact_words
from connector.store.clock import moment, now_ms
from connector.store.tables import records
from connector.store.upsert import insert

CONTACT = "contact"
LONGEST_ID, LARGEST_VALUE, MOST_FIELDS = 200, 64_000, 300
LONGEST_KIND, LONGEST_NAME = 32, 100
CHUNK = 500
SEARCHED = ("first_name", "last_name", "email", "name", "title")


class Put(StrEnum):
    """What came of putting a record."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class StoredRecord:
    """One record as stored."""

    kind: str
    id: str
    fields: Mapping[str, JSON]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Page:
    """One page of a list, and how many records there are in all."""

    rows: tuple[StoredRecord, ...]
    total: int


def get(tx: Connection, connection_id: str, kind: str, record_id: str) -> StoredRecord | None:
    """Return one record, or None."""
    return many(tx, connection_id, kind, [record_id]).get(record_id)


def many(
    tx: Connection, connection_id: str, kind: str, ids: Sequence[str], *, lock: bool = False
) -> dict[str, StoredRecord]:
    """Return those of *ids* that exist; *lock* keeps others from changing them meanwhile."""
    found: dict[str, StoredRecord] = {}
    # always in one order, so that two that lock several never wait for each other
    wanted = sorted({record_id for record_id in ids if "\0" not in record_id})
    for start in range(0, len(wanted), CHUNK):
        chosen = and_(_of(connection_id, kind), records.c.id.in_(wanted[start : start + CHUNK]))
        query = select(records).where(chosen).order_by(records.c.id)
        rows = tx.execute(query.with_for_update() if lock else query)
        found |= {row.id: _record(row) for row in rows}
    return found


def put(
    tx: Connection, connection_id: str, kind: str, record_id: str, fields: Mapping[str, JSON]
) -> Put:
    """Merge *fields* into a record, making it where needed; a value of None empties its field."""
    check_record(kind, record_id, fields)
    return put_many(tx, connection_id, kind, {record_id: fields})[record_id]


def put_many(
    tx: Connection, connection_id: str, kind: str, batch: Mapping[str, Mapping[str, JSON]]
) -> dict[str, Put]:
    """Merge each record of a batch that was checked; the whole batch in a few statements."""
    before = many(tx, connection_id, kind, list(batch), lock=True)
    result: dict[str, Put] = {}
    renamed: list[str] = []
    new: list[dict[str, Any]] = []
    for record_id, fields in batch.items():
        old = before.get(record_id)
        merged = _merged(old.fields if old else {}, fields)
        if old is None or contact_words.named(old.fields) != contact_words.named(merged):
            renamed.append(record_id)
        if old is None:
            result[record_id] = Put.CREATED
            new.append({"id": record_id, "fields": merged})
        elif merged == old.fields:
            result[record_id] = Put.UNCHANGED
        else:
            result[record_id] = Put.UPDATED
            _change(tx, connection_id, kind, record_id, merged)
    if new:
        _insert(tx, connection_id, kind, new)
    if kind == CONTACT:
        contact_words.renew(tx, connection_id, renamed)
    return result


def remove(tx: Connection, connection_id: str, kind: str, record_id: str) -> bool:
    """Delete a record; False where there was none."""
    result = tx.execute(delete(records).where(_of(connection_id, kind), records.c.id == record_id))
    if kind == CONTACT:
        contact_words.renew(tx, connection_id, [record_id])
    return result.rowcount == 1


def search(
    tx: Connection,
    connection_id: str,
    kind: str,
    *,
    text: str = "",
    where: Mapping[str, str] | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Page:
    """Return records in which each word of *text* occurs, the last changed first."""
    chosen = and_(_of(connection_id, kind), *_matches(text), *_equal(where or {}))
    total = tx.execute(select(func.count()).select_from(records).where(chosen)).scalar_one()
    rows = tx.execute(
        select(records)
        .where(chosen)
        .order_by(records.c.updated_at.desc(), records.c.id)
        .limit(limit)
        .offset(offset)
    )
    return Page(tuple(_record(row) for row in rows), int(total))


def each(tx: Connection, connection_id: str, kind: str) -> Iterator[StoredRecord]:
    """Yield every record of a kind in the order of ids, reading a chunk at a time."""
    last = ""
    while True:
        rows = tx.execute(
            select(records)
            .where(_of(connection_id, kind), records.c.id > last)
            .order_by(records.c.id)
            .limit(CHUNK)
        ).all()
        if not rows:
            return
        yield from (_record(row) for row in rows)
        last = rows[-1].id


def changed_since(
    tx: Connection, connection_id: str, kinds: Sequence[str], since: int
) -> Iterator[StoredRecord]:
    """Yield records of *kinds* that changed at or after *since* (milliseconds), oldest first."""
    rows = tx.execute(
        select(records)
        .where(
            records.c.connection_id == connection_id,
            records.c.kind.in_(kinds),
            records.c.updated_at >= since,
        )
        .order_by(records.c.updated_at, records.c.id)
    )
    yield from (_record(row) for row in rows)


def count_by(tx: Connection, connection_id: str, kind: str, field: str) -> dict[str, int]:
    """Return how many records of a kind hold each value of *field*; empty ones under ''."""
    value = func.coalesce(records.c.fields[field].as_string(), "").label("value")
    rows = tx.execute(select(value, func.count()).where(_of(connection_id, kind)).group_by(value))
    return {str(name): int(number) for name, number in rows}


def check_record(kind: str, record_id: str, fields: Mapping[str, JSON]) -> None:
    """Raise PayloadError where a record cannot be stored as it is."""
    if not 0 < len(kind) <= LONGEST_KIND or not kind.replace("_", "a").isalnum():
        raise PayloadError(f"{kind[:40]!r} is not a kind of record")
    if not 0 < len(record_id) <= LONGEST_ID or not record_id.isprintable():
        raise PayloadError(f"an id has 1 to {LONGEST_ID} printable characters")
    if {"", ".", ".."} & set(record_id.split("/")):
        raise PayloadError(f"the id {record_id[:40]!r} cannot stand in an address")
    if len(fields) > MOST_FIELDS:
        raise PayloadError(f"a record may have {MOST_FIELDS} fields")
    for name, value in fields.items():
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise PayloadError(f"a field's name has 1 to {LONGEST_NAME} printable characters")
        if _size(value) > LARGEST_VALUE:
            raise PayloadError(f"the value of {name} is larger than {LARGEST_VALUE // 1000} kB")


def _size(value: JSON) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace"))
    return len(json.dumps(value, ensure_ascii=False))


def _merged(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> dict[str, JSON]:
    # an unknown value is an absent field, so that no list of nulls grows
    return {name: value for name, value in {**old, **new}.items() if value is not None}


def _change(
    tx: Connection, connection_id: str, kind: str, record_id: str, fields: Mapping[str, JSON]
) -> None:
    tx.execute(
        update(records)
        .where(_of(connection_id, kind), records.c.id == record_id)
        .values(fields=dict(fields), updated_at=now_ms())
    )


def _insert(tx: Connection, connection_id: str, kind: str, new: Sequence[dict[str, Any]]) -> None:
    statement = insert(tx, records).values(
        connection_id=connection_id, kind=kind, created_at=now_ms(), updated_at=now_ms()
    )
    # PostgreSQL lets another import in between reading and writing; the last one wins
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["connection_id", "kind", "id"],
            set_={"fields": statement.excluded.fields, "updated_at": now_ms()},
        ),
        list(new),
    )


def _of(connection_id: str, kind: str) -> ColumnElement[bool]:
    return and_(records.c.connection_id == connection_id, records.c.kind == _plain(kind))


def _plain(text: str) -> str:
    # PostgreSQL takes no NUL, not even to say that there is no such value
    return text.replace("\0", "")


def _matches(text: str) -> Iterator[ColumnElement[bool]]:
    # one text per row: each look into the JSON costs as much as the search itself
    haystack: ColumnElement[str] = records.c.id
    for name in SEARCHED:
        haystack = haystack + " " + func.coalesce(records.c.fields[name].as_string(), "")
    for word in _plain(text).split()[:8]:
        yield or_(*(haystack.icontains(one, autoescape=True) for one in _spellings(word)))


def _spellings(word: str) -> list[str]:
    # SQLite ignores case in ASCII only, so the usual spellings of other words are tried
    if word.isascii():
        return [word]
    return sorted({word, word.lower(), word.capitalize(), word.upper()})


def _equal(where: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    for name, value in where.items():
        yield records.c.fields[name].as_string() == _plain(value)


def _record(row: Row[Any]) -> StoredRecord:
    return StoredRecord(
        row.kind, row.id, row.fields, moment(row.created_at), moment(row.updated_at)
    )
