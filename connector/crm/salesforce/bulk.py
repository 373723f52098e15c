"""
Thousands of changes in one job of the Bulk API 2.0: a file of CSV in, files of results out.

A job is opened, gets its file, is told that this was all, and works by itself; each costs a handful of
calls. Empty cells leave a field as it is, `#N/A` empties it. Source: salesforce.md §4.1.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import IO

from connector.crm import BulkState
from connector.crm.salesforce.batches import CONVERTED
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.ids import CONTACT, is_id, person_object
from connector.crm.salesforce.properties import accounts_of
from connector.crm.salesforce.refusals import (
    MISSING_SECONDS,
    Complaint,
    RefusedError,
    of_bulk,
    result,
    word_of,
)
from connector.crm.salesforce.values import EMPTY, cell, property_fields, row_fields
from connector.decide.dictionary import Dictionary
from connector.errors import CRMDownError, NotFoundError
from connector.model import Change, WriteResult, Written

JOBS = "jobs/ingest"
MOST_CHANGES, MOST_BYTES = 150_000, 90_000_000
# Salesforce works on so many at a time; those of one account are best among the same
TOGETHER = 10_000
QUERIES_AT_ONCE = 5
IN_MEMORY = 2_000_000
PROPERTY, ID, ERROR = "property", "Id", "sf__Error"
STATES = {
    "Open": BulkState.OPEN,
    "UploadComplete": BulkState.RUNNING,
    "InProgress": BulkState.RUNNING,
    "JobComplete": BulkState.DONE,
}

Cells = dict[str, str]


class SalesforceBulk:
    """The Bulk API of one org; a lot is the object that it writes to."""

    most = MOST_CHANGES

    def __init__(self, gateway: Gateway, dictionary: Dictionary) -> None:
        self.least = gateway.settings.salesforce_bulk_from
        self._gateway = gateway
        self._dictionary = dictionary
        self._rows = {
            names["object"]: names["key"]
            for names in dictionary.rows.values()
            if names.get("object") and names.get("key")
        }

    def lot(self, change: Change) -> str:
        """Return the object that a change is written to; empty for what goes by `write` alone."""
        if change.kind == PROPERTY:
            return person_object(change.contact_id) if is_id(change.contact_id) else ""
        name = self._dictionary.rows.get(change.kind, {}).get("object", "")
        return name if name in self._rows else ""

    def identity(self, change: Change) -> str:
        """Return the contact or lead of fields, and the key of a row."""
        return change.contact_id if change.kind == PROPERTY else change.key

    def open(self, lot: str) -> str:
        """Open a job for an object and return its id."""
        wanted = {"object": lot, "contentType": "CSV", "lineEnding": "LF", "operation": "update"}
        if lot in self._rows:
            wanted |= {"operation": "upsert", "externalIdFieldName": self._rows[lot]}
        answer = self._gateway.call("POST", JOBS, wanted)
        ticket = answer.get("id") if isinstance(answer, Mapping) else None
        if not is_id(ticket):
            raise CRMDownError("Salesforce opened a bulk job without a name; trying again is safe")
        return str(ticket)

    def send(self, ticket: str, lot: str, changes: Iterable[Change]) -> None:
        """Send as many of *changes* as fit one job, through a file, and let the job begin."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as lines:
            self._write(lot, changes, lines)
            self._gateway.upload(f"{JOBS}/{ticket}/batches", lines)
        self._gateway.call("PATCH", f"{JOBS}/{ticket}", {"state": "UploadComplete"})

    def state(self, ticket: str) -> BulkState:
        """Ask where the job stands; one that the org no longer knows has failed."""
        try:
            answer = self._gateway.call("GET", f"{JOBS}/{ticket}")
        except NotFoundError:
            return BulkState.FAILED
        state = answer.get("state") if isinstance(answer, Mapping) else None
        return STATES.get(str(state), BulkState.FAILED)

    def results(self, ticket: str, lot: str) -> Iterator[tuple[str, WriteResult]]:
        """Yield what became of each row, as it is downloaded."""
        name = self._rows.get(lot, ID)
        for row in self._gateway.download(f"{JOBS}/{ticket}/successfulResults"):
            yield row.get(name, ""), WriteResult("", Written.DONE)
        for row in self._gateway.download(f"{JOBS}/{ticket}/failedResults"):
            yield row.get(name, ""), _refused(row.get(ERROR, ""))
        for row in self._gateway.download(f"{JOBS}/{ticket}/unprocessedrecords"):
            yield row.get(name, ""), _not_done()

    def abandon(self, ticket: str) -> None:
        """Abort a job that has not begun; one that is over or gone needs it no more."""
        try:
            self._gateway.call("PATCH", f"{JOBS}/{ticket}", {"state": "Aborted"})
        except (NotFoundError, RefusedError):
            return

    def _write(self, lot: str, changes: Iterable[Change], lines: IO[bytes]) -> None:
        """Write twice: which columns there are is known only when all rows have been seen."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as rows:
            columns: dict[str, None] = {}
            for row in self._bounded(lot, changes):
                columns.update(dict.fromkeys(row))
                rows.write(json.dumps(row).encode() + b"\n")
            rows.seek(0)
            text = io.TextIOWrapper(lines, encoding="utf-8", newline="", write_through=True)
            table = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
            table.writeheader()
            for line in rows:
                table.writerow(json.loads(line))
            # so that closing the wrapper does not close the file
            text.detach()

    def _bounded(self, lot: str, changes: Iterable[Change]) -> Iterator[Cells]:
        room = MOST_BYTES
        for row in self._sorted(lot, changes):
            # quotes may double a text, and every column has its comma
            room -= sum(len(one.encode()) + one.count('"') + 3 for one in row.values())
            room -= len(self._dictionary.write_fields)
            if room < 0:
                return
            yield row

    def _sorted(self, lot: str, changes: Iterable[Change]) -> Iterator[Cells]:
        """Put those of one account next to one another, so that few batches wait for its lock."""
        rest = iter(changes)
        while page := [self._cells(change) for change in islice(rest, TOGETHER)]:
            accounts = (
                accounts_of(self._gateway, [row[ID] for row in page]) if lot == CONTACT else {}
            )
            yield from sorted(page, key=lambda row: accounts.get(row.get(ID, ""), ""))

    def _cells(self, change: Change) -> Cells:
        if change.kind == PROPERTY:
            fields = property_fields(self._dictionary, change)
            return {ID: change.contact_id} | {name: cell(value) for name, value in fields.items()}
        fields = row_fields(self._dictionary, change)
        # what a row belongs to is told, never emptied
        return {
            name: text
            for name, value in fields.items()
            if (text := cell(value)) != EMPTY or "." not in name
        }


def _refused(error: str) -> WriteResult:
    told = of_bulk(error)
    word = word_of(told)
    if isinstance(word, Complaint) and (word.missing or told.code == CONVERTED):
        # by `write` everything but these fields is written; a lead becomes the contact that it is now
        word = replace(word, waits=MISSING_SECONDS)
    return result("", word)


def _not_done() -> WriteResult:
    sentence = "The bulk job ended before this was its turn; trying again is safe."
    return WriteResult("", Written.RETRY, "not_processed", sentence)
