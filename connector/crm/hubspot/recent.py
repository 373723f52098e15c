"""
What is new in a portal: records found by a time of theirs, and what their properties held when.

HubSpot's search is a little behind its records, so whoever asks should go back further than needed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.pages import Row, rows
from connector.crm.hubspot.properties import convert
from connector.crm.hubspot.refusals import RefusedError
from connector.errors import CRMDownError
from connector.model import JSON
from connector.store.clock import milliseconds

FORBIDDEN = 403
PAGE = 200
MOST_HISTORIES = 50
CHANGED_AT = {"contacts": "lastmodifieddate"}
CREATED_AT = dict.fromkeys(("contacts", "companies", "deals", "tickets"), "createdate")

Filter = Mapping[str, JSON]
T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Moment:
    """What a property held from a time on."""

    value: str
    at: datetime


def changed_at(object_type: str) -> str:
    """Name the property that says when a record was changed."""
    return CHANGED_AT.get(object_type, "hs_lastmodifieddate")


def created_at(object_type: str) -> str:
    """Name the property that says when a record was made."""
    return CREATED_AT.get(object_type, "hs_createdate")


def since_then(name: str, since: datetime) -> Filter:
    """Return the filter for a time that is not before *since*."""
    return {"propertyName": name, "operator": "GTE", "value": str(milliseconds(since))}


def filled(name: str) -> Filter:
    """Return the filter for a property that holds anything."""
    return {"propertyName": name, "operator": "HAS_PROPERTY"}


def pages(
    gateway: Gateway, object_type: str, groups: Sequence[Sequence[Filter]], names: Collection[str]
) -> Iterator[list[Row]]:
    """
    Yield, a page at a time, the records that pass all filters of any group, with properties *names*.

    A search ends at 10,000 results however it is paged, so each page begins behind the last id.
    """
    last = 0
    while True:
        body = gateway.ask(
            gateway.client.crm.objects.search_api.do_search,
            object_type,
            _query(groups, names, last),
        )
        page = sorted(rows(body), key=lambda row: int(row["id"]))
        if page and int(page[0]["id"]) <= last:
            raise CRMDownError("HubSpot's search leads in a circle; trying again is safe")
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = int(page[-1]["id"])


def histories(
    gateway: Gateway, object_type: str, ids: Sequence[str], names: Collection[str]
) -> dict[str, dict[str, list[Moment]]]:
    """Return by record and property what it held, oldest first; a record that is gone is absent."""
    found: dict[str, dict[str, list[Moment]]] = {}
    for start in range(0, len(ids), MOST_HISTORIES):
        body = gateway.ask(
            gateway.client.crm.objects.batch_api.read,
            object_type,
            {
                "inputs": [{"id": record} for record in ids[start : start + MOST_HISTORIES]],
                "properties": [],
                "propertiesWithHistory": sorted(names),
            },
        )
        found |= {str(row["id"]): _histories(row) for row in rows(body)}
    return found


def while_allowed(what: str, found: Iterator[T]) -> Iterator[T]:
    """Yield what is found; where a scope for it is missing, end with a line in the log instead."""
    try:
        yield from found
    except RefusedError as error:
        if error.status != FORBIDDEN:
            raise
        log.warning("the portal does not let us read this", what=what, reason=error.reason)


def time_of(value: JSON) -> datetime | None:
    """Return a time as HubSpot writes it, in text or milliseconds; None where it is none."""
    text = convert(value, "datetime")
    return None if text is None else datetime.fromisoformat(str(text))


def _query(groups: Sequence[Sequence[Filter]], names: Collection[str], last: int) -> JSON:
    behind = {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)}
    return {
        "filterGroups": [{"filters": [*group, behind]} for group in groups],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": sorted(names),
        "limit": PAGE,
    }


def _histories(row: Row) -> dict[str, list[Moment]]:
    held = row.get("propertiesWithHistory") or {}
    return {name: sorted(_moments(entries), key=_at) for name, entries in held.items()}


def _moments(entries: JSON) -> Iterator[Moment]:
    for entry in entries or ():
        at = time_of(entry.get("timestamp"))
        if at is not None:
            value = entry.get("value")
            yield Moment("" if value is None else str(value), at)


def _at(moment: Moment) -> datetime:
    return moment.at
