"""Lists of contacts and who is on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.fakes.hubspot.answers import Body, RefusalError, absent, invalid
from tests.fakes.hubspot.call import Call, Route, page
from tests.fakes.hubspot.values import iso

LARGEST_PAGE = 250


def one(call: Call, list_id: str) -> tuple[Any, int]:
    """Show a list."""
    return {"list": _shown(call, _there(call, list_id))}, 200


def several(call: Call) -> tuple[Any, int]:
    """Show the lists that are asked for by id."""
    wanted = [list_id for list_id in call.names("listIds") if list_id in call.fake.lists]
    return {"lists": [_shown(call, list_id) for list_id in wanted]}, 200


def create(call: Call) -> tuple[Any, int]:
    """Make a list; a name is there once."""
    body = call.body()
    if any(facts["name"] == body["name"] for facts in call.fake.list_facts.values()):
        raise RefusalError(409, "CONFLICT", f"a list called {body['name']} already exists")
    list_id = call.fake.add_list(str(next(call.fake.ids)), (), body["processingType"], body["name"])
    return {"list": _shown(call, list_id)}, 200


def search(call: Call) -> tuple[Any, int]:
    """Find lists by a piece of their name."""
    body = call.body()
    query, start = str(body.get("query", "")).lower(), int(body.get("offset", 0))
    types = body.get("processingTypes") or []
    found = [
        shown
        for list_id in call.fake.lists
        if query in (shown := _shown(call, list_id))["name"].lower()
        and (not types or shown["processingType"] in types)
    ]
    end = start + int(body.get("count", 20))
    return {"lists": found[start:end], "total": len(found), "offset": end,
            "hasMore": end < len(found)}, 200  # fmt: skip


def members(call: Call, list_id: str) -> tuple[Any, int]:
    """List who is on a list, at most 250 a page."""
    now = iso(datetime.now(UTC))
    ids, following = page(_ordered(call, _there(call, list_id)), call, LARGEST_PAGE)
    rows = [{"recordId": one, "membershipTimestamp": now} for one in ids]
    return {"results": rows, **following}, 200


def add(call: Call, list_id: str) -> tuple[Any, int]:
    """Put contacts on a static list."""
    return _write(call, list_id, add=True), 200


def remove(call: Call, list_id: str) -> tuple[Any, int]:
    """Take contacts off a static list."""
    return _write(call, list_id, add=False), 200


def _write(call: Call, list_id: str, *, add: bool) -> Body:
    if _shown(call, _there(call, list_id))["processingType"] == "DYNAMIC":
        raise invalid(
            f"List {list_id} has processing type DYNAMIC: its members cannot be written.",
            subCategory="ListError.INVALID_PROCESSING_TYPE",
        )
    held, asked = call.fake.lists[list_id], [str(one) for one in call.json()]
    there = [one for one in asked if one in call.fake.records["contacts"]]
    changed = [one for one in there if (one in held) != add]
    (held.update if add else held.difference_update)(changed)
    return {
        "recordsIdsAdded": changed if add else [],
        "recordsIdsRemoved": [] if add else changed,
        "recordIdsMissing": [one for one in asked if one not in there],
    }


def _ordered(call: Call, list_id: str) -> list[str]:
    # a large list is put in order once for all its pages, unless somebody comes or goes
    members = call.fake.lists[list_id]
    known = call.fake.list_orders.get(list_id)
    if known is None or known[0] != members:
        ordered = sorted(members, key=lambda one: (len(one), one))
        known = call.fake.list_orders[list_id] = (set(members), ordered)
    return known[1]


def _there(call: Call, list_id: str) -> str:
    if list_id not in call.fake.lists:
        raise absent(f"List {list_id}")
    return list_id


def _shown(call: Call, list_id: str) -> Body:
    facts = call.fake.list_facts.get(list_id, {})
    return {
        "listId": list_id,
        "name": facts.get("name", f"List {list_id}"),
        "objectTypeId": "0-1",
        "processingType": facts.get("processingType", "MANUAL"),
        "processingStatus": "COMPLETE",
        "listVersion": 1,
        "size": len(call.fake.lists[list_id]),
    }


AT = "/crm/lists/{V}"
ROUTES: tuple[Route, ...] = (
    ("GET", AT, several),
    ("POST", AT, create),
    ("POST", AT + "/search", search),
    ("GET", AT + "/<list_id>", one),
    ("GET", AT + "/<list_id>/memberships", members),
    ("PUT", AT + "/<list_id>/memberships/add", add),
    ("PUT", AT + "/<list_id>/memberships/remove", remove),
)
