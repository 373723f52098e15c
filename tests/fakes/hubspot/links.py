"""Associations between records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.hubspot.answers import Body
from tests.fakes.hubspot.events import number
from tests.fakes.hubspot.kinds import ASSOCIATIONS, PRIMARY

if TYPE_CHECKING:
    from tests.fakes.hubspot.portal import FakeHubSpot

Ref = tuple[str, str]
UNKNOWN = 9999


def associate(fake: FakeHubSpot, one: Ref, other: Ref, type_id: int | None = None) -> None:
    """Associate two records both ways, by *type_id* or the usual type."""
    for here, there in ((one, other), (other, one)):
        usual = ASSOCIATIONS.get((here[0], there[0]), UNKNOWN)
        held = fake.links[here].setdefault(there[0], {})
        types = held.setdefault(there[1], [usual])
        if here == one and type_id is not None and type_id not in types:
            types.insert(0, type_id)
    _first_is_primary(fake, one, other)


def separate(fake: FakeHubSpot, one: Ref, other: Ref) -> None:
    """Take an association back, both ways."""
    for here, there in ((one, other), (other, one)):
        fake.links[here].get(there[0], {}).pop(there[1], None)


def linked(fake: FakeHubSpot, one: Ref, kind: str) -> list[Body]:
    """Return what a record is associated with, only what is still there, in the v4 shape."""
    held = fake.links.get(one, {}).get(kind, {})
    return [
        {"toObjectId": number(other), "associationTypes": [_type(one_type) for one_type in types]}
        for other, types in held.items()
        if other in fake.records[kind]
    ]


def _first_is_primary(fake: FakeHubSpot, one: Ref, other: Ref) -> None:
    for here, there in ((one, other), (other, one)):
        primary = PRIMARY.get((here[0], there[0]))
        contact, company = (here, there) if here[0] == "contacts" else (there, here)
        only = len(fake.links[contact].get("companies", {})) == 1
        types = fake.links[here][there[0]][there[1]]
        if primary and company[0] == "companies" and only and primary not in types:
            types.insert(0, primary)


def _type(number_of_type: int) -> Body:
    label = "Primary" if number_of_type in PRIMARY.values() else None
    return {"category": "HUBSPOT_DEFINED", "typeId": number_of_type, "label": label}
