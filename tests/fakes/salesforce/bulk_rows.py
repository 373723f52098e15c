"""The rows of a bulk job: read from its file, written one by one by the rules of single records."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.salesforce import memory
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RecordError
from tests.fakes.salesforce.schema import Field
from tests.fakes.salesforce.values import Values

EMPTY = "#N/A"
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass
class Job:
    """One job; *done* and *refused* are rows as their results tell them, *rest* those left alone."""

    id: str
    kind: str
    name: str
    operation: str
    by: str
    at: datetime
    external: str = ""
    ending: str = "LF"
    query: str = ""
    state: str = "Open"
    error: str = ""
    content: bytes | None = None
    polls: int = 0
    processed: int = 0
    columns: tuple[str, ...] = ()
    done: list[list[Any]] = field(default_factory=list)
    refused: list[list[Any]] = field(default_factory=list)
    rest: list[list[Any]] = field(default_factory=list)

    def told(self, version: str) -> Values:
        """Return the job as it is told of."""
        moment = self.at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        told: Values = {
            "id": self.id, "operation": self.operation, "object": self.name, "createdById": self.by,
            "createdDate": moment, "systemModstamp": moment, "state": self.state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(version),
            "lineEnding": self.ending, "columnDelimiter": "COMMA",
            "jobType": "V2Ingest" if self.kind == "ingest" else "V2Query",
            "numberRecordsProcessed": self.processed, "retries": 0, "totalProcessingTime": 100,
        }  # fmt: skip
        if self.kind == "ingest":
            path = f"services/data/v{version}/jobs/ingest/{self.id}/batches"
            told |= {"contentUrl": path, "numberRecordsFailed": len(self.refused)}
            told |= {"apiActiveProcessingTime": 80, "apexProcessingTime": 0}
        if self.external:
            told["externalIdFieldName"] = self.external
        return told | ({"errorMessage": self.error} if self.error else {})


def process(org: FakeOrg, job: Job) -> None:
    """Write what the job's file says; a column that is not there fails it as a whole."""
    lines = csv.reader(io.StringIO((job.content or b"").decode("utf-8-sig"), newline=""))
    job.columns = tuple(next(lines, ()))
    rows = [line for line in lines if line]
    wrong = _wrong(org, job, rows)
    if wrong:
        job.state, job.error, job.rest = "Failed", wrong, rows
        return
    for row in rows:
        _write(org, job, row)
    job.state, job.processed = "JobComplete", len(rows)


def written(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as Salesforce writes CSV: all in quotes, lines that end in LF."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _wrong(org: FakeOrg, job: Job, rows: Sequence[Sequence[str]]) -> str:
    """Return why no row of the file can be written; empty where nothing is wrong."""
    if not job.columns:
        return "InvalidBatch : The file is empty"
    ending = ENDINGS[job.ending].encode()
    first = (job.content or b"").partition(b"\n")[0] + b"\n"
    if first.endswith(b"\r\n") != (ending == b"\r\n"):
        return f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {job.ending}"  # fmt: skip
    for column in job.columns:
        if not _known(org, job.name, column):
            return f"InvalidBatch : Field name not found : {column}"
    if len(set(job.columns)) != len(job.columns):
        return "InvalidBatch : Found duplicate field in the header"
    if any(len(row) != len(job.columns) for row in rows):
        return "InvalidBatch : a row has not as many cells as there are columns"
    return ""


def _known(org: FakeOrg, name: str, column: str) -> bool:
    relation, dot, rest = column.partition(".")
    if not dot:
        return org.field(name, column) is not None
    link = _link(org, name, relation)
    return link is not None and org.field(link.refers[0], rest) is not None


def _link(org: FakeOrg, name: str, relation: str) -> Field | None:
    """Return the field that a relation such as `Video__r` stands for, as far as our user sees it."""
    fields = org.objects[name].fields.values()
    found = (one for one in fields if one.relation and one.relation.lower() == relation.lower())
    return next((one for one in found if org.sees(name, one.name)), None)


def _write(org: FakeOrg, job: Job, row: list[str]) -> None:
    result = memory.apply(org, job.operation, job.name, dict(_values(org, job, row)), job.external)
    if result.success:
        job.done.append([result.id, str(result.created).lower(), *row])
    elif result.error is not None:
        job.refused.append([result.id or "", _told(result.error), *row])


def _values(org: FakeOrg, job: Job, row: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Yield what a row sets: an empty cell leaves a field as it is, `#N/A` empties it."""
    for column, cell in zip(job.columns, row, strict=True):
        relation, dot, rest = column.partition(".")
        if cell == "":
            continue
        if not dot:
            yield column, None if cell == EMPTY else cell
        elif cell == EMPTY:
            link = _link(org, job.name, relation)
            assert link is not None
            yield link.name, None
        else:
            yield relation, {rest: cell}


def _told(error: RecordError) -> str:
    fields = f"{', '.join(error.fields)} " if error.fields else ""
    return f"{error.code}:{error.message}:{fields}--"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
