"""Workflows that wait for us go on, whatever became of the video."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.write import write
from connector.model import Change, Written
from tests.crm.hubspot.portals import API, define_ours, dictionary, owed
from tests.fakes.hubspot import FakeHubSpot, serving

ALL = f"{API}/automation/actions/callbacks/2026-03/complete"


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal with our properties and a contact."""
    with serving(FakeHubSpot()) as made:
        define_ours(made)
        made.add("contacts", {"firstname": "Ana"}, id="101")
        yield made


def waiting(key: str, **values: Any) -> Change:
    return Change(f"change-{key}", "callback", "101", key, {"state": "done", **values})


def test_a_finished_video_lets_the_workflow_go_on(gateway: Gateway, fake: FakeHubSpot) -> None:
    """The workflow reads link, thumbnail and status as texts."""
    [result] = write(
        gateway,
        dictionary(),
        [
            waiting(
                "ap-1-2-3-0",
                video_url="https://v.example/1",
                thumbnail_url="https://v.example/1.png",
                video_status="ready",
                reason=None,
            )
        ],
    )

    assert result.written is Written.DONE
    assert fake.callbacks["ap-1-2-3-0"] == {
        "outputFields": {
            "hs_execution_state": "SUCCESS",
            "cuereel_video_url": "https://v.example/1",
            "cuereel_thumbnail_url": "https://v.example/1.png",
            "cuereel_status": "ready",
            "cuereel_reason": "",
        },
        "typedOutputs": {},
    }


def test_a_failure_lets_it_go_on_too(gateway: Gateway, fake: FakeHubSpot) -> None:
    """The workflow hears why, as a code for its rules and as a sentence for its history."""
    failed = waiting("ap-1", state="failed", video_status="blocked_consent", reason="no_consent",
                     sentence="The contact has opted out.")  # fmt: skip
    [result] = write(gateway, dictionary(), [failed])

    told = fake.callbacks["ap-1"]["outputFields"]
    assert result.written is Written.DONE
    assert (told["hs_execution_state"], told["errorCode"]) == ("FAIL_CONTINUE", "NO_CONSENT")
    assert told["cuereel_reason"] == "The contact has opted out."
    assert told["cuereel_video_url"] == ""


def test_telling_it_again_does_no_harm(gateway: Gateway, fake: FakeHubSpot) -> None:
    """A callback whose answer was lost is completed once more."""
    fake.drop(path="complete", after_work=True)

    first = write(gateway, dictionary(), [waiting("ap-1")])
    second = write(gateway, dictionary(), [waiting("ap-1")])

    assert [first[0].written, second[0].written] == [Written.RETRY, Written.DONE]
    assert list(fake.callbacks) == ["ap-1"]


def test_one_that_no_longer_waits_spoils_nothing(gateway: Gateway, fake: FakeHubSpot) -> None:
    """An expired callback leaves nothing to do; those beside it are completed one by one."""
    fake.expired_callbacks.add("ap-2")

    results = write(gateway, dictionary(), [waiting(f"ap-{n}") for n in (1, 2, 3)])

    assert {one.written for one in results} == {Written.DONE}
    assert sorted(fake.callbacks) == ["ap-1", "ap-3"]


def test_what_the_contact_holds_is_written_before_the_workflow_goes_on(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """The next step of a workflow may be an e-mail that shows our property."""
    write(gateway, dictionary(), [waiting("ap-1"), owed("101", views=1)])

    ours = [path for method, path in fake.calls if method == "POST"]
    assert ours.index(next(p for p in ours if "batch/update" in p)) < ours.index(
        next(p for p in ours if "callbacks" in p)
    )


@responses.activate
def test_two_hundred_and_one_are_three_calls(prepared: Gateway) -> None:
    """Callbacks go a hundred at a time."""
    responses.add(responses.POST, ALL, status=204)
    write(prepared, dictionary(), [waiting(f"ap-{n}") for n in range(201)])

    sizes = [len(json.loads(call.request.body or "")["inputs"]) for call in responses.calls]
    assert sizes == [100, 100, 1]


@responses.activate
@pytest.mark.parametrize("status", [400, 404, 409, 410])
def test_a_refused_callback_is_over(prepared: Gateway, status: int) -> None:
    """Whatever HubSpot calls it, a workflow that does not wait is not told again."""
    responses.add(responses.POST, ALL, json={"category": "VALIDATION_ERROR"}, status=400)
    one = f"{API}/automation/actions/callbacks/2026-03/ap%2F..%2F1/complete"
    responses.add(responses.POST, one, json={"category": "OBJECT_NOT_FOUND"}, status=status)

    [result] = write(prepared, dictionary(), [waiting("ap/../1")])

    assert result.written is Written.DONE
    assert len(responses.calls) == 2


@responses.activate
def test_without_the_scope_an_admin_is_told(prepared: Gateway) -> None:
    """A missing scope is no expired callback: it is refused, and for all of them with one call."""
    missing = {"context": {"requiredGranularScopes": ["automation"]}}
    responses.add(
        responses.POST, ALL, json={"category": "MISSING_SCOPES", "errors": [missing]}, status=403
    )

    results = write(prepared, dictionary(), [waiting(f"ap-{n}") for n in range(3)])

    assert len(responses.calls) == 1
    assert {(one.written, one.reason) for one in results} == {(Written.REFUSED, "missing_scopes")}
    assert "automation" in results[0].sentence


@responses.activate
def test_a_busy_portal_is_told_later(prepared: Gateway) -> None:
    """Also where HubSpot grows busy while callbacks are told one by one."""
    responses.add(responses.POST, ALL, json={"category": "VALIDATION_ERROR"}, status=400)
    first = f"{API}/automation/actions/callbacks/2026-03/ap-0/complete"
    second = f"{API}/automation/actions/callbacks/2026-03/ap-1/complete"
    responses.add(responses.POST, first, status=204)
    responses.add(responses.POST, second, json={}, status=429, headers={"Retry-After": "9"})

    results = write(prepared, dictionary(), [waiting(f"ap-{n}") for n in range(3)])

    assert [one.written for one in results] == [Written.DONE, Written.RETRY, Written.RETRY]
    assert results[2].after == 9
    assert len(responses.calls) == 3
