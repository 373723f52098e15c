"""
What later became of contacts: opportunities, cases, meetings and answers to campaigns.

One query for each: an opportunity brings its stages and its contact along. What our user may not see
is left out, with a line in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.ids import is_id, whole
from connector.crm.salesforce.items import at, beneath, moment, value
from connector.crm.salesforce.kept import described, readable
from connector.crm.salesforce.people import is_person
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import moment as literal
from connector.crm.salesforce.soql import select
from connector.model import JSON, Happening

CHANGED = "SystemModstamp"
DEAL = ("StageName", "Amount", "IsWon", "IsClosed", "CloseDate", "LastStageChangeDate",
        "CurrencyIsoCode")  # fmt: skip
CASE = ("ContactId", "CreatedDate", "ClosedDate", "Status")
EVENT = ("WhoId", "StartDateTime", "ActivityDate")
ANSWER = ("ContactId", "LeadId", "CampaignId", "FirstRespondedDate", "Status")
# an opportunity's stages, newest first, and its contact, primary first
STAGES, ROLES = "OpportunityHistories", "OpportunityContactRoles"
BENEATH = {
    STAGES: (("StageName", "Amount", "CreatedDate"), "ORDER BY CreatedDate DESC LIMIT 50"),
    ROLES: (("ContactId",), "ORDER BY IsPrimary DESC, CreatedDate LIMIT 1"),
}
FORBIDDEN = frozenset(
    {"INVALID_FIELD", "INVALID_TYPE", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"}
)
LONGEST_FACT = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Stage:
    """What stage an opportunity came to, when, and what it was worth while there."""

    name: str
    at: datetime
    amount: JSON = None


def outcomes(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    """
    Yield what happened since, and the present state of what was changed since.

    The key of a happening stays the same when it is read again; its amount may have changed.
    """
    for name, read in READERS.items():
        try:
            yield from read(gateway, since)
        except RefusedError as error:
            if error.code not in FORBIDDEN:
                raise
            _left_out(name, error.reason)


def _changed(
    gateway: Gateway, name: str, since: datetime, fields: Sequence[str], where: str = ""
) -> Iterator[Row]:
    """Yield the rows of an object that were changed since, with those *fields* that we may see."""
    here = described(gateway, name)
    if not here.known:
        _left_out(name, "not_visible")
        return
    below = [
        f"({select(names, relation, rest=rest)})"
        for relation, (names, rest) in BENEATH.items()
        if relation in here.children and name == "Opportunity"
    ]
    wanted = ["Id", *readable(gateway, name, fields), *below]
    condition = f"{CHANGED} >= {literal(since)}{where}"
    yield from gateway.query(select(wanted, name, condition, f"ORDER BY {CHANGED}, Id"))


def _left_out(name: str, reason: str) -> None:
    log.warning("the org does not let us read this", crm="salesforce", name=name, reason=reason)


def _deals(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    for row in _changed(gateway, "Opportunity", since, DEAL):
        yield from _deal(row, since)


def _deal(row: Row, since: datetime) -> Iterator[Happening]:
    """Yield the stages that an opportunity came to since, and how it stands now."""
    stages = _stages(row)
    # the newest stage again: an opportunity is changed because its amount was, too
    for stage in [one for one in stages[:-1] if one.at >= since] + stages[-1:]:
        yield _of_deal(row, "deal_stage", stage)
    ended = "deal_won" if row.get("IsWon") is True else "deal_lost"
    if stages and row.get("IsClosed") is True:
        yield _of_deal(row, ended, stages[-1])


def _stages(row: Row) -> list[_Stage]:
    """
    Return the stages, oldest first, each from when it began.

    The history has a line for a changed amount or date as well, which is no new stage.
    """
    found: list[_Stage] = []
    for line in reversed(beneath(row, STAGES)):
        name, came = _text(line.get("StageName")), moment(line.get("CreatedDate"))
        if came is None:
            continue
        if found and found[-1].name == name:
            came = found.pop().at
        found.append(_Stage(name, came, line.get("Amount")))
    last = found[-1] if found else None
    began = (
        last.at if last else moment(row.get("LastStageChangeDate")) or moment(row.get("CloseDate"))
    )
    if began is not None:
        found[-1:] = [_Stage(_text(row.get("StageName")), began, row.get("Amount"))]
    return found


def _of_deal(row: Row, kind: str, stage: _Stage) -> Happening:
    amount, currency = value(stage.amount), _text(row.get("CurrencyIsoCode")).upper()
    contact = next((at(one, "ContactId") for one in beneath(row, ROLES)), None)
    return Happening(
        key=_key(kind, _id(row), stage.at),
        kind=kind,
        contact_id=_person(contact),
        occurred_at=stage.at,
        amount=float(amount) if isinstance(amount, int | float) else None,
        currency=currency if len(currency) == 3 else None,
        facts={"id": _id(row), "stage": stage.name},
    )


def _cases(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    for row in _changed(gateway, "Case", since, CASE):
        facts = {"id": _id(row), "stage": _text(row.get("Status"))}
        for kind, field in (("ticket", "CreatedDate"), ("ticket_closed", "ClosedDate")):
            when = moment(row.get(field))
            if when is not None:
                key = _key(kind, _id(row), when)
                yield Happening(key, kind, _person(row.get("ContactId")), when, facts=facts)


def _meetings(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    # what is in a calendar and about nobody is none of our business; each invitee has a copy
    copies = " AND IsChild = false" if readable(gateway, "Event", ["IsChild"]) else ""
    for row in _changed(gateway, "Event", since, EVENT, f" AND WhoId != null{copies}"):
        when = moment(row.get("StartDateTime")) or moment(row.get("ActivityDate"))
        if when is not None:
            # without its time: a meeting that is moved is still the same one
            key, who = f"meeting:{_id(row)}", _person(row.get("WhoId"))
            yield Happening(key, "meeting", who, when, facts={"id": _id(row)})


def _answers(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    for row in _changed(gateway, "CampaignMember", since, ANSWER, " AND HasResponded = true"):
        when = moment(row.get("FirstRespondedDate"))
        if when is not None:
            facts = {"id": _text(row.get("CampaignId")), "stage": _text(row.get("Status"))}
            who = _person(row.get("ContactId")) or _person(row.get("LeadId"))
            key = f"campaign_response:{_id(row)}"
            yield Happening(key, "campaign_response", who, when, facts=facts)


def _person(found: JSON) -> str | None:
    return whole(found) if is_id(found) and is_person(found) else None


def _id(row: Row) -> str:
    return str(row.get("Id") or "")


def _key(kind: str, record: str, when: datetime) -> str:
    return f"{kind}:{record}:{int(when.timestamp() * 1000)}"


def _text(found: JSON) -> str:
    text = value(found)
    return text[:LONGEST_FACT] if isinstance(text, str) else ""


READERS: Mapping[str, Callable[[Gateway, datetime], Iterator[Happening]]] = {
    "Opportunity": _deals,
    "Case": _cases,
    "Event": _meetings,
    "CampaignMember": _answers,
}
