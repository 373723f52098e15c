"""The account itself, its colleagues, and its limit of custom properties."""

from __future__ import annotations

from typing import Any

from tests.fakes.hubspot.answers import absent
from tests.fakes.hubspot.call import Call, Route, page
from tests.fakes.hubspot.kinds import IDS, SINGULAR
from tests.fakes.hubspot.properties import customs


def details(call: Call) -> tuple[Any, int]:
    """Tell which portal this is."""
    return {"portalId": int(call.fake.portal), **call.fake.account}, 200


def owners(call: Call) -> tuple[Any, int]:
    """List the colleagues."""
    email = call.query.get("email")
    found = [one for one in call.fake.owners.values() if email in (None, one["email"])]
    cut, following = page(found, call, 500)
    return {"results": cut, **following}, 200


def owner(call: Call, owner: str) -> tuple[Any, int]:
    """Show one colleague."""
    if owner not in call.fake.owners:
        raise absent(f"owner {owner}")
    return call.fake.owners[owner], 200


def property_limits(call: Call) -> tuple[Any, int]:
    """Tell how many custom properties are used; the shape is not known for sure."""
    limit = call.fake.property_limit
    used = {kind: len(customs(call.fake, kind)) for kind in IDS}
    by_type = [
        {"objectTypeId": IDS[kind], "singularLabel": SINGULAR[kind], "limit": limit, "usage": count}
        for kind, count in used.items()
    ]
    return {"overallLimit": limit, "overallUsage": sum(used.values()), "byObjectType": by_type}, 200


ROUTES: tuple[Route, ...] = (
    ("GET", "/account-info/{V}/details", details),
    ("GET", "/crm/owners/{V}", owners),
    ("GET", "/crm/owners/{V}/<owner>", owner),
    ("GET", "/crm/limits/{V}/custom-properties", property_limits),
)
