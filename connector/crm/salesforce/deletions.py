"""
Who is gone from an org: deleted, merged, converted from a lead, or to be forgotten.

No flow tells of these reliably, so they are looked for. The keys hold no time: who is gone is gone
once, by whatever way we learn of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.ids import CONTACT, LEAD, is_id
from connector.crm.salesforce.kept import described, readable
from connector.crm.salesforce.recent import (
    found,
    id_of,
    in_order,
    since_then,
    time_of,
    while_allowed,
)
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import select
from connector.errors import CRMDownError
from connector.model import JSON, Subject, Trigger

DELETED, MERGED = "contact_deleted", "contact_merged"
STAMP, MASTER, CONVERTED = "SystemModstamp", "MasterRecordId", "ConvertedContactId"
FORGET, FORGOTTEN_AT = "Individual.ShouldForget", "Individual.SystemModstamp"
# Salesforce tells of deletions 15 days back; a little less, because its clock is not ours
LONGEST_AGO, LEAST_SPAN = timedelta(days=14, hours=23), timedelta(minutes=2)


def gone(gateway: Gateway, since: datetime) -> Iterator[Trigger]:
    """Yield a trigger for each contact or lead that went since, merges before deletions."""
    people = [name for name in (CONTACT, LEAD) if described(gateway, name).known]
    if LEAD in people:
        yield from while_allowed("Lead.IsConverted", _converted(gateway, since))
    for name in people:
        yield from while_allowed(f"{name}.IsDeleted", _deleted(gateway, name, since))
    for name in people:
        yield from while_allowed(f"{name}.{FORGET}", _forgotten(gateway, name, since))


def _converted(gateway: Gateway, since: datetime) -> Iterator[Trigger]:
    if not readable(gateway, LEAD, [CONVERTED]):
        return
    where = f"IsConverted = true AND {since_then(STAMP, since)}"
    for row in gateway.query(select(["Id", CONVERTED, STAMP], LEAD, where, in_order(STAMP))):
        # a lead may become an account alone, as where a contact was found to be there
        if is_id(row.get(CONVERTED)):
            yield _merged(row, str(row[CONVERTED]))


def _deleted(gateway: Gateway, name: str, since: datetime) -> Iterator[Trigger]:
    fields = ["Id", STAMP, *readable(gateway, name, [MASTER])]
    where = f"IsDeleted = true AND {since_then(STAMP, since)}"
    soql = select(fields, name, where, in_order(STAMP))
    begun = False
    try:
        for row in gateway.query(soql, deleted=True):
            begun = True
            yield _merged(row, str(row[MASTER])) if is_id(row.get(MASTER)) else _gone(row)
    except RefusedError:
        if begun:
            raise
        yield from _listed(gateway, name, since)


def _listed(gateway: Gateway, name: str, since: datetime) -> Iterator[Trigger]:
    """Ask for the list of what was deleted, which does not know what was merged into what."""
    now = datetime.now(UTC)
    # a span may not begin too long ago, nor be shorter than a minute
    start = min(max(since.astimezone(UTC), now - LONGEST_AGO), now - LEAST_SPAN)
    span = {"start": _second(start), "end": _second(now)}
    told = gateway.call("GET", f"sobjects/{name}/deleted/", query=span)
    rows = told.get("deletedRecords") if isinstance(told, dict) else None
    if not isinstance(rows, list):
        raise CRMDownError("Salesforce told no deletions; trying again is safe")
    for row in rows:
        yield _deletion(row.get("id"), row.get("deletedDate"))


def _forgotten(gateway: Gateway, name: str, since: datetime) -> Iterator[Trigger]:
    """Find who asked to be forgotten, or came to belong to somebody who did."""
    if len(readable(gateway, name, [FORGET, FORGOTTEN_AT])) < 2:
        return
    lately = f"({since_then(FORGOTTEN_AT, since)} OR {since_then(STAMP, since)})"
    where = f"{FORGET} = true AND {lately}"
    for row in gateway.query(select(["Id", STAMP], name, where, in_order(STAMP))):
        yield _gone(row)


def _gone(row: Row) -> Trigger:
    return _deletion(row.get("Id"), row.get(STAMP))


def _deletion(record: JSON, at: JSON) -> Trigger:
    return found(DELETED, Subject("contact", id_of(record)), time_of(at))


def _merged(row: Row, into: str) -> Trigger:
    loser, winner = id_of(row.get("Id")), id_of(into)
    at, facts = time_of(row.get(STAMP)), {"from": [loser], "into": winner}
    return found(MERGED, Subject("contact", winner), at, loser, facts=facts)


def _second(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
