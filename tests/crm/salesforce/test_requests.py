"""Requests of reps and flows are told how it went, on the record that they made."""

from __future__ import annotations

from typing import Any

import pytest

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.requests import OBJECT
from connector.crm.salesforce.write import write
from connector.model import Change, Written
from tests.crm.salesforce.orgs import dictionary
from tests.fakes.salesforce import FakeOrg


@pytest.fixture
def request_id(org: FakeOrg) -> str:
    """A request for a video of a contact."""
    org.install_ours()
    ana = org.add("Contact", {"LastName": "Prieto"}, id="101")
    return org.add(OBJECT, {"Contact__c": ana, "Campaign__c": "onboarding"})


def told(key: str, **values: Any) -> Change:
    nothing = dict.fromkeys(
        ("state", "video_url", "thumbnail_url", "video_status", "reason", "sentence"), ""
    )
    return Change(f"told-{key}", "callback", "", key, {**nothing, **values})


def test_a_request_gets_its_video(gateway: Gateway, org: FakeOrg, request_id: str) -> None:
    """The rep sees that it is done, and the link; what the rep wished for stays."""
    change = told(
        request_id, state="done", video_url="https://v/1", thumbnail_url="https://v/1.jpg"
    )

    [result] = write(gateway, dictionary(), [change])

    held = org.records[OBJECT][request_id]
    assert result.written is Written.DONE
    assert held["Status__c"] == "done"
    assert (held["Video_Url__c"], held["Thumbnail_Url__c"]) == ("https://v/1", "https://v/1.jpg")
    assert held["Campaign__c"] == "onboarding"
    assert "Reason__c" not in held


def test_a_request_that_fails_says_why(gateway: Gateway, org: FakeOrg, request_id: str) -> None:
    """A failure is told in the sentence that a person reads, cut to what the field takes."""
    change = told(
        request_id, state="failed", reason="no_consent", sentence="The contact said no. " * 20
    )

    write(gateway, dictionary(), [change])

    held = org.records[OBJECT][request_id]
    assert held["Status__c"] == "failed"
    assert held["Reason__c"].startswith("The contact said no.")
    assert len(held["Reason__c"]) <= 255


def test_a_request_that_is_gone_waits_for_nothing(
    gateway: Gateway, org: FakeOrg, request_id: str
) -> None:
    """Nobody is left to tell, which is no failure; the others are told."""
    other = org.add(OBJECT, {"Campaign__c": "onboarding"})
    org.remove(OBJECT, request_id)

    results = write(
        gateway,
        dictionary(),
        [told(request_id, state="done"), told("no id", state="done"), told(other, state="done")],
    )

    assert [result.written for result in results] == [Written.DONE] * 3
    assert org.records[OBJECT][other]["Status__c"] == "done"


def test_a_busy_org_is_told_later(gateway: Gateway, org: FakeOrg, request_id: str) -> None:
    """An answer that did not arrive is not taken for told."""
    org.fail(500, path="composite/sobjects")

    [result] = write(gateway, dictionary(), [told(request_id, state="done")])

    assert result.written is Written.RETRY
    assert "Status__c" not in org.records[OBJECT][request_id]


def test_a_request_of_a_package_that_we_may_not_see_waits(
    gateway: Gateway, org: FakeOrg, request_id: str
) -> None:
    """A missing permission is mended by an admin, so the answer is kept."""
    org.hide(OBJECT)

    [result] = write(gateway, dictionary(), [told(request_id, state="done")])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")
