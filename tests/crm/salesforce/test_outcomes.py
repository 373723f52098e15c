"""What became of contacts: opportunities, cases, meetings and answers to campaigns."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from connector.crm.salesforce import kept
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.outcomes import outcomes
from connector.errors import CRMDownError
from connector.model import Happening

if TYPE_CHECKING:
    from tests.fakes.salesforce import FakeOrg

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(days=1)
BEFORE, THEN, LATER = SINCE - timedelta(days=30), SINCE + timedelta(hours=2), NOW


def read(gateway: Gateway, since: datetime = SINCE) -> list[Happening]:
    return list(outcomes(gateway, since))


def of_kind(happenings: list[Happening], kind: str) -> list[Happening]:
    return sorted((one for one in happenings if one.kind == kind), key=lambda one: one.occurred_at)


def a_deal(org: FakeOrg, number: str, contact: str = "101") -> str:
    """Make an opportunity of a contact that was open before and is won since; return its id."""
    ana = org.add("Contact", {"LastName": "Prieto"}, id=contact, at=BEFORE)
    opened = {"Name": "Ana's order", "StageName": "Prospecting", "Amount": 1200.5}
    deal = org.add("Opportunity", opened, id=number, at=BEFORE)
    role = {"OpportunityId": deal, "ContactId": ana, "IsPrimary": True}
    org.add("OpportunityContactRole", role, at=BEFORE)
    org.add("Opportunity", {"StageName": "Qualification"}, id=number, at=THEN)
    org.add("Opportunity", {"StageName": "Closed Won"}, id=number, at=LATER)
    return deal


def test_a_deal_tells_each_stage_it_came_to_and_that_it_was_won(
    org: FakeOrg, gateway: Gateway
) -> None:
    """With its time, its amount and its contact; what came before was told before."""
    org.define("Opportunity", "CurrencyIsoCode", type="picklist")
    deal = a_deal(org, "7")
    org.add("Opportunity", {"CurrencyIsoCode": "EUR"}, id="7", at=LATER)
    found = read(gateway)

    assert [(one.facts["stage"], one.occurred_at) for one in of_kind(found, "deal_stage")] == [
        ("Qualification", THEN),
        ("Closed Won", LATER),
    ]
    [won] = of_kind(found, "deal_won")
    ana = org.id("Contact", "101")
    assert (won.contact_id, won.amount, won.currency) == (ana, 1200.5, "EUR")
    assert won.occurred_at == LATER
    assert won.facts == {"id": deal, "stage": "Closed Won"}


def test_a_deal_that_was_lost_is_told_too(org: FakeOrg, gateway: Gateway) -> None:
    """An effect is measured on both ends; a deal without a contact is nobody's."""
    org.add("Opportunity", {"Name": "x", "StageName": "Closed Lost"}, id="7", at=THEN)
    found = read(gateway)

    assert [one.kind for one in found] == ["deal_stage", "deal_lost"]
    assert {(one.contact_id, one.amount, one.currency) for one in found} == {(None, None, None)}


def test_an_amount_that_changes_is_no_new_stage(org: FakeOrg, gateway: Gateway) -> None:
    """The org writes a line of history for it; the stage stays the same, and so does its key."""
    a_deal(org, "7")
    [won] = of_kind(read(gateway), "deal_won")
    org.add("Opportunity", {"Amount": 900.0}, id="7", at=NOW + timedelta(seconds=1))
    again = read(gateway, NOW + timedelta(seconds=1))

    assert [one.kind for one in again] == ["deal_stage", "deal_won"]
    assert again[1].key == won.key
    assert (won.amount, again[1].amount) == (1200.5, 900.0)


def test_reading_twice_finds_the_same_under_the_same_keys(org: FakeOrg, gateway: Gateway) -> None:
    """And no two happenings share one."""
    for deal in ("7", "8"):
        a_deal(org, deal)
    org.add("Case", {"Status": "New"}, id="9", at=BEFORE)
    org.add("Case", {"Status": "Closed", "ClosedDate": THEN}, id="9", at=THEN)
    found = read(gateway)
    keys = [one.key for one in found]

    assert read(gateway) == found
    assert len(set(keys)) == len(keys) > 6
    assert all(len(key) <= 128 for key in keys)


def test_cases_and_meetings_belong_to_their_person(org: FakeOrg, gateway: Gateway) -> None:
    """When it was opened, when it was closed, and when the meeting is; never what it is about."""
    ana = org.add("Contact", {"LastName": "Prieto"}, id="101", at=BEFORE)
    leo = org.add("Lead", {"LastName": "Sol", "Company": "Sol GmbH"}, id="1", at=BEFORE)
    case = {"Subject": "Broken", "ContactId": ana, "Status": "New"}
    org.add("Case", case, id="9", at=BEFORE)
    org.add("Case", {"Status": "Closed", "ClosedDate": THEN}, id="9", at=THEN)
    org.add("Event", {"Subject": "Demo", "WhoId": leo, "StartDateTime": LATER}, id="11", at=THEN)
    org.add("Event", {"Subject": "Day off", "StartDateTime": LATER}, id="12", at=THEN)
    found = read(gateway)

    assert [(one.kind, one.occurred_at, one.contact_id) for one in found] == [
        ("ticket", BEFORE, ana),
        ("ticket_closed", THEN, ana),
        ("meeting", LATER, leo),
    ]
    assert not any(word in str(found) for word in ("Broken", "Demo"))
    moved = {"StartDateTime": LATER + timedelta(days=1)}
    org.add("Event", moved, id="11")
    [meeting] = of_kind(read(gateway), "meeting")
    assert meeting.key == found[2].key


def test_an_answer_to_a_campaign_is_told_once(org: FakeOrg, gateway: Gateway) -> None:
    """Whoever is merely on it, or whose answer was taken back, has not answered."""
    ana = org.add("Contact", {"LastName": "Prieto"}, id="101", at=BEFORE)
    ben = org.add("Contact", {"LastName": "Prieto"}, id="102", at=BEFORE)
    spring = org.add("Campaign", {"Name": "Spring"}, id="1")
    told = {"HasResponded": True, "FirstRespondedDate": THEN.date().isoformat()}
    member = {"CampaignId": spring, "ContactId": ana, "Status": "Responded", **told}
    org.add("CampaignMember", member, id="1")
    back = {**member, "ContactId": ben, "Status": "Sent", "HasResponded": False}
    org.add("CampaignMember", back, id="2")
    [answer] = read(gateway)

    assert (answer.kind, answer.contact_id) == ("campaign_response", ana)
    assert answer.occurred_at.date() == THEN.date()
    assert answer.facts == {"id": spring, "stage": "Responded"}


@pytest.mark.parametrize("how", ["hidden", "refused"])
def test_what_we_may_not_see_leaves_out_just_that(org: FakeOrg, gateway: Gateway, how: str) -> None:
    """With one line in the log; the others are told."""
    a_deal(org, "7")
    org.add("Case", {"Status": "New"}, id="9", at=LATER)
    if how == "hidden":
        org.hide("Opportunity")
        kept.forget(gateway)
    else:
        refused = [{"errorCode": "INVALID_TYPE", "message": "sObject type is not supported."}]
        org.fail(400, refused, path=r".*/query/?.*")
    with capture_logs() as logs:
        found = read(gateway)

    assert [one.kind for one in found] == ["ticket"]
    [line] = [line for line in logs if line["log_level"] == "warning"]
    assert line["name"] == "Opportunity"


def test_an_org_that_is_down_is_no_org_without_outcomes(org: FakeOrg, gateway: Gateway) -> None:
    """Only what we may not see is passed over."""
    org.fail(503, "<html>down</html>", times=-1, path=r".*/query/?.*")
    with pytest.raises(CRMDownError):
        read(gateway)


def test_hundreds_of_deals_take_one_query(org: FakeOrg, gateway: Gateway) -> None:
    """Their stages and contacts come along; none is asked for by itself."""
    for number in range(1, 251):
        a_deal(org, str(number), str(1000 + number))
    read(gateway)
    org.calls.clear()
    found = read(gateway)

    assert len(of_kind(found, "deal_won")) == 250
    assert {one.contact_id for one in found} == {org.id("Contact", 1000 + n) for n in range(1, 251)}
    assert len(org.calls) == 4


@pytest.mark.parametrize("since", [SINCE, SINCE.astimezone(), datetime(1970, 1, 1, tzinfo=UTC)])
def test_any_time_may_be_asked_for(org: FakeOrg, gateway: Gateway, since: datetime) -> None:
    """Also the beginning, as a new connection does."""
    a_deal(org, "7")
    kinds = {one.kind for one in itertools.islice(read(gateway, since), 10)}

    assert {"deal_stage", "deal_won"} <= kinds
