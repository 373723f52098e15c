"""Properties and their groups."""

from __future__ import annotations

from typing import Any

from tests.fakes.hubspot.answers import Body, RefusalError, absent, error, invalid
from tests.fakes.hubspot.call import Call, Route, kind_of
from tests.fakes.hubspot.kinds import definition
from tests.fakes.hubspot.portal import FakeHubSpot

TYPES = {"string", "number", "bool", "enumeration", "date", "datetime", "phone_number"}
FIELD_TYPES = {"text", "textarea", "number", "date", "select", "radio", "checkbox",
               "booleancheckbox", "html", "file", "phonenumber"}  # fmt: skip
NEEDED = ("name", "label", "type", "fieldType", "groupName")
# gone from the specification of 2026-09
OLD = ("numberDisplayHint", "textDisplayHint", "currencyPropertyName", "showCurrencySymbol")


def customs(fake: FakeHubSpot, kind: str) -> list[str]:
    """Return the names of what is not HubSpot's own and counts against the limit."""
    held = fake.properties[kind].values()
    return [one["name"] for one in held if not one["hubspotDefined"] and not one["archived"]]


def every(call: Call, kind: str) -> tuple[Any, int]:
    """List the properties of a kind of record."""
    archived = call.query.get("archived") == "true"
    held = call.fake.properties[kind_of(kind)].values()
    return {"results": [one for one in held if one["archived"] == archived]}, 200


def one(call: Call, kind: str, name: str) -> tuple[Any, int]:
    """Show one property."""
    return _held(call, kind, name), 200


def create(call: Call, kind: str) -> tuple[Any, int]:
    """Make one property."""
    body, kind = call.body(), kind_of(kind)
    _check(call, kind, body)
    if _there(call, kind, body["name"]):
        raise _conflict(body["name"])
    _room(call, kind, 1)
    return _make(call, kind, body), 201


def create_many(call: Call, kind: str) -> tuple[Any, int]:
    """Make up to 100; what exists is told of, what is over the limit fails all."""
    kind, inputs = kind_of(kind), call.inputs()
    for body in inputs:
        _check(call, kind, body)
    there = [body["name"] for body in inputs if _there(call, kind, body["name"])]
    if there and call.fake.property_conflicts == 409:
        raise _conflict(there[0])
    new = [body for body in inputs if body["name"] not in there]
    _room(call, kind, len(new))
    answer: Body = {"status": "COMPLETE", "results": [_make(call, kind, body) for body in new]}
    if not there:
        return answer, 201
    errors = [
        error(
            "OBJECT_ALREADY_EXISTS", f'Property "{name}" already exists', context={"name": [name]}
        )
        for name in there
    ]
    return {**answer, "numErrors": len(errors), "errors": errors}, 207


def change(call: Call, kind: str, name: str) -> tuple[Any, int]:
    """Change what may be changed of a property."""
    held, body = _held(call, kind, name), call.body()
    _options(call, body)
    if body.get("type", held["type"]) != held["type"] and held["hubspotDefined"]:
        raise invalid(f"{name} is HubSpot's own and keeps its type")
    held.update({key: value for key, value in body.items() if key != "name"})
    return held, 200


def archive(call: Call, kind: str, name: str) -> tuple[Any, int]:
    """Delete a property, with what stands in it."""
    held, kind = _held(call, kind, name), kind_of(kind)
    if not held["modificationMetadata"]["archivable"]:
        raise invalid(f"{name} is HubSpot's own and cannot be deleted")
    held["archived"] = True
    for values in call.fake.records[kind].values():
        values.pop(name, None)
    return None, 204


def groups(call: Call, kind: str) -> tuple[Any, int]:
    """List the groups."""
    return {"results": list(call.fake.groups[kind_of(kind)].values())}, 200


def group(call: Call, kind: str, name: str) -> tuple[Any, int]:
    """Show one group."""
    return _group(call, kind, name), 200


def create_group(call: Call, kind: str) -> tuple[Any, int]:
    """Make a group."""
    body, held = call.body(), call.fake.groups[kind_of(kind)]
    if not body.get("name") or not body.get("label"):
        raise invalid("Some required fields were not set: [name, label]")
    if body["name"] in held:
        raise _conflict(body["name"])
    held[body["name"]] = {"displayOrder": -1, "archived": False, **body}
    return held[body["name"]], 201


def change_group(call: Call, kind: str, name: str) -> tuple[Any, int]:
    """Change the label or the place of a group."""
    held = _group(call, kind, name)
    held.update(call.body())
    return held, 200


def archive_group(call: Call, kind: str, name: str) -> tuple[Any, int]:
    """Delete a group that holds nothing."""
    _group(call, kind, name)
    held = call.fake.properties[kind_of(kind)].values()
    if any(one["groupName"] == name and not one["archived"] for one in held):
        raise invalid(f"the group {name} still holds properties")
    del call.fake.groups[kind_of(kind)][name]
    return None, 204


def _held(call: Call, kind: str, name: str) -> Body:
    held = call.fake.properties[kind_of(kind)].get(name)
    if held is None or held["archived"]:
        raise absent(f"property {name}")
    return held


def _group(call: Call, kind: str, name: str) -> Body:
    held = call.fake.groups[kind_of(kind)].get(name)
    if held is None:
        raise absent(f"group {name}")
    return held


def _there(call: Call, kind: str, name: str) -> bool:
    held = call.fake.properties[kind].get(name)
    return held is not None and not held["archived"]


def _check(call: Call, kind: str, body: Body) -> None:
    lacking = [name for name in NEEDED if not body.get(name)]
    if lacking:
        raise invalid(f"Some required fields were not set: {lacking}")
    if body["type"] not in TYPES or body["fieldType"] not in FIELD_TYPES:
        raise invalid(f"{body['type']} with {body['fieldType']} is no type of a property")
    if body["name"] != body["name"].lower():
        raise invalid("the name of a property is in lower case")
    if body["groupName"] not in (*call.fake.groups[kind], "contactinformation"):
        raise invalid(f"the property group {body['groupName']} does not exist")
    _options(call, body)


def _options(call: Call, body: Body) -> None:
    if call.version == "2026-03":
        return
    if any("displayOrder" not in option for option in body.get("options", ())):
        raise invalid("Some required fields were not set: [options.displayOrder]")
    if gone := [name for name in OLD if name in body]:
        raise invalid(f"unknown fields: {gone}")


def _room(call: Call, kind: str, more: int) -> None:
    limit = call.fake.property_limit
    if limit is not None and len(customs(call.fake, kind)) + more > limit:
        raise invalid(
            f"You have reached the limit of {limit} custom properties of your account.",
            subCategory="PropertyValidationError.PROPERTY_LIMIT_EXCEEDED",
        )


def _make(call: Call, kind: str, body: Body) -> Body:
    more = {name: value for name, value in body.items() if name not in ("name", "type")}
    made = definition(body["name"], body["type"], **more)
    call.fake.properties[kind][body["name"]] = made
    return made


def _conflict(name: str) -> RefusalError:
    return RefusalError(409, "CONFLICT", f'"{name}" already exists')


AT = "/crm/properties/{V}/<kind>"
ROUTES: tuple[Route, ...] = (
    ("GET", AT, every),
    ("POST", AT, create),
    ("POST", AT + "/batch/create", create_many),
    ("GET", AT + "/groups", groups),
    ("POST", AT + "/groups", create_group),
    ("GET", AT + "/groups/<name>", group),
    ("PATCH", AT + "/groups/<name>", change_group),
    ("DELETE", AT + "/groups/<name>", archive_group),
    ("GET", AT + "/<name>", one),
    ("PATCH", AT + "/<name>", change),
    ("DELETE", AT + "/<name>", archive),
)
