"""Who is in a segment of an org."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from connector.crm.salesforce import members as segments
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.members import members
from connector.errors import CRMDownError, NotFoundError, PayloadError
from tests.crm.salesforce.orgs import dictionary

if TYPE_CHECKING:
    from tests.fakes.salesforce import FakeOrg

DICTIONARY = dictionary()
JOB = "7505g00000Bulk1AAB"
RESULTS = r".*/jobs/query/[^/]+/results.*"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a job as long as we do."""
    monkeypatch.setattr(segments, "FIRST_NAP", 0.0)


@pytest.fixture
def team(org: FakeOrg) -> set[str]:
    """Three people in an org whose contacts have a plan; two others have another."""
    org.define("Contact", "Plan__c", type="picklist")
    org.define("Lead", "Plan__c", type="picklist")
    people(org, 2, Plan__c="starter")
    return people(org, 3, Plan__c="team")


def people(org: FakeOrg, count: int, name: str = "Contact", **fields: Any) -> set[str]:
    return {org.add(name, {"LastName": "Prieto", **fields}) for _ in range(count)}


def found(gateway: Gateway, segment: str) -> list[str]:
    return list(members(gateway, DICTIONARY, segment))


def test_everybody_is_all_contacts_and_leads_are_leads(org: FakeOrg, gateway: Gateway) -> None:
    """Each once; a lead that became a contact is a contact."""
    contacts, leads = people(org, 2_500), people(org, 3, "Lead")
    people(org, 1, "Lead", IsConverted=True)
    everybody = found(gateway, "all")

    assert len(everybody) == 2_500
    assert set(everybody) == contacts
    assert len(org.calls) == 3
    assert set(found(gateway, "leads")) == leads


@pytest.mark.parametrize(
    "segment", ["plan=team", "contact.plan = TEAM", "Plan__c= Team ", "contact.Plan__c=team"]
)
def test_a_value_finds_those_who_have_it(gateway: Gateway, team: set[str], segment: str) -> None:
    """By our word or the field's own name; capitals do not matter."""
    assert set(found(gateway, segment)) == team


def test_leads_are_found_by_a_value_of_theirs(
    org: FakeOrg, gateway: Gateway, team: set[str]
) -> None:
    """With `lead.` before it."""
    [lead] = people(org, 1, "Lead", Plan__c="team")
    people(org, 1, "Lead", Plan__c="team", IsConverted=True)

    assert found(gateway, "lead.plan=team") == [lead]


def test_a_value_may_stand_on_the_account(org: FakeOrg, gateway: Gateway) -> None:
    """By a word of the company, or by the way to any field."""
    account = org.add("Account", {"Name": "Casa Verde", "NumberOfEmployees": 12})
    inside = people(org, 2, AccountId=account)
    people(org, 1)

    assert set(found(gateway, "company.name=casa verde")) == inside
    assert set(found(gateway, "Account.NumberOfEmployees=12")) == inside


def test_no_value_finds_those_who_have_none(org: FakeOrg, gateway: Gateway, team: set[str]) -> None:
    """`plan=` are the contacts without a plan."""
    bare = people(org, 1)

    assert set(found(gateway, "plan=")) == bare


@pytest.mark.parametrize(
    ("type_", "held", "other", "segment"),
    [
        ("boolean", True, False, "Own__c=yes"),
        ("boolean", False, True, "Own__c=FALSE"),
        ("double", 12.0, 13.0, "Own__c=12"),
        ("currency", -0.5, 0.5, "Own__c=-0.5"),
        ("date", "2026-12-01", "2026-12-02", "Own__c=2026-12-01"),
        ("string", "O'Hara \\ Sons", "O", "Own__c=O'Hara \\ Sons"),
        ("string", "a=b", "a", "Own__c=a=b"),
    ],
)
def test_values_are_compared_by_the_type_of_their_field(
    org: FakeOrg, gateway: Gateway, type_: str, held: Any, other: Any, segment: str
) -> None:
    """A checkbox, a number and a date are no texts; a text stays one, whatever it holds."""
    org.define("Contact", "Own__c", type=type_)
    people(org, 1, Own__c=other)
    right = people(org, 1, Own__c=held)

    assert set(found(gateway, segment)) == right


@pytest.mark.parametrize(
    ("type_", "value"),
    [("boolean", "maybe"), ("double", "1 OR Id != null"), ("double", "1e999"), ("int", "."),
     ("date", "soon"), ("datetime", "2026-13-01")],
)  # fmt: skip
def test_a_value_that_its_field_cannot_hold_is_refused(
    org: FakeOrg, gateway: Gateway, type_: str, value: str
) -> None:
    """Before anybody is asked for it."""
    org.define("Contact", "Own__c", type=type_)
    with pytest.raises(PayloadError, match="write"):
        found(gateway, f"Own__c={value}")
    assert not any("/query" in path for _, path in org.calls)


@pytest.mark.parametrize(
    "segment", ["plam=team", "Plam__c=team", "lead.plam=x", "a b=1", "Id)--=1"]
)
def test_a_field_that_is_not_there_is_named(
    org: FakeOrg, gateway: Gateway, team: set[str], segment: str
) -> None:
    """Nobody is not the answer to a misspelt field; no query is made."""
    with pytest.raises(NotFoundError, match="no field"):
        found(gateway, segment)
    assert not any("/query" in path for _, path in org.calls)


def test_a_field_that_cannot_be_searched_by_is_named(org: FakeOrg, gateway: Gateway) -> None:
    """A long text can be read, but not compared."""
    org.define("Contact", "Notes__c", type="textarea")
    refused = [{"errorCode": "INVALID_FIELD", "message": "field 'Notes__c' can not be filtered in a "
                "query call"}]  # fmt: skip
    org.fail(400, refused, path=r".*/query/?.*")
    with pytest.raises(PayloadError, match="cannot search by"):
        found(gateway, "Notes__c=x")


@pytest.mark.parametrize(
    ("form", "length"), [("campaign:{}", 18), ("{}", 15), (" campaign: {} ", 15)]
)
def test_a_campaigns_members_are_contacts_and_leads(
    org: FakeOrg, gateway: Gateway, form: str, length: int
) -> None:
    """A lead that was converted is a contact now; nobody is told twice."""
    campaign, other = (org.add("Campaign", {"Name": name}) for name in ("Spring", "Autumn"))
    [ana, ben] = people(org, 2)
    [leo, converted] = people(org, 2, "Lead")
    rows = [{"ContactId": ana}, {"LeadId": leo}, {"LeadId": converted, "ContactId": ben},
            {"ContactId": ben}]  # fmt: skip
    for row in rows:
        org.add("CampaignMember", {"CampaignId": campaign, **row})
    org.add("CampaignMember", {"CampaignId": other, "ContactId": people(org, 1).pop()})

    assert sorted(found(gateway, form.format(campaign[:length]))) == sorted([ana, ben, leo])


def test_a_campaign_that_is_not_there_is_named(org: FakeOrg, gateway: Gateway) -> None:
    """Nobody is not the answer to a wrong id."""
    wrong = org.id("Campaign", "43")
    with pytest.raises(NotFoundError, match=wrong):
        found(gateway, f"campaign:{wrong}")


@pytest.mark.parametrize(
    "segment", ["report:00O5g000004C92sEAC", "00O5g000004C92s", "list:42", "00B5g000004C92sEAC"]
)
def test_reports_and_list_views_are_refused_with_a_way_round(
    prepared: Gateway, segment: str
) -> None:
    """The sentence says what to do instead."""
    with pytest.raises(PayloadError, match="add their people to a campaign"):
        found(prepared, segment)


@pytest.mark.parametrize(
    "segment", ["everybody", "", "=team", "campaign:", "campaign:x", "0035g000004C92sEAC", "42"]
)
def test_a_segment_that_says_nothing_is_refused(prepared: Gateway, segment: str) -> None:
    """The sentence says how to write one."""
    with pytest.raises(PayloadError, match="field=value"):
        found(prepared, segment)


def test_many_come_in_one_job_of_the_orgs(
    org: FakeOrg, gateway: Gateway, team: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page of its results; the job is asked for until it is done."""
    monkeypatch.setattr(segments, "MANY", 2)
    monkeypatch.setattr(segments, "PAGE", 2)
    many = found(gateway, "plan=team")

    assert len(many) == 3
    assert set(many) == team
    made = [path for _, path in org.calls]
    assert len([path for path in made if re.fullmatch(RESULTS, path)]) == 2
    assert not any(path.endswith("/query/") and "jobs" in path for path in made)


def test_the_members_of_a_large_campaign_are_told_once(
    org: FakeOrg, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a job brings them, which writes nothing for what is empty."""
    monkeypatch.setattr(segments, "MANY", 1)
    campaign = org.add("Campaign", {"Name": "Spring"})
    [ana], [leo] = people(org, 1), people(org, 1, "Lead")
    for row in ({"ContactId": ana}, {"LeadId": leo}, {"ContactId": ana}):
        org.add("CampaignMember", {"CampaignId": campaign, **row})

    assert sorted(found(gateway, f"campaign:{campaign}")) == sorted([ana, leo])


def test_an_org_without_bulk_jobs_still_has_pages(
    org: FakeOrg, gateway: Gateway, team: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs more calls, but leaves nobody out."""
    monkeypatch.setattr(segments, "MANY", 2)
    refused = [{"errorCode": "FEATURENOTENABLED", "message": "Async API not enabled"}]
    org.fail(400, refused, path=r".*/jobs/query$", times=-1)

    assert set(found(gateway, "plan=team")) == team


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_failed_is_no_empty_segment(
    org: FakeOrg, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, team: set[str], state: str
) -> None:
    """Nor is one that takes for ever."""
    monkeypatch.setattr(segments, "MANY", 2)
    org.fail(200, {"id": JOB, "state": "UploadComplete"}, path=r".*/jobs/query$")
    org.fail(200, {"id": JOB, "state": state}, path=rf".*/jobs/query/{JOB}$")
    with pytest.raises(CRMDownError, match="did not finish"):
        found(gateway, "plan=team")


def test_a_job_that_takes_for_ever_is_left(
    org: FakeOrg, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, team: set[str]
) -> None:
    """Somebody tries again later."""
    monkeypatch.setattr(segments, "MANY", 2)
    monkeypatch.setattr(segments, "PATIENCE", 0.05)
    org.fail(200, {"id": JOB, "state": "UploadComplete"}, path=r".*/jobs/query$")
    org.fail(200, {"id": JOB, "state": "InProgress"}, path=rf".*/jobs/query/{JOB}$", times=-1)
    with pytest.raises(CRMDownError, match="did not finish"):
        found(gateway, "plan=team")


def test_results_that_lead_in_a_circle_are_left(
    org: FakeOrg, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, team: set[str]
) -> None:
    """A far side that gives the same page for ever does not keep us for ever."""
    monkeypatch.setattr(segments, "MANY", 2)
    page = f'"Id"\n"{sorted(team)[0]}"\n'
    org.fail(200, page, path=RESULTS, times=-1, headers={"Sforce-Locator": "MTAwMDA"})
    with pytest.raises(CRMDownError, match="circle"):
        found(gateway, "plan=team")


def test_an_org_that_is_down_is_no_empty_segment(org: FakeOrg, gateway: Gateway) -> None:
    """Whoever asks tries again."""
    org.fail(503, "<html>down</html>", path=r".*/query/?.*", times=-1)
    with pytest.raises(CRMDownError):
        found(gateway, "all")
