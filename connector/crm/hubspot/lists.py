"""
Who is in a segment: everybody, a HubSpot list, or all contacts with one value in a property.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.pages import rows, walk
from connector.crm.hubspot.properties import definitions
from connector.decide.dictionary import Dictionary
from connector.errors import CRMDownError, NotFoundError, PayloadError
from connector.model import JSON

EVERYBODY = "all"
CONTACT_TYPE = "0-1"
CONTACTS_PAGE, MEMBERS_PAGE, FOUND_PAGE = 100, 250, 200
HOW = "write `all`, `list:<number of a HubSpot list>` or `property=value`"


def members(gateway: Gateway, dictionary: Dictionary, segment: str) -> Iterator[str]:
    """
    Yield the contact ids of *segment*, each once: `all`, `list:42` or `plan=team`.

    NotFoundError where the portal has no such list or property, PayloadError where it is neither.
    """
    name, sign, value = (part.strip() for part in segment.partition("="))
    number = name.removeprefix("list:").strip()
    if sign and name:
        return _found(gateway, _property(gateway, dictionary, name), value)
    if name == EVERYBODY:
        return _everybody(gateway)
    if number.isascii() and number.isdigit():
        return _listed(gateway, number)
    raise PayloadError(f"the segment {segment[:80]!r} cannot be read: {HOW}")


def _everybody(gateway: Gateway) -> Iterator[str]:
    page = partial(
        gateway.ask,
        gateway.client.crm.objects.basic_api.get_page,
        "contacts",
        limit=CONTACTS_PAGE,
        properties=["hs_object_id"],
    )
    return _once(str(row["id"]) for row in walk(lambda after: page(**after)))


def _listed(gateway: Gateway, number: str) -> Iterator[str]:
    _must_hold_contacts(gateway, number)
    page = partial(
        gateway.ask,
        gateway.client.crm.lists.memberships_api.get_page,
        number,
        limit=MEMBERS_PAGE,
    )
    return _once(str(row["recordId"]) for row in walk(lambda after: page(**after)))


def _must_hold_contacts(gateway: Gateway, number: str) -> None:
    try:
        body = gateway.ask(gateway.client.crm.lists.lists_api.get_by_id, number)
    except NotFoundError:
        raise NotFoundError(
            f"the portal has no list {number}; its number stands in the address of the list's page"
        ) from None
    told = body.get("list") or body
    if told.get("objectTypeId", CONTACT_TYPE) != CONTACT_TYPE:
        raise PayloadError(f"list {number} does not hold contacts; choose one that does")


def _property(gateway: Gateway, dictionary: Dictionary, name: str) -> str:
    word = name if name.startswith("contact.") else f"contact.{name}"
    found = dictionary.field(word) or name
    if found not in definitions(gateway, "contacts"):
        raise NotFoundError(f"the portal's contacts have no property {found[:80]!r} to search by")
    return found


def _found(gateway: Gateway, name: str, value: str) -> Iterator[str]:
    """
    Walk all contacts with a value, or without any, by rising id.

    A search ends at 10,000 results however it is paged, so each page begins behind the last id.
    """
    last = 0
    while True:
        body = gateway.ask(
            gateway.client.crm.objects.search_api.do_search, "contacts", _query(name, value, last)
        )
        ids = sorted(int(row["id"]) for row in rows(body))
        if ids and ids[0] <= last:
            raise CRMDownError("HubSpot's search leads in a circle; trying again is safe")
        yield from map(str, ids)
        if len(ids) < FOUND_PAGE:
            return
        last = ids[-1]


def _query(name: str, value: str, last: int) -> JSON:
    wanted = (
        {"propertyName": name, "operator": "EQ", "value": value}
        if value
        else {"propertyName": name, "operator": "NOT_HAS_PROPERTY"}
    )
    behind = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}
    return {
        "filterGroups": [{"filters": [wanted, behind]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_object_id"],
        "limit": FOUND_PAGE,
    }


def _once(ids: Iterator[str]) -> Iterator[str]:
    # numbers take a third of the room, and a list may hold a million
    seen: set[int] = set()
    for one in ids:
        if int(one) not in seen:
            seen.add(int(one))
            yield one
