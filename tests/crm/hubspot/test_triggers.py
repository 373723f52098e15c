"""What comes to the address of one portal: its webhooks, and "Send a webhook" of its workflows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.crm import Connection, Surroundings
from connector.crm.hubspot.triggers import SECRET_HEADER, receive
from connector.errors import PayloadError, SignatureError
from connector.model import Delivery, Intake, Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.hubspot.posting import (
    HOOK_SECRET,
    NOW,
    OLD_SECRET,
    PORTAL,
    payload,
    plain,
    signed,
    surroundings_of,
)

CONNECTION = Connection(
    f"hubspot-{PORTAL}", "hubspot", "Portal", secrets={"hook_secret": HOOK_SECRET}
)
HOOK = f"/hooks/hubspot/{CONNECTION.id}"
ONBOARDING = payload("object.propertyChange__lifecyclestage")
FLAT = payload("webhook_action")


@pytest.fixture
def around(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Surroundings:
    return surroundings_of(settings, sqlite_store, keyring)


def secret(body: bytes, value: str = HOOK_SECRET) -> Delivery:
    return plain(body, HOOK, {SECRET_HEADER: value})


def take(body: bytes, around: Surroundings) -> Intake:
    return receive(secret(body), CONNECTION, around)


def flat(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_webhooks_of_this_portal_are_taken(version: str, around: Surroundings) -> None:
    """Either signature of webhooks proves them; the delivery is known by what it holds."""
    intake = receive(signed(ONBOARDING, HOOK, version), CONNECTION, around)
    again = receive(signed(ONBOARDING, HOOK, version), CONNECTION, around)

    assert [t.kind for t in intake.triggers] == ["contact_onboarding"]
    assert intake.answer.status == 202
    assert intake.key == again.key


def test_webhooks_of_other_portals_are_ignored(around: Surroundings) -> None:
    """What is signed but tells of another portal is accepted and left alone."""
    intake = receive(signed(payload("two_portals"), HOOK), CONNECTION, around)
    foreign = ONBOARDING.replace(PORTAL.encode(), b"70001")

    assert {t.subject for t in intake.triggers} == {Subject("contact", "101")}
    assert len(intake.triggers) == 1
    assert receive(signed(foreign, HOOK), CONNECTION, around).triggers == ()


def test_a_list_of_events_needs_a_webhooks_signature(around: Surroundings) -> None:
    """The secret in a header does not speak for a list of events, nor that for a workflow's wish."""
    for delivery in (secret(ONBOARDING), signed(FLAT, HOOK, "v1"), signed(FLAT, HOOK, "v3")):
        with pytest.raises(PayloadError):
            receive(delivery, CONNECTION, around)


def test_a_workflows_signature_does_not_say_which_portal_it_is(around: Surroundings) -> None:
    """Any portal can have HubSpot sign for our app: without this portal's secret nothing is taken."""
    for body in (FLAT, ONBOARDING):
        with pytest.raises(SignatureError):
            receive(signed(body, HOOK, "v2"), CONNECTION, around)


def test_a_workflow_sends_a_webhook(around: Surroundings) -> None:
    """With our secret in a header, the named campaign is asked for the contact."""
    [trigger] = receive(secret(FLAT), CONNECTION, around).triggers

    assert (trigger.kind, trigger.subject) == ("webhook_action", Subject("contact", "904"))
    assert (trigger.campaign, trigger.occurred_at) == ("abandoned_cart", NOW)


@pytest.mark.parametrize(
    "guess", ["", HOOK_SECRET[:-1], HOOK_SECRET + "x", "é", "\udcff", "x" * 9999]
)
def test_another_secret_proves_nothing(guess: str, around: Surroundings) -> None:
    """A wrong secret is refused, even where the request is rightly signed as well."""
    right = signed(FLAT, HOOK, "v2")
    with pytest.raises(SignatureError):
        receive(secret(FLAT, guess), CONNECTION, around)
    with pytest.raises(SignatureError):
        receive(replace(right, headers={**right.headers, SECRET_HEADER: guess}), CONNECTION, around)


def test_a_connection_without_a_secret_has_none_to_guess(around: Surroundings) -> None:
    """An empty header does not open a connection that has no secret."""
    bare = replace(CONNECTION, secrets={})
    for guess in ("", "None"):
        with pytest.raises(SignatureError):
            receive(secret(FLAT, guess), bare, around)


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        (payload("webhook_action__record"), Subject("contact", "904")),
        (payload("webhook_action__deal_record"), Subject("deal", "271828")),
        (flat(hs_object_id=904), Subject("contact", "904")),
        (flat(vid="904"), Subject("contact", "904")),
        (flat(objectId=31, objectTypeId="0-142"), Subject("cart", "31")),
        (flat(objectId=7, object_type="company"), Subject("company", "7")),
        (flat(properties={"hs_object_id": "904"}), Subject("contact", "904")),
    ],
)
def test_the_record_may_be_named_in_any_of_hubspots_ways(
    body: bytes, subject: Subject, around: Surroundings
) -> None:
    """A few chosen fields or the whole record: the id is found in either."""
    [trigger] = take(body, around).triggers

    assert trigger.subject == subject


def test_kind_and_template_may_be_given(around: Surroundings) -> None:
    """With a kind of its own a webhook starts every campaign that answers it."""
    [trigger] = take(flat(contact_id=1, kind="webinar_attended"), around).triggers
    assert (trigger.kind, trigger.campaign) == ("webinar_attended", "")

    [trigger] = take(flat(contact_id=1, template="onboarding"), around).triggers
    assert trigger.campaign == "onboarding"


def test_the_same_words_within_a_minute_are_a_repeat(around: Surroundings) -> None:
    """Without an id, what is sent again at once is the same; with one, it is the same for ever."""
    now, soon, later = (
        receive(replace(secret(FLAT), received_at=NOW + timedelta(seconds=s)), CONNECTION, around)
        for s in (0, 59, 60)
    )
    assert now.triggers[0].key == soon.triggers[0].key != later.triggers[0].key

    once, again = (
        receive(
            replace(secret(flat(contact_id=1, id="e-1")), received_at=NOW + timedelta(days=d)),
            CONNECTION,
            around,
        )
        for d in (0, 2)
    )
    assert once.key == again.key
    assert once.triggers[0].key == again.triggers[0].key


@pytest.mark.parametrize(
    "body",
    [flat(), flat(email="ana@example.com"), flat(contact_id=True), flat(contact_id=["1"]),
     flat(contact_id="x" * 65), flat(objectId=1, objectType="TICKET"),
     flat(contact_id=1, kind="Contact Deleted"), flat(contact_id=1, campaign=["a"]),
     flat(contact_id=1, campaign="x" * 65), flat(contact_id=1, id={"a": 1}),
     flat(contact_id=1, portalId="70001"), b"[]", b"{", b"7"],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(body: bytes, around: Surroundings) -> None:
    """No record, no name where a name is due, or another portal: a payload error."""
    with pytest.raises(PayloadError):
        take(body, around)


@pytest.mark.parametrize("kind", ["contact_deleted", "contact_merged"])
def test_an_admins_form_erases_nobody(kind: str, around: Surroundings) -> None:
    """What cannot be taken back is believed of HubSpot's own events alone."""
    with pytest.raises(PayloadError, match="cannot be of kind"):
        take(flat(contact_id=1, kind=kind), around)


def test_another_apps_signature_proves_nothing(around: Surroundings) -> None:
    """Both of our secrets are taken while one is rotated, and no other one."""
    for known in (signed(ONBOARDING, HOOK), signed(ONBOARDING, HOOK, secret=OLD_SECRET)):
        assert receive(known, CONNECTION, around).triggers
    with pytest.raises(SignatureError):
        receive(signed(ONBOARDING, HOOK, secret="stranger"), CONNECTION, around)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=70),
        lambda inner: st.dictionaries(
            st.sampled_from(
                ["contact_id", "objectId", "objectType", "kind", "campaign", "id", "properties",
                 "hs_object_id", "value", "portalId"]
            ),
            inner,
        ),
        max_leaves=10,
    )
)  # fmt: skip
def test_no_json_breaks_us(body: object, around: Surroundings) -> None:
    """Whatever a workflow sends becomes a sound trigger or a payload error."""
    try:
        [trigger] = take(json.dumps(body).encode(), around).triggers
    except PayloadError:
        return
    assert 0 < len(trigger.subject.id) <= 64
    assert len(trigger.kind) <= 64
    assert len(trigger.campaign) <= 64
