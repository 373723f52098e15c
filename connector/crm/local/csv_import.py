"""
Records from a CSV file into the local CRM.

A row that cannot be used is reported by its line and reason and costs no other row. Importing the
same file again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from connector.crm.local.columns import name_columns, read_fields
from connector.crm.local.csv_text import Line, find_encoding, read_lines
from connector.crm.local.gateway import Announcement, announce
from connector.errors import PayloadError
from connector.model import JSON, Subject
from connector.store import Store, records
from connector.store.records import Put

BATCH = 500
MOST_COMPLAINTS = 1000


@dataclass(frozen=True)
class Complaint:
    """Why one row was left out."""

    line: int
    sentence: str


@dataclass
class Imported:
    """What came of an import; it grows while the import runs."""

    encoding: str = ""
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    announced: int = 0
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.created + self.updated + self.unchanged + self.refused

    def refuse(self, line: int, sentence: str) -> None:
        """Count a row that is left out; the first thousand are told one by one."""
        self.refused += 1
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(Complaint(line, sentence))


@dataclass(frozen=True)
class Target:
    """Where records go, and which event each new or changed one announces, if any."""

    connection_id: str
    kind: str
    announce: str = ""


@dataclass(frozen=True)
class _Row:
    id: str
    fields: dict[str, JSON]


def import_csv(
    store: Store,
    path: Path,
    target: Target,
    *,
    encoding: str | None = None,
    progress: Callable[[Imported], None] | None = None,
) -> Imported:
    """Import every usable row of *path*; PayloadError where the file as a whole cannot be read."""
    result = Imported(encoding=find_encoding(path, encoding))
    batch: list[_Row] = []
    for row in _rows(path, target, result):
        batch.append(row)
        if len(batch) == BATCH:
            _store(store, target, batch, result)
            batch = []
            if progress is not None:
                progress(result)
    _store(store, target, batch, result)
    if progress is not None:
        progress(result)
    return result


def _rows(path: Path, target: Target, result: Imported) -> Iterator[_Row]:
    lines = read_lines(path, result.encoding)
    names = _header(lines, target.kind)
    seen: dict[str, int] = {}
    for line in lines:
        try:
            row = _row(line, names, target.kind)
            if row.id in seen:
                raise PayloadError(f"the id {row.id} was already on line {seen[row.id]}")  # noqa: TRY301
        except PayloadError as error:
            result.refuse(line.number, error.sentence)
        else:
            seen[row.id] = line.number
            yield row


def _header(lines: Iterator[Line], kind: str) -> list[str]:
    line = next(lines, Line(1))
    if line.complaint:
        raise PayloadError(f"line {line.number}: {line.complaint}")
    names = name_columns(line.cells, kind)
    if "id" not in names and not (kind == "contact" and "email" in names):
        raise PayloadError(
            f"the header has no column `id`; it has: {', '.join(names[:10]) or 'nothing'}"
        )
    return names


def _row(line: Line, names: list[str], kind: str) -> _Row:
    if line.complaint:
        raise PayloadError(line.complaint)
    if any(cell.strip() for cell in line.cells[len(names) :]):
        raise PayloadError(f"{len(line.cells)} cells, but the header has {len(names)}")
    fields = read_fields(dict(zip(names, line.cells, strict=False)))
    record_id = str(fields.pop("id", "") or _id_of(fields))
    if not record_id:
        raise PayloadError("the id is empty")
    records.check_record(kind, record_id, fields)
    return _Row(record_id, fields)


def _id_of(fields: dict[str, JSON]) -> str:
    # stable, so that a second import finds the record, and no address in links and logs
    email = str(fields.get("email", "")).casefold()
    return "c-" + hashlib.sha256(email.encode()).hexdigest()[:16] if email else ""


def _store(store: Store, target: Target, batch: list[_Row], result: Imported) -> None:
    if not batch:
        return
    with store.write() as tx:
        done = records.put_many(
            tx, target.connection_id, target.kind, {row.id: row.fields for row in batch}
        )
        told = [row for row in batch if target.announce and done[row.id] is not Put.UNCHANGED]
        for row in told:
            announce(tx, target.connection_id, _announcement(target, row))
    outcomes = list(done.values())
    result.created += outcomes.count(Put.CREATED)
    result.updated += outcomes.count(Put.UPDATED)
    result.unchanged += outcomes.count(Put.UNCHANGED)
    result.announced += len(told)


def _announcement(target: Target, row: _Row) -> Announcement:
    contact = row.id if target.kind == "contact" else row.fields.get("contact_id")
    return Announcement(
        target.announce, Subject(target.kind, row.id), str(contact) if contact else None
    )
