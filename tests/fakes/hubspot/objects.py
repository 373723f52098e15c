"""Single records: show, list, make, change, archive, merge, and delete for good."""

from __future__ import annotations

from typing import Any

from tests.fakes.hubspot import memory
from tests.fakes.hubspot.answers import Body, RefusalError, absent, invalid
from tests.fakes.hubspot.call import Call, Route, kind_of, page
from tests.fakes.hubspot.checks import fitting, gone, trouble
from tests.fakes.hubspot.kinds import ASSOCIATIONS, NAMES
from tests.fakes.hubspot.links import associate, linked
from tests.fakes.hubspot.portal import FakeHubSpot


def listed(call: Call, kind: str) -> tuple[Any, int]:
    """List records, a page at a time."""
    kind, names = kind_of(kind), call.names("properties")
    archived = call.query.get("archived") == "true"
    held = call.fake.archived[kind] if archived else call.fake.records[kind]
    ids, following = page(held, call, 100, 10)
    results = [memory.shown(call.fake, kind, record, names) for record in ids]
    return {"results": results, **following}, 200


def one(call: Call, kind: str, record: str) -> tuple[Any, int]:
    """Show one record, with what it is associated with where that is asked for."""
    kind = kind_of(kind)
    found = _found(call, kind, record)
    body = memory.shown(call.fake, kind, found, call.names("properties"))
    if wanted := call.names("associations"):
        body["associations"] = {
            name: {"results": _old_links(call.fake, (kind, found), kind_of(name))}
            for name in wanted
        }
    if names := call.names("propertiesWithHistory"):
        body["propertiesWithHistory"] = memory.histories(call.fake, kind, found, names)
    return body, 200


def create(call: Call, kind: str) -> tuple[Any, int]:
    """Make a record, with its associations."""
    kind, body = kind_of(kind), call.body()
    if said := trouble(call.fake, kind, "", body.get("properties", {}), new=True):
        raise _refused(said)
    return make(call, kind, body), 201


def change(call: Call, kind: str, record: str) -> tuple[Any, int]:
    """Change some properties of a record."""
    kind, properties = kind_of(kind), call.body().get("properties", {})
    found = _found(call, kind, record)
    if said := trouble(call.fake, kind, found, properties):
        raise _refused(said)
    values, _ = fitting(call.fake, kind, properties)
    memory.put(call.fake, kind, found, values, call.origin)
    return memory.shown(call.fake, kind, found, list(values)), 200


def archive(call: Call, kind: str, record: str) -> tuple[Any, int]:
    """Archive a record; one that is gone is fine."""
    memory.archive(call.fake, kind_of(kind), record, call.origin)
    return None, 204


def forget(call: Call, kind: str) -> tuple[Any, int]:
    """Delete a contact for good."""
    body = call.body()
    found = memory.find(call.fake, kind_of(kind), str(body["objectId"]), body.get("idProperty"))
    if found is not None:
        memory.forget(call.fake, found, call.origin)
    return None, 204


def merge(call: Call, kind: str) -> tuple[Any, int]:
    """Merge two records."""
    kind, body = kind_of(kind), call.body()
    winner, loser = (str(body[name]) for name in ("primaryObjectId", "objectIdToMerge"))
    for record in (winner, loser):
        _found(call, kind, record)
    memory.merge(call.fake, kind, winner, loser, call.origin)
    return memory.shown(call.fake, kind, winner, None), 200


def make(call: Call, kind: str, body: Body) -> Body:
    """Make a record whose values have been looked at."""
    fake = call.fake
    values, _ = fitting(fake, kind, body.get("properties", {}))
    if kind == "contacts":
        _one_of_each_address(fake, values.get("email"))
    targets = [_target(fake, one) for one in body.get("associations") or ()]
    record = str(next(fake.ids))
    memory.put(fake, kind, record, values, call.origin)
    for other, types in targets:
        for type_id in types:
            associate(fake, (kind, record), other, type_id)
    return memory.shown(fake, kind, record, list(values))


def _target(fake: FakeHubSpot, one: Body) -> tuple[tuple[str, str], list[int]]:
    record = str(one["to"]["id"])
    kinds = [kind for kind in fake.records if record in fake.records[kind]]
    if not kinds:
        raise invalid(f"The object with id {record} does not exist")
    types = [int(one_type["associationTypeId"]) for one_type in one["types"]]
    return (_meant(kinds, types), record), types


def _meant(kinds: list[str], types: list[int]) -> str:
    named = [there for (_, there), number in ASSOCIATIONS.items() if number in types]
    return next((kind for kind in named if kind in kinds), kinds[0])


def _one_of_each_address(fake: FakeHubSpot, email: str | None) -> None:
    if email and (there := memory.find(fake, "contacts", email, "email")):
        raise RefusalError(409, "CONFLICT", f"Contact already exists. Existing ID: {there}")


def _old_links(fake: FakeHubSpot, ref: tuple[str, str], kind: str) -> list[Body]:
    return [{"id": str(row["toObjectId"]), "type": NAMES[kind]} for row in linked(fake, ref, kind)]


def _found(call: Call, kind: str, record: str) -> str:
    found = memory.find(call.fake, kind, record, call.query.get("idProperty"))
    if found is None:
        raise absent(gone(kind, record)["message"])
    return found


def _refused(said: Body) -> RefusalError:
    refusal = RefusalError(400, said["category"], said["message"])
    refusal.body = said
    return refusal


AT = "/crm/objects/{V}/<kind>"
ROUTES: tuple[Route, ...] = (
    ("GET", AT, listed),
    ("POST", AT, create),
    ("POST", AT + "/gdpr-delete", forget),
    ("POST", AT + "/merge", merge),
    ("GET", AT + "/<record>", one),
    ("PATCH", AT + "/<record>", change),
    ("DELETE", AT + "/<record>", archive),
)
