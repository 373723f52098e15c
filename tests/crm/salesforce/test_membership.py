"""Places in campaigns: people become members once, with the status that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.write import write
from connector.model import Change, Written
from tests.crm.salesforce.orgs import dictionary
from tests.fakes.salesforce import FakeOrg

MEMBER = "CampaignMember"


@pytest.fixture
def campaign(org: FakeOrg) -> str:
    """A campaign, two contacts and a lead."""
    org.add("Contact", {"LastName": "Prieto"}, id="101")
    org.add("Contact", {"LastName": "Ito"}, id="102")
    org.add("Lead", {"LastName": "Lund", "Company": "Norr"}, id="201")
    return org.add("Campaign", {"Name": "Spring"})


def member(org: FakeOrg, campaign: str, who: str = "101", number: int = 1, **values: Any) -> Change:
    name = "Lead" if who.startswith("2") else "Contact"
    told = {"list": campaign, **values}
    return Change(f"member-{number}", "list_member", org.id(name, who), f"k-{number}", told)


def members(org: FakeOrg) -> list[tuple[str, str]]:
    held = org.records[MEMBER].values()
    return sorted((one.get("ContactId") or one["LeadId"], one.get("Status", "")) for one in held)


def test_people_become_members(gateway: Gateway, org: FakeOrg, campaign: str) -> None:
    """Contacts and leads, with a status where one is asked for, in one call."""
    changes = [
        member(org, campaign, "101", 1, status="Responded"),
        member(org, campaign, "201", 2),
        member(org, f" {campaign[:15]} ", "102", 3),
    ]

    results = write(gateway, dictionary(), changes)

    assert [result.written for result in results] == [Written.DONE] * 3
    told = dict(members(org))
    assert set(told) == {change.contact_id for change in changes}
    assert told[org.id("Contact", "101")] == "Responded"


def test_who_is_a_member_stays_one(gateway: Gateway, org: FakeOrg, campaign: str) -> None:
    """Nothing is written for whoever is there already, unless the status is to be another."""
    ana = org.id("Contact", "101")
    org.add(MEMBER, {"CampaignId": campaign, "ContactId": ana, "Status": "Sent"})

    [same] = write(gateway, dictionary(), [member(org, campaign)])
    assert (same.written, members(org)) == (Written.DONE, [(ana, "Sent")])
    assert not [path for _, path in org.calls if "composite" in path]

    [moved] = write(gateway, dictionary(), [member(org, campaign, status="Responded")])
    assert (moved.written, members(org)) == (Written.DONE, [(ana, "Responded")])


def test_two_for_one_person_are_one(gateway: Gateway, org: FakeOrg, campaign: str) -> None:
    """The later status counts, and both are done."""
    changes = [
        member(org, campaign, number=1, status="Sent"),
        member(org, campaign, number=2, status="Responded"),
    ]

    results = write(gateway, dictionary(), changes)

    assert [result.written for result in results] == [Written.DONE] * 2
    assert members(org) == [(org.id("Contact", "101"), "Responded")]


@pytest.mark.parametrize("name", ["", "Spring", "12", "0035e00000000AAAAA", "701x' OR Id != '"])
def test_a_campaign_that_is_no_id_is_refused(
    gateway: Gateway, org: FakeOrg, campaign: str, name: str
) -> None:
    """The sentence says what a campaign is named by, and nothing is asked."""
    [result] = write(gateway, dictionary(), [member(org, name)])

    assert (result.written, result.reason) == (Written.REFUSED, "list_unknown")
    assert "701" in result.sentence
    assert org.calls == []


def test_a_campaign_that_is_gone_is_told_from_a_person_who_is(
    gateway: Gateway, org: FakeOrg, campaign: str
) -> None:
    """The error is the same, so the campaign is looked for."""
    gone = org.add("Campaign", {"Name": "Autumn"})
    org.remove("Campaign", gone)
    org.remove("Contact", "102")

    results = write(
        gateway,
        dictionary(),
        [
            member(org, gone, "101", 1),
            member(org, campaign, "102", 2),
            member(org, campaign, "101", 3),
        ],
    )

    assert [(one.written, one.reason) for one in results] == [
        (Written.REFUSED, "list_gone"),
        (Written.GONE, "contact_gone"),
        (Written.DONE, ""),
    ]


def test_somebody_else_may_be_faster(gateway: Gateway, org: FakeOrg, campaign: str) -> None:
    """Who became a member in between is one; a status that was asked for still has to be set."""
    org.fail_record("DUPLICATE_VALUE", object=MEMBER, times=2)
    changes = [member(org, campaign, "101", 1), member(org, campaign, "102", 2, status="Responded")]

    results = write(gateway, dictionary(), changes)

    assert [result.written for result in results] == [Written.DONE, Written.RETRY]


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(500, "UNKNOWN_EXCEPTION", Written.RETRY), (400, "INVALID_TYPE", Written.REFUSED)],
)
def test_where_members_cannot_be_asked_for_none_is_made(
    gateway: Gateway, org: FakeOrg, campaign: str, status: int, code: str, expected: Written
) -> None:
    """A user without campaigns is told so, for each change."""
    org.fail(status, [{"errorCode": code, "message": "prepared"}], path="query")

    [result] = write(gateway, dictionary(), [member(org, campaign)])

    assert result.written is expected
    assert result.sentence
    assert members(org) == []


def test_who_is_no_person_of_salesforce_is_gone(
    gateway: Gateway, org: FakeOrg, campaign: str
) -> None:
    """An id of elsewhere does not keep the others from becoming members."""
    odd = Change("odd", "list_member", "42", "k", {"list": campaign})

    results = write(gateway, dictionary(), [odd, member(org, campaign)])

    assert [result.written for result in results] == [Written.GONE, Written.DONE]


def test_a_status_that_may_not_be_written_is_not_said_to_be(
    gateway: Gateway, org: FakeOrg, campaign: str
) -> None:
    """Whoever asked for a status waits until an admin lets us write it."""
    org.fail_record("INVALID_FIELD_FOR_INSERT_UPDATE", fields=("Status",), object=MEMBER, times=1)

    [result] = write(gateway, dictionary(), [member(org, campaign, status="Responded")])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")
    assert members(org) == []
