"""Associations, of one record and in batches."""

from __future__ import annotations

from typing import Any

from tests.fakes.hubspot.answers import Body, absent, error
from tests.fakes.hubspot.call import Call, Route, kind_of, page
from tests.fakes.hubspot.links import associate, linked, separate

MOST_READ, MOST_WRITTEN = 1000, 2000
NONE = "crm.associations.NO_ASSOCIATIONS_FOUND"


def of_one(call: Call, kind: str, record: str, other: str) -> tuple[Any, int]:
    """List what one record is associated with."""
    kind = kind_of(kind)
    _there(call, kind, record)
    rows = linked(call.fake, (kind, record), kind_of(other))
    cut, following = page(rows, call, 500, 500)
    return {"results": cut, **following}, 200


def create(call: Call, kind: str, record: str, other: str, other_id: str) -> tuple[Any, int]:
    """Associate two records by the types of the body."""
    one, two = _ends(call, (kind, record), (other, other_id))
    for named in call.json():
        associate(call.fake, one, two, int(named["associationTypeId"]))
    return {"fromObjectId": record, "toObjectId": other_id, "labels": []}, 201


def create_usual(call: Call, kind: str, record: str, other: str, other_id: str) -> tuple[Any, int]:
    """Associate two records by the usual type."""
    one, two = _ends(call, (kind, record), (other, other_id))
    associate(call.fake, one, two)
    return {
        "status": "COMPLETE",
        "results": [{"from": {"id": record}, "to": {"id": other_id}}],
    }, 200


def remove(call: Call, kind: str, record: str, other: str, other_id: str) -> tuple[Any, int]:
    """Take an association back."""
    separate(call.fake, (kind_of(kind), record), (kind_of(other), other_id))
    return None, 204


def read(call: Call, kind: str, other: str) -> tuple[Any, int]:
    """Show up to 1000 records' associations; those that have none are errors of a 207."""
    kind, other = kind_of(kind), kind_of(other)
    results: list[Body] = []
    errors: list[Body] = []
    for one in call.inputs(MOST_READ):
        rows = linked(call.fake, (kind, str(one["id"])), other)
        if rows:
            results.append(_cut(call, one, rows))
        else:
            errors.append(_none(kind, other, str(one["id"])))
    body: Body = {"status": "COMPLETE", "results": results}
    if not errors:
        return body, 200
    return {**body, "numErrors": len(errors), "errors": errors}, 207


def create_many(call: Call, kind: str, other: str) -> tuple[Any, int]:
    """Associate up to 2000 pairs; without types by the usual one."""
    made = []
    for one in call.inputs(MOST_WRITTEN):
        here, there = _ends(call, (kind, str(one["from"]["id"])), (other, str(one["to"]["id"])))
        for named in one.get("types") or [{}]:
            associate(call.fake, here, there, named.get("associationTypeId"))
        made.append({"fromObjectId": here[1], "toObjectId": there[1], "labels": []})
    return {"status": "COMPLETE", "results": made}, 201


def remove_many(call: Call, kind: str, other: str) -> tuple[Any, int]:
    """Take up to 2000 associations back."""
    for one in call.inputs(MOST_WRITTEN):
        for target in one["to"]:
            ends = (kind_of(kind), str(one["from"]["id"])), (kind_of(other), str(target["id"]))
            separate(call.fake, *ends)
    return None, 204


def _cut(call: Call, one: Body, rows: list[Body]) -> Body:
    start, size = int(one.get("after") or 0), call.fake.association_page
    result: Body = {"from": {"id": str(one["id"])}, "to": rows[start : start + size]}
    if start + size < len(rows):
        result["paging"] = {"next": {"after": str(start + size)}}
    return result


def _none(kind: str, other: str, record: str) -> Body:
    context = {"fromObjectId": [record], "fromObjectType": [kind], "toObjectType": [other]}
    message = f"No {other} is associated with {kind} {record}."
    return error("OBJECT_NOT_FOUND", message, subCategory=NONE, context=context)


def _ends(call: Call, one: tuple[str, str], other: tuple[str, str]) -> tuple[Any, Any]:
    for kind, record in (one, other):
        _there(call, kind_of(kind), record)
    return (kind_of(one[0]), one[1]), (kind_of(other[0]), other[1])


def _there(call: Call, kind: str, record: str) -> None:
    if record not in call.fake.records[kind]:
        raise absent(f"{kind} {record}")


ONE = "/crm/objects/{V}/<kind>/<record>/associations"
MANY = "/crm/associations/{V}/<kind>/<other>/batch/"
ROUTES: tuple[Route, ...] = (
    ("GET", ONE + "/<other>", of_one),
    ("PUT", ONE + "/<other>/<other_id>", create),
    ("DELETE", ONE + "/<other>/<other_id>", remove),
    ("PUT", ONE + "/default/<other>/<other_id>", create_usual),
    ("POST", MANY + "read", read),
    ("POST", MANY + "create", create_many),
    ("POST", MANY + "associate/default", create_many),
    ("POST", MANY + "archive", remove_many),
)
