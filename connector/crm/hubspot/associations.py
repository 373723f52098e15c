"""
Which records belong together, asked for a thousand at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.pages import rows
from connector.model import JSON

MOST = 1_000
# a company may have hundreds of contacts, and a thousand such companies are too long an answer
FEWER = {("companies", "contacts"): 100}
HUBSPOT = "HUBSPOT_DEFINED"
# the association that says "this one before all others" (hubspot.md §4.1)
PRIMARY = {("contacts", "companies"): 1, ("companies", "contacts"): 2, ("deals", "companies"): 5}


def associated(
    gateway: Gateway, from_type: str, to_type: str, ids: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """
    Return the ids of *to_type* that each record belongs with: the primary ones first, then by id.

    Only the first page of each record is read: it holds hundreds, and no video shows more.
    """
    found: dict[str, tuple[str, ...]] = {}
    asked = list(dict.fromkeys(ids))
    primary = PRIMARY.get((from_type, to_type))
    most = FEWER.get((from_type, to_type), MOST)
    for start in range(0, len(asked), most):
        body = gateway.ask(
            gateway.client.crm.associations.v4.batch_api.get_page,
            from_type,
            to_type,
            {"inputs": [{"id": record} for record in asked[start : start + most]]},
        )
        found |= {str(one["from"]["id"]): _ordered(one["to"], primary) for one in rows(body)}
    return found


def _ordered(links: Collection[Mapping[str, JSON]], primary: int | None) -> tuple[str, ...]:
    ranked = sorted((not _is(link, primary), int(link["toObjectId"])) for link in links)
    return tuple(str(record) for _, record in ranked)


def _is(link: Mapping[str, JSON], primary: int | None) -> bool:
    # an admin's own labels are counted from 1 as well
    return any(
        kind.get("category") == HUBSPOT and kind.get("typeId") == primary
        for kind in link.get("associationTypes") or ()
    )
