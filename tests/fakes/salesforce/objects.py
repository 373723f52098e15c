"""Queries with their pages, and single records: make, read, change, upsert, delete."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.salesforce import lookups, memory, rules, soql
from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.describe import known
from tests.fakes.salesforce.memory import Result
from tests.fakes.salesforce.refusals import RefusalError
from tests.fakes.salesforce.values import Values, normal, shown

NO_SUCH = "The requested resource does not exist"
# a record that is not there has no status of its own in a list of results
STATUSES = {"ENTITY_IS_DELETED": 404, "INVALID_CROSS_REFERENCE_KEY": 404, "MALFORMED_ID": 400}
LEAST_PAGE, MOST_OFFSET = 200, 2000


def query(call: Call) -> tuple[Any, int]:
    """Answer a query."""
    return _asked(call, deleted=False)


def query_all(call: Call) -> tuple[Any, int]:
    """Answer a query, the recycle bin included."""
    return _asked(call, deleted=True)


def further(call: Call, locator: str) -> tuple[Any, int]:
    """Answer with the next page of a query."""
    cursor, _, start = locator.rpartition("-")
    if cursor not in call.org.cursors or not start.isdigit():
        raise RefusalError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    rows, size, way = call.org.cursors[cursor]
    return _page(call, rows, int(start), size, cursor, way), 200


def create(call: Call, name: str) -> tuple[Any, int]:
    """Make a record."""
    what, body = known(call.org, name), call.body()
    rules.columns(call.org, what.name, body)
    if any(key.lower() == "id" for key in body):
        told = "The Id field should not be specified in the sobject data."
        raise RefusalError(400, "INVALID_FIELD", told, fields=["Id"])
    result = _good(memory.apply(call.org, "insert", what.name, body))
    return {"id": result.id, "success": True, "errors": []}, 201


def get(call: Call, name: str, record: str) -> tuple[Any, int]:
    """Read one record, or just the `fields` asked for."""
    what = known(call.org, name)
    found = normal(record)
    if found in call.org.deleted[what.name]:
        raise RefusalError(404, "ENTITY_IS_DELETED", "entity is deleted")
    values = call.org.records[what.name].get(found)
    if values is None:
        raise RefusalError(404, "NOT_FOUND", NO_SUCH)
    asked = call.query.get("fields")
    names = asked.split(",") if asked else list(what.fields)
    row = {"attributes": soql.attributes(what.name, found, call.version)}
    for one in names:
        seen = call.org.field(what.name, one.strip())
        if seen is None and asked:
            told = f"No such column '{one}' on sobject of type {what.name}"
            raise RefusalError(400, "INVALID_FIELD", told)
        if seen is not None:
            row[seen.name] = shown(seen, values.get(seen.name))
    return row, 200


def update(call: Call, name: str, record: str) -> tuple[Any, int]:
    """Change one record."""
    what, body = known(call.org, name), call.body()
    rules.columns(call.org, what.name, body)
    _good(memory.apply(call.org, "update", what.name, {**_without_id(body), "Id": record}))
    return None, 204


def delete(call: Call, name: str, record: str) -> tuple[Any, int]:
    """Delete one record."""
    what = known(call.org, name)
    _good(memory.apply(call.org, "delete", what.name, {"Id": record}))
    return None, 204


def upsert(call: Call, name: str, column: str, value: str) -> tuple[Any, int]:
    """Make the record with this external id, or change it; 300 where there are several."""
    what, body = known(call.org, name), call.body()
    one = call.org.field(what.name, column)
    if one is None or not one.id_lookup:
        told = f"Provided external ID field does not exist or is not accessible: {column}"
        raise RefusalError(404, "NOT_FOUND", told)
    rules.columns(call.org, what.name, body)
    found = lookups.resolve(call.org, what.name, column, value)
    if len(found) > 1:
        several = [_address(call, what.name, each) for each in found]
        raise RefusalError(300, "MULTIPLE_CHOICES", "several", body=several)
    result = _good(
        memory.apply(call.org, "upsert", what.name, {**_without_id(body), column: value}, column)
    )
    told = {"id": result.id, "success": True, "errors": [], "created": result.created}
    return told, 201 if result.created else 200


def _asked(call: Call, *, deleted: bool) -> tuple[Any, int]:
    text = call.query.get("q")
    if text is None:
        raise RefusalError(400, "MALFORMED_QUERY", "A query string has to be specified")
    read = soql.read(text)
    if read.offset > MOST_OFFSET:
        told = f"Maximum SOQL offset allowed is {MOST_OFFSET}"
        raise RefusalError(400, "NUMBER_OUTSIDE_VALID_RANGE", told)
    rows = soql.run(call.org, read, call.version, deleted=deleted)
    if read.count:
        return {"totalSize": len(rows.found), "done": True, "records": []}, 200
    cursor = f"01g5e{len(call.org.cursors):010d}AAA"
    return _page(call, rows, 0, _size(call), cursor, "queryAll" if deleted else "query"), 200


def _page(call: Call, rows: soql.Rows, start: int, size: int, cursor: str, way: str) -> Any:
    stop, count = start + size, len(rows.found)
    told: dict[str, Any] = {"totalSize": count, "done": stop >= count}
    if stop < count:
        call.org.cursors[cursor] = (rows, size, way)
        told["nextRecordsUrl"] = f"/services/data/v{call.version}/{way}/{cursor}-{stop}"
    return told | {"records": rows.show(start, stop)}


def _size(call: Call) -> int:
    found = re.search(r"batchSize=(\d+)", call.headers.get("Sforce-Query-Options", ""))
    return min(call.org.page, max(LEAST_PAGE, int(found[1]))) if found else call.org.page


def _good(result: Result) -> Result:
    """Return what worked; RefusalError with the record's error where it did not."""
    error = result.error
    if error is None:
        return result
    if error.code == "INVALID_CROSS_REFERENCE_KEY" and not error.fields:
        raise RefusalError(404, "NOT_FOUND", NO_SUCH)
    status = STATUSES.get(error.code, 400) if not error.fields else 400
    raise RefusalError(status, error.code, error.message, fields=error.fields)


def _without_id(body: Values) -> Values:
    return {key: value for key, value in body.items() if key.lower() != "id"}


def _address(call: Call, name: str, record: str) -> str:
    return f"/services/data/v{call.version}/sobjects/{name}/{record}"


ROUTES: tuple[Route, ...] = (
    ("GET", "/{V}/query", query),
    ("GET", "/{V}/queryAll", query_all),
    ("GET", "/{V}/query/<locator>", further),
    ("GET", "/{V}/queryAll/<locator>", further),
    ("POST", "/{V}/sobjects/<name>", create),
    ("GET", "/{V}/sobjects/<name>/<record>", get),
    ("PATCH", "/{V}/sobjects/<name>/<record>", update),
    ("DELETE", "/{V}/sobjects/<name>/<record>", delete),
    ("PATCH", "/{V}/sobjects/<name>/<column>/<path:value>", upsert),
)
