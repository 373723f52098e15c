"""The second layer: a record for each video and view, made once and updated by its key."""

from __future__ import annotations

from typing import Any

import pytest

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.write import write
from connector.decide.dictionary import Dictionary
from connector.model import Change, Written
from tests.crm.salesforce.orgs import dictionary
from tests.fakes.salesforce import FakeOrg

VIDEO, VIEW = "Cuereel_Video__c", "Cuereel_Video_View__c"


@pytest.fixture(autouse=True)
def ours(org: FakeOrg) -> None:
    """The org has what is ours, a contact and a lead."""
    org.install_ours()
    org.add("Contact", {"LastName": "Prieto"}, id="101")
    org.add("Lead", {"LastName": "Lund", "Company": "Norr"}, id="201")


def video(org: FakeOrg, key: str = "video-1", **values: Any) -> Change:
    return Change(f"row-{key}", "video_row", org.id("Contact", "101"), key, values)


def view(org: FakeOrg, key: str = "session-1", **values: Any) -> Change:
    told = {"video_id": "video-1", "percent_watched": 40, **values}
    return Change(f"row-{key}", "view_row", org.id("Contact", "101"), key, told)


def held(org: FakeOrg, name: str) -> dict[str, dict[str, Any]]:
    return {values["Key__c"]: values for values in org.records[name].values()}


def test_a_video_and_its_view_become_records(gateway: Gateway, org: FakeOrg) -> None:
    """Both belong to the contact, and the view to the video, however they are ordered."""
    changes = [view(org), video(org, video_url="https://v/1", video_status="ready")]

    results = write(gateway, dictionary(), changes)

    assert [result.written for result in results] == [Written.DONE, Written.DONE]
    [(record, made)] = org.records[VIDEO].items()
    watched = held(org, VIEW)["session-1"]
    assert made["Contact__c"] == org.id("Contact", "101")
    assert (made["Video_Url__c"], made["Status__c"]) == ("https://v/1", "ready")
    assert (watched["Video__c"], watched["Percent_Watched__c"]) == (record, 40)


def test_a_row_is_made_once(gateway: Gateway, org: FakeOrg) -> None:
    """The same key is the same record, also twice in one write, and the later value stands."""
    changes = [video(org, video_status="minted"), video(org, video_status="ready")]
    later = Change(
        "again", "video_row", changes[0].contact_id, "video-1", {"video_status": "ready"}
    )

    write(gateway, dictionary(), [changes[0], later])
    write(gateway, dictionary(), [changes[1]])

    assert [values["Status__c"] for values in org.records[VIDEO].values()] == ["ready"]


def test_the_row_of_a_lead_belongs_to_the_lead(gateway: Gateway, org: FakeOrg) -> None:
    """A lead has a lookup of its own."""
    lead = org.id("Lead", "201")

    write(gateway, dictionary(), [Change("row", "video_row", lead, "video-9", {})])

    made = held(org, VIDEO)["video-9"]
    assert made["Lead__c"] == lead
    assert "Contact__c" not in made


def test_a_view_without_its_video_is_tried_again(gateway: Gateway, org: FakeOrg) -> None:
    """The video's record may come later; the other views are written."""
    org.add(VIDEO, {"Key__c": "video-1", "Contact__c": org.id("Contact", "101")})
    changes = [view(org, "early", video_id="video-2"), view(org)]

    early, other = write(gateway, dictionary(), changes)

    assert (early.written, early.reason) == (Written.RETRY, "not_there_yet")
    assert other.written is Written.DONE
    assert set(held(org, VIEW)) == {"session-1"}


def test_a_row_whose_person_is_gone_is_gone(gateway: Gateway, org: FakeOrg) -> None:
    """There is nobody to belong to, and nothing is made."""
    org.remove("Contact", "101")

    [result] = write(gateway, dictionary(), [video(org, video_status="ready")])

    assert result.written is Written.GONE
    assert org.records[VIDEO] == {}


def test_an_org_without_our_objects_is_asked_again_later(gateway: Gateway, org: FakeOrg) -> None:
    """Where the package is missing nothing is lost, and the sentence says what to run."""
    org.undefine(VIEW)
    org.undefine(VIDEO)

    [result] = write(gateway, dictionary(), [video(org, video_status="ready")])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")
    assert "cuereel crm install salesforce" in result.sentence


def test_a_missing_field_is_left_out_of_rows_too(gateway: Gateway, org: FakeOrg) -> None:
    """The rest of the record is there, and the change waits."""
    org.hide(VIDEO, "Duration__c")

    [result] = write(gateway, dictionary(), [video(org, video_status="ready", duration=30)])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")
    assert held(org, VIDEO)["video-1"]["Status__c"] == "ready"


def test_a_row_is_never_without_its_person(gateway: Gateway, org: FakeOrg) -> None:
    """An erasure finds rows by their person, so one that could not name it is not written."""
    org.hide(VIDEO, "Contact__c")

    [result] = write(gateway, dictionary(), [video(org, video_status="ready")])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")
    assert org.records[VIDEO] == {}


def test_a_duplicate_rule_is_told_to_let_ours_pass(gateway: Gateway, org: FakeOrg) -> None:
    """A rule that only warns of duplicates does not keep a row back."""
    write(gateway, dictionary(), [video(org)])

    [asked] = [one for one in org.requests if "composite/sobjects" in one.path]
    sent = {name.lower(): value for name, value in asked.headers.items()}
    assert sent["sforce-duplicate-rule-header"] == "allowSave=true"
    assert asked.path.endswith(f"composite/sobjects/{VIDEO}/Key__c")


def test_a_dictionary_without_rows_has_no_place_for_them(gateway: Gateway, org: FakeOrg) -> None:
    """A company that wants no second layer takes the table out of its dictionary."""
    full = dictionary()
    bare = Dictionary(full.crm, full.read, full.write_fields, full.events, full.objects)

    [result] = write(gateway, bare, [video(org)])

    assert (result.written, result.reason) == (Written.UNSUPPORTED, "unmapped")
