"""Up to two hundred records in one call, each with a result of its own, in the order asked."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

from tests.fakes.salesforce import memory, rules
from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.describe import known
from tests.fakes.salesforce.memory import Result
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RecordError, RefusalError
from tests.fakes.salesforce.values import Values, key_of, normal

MOST, MOST_CHUNKS = 200, 10


def create(call: Call) -> tuple[Any, int]:
    """Make records."""
    records = _records(call)
    return [_apply(call.org, "insert", one).json() for one in records], 200


def update(call: Call) -> tuple[Any, int]:
    """Change records by their ids."""
    records = _records(call)
    twice = _twice(normal(str(_id(one))) for one in records)
    return [
        _refused("DUPLICATE_VALUE", f"Duplicate id in list: {_id(one)}").json()
        if normal(str(_id(one))) in twice
        else _apply(call.org, "update", one).json()
        for one in records
    ], 200


def upsert(call: Call, name: str, column: str) -> tuple[Any, int]:
    """Make or change records of one object by an external id."""
    org, what, records = call.org, known(call.org, name), _records(call)
    one = org.field(what.name, column)
    if one is None or not one.id_lookup:
        told = f"Provided external ID field does not exist or is not accessible: {column}"
        raise RefusalError(404, "NOT_FOUND", told)
    if {_type(record) for record in records} - {what.name}:
        told = f"Incorrect SObject type: it should be {what.name}"
        raise RefusalError(400, "INVALID_TYPE", told)
    keys = [key_of(one, _value(record, column)) for record in records]
    twice = _twice(keys)
    return [
        _refused("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", column).json()
        if key in twice
        else _apply(org, "upsert", record, column).json(upsert=True)
        for key, record in zip(keys, records, strict=True)
    ], 200


def delete(call: Call) -> tuple[Any, int]:
    """Delete records of whatever objects."""
    ids = [one.strip() for one in call.query.get("ids", "").split(",") if one.strip()]
    if not ids:
        raise RefusalError(400, "MISSING_ARGUMENT", "ids must be specified")
    _not_too_many(len(ids))
    _not_all_or_none(call.query.get("allOrNone") == "true")
    return [_deleted(call.org, one).json() for one in ids], 200


def _deleted(org: FakeOrg, one: str) -> Result:
    found = normal(one)
    name = next((what.name for what in org.objects.values() if found[:3] == what.prefix), None)
    if name is None:
        return _refused("MALFORMED_ID", f"malformed id {one}")
    return memory.apply(org, "delete", name, {"Id": one})


def _apply(org: FakeOrg, operation: str, record: Values, external: str = "") -> Result:
    return memory.apply(org, operation, known(org, _type(record)).name, record, external)


def _records(call: Call) -> list[Values]:
    """Return the records asked for; RefusalError 400 where the request as a whole is wrong."""
    body = call.body()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise RefusalError(400, "MISSING_ARGUMENT", "records must be specified")
    _not_all_or_none(body.get("allOrNone") is True)
    _not_too_many(len(records))
    if sum(1 for _ in groupby(records, key=_type)) > MOST_CHUNKS:
        # the code is a guess; the documentation has only the sentence
        told = f"Cannot have more than {MOST_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking."  # fmt: skip
        raise RefusalError(400, "INVALID_OPERATION", told)
    for one in records:
        what = call.org.object(_type(one))
        if what is None:
            told = f"sObject type '{_type(one)}' is not supported."
            raise RefusalError(400, "INVALID_TYPE", told)
        if call.org.field_errors == "request":
            rules.columns(call.org, what.name, one)
    return records


def _not_too_many(count: int) -> None:
    if count > MOST:
        told = f"record limit reached. cannot submit more than {MOST} records into this call"
        raise RefusalError(400, "EXCEEDED_ID_LIMIT", told)


def _not_all_or_none(asked: bool) -> None:
    if asked:
        raise RefusalError(400, "NOT_SUPPORTED", "this fake takes nothing back: allOrNone is false")


def _type(record: Values) -> str:
    found = record.get("attributes")
    return str(found.get("type", "")) if isinstance(found, dict) else ""


def _id(record: Values) -> Any:
    return next((value for key, value in record.items() if key.lower() == "id"), "")


def _value(record: Values, column: str) -> Any:
    return next((value for key, value in record.items() if key.lower() == column.lower()), None)


def _twice(keys: Any) -> set[Any]:
    return {key for key, count in Counter(keys).items() if count > 1 and key}


def _refused(code: str, message: str, *fields: str) -> Result:
    return Result(None, success=False, error=RecordError(code, message, fields))


ROUTES: tuple[Route, ...] = (
    ("POST", "/{V}/composite/sobjects", create),
    ("PATCH", "/{V}/composite/sobjects", update),
    ("PATCH", "/{V}/composite/sobjects/<name>/<column>", upsert),
    ("DELETE", "/{V}/composite/sobjects", delete),
)
