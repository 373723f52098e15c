"""
Records by their ids, a hundred to a call, with just the properties that are named.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.pages import rows
from connector.model import JSON

# HubSpot's limit; its specification does not say so
MOST = 100
LONGEST_ID = 20

Properties = Mapping[str, JSON]


def read_objects(
    gateway: Gateway, object_type: str, ids: Iterable[str], names: Collection[str]
) -> dict[str, Properties]:
    """Return the properties of each record; one that is archived, merged away or unknown is absent."""
    asked = [record for record in dict.fromkeys(ids) if is_id(record)]
    found: dict[str, Properties] = {}
    for start in range(0, len(asked), MOST):
        found |= _hundred(gateway, object_type, asked[start : start + MOST], names)
    return found


def is_id(text: str) -> bool:
    """Tell whether this can be the id of a record; one that cannot would spoil the whole batch."""
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_ID


def _hundred(
    gateway: Gateway, object_type: str, ids: Collection[str], names: Collection[str]
) -> dict[str, Properties]:
    body = gateway.ask(
        gateway.client.crm.objects.batch_api.read,
        object_type,
        {
            "inputs": [{"id": record} for record in ids],
            "properties": sorted(names),
            "propertiesWithHistory": [],
        },
    )
    return {
        str(one["id"]): one.get("properties") or {}
        for one in rows(body)
        if str(one["id"]) in ids and not one.get("archived")
    }
