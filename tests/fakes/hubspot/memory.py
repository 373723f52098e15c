"""How records change: values, history, times, and the events that each change is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.hubspot import events
from tests.fakes.hubspot.answers import Body
from tests.fakes.hubspot.kinds import CHANGED_AT, CREATED_AT
from tests.fakes.hubspot.values import iso

if TYPE_CHECKING:
    from tests.fakes.hubspot.portal import FakeHubSpot

REMEMBERED = 20


@dataclass(frozen=True)
class Origin:
    """Who made a change, as events and histories tell it."""

    source: str
    source_id: str


@dataclass
class Times:
    """When a record was made and changed."""

    created: datetime
    updated: datetime


FAR_SIDE = Origin("CRM_UI", "userId:98499705")


def planted(properties: Mapping[str, Any]) -> dict[str, str | None]:
    """Return values as text without asking whether their property takes them."""
    return {name: _text(value) for name, value in properties.items()}


def put(
    fake: FakeHubSpot,
    kind: str,
    record: str,
    values: Mapping[str, str | None],
    origin: Origin,
    at: datetime | None = None,
) -> None:
    """Make or change a record; empty values leave nothing behind."""
    now = at or datetime.now(UTC)
    new = record not in fake.records[kind]
    held = fake.records[kind].setdefault(record, {})
    changed = {name: value for name, value in values.items() if held.get(name) != value}
    for name, value in changed.items():
        held[name] = value
        if value is None:
            del held[name]
        _remember(fake, (kind, record), name, value, origin, now)
    if new:
        events.tell(fake, "creation", kind, record, origin, now, changeFlag="CREATED")
    if new or changed:
        _stamp(fake, kind, record, now)
    for name, value in changed.items():
        more = {"propertyName": name, "propertyValue": _told(value)}
        events.tell(fake, name, kind, record, origin, now, **more)


def archive(
    fake: FakeHubSpot, kind: str, record: str, origin: Origin, at: datetime | None = None
) -> None:
    """Delete a record so that it can be restored; one that is gone stays gone."""
    held = fake.records[kind].pop(record, None)
    if held is None:
        return
    fake.archived[kind][record] = held
    now = at or datetime.now(UTC)
    events.tell(fake, "deletion", kind, record, origin, now, changeFlag="DELETED")


def restore(
    fake: FakeHubSpot, kind: str, record: str, origin: Origin, at: datetime | None = None
) -> None:
    """Bring a deleted record back as it was."""
    fake.records[kind][record] = fake.archived[kind].pop(record)
    events.tell(fake, "restore", kind, record, origin, at or datetime.now(UTC))


def forget(fake: FakeHubSpot, contact: str, origin: Origin, at: datetime | None = None) -> None:
    """Delete a contact for good; two events tell of it, in any order."""
    now = at or datetime.now(UTC)
    archive(fake, "contacts", contact, origin, now)
    fake.archived["contacts"].pop(contact, None)
    fake.history.pop(("contacts", contact), None)
    events.tell(fake, "privacyDeletion", "contacts", contact, origin, now, changeFlag="DELETED")


def merge(
    fake: FakeHubSpot,
    kind: str,
    winner: str,
    loser: str,
    origin: Origin,
    at: datetime | None = None,
) -> None:
    """Merge two records: what the winner lacks comes from the loser, which is gone then."""
    gone = fake.records[kind].pop(loser)
    held = fake.records[kind][winner]
    missing = {name: value for name, value in gone.items() if name not in held}
    fake.merged[kind][loser] = winner
    for number, others in fake.links.pop((kind, loser), {}).items():
        for other in others:
            fake.associate(kind, winner, number, other)
    put(fake, kind, winner, missing, origin, at)
    more = {
        "primaryObjectId": events.number(winner),
        "mergedObjectIds": [events.number(loser)],
        "newObjectId": events.number(winner),
        "numberOfPropertiesMoved": len(missing),
    }
    events.tell(fake, "merge", kind, winner, origin, at or datetime.now(UTC), **more)


def find(fake: FakeHubSpot, kind: str, value: str, by: str | None = None) -> str | None:
    """Return the id of a live record, by its id or a unique property."""
    if by not in (None, "", "hs_object_id"):
        return next(_having(fake, kind, str(by), value), None)
    if fake.merged_ids_resolve:
        value = fake.merged[kind].get(value, value)
    return value if value in fake.records[kind] else None


def every(fake: FakeHubSpot, kind: str, record: str) -> dict[str, str | None]:
    """Return all values of a record, with those that HubSpot itself keeps."""
    times = times_of(fake, kind, record)
    held = fake.records[kind].get(record) or fake.archived[kind].get(record) or {}
    own = {
        "hs_object_id": record,
        CREATED_AT.get(kind, "hs_createdate"): iso(times.created),
        CHANGED_AT.get(kind, "hs_lastmodifieddate"): iso(times.updated),
    }
    return own | held


def value(fake: FakeHubSpot, kind: str, record: str, name: str) -> str | None:
    """Return one value of a live record, as every() would."""
    held = fake.records[kind][record]
    if name in held:
        return str(held[name])
    if name == "hs_object_id":
        return record
    if name == CHANGED_AT.get(kind, "hs_lastmodifieddate"):
        return iso(times_of(fake, kind, record).updated)
    if name == CREATED_AT.get(kind, "hs_createdate"):
        return iso(times_of(fake, kind, record).created)
    return None


def times_of(fake: FakeHubSpot, kind: str, record: str) -> Times:
    """Return when a record was made and changed, also where a test put it there by hand."""
    known = fake.times.get((kind, record))
    if known is None:
        now = datetime.now(UTC)
        known = fake.times[(kind, record)] = Times(now, now)
    return known


def shown(fake: FakeHubSpot, kind: str, record: str, names: list[str] | None) -> Body:
    """Return a record as an answer holds it, with *names* or the usual few."""
    values, known = every(fake, kind, record), fake.properties[kind]
    always = [CREATED_AT.get(kind, "hs_createdate"), "hs_object_id"]
    always.append(CHANGED_AT.get(kind, "hs_lastmodifieddate"))
    wanted = [*(names if names else _usual(kind)), *always]
    times = times_of(fake, kind, record)
    return {
        "id": record,
        "properties": {name: values.get(name) for name in wanted if name in known},
        "createdAt": iso(times.created),
        "updatedAt": iso(times.updated),
        "archived": record not in fake.records[kind],
    }


def histories(fake: FakeHubSpot, kind: str, record: str, names: list[str]) -> dict[str, list[Body]]:
    """Return what the properties held before, newest first."""
    held = fake.history.get((kind, record), {})
    return {name: list(reversed(held.get(name, []))) for name in names}


def _having(fake: FakeHubSpot, kind: str, name: str, value: str) -> Iterator[str]:
    wanted = value.lower()
    for record, values in fake.records[kind].items():
        if str(values.get(name, "")).lower() == wanted:
            yield record


def _remember(
    fake: FakeHubSpot,
    key: tuple[str, str],
    name: str,
    value: str | None,
    origin: Origin,
    at: datetime,
) -> None:
    held = fake.history.setdefault(key, {}).setdefault(name, [])
    held.append({"value": _told(value), "timestamp": iso(at), "sourceType": origin.source,
                 "sourceId": origin.source_id})  # fmt: skip
    del held[:-REMEMBERED]


def _stamp(fake: FakeHubSpot, kind: str, record: str, at: datetime) -> None:
    held = fake.times.setdefault((kind, record), Times(at, at))
    held.updated = max(held.updated, at)


def _usual(kind: str) -> list[str]:
    return {
        "contacts": ["email", "firstname", "lastname"],
        "companies": ["domain", "name"],
        "deals": ["amount", "closedate", "dealname", "dealstage", "pipeline"],
    }.get(kind, [])


def _told(value: str | None) -> str:
    return "" if value is None else value


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso(value)
    return json.dumps(value) if isinstance(value, list | dict) else str(value)
