"""Bulk API 2.0: jobs that write a file of CSV, and jobs that answer a query with one."""

from __future__ import annotations

import base64
from typing import Any

from flask import Response

from tests.fakes.salesforce import bulk_rows, soql
from tests.fakes.salesforce.bulk_rows import Job
from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.messages import made_id
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RefusalError
from tests.fakes.salesforce.values import Values

OPERATIONS = ("insert", "update", "upsert", "delete")
LARGEST = 150_000_000
DONE = ("JobComplete", "Failed", "Aborted")
# what a bulk query may not have
NOT_IN_BULK = ("GROUP BY", "OFFSET", "TYPEOF", "COUNT(", "(SELECT")
MOST_A_PAGE = 250_000


def open_ingest(call: Call) -> tuple[Any, int]:
    """Open a job that is to write; its rows come in a file of their own."""
    told = call.body()
    operation, external = str(told.get("operation")), str(told.get("externalIdFieldName") or "")
    found = call.org.object(str(told.get("object")))
    if operation not in OPERATIONS:
        raise RefusalError(400, "INVALIDJOB", f"InvalidJob : Invalid operation: {operation}")
    if found is None:
        message = f"InvalidEntity : Entity '{told.get('object')}' is not supported by the Bulk API."
        raise RefusalError(400, "INVALIDENTITY", message)
    if told.get("contentType", "CSV") != "CSV":
        raise RefusalError(400, "INVALIDJOB", "InvalidJob : contentType must be CSV")
    if operation == "upsert":
        one = call.org.field(found.name, external)
        if one is None or not (one.external or one.id_lookup):
            message = f"InvalidJob : Field name provided, {external} does not match an External ID, Salesforce Id, or indexed field for {found.name}"  # fmt: skip
            raise RefusalError(400, "INVALIDJOB", message)
    job = _open(call, "ingest", found.name, operation)
    job.external = external
    job.ending = str(told.get("lineEnding") or "LF")
    return job.told(call.version), 200


def upload(call: Call, id: str) -> Any:
    """Take the file of a job, once."""
    job = _job(call, id, "ingest")
    if job.state != "Open" or job.content is not None:
        message = "InvalidJobState : a job takes one file, while it is open"
        raise RefusalError(400, "INVALIDJOBSTATE", message)
    if not call.headers.get("Content-Type", "").startswith("text/csv"):
        raise RefusalError(415, "UNSUPPORTED_MEDIA_TYPE", "the file must be text/csv")
    if len(call.raw) > LARGEST:
        raise RefusalError(413, "REQUEST_ENTITY_TOO_LARGE", "the file is larger than 150 MB")
    job.content = call.raw
    return Response(status=201)


def change(call: Call, id: str) -> tuple[Any, int]:
    """Let a job begin, or give it up."""
    job, state = _any_job(call, id), str(call.body().get("state"))
    if state == "UploadComplete" and job.state == "Open" and job.kind == "ingest":
        if job.content is None:
            raise RefusalError(400, "INVALIDJOBSTATE", "InvalidJobState : no file was uploaded")
        job.state, job.polls = "UploadComplete", call.org.bulk_polls
    elif state == "Aborted" and job.state not in DONE:
        job.state = "Aborted"
    else:
        message = f"InvalidJobState : a job that is {job.state} cannot become {state}"
        raise RefusalError(400, "INVALIDJOBSTATE", message)
    return job.told(call.version), 200


def show(call: Call, id: str) -> tuple[Any, int]:
    """Tell how a job stands; it is done when it was asked for often enough."""
    job = _any_job(call, id)
    _go_on(call.org, job)
    return job.told(call.version), 200


def drop(call: Call, id: str) -> tuple[Any, int]:
    """Delete a job that does nothing more."""
    job = _any_job(call, id)
    if job.state not in (*DONE, "UploadComplete"):
        message = f"InvalidJobState : a job that is {job.state} cannot be deleted"
        raise RefusalError(400, "INVALIDJOBSTATE", message)
    del call.org.jobs[id]
    return None, 204


def successful(call: Call, id: str) -> Response:
    """Return the rows that were written."""
    job = _ended(call, id)
    return _csv(bulk_rows.written(("sf__Id", "sf__Created", *job.columns), job.done))


def failed(call: Call, id: str) -> Response:
    """Return the rows that were refused."""
    job = _ended(call, id)
    return _csv(bulk_rows.written(("sf__Id", "sf__Error", *job.columns), job.refused))


def unprocessed(call: Call, id: str) -> Response:
    """Return the rows that nothing became of."""
    job = _ended(call, id)
    return _csv(bulk_rows.written(job.columns, job.rest))


def open_query(call: Call) -> tuple[Any, int]:
    """Open a job that answers a query; one that is no query is refused at once."""
    told = call.body()
    operation, text = str(told.get("operation")), str(told.get("query") or "")
    if operation not in ("query", "queryAll"):
        raise RefusalError(400, "INVALIDJOB", f"InvalidJob : Invalid operation: {operation}")
    upper = " ".join(text.upper().split())
    if any(word in upper for word in NOT_IN_BULK):
        raise RefusalError(400, "INVALIDJOB", "InvalidJob : this query is not possible in bulk")
    rows = soql.run(call.org, soql.read(text), call.version, deleted=operation == "queryAll")
    job = _open(call, "query", rows.name, operation)
    job.columns = tuple(".".join(names) for names, _ in rows.readers)
    job.query, job.state, job.polls = text, "UploadComplete", call.org.bulk_polls
    return job.told(call.version), 200


def results(call: Call, id: str) -> Response:
    """Return one page of what a query found, and in a header where the next one begins."""
    job = _ended(call, id, "query")
    size = call.query.get("maxRecords", str(MOST_A_PAGE))
    place = _place(call.query["locator"]) if "locator" in call.query else 0
    if not size.isdigit() or not 0 < int(size) <= MOST_A_PAGE or place < 0:
        raise RefusalError(400, "INVALIDJOB", "InvalidJob : maxRecords or locator is wrong")
    stop = place + int(size)
    answer = _csv(bulk_rows.written(job.columns, job.done[place:stop]))
    locator = "null"
    if stop < len(job.done):
        locator = base64.urlsafe_b64encode(str(stop).encode()).decode()
    answer.headers["Sforce-Locator"] = locator
    answer.headers["Sforce-NumberOfRecords"] = str(len(job.done[place:stop]))
    return answer


ROUTES: tuple[Route, ...] = (
    ("POST", "/{V}/jobs/ingest", open_ingest),
    ("PUT", "/{V}/jobs/ingest/<id>/batches", upload),
    ("PATCH", "/{V}/jobs/ingest/<id>", change),
    ("GET", "/{V}/jobs/ingest/<id>", show),
    ("DELETE", "/{V}/jobs/ingest/<id>", drop),
    ("GET", "/{V}/jobs/ingest/<id>/successfulResults", successful),
    ("GET", "/{V}/jobs/ingest/<id>/failedResults", failed),
    ("GET", "/{V}/jobs/ingest/<id>/unprocessedrecords", unprocessed),
    ("POST", "/{V}/jobs/query", open_query),
    ("PATCH", "/{V}/jobs/query/<id>", change),
    ("GET", "/{V}/jobs/query/<id>", show),
    ("DELETE", "/{V}/jobs/query/<id>", drop),
    ("GET", "/{V}/jobs/query/<id>/results", results),
)


def _open(call: Call, kind: str, name: str, operation: str) -> Job:
    number = len(call.org.jobs) + 1
    id = made_id("750", f"job {number} {call.org.clock().timestamp()}")
    job = Job(id, kind, name, operation, by=call.org.user_id, at=call.org.clock())
    call.org.jobs[id] = job
    return job


def _any_job(call: Call, id: str) -> Job:
    found: Job | None = call.org.jobs.get(id)
    if found is None:
        raise RefusalError(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def _job(call: Call, id: str, kind: str) -> Job:
    found = _any_job(call, id)
    if found.kind != kind:
        raise RefusalError(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def _ended(call: Call, id: str, kind: str = "ingest") -> Job:
    job = _job(call, id, kind)
    if job.state not in DONE or (kind == "query" and job.state != "JobComplete"):
        message = f"InvalidJobState : a job that is {job.state} has no results"
        raise RefusalError(400, "INVALIDJOBSTATE", message)
    return job


def _go_on(org: FakeOrg, job: Job) -> None:
    if job.state not in ("UploadComplete", "InProgress"):
        return
    job.state, job.polls = "InProgress", job.polls - 1
    if job.polls < 0 and job.kind == "ingest":
        bulk_rows.process(org, job)
    elif job.polls < 0:
        _answer(org, job)


def _answer(org: FakeOrg, job: Job) -> None:
    try:
        query = soql.read(job.query)
        rows = soql.run(org, query, "", deleted=job.operation == "queryAll")
    except RefusalError as no:
        # a field may be out of sight by now
        job.state, job.error = "Failed", f"InvalidBatch : {no.code}"
        return
    job.done = [_flat(row, job.columns) for row in rows.show(0, len(rows.found))]
    job.state, job.processed = "JobComplete", len(job.done)


def _flat(row: Values, columns: tuple[str, ...]) -> list[Any]:
    def at(path: str) -> Any:
        found: Any = row
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return [at(path) for path in columns]


def _place(locator: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(locator))
    except ValueError:
        return -1


def _csv(text: str) -> Response:
    return Response(text, 200, content_type="text/csv; charset=UTF-8")
