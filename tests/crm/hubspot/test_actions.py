"""Our action in HubSpot's workflows: what it takes in, how it answers, and what it offers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.crm import Surroundings, Taken
from connector.crm.hubspot import actions
from connector.errors import PayloadError
from connector.model import Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, campaigns
from tests.crm.hubspot.posting import NOW, PORTAL, connect, payload, plain, surroundings_of

ACTION, OPTIONS = payload("workflow_action"), payload("options")
FEW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def around(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Surroundings:
    made = surroundings_of(settings, sqlite_store, keyring)
    connect(sqlite_store, keyring)
    return made


def begin(around: Surroundings, body: bytes = ACTION) -> Taken:
    return actions.begin(plain(body, "/hooks/hubspot/app/action", {}), around)


def ask(around: Surroundings, **search: Any) -> list[dict[str, str]]:
    body = json.dumps({**json.loads(OPTIONS), "fetchOptions": search}).encode()
    taken = actions.options(plain(body, "/hooks/hubspot/app/options", {}), around)
    assert not taken.intakes
    return list(json.loads(taken.answer.body)["options"])


def action(**more: Any) -> bytes:
    return json.dumps({**json.loads(ACTION), **more}).encode()


def outputs(taken: Taken) -> dict[str, str]:
    assert taken.answer.status == 200
    return dict(json.loads(taken.answer.body)["outputFields"])


def test_the_run_of_a_workflow_becomes_a_trigger_that_waits(around: Surroundings) -> None:
    """The chosen campaign is asked for, and the callback is kept for when it is done."""
    taken = begin(around)

    [(connection, intake)] = taken.intakes.items()
    [trigger] = intake.triggers
    assert connection == f"hubspot-{PORTAL}"
    assert intake.key == "ap-62515-56776413549-7-0"
    assert trigger.key == "callback:ap-62515-56776413549-7-0"
    assert (trigger.kind, trigger.campaign) == ("workflow_action", "abandoned_cart")
    assert (trigger.subject, trigger.occurred_at) == (Subject("contact", "904"), NOW)
    assert trigger.facts == {
        "callback": "ap-62515-56776413549-7-0",
        "workflow": "192814114",
        "inputs": {"greeting": "Hello"},
    }


def test_hubspot_is_told_to_wait_a_day_at_most(around: Surroundings) -> None:
    """The answer holds the contact in the workflow until the callback, not for a week."""
    assert outputs(begin(around)) == {
        "hs_execution_state": "BLOCK",
        "hs_expiration_duration": "P1D",
    }


@pytest.mark.parametrize(
    ("stated", "kind"),
    [("CONTACT", "contact"), ("0-1", "contact"), ("COMPANY", "company"), ("DEAL", "deal"),
     ("0-142", "cart"), ("Cart", "cart")],
)  # fmt: skip
def test_a_workflow_may_be_about_several_kinds_of_record(
    stated: str, kind: str, around: Surroundings
) -> None:
    """HubSpot's names and numbers of a kind mean the same."""
    record = {"objectId": 904, "objectType": stated, "properties": {}}

    [trigger] = begin(around, action(object=record)).intakes[f"hubspot-{PORTAL}"].triggers

    assert trigger.subject == Subject(kind, "904")


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        ({"origin": {"portalId": 70001}}, "NOT_CONNECTED", "is not connected"),
        ({"inputFields": {"campaign": "last_year"}}, "NO_CAMPAIGN", "'last_year'"),
        ({"inputFields": {"campaign": ["a"]}}, "NO_CAMPAIGN", "choose another one"),
        ({"inputFields": {}}, "NO_CAMPAIGN", "No video is chosen"),
        ({"object": {"objectId": 1, "objectType": "TICKET"}}, "WRONG_OBJECT", "about contacts"),
    ],
)
def test_what_cannot_begin_lets_the_workflow_go_on_and_says_why(
    more: dict[str, Any], code: str, sentence: str, around: Surroundings
) -> None:
    """Nothing is stored and no contact is held up; the workflow's history holds the reason."""
    taken = begin(around, action(**more))

    told = outputs(taken)
    assert not taken.intakes
    assert (told["hs_execution_state"], told["errorCode"]) == ("FAIL_CONTINUE", code)
    assert sentence in told["cuereel_reason"]


@pytest.mark.parametrize(("state", "count"), [("active", 1), ("needs_reauth", 1), ("disabled", 0)])
def test_a_portal_that_must_be_connected_again_still_takes_in(
    state: str, count: int, around: Surroundings, keyring: Keyring
) -> None:
    """Its triggers wait until an admin has done so; a disabled one takes nothing."""
    connect(around.store, keyring, "70001", state)

    assert len(begin(around, action(origin={"portalId": "70001"})).intakes) == count


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[]", b"", action(callbackId=""), action(callbackId="x" * 101), action(callbackId=7),
     action(callbackId="a b"), action(origin={}), action(object={"objectType": "CONTACT"}),
     action(object={"objectId": True}), action(inputFields=[1])],
)  # fmt: skip
def test_a_request_without_its_parts_is_refused(body: bytes, around: Surroundings) -> None:
    """What HubSpot never sends is a payload error, and names the part."""
    with pytest.raises(PayloadError):
        begin(around, body)


def test_a_workflows_author_chooses_among_the_active_videos(around: Surroundings) -> None:
    """The list offers titles, keeps names, and says what each one is made of."""
    offered = {one["value"]: one for one in ask(around)}

    assert set(offered) == {"abandoned_cart", "account_review", "onboarding"}
    assert offered["abandoned_cart"]["label"] == "Abandoned cart"
    assert offered["abandoned_cart"]["description"] == "Template abandoned_cart, 16:9"
    with around.store.write() as tx:
        campaigns.retire(tx, {"onboarding"})
    assert [one["value"] for one in ask(around)] == ["onboarding"]


@pytest.mark.parametrize(
    ("search", "count"),
    [("CART", 1), (" review ", 1), ("on", 2), ("nothing like it", 0), ("", 3), (None, 3)],
)
def test_the_list_can_be_searched(search: str | None, count: int, around: Surroundings) -> None:
    """What is typed is looked for in titles and names, whatever its case."""
    assert len(ask(around, q=search)) == count


def test_the_list_of_an_unknown_portal_is_empty(around: Surroundings) -> None:
    """Who is not connected does not learn what videos there are."""
    foreign = OPTIONS.replace(PORTAL.encode(), b"70001")
    taken = actions.options(plain(foreign, "/hooks/hubspot/app/options", {}), around)

    assert json.loads(taken.answer.body) == {"options": [], "searchable": True}


@FEW
@given(
    more=st.dictionaries(
        st.sampled_from(
            ["callbackId", "origin", "context", "object", "inputFields", "fetchOptions"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=12),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["portalId", "workflowId", "objectId", "objectType", "campaign", "q"]
                    ),
                    inner,
                )
            ),
            max_leaves=8,
        ),
    )
)
def test_no_json_breaks_us(more: dict[str, Any], around: Surroundings) -> None:
    """Whatever is signed is answered in HubSpot's way, or refused as a payload."""
    for take, whole in ((actions.begin, ACTION), (actions.options, OPTIONS)):
        body = json.dumps({**json.loads(whole), **more}).encode()
        try:
            taken = take(plain(body, "/hooks/hubspot/app/action", {}), around)
        except PayloadError:
            continue
        assert taken.answer.status == 200
        assert json.loads(taken.answer.body)
