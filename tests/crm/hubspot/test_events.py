"""What HubSpot's webhooks mean: fixture in, triggers out."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.events import MOST_EVENTS, read_events, read_rules, trigger_key
from connector.decide.dictionary import Dictionary, load_dictionary
from connector.errors import MappingError, PayloadError
from connector.model import Subject, Trigger
from connector.strict_json import parse_json
from tests.crm.hubspot.posting import NOW, PORTAL, payload

HUBSPOT = load_dictionary("hubspot", ())
HAPPENED = datetime(2026, 9, 5, 8, 31, 12, 520_000, tzinfo=UTC)


def read(body: bytes, dictionary: Dictionary = HUBSPOT) -> dict[str, tuple[Trigger, ...]]:
    return read_events(parse_json(body), dictionary, NOW)


def listed(*events: Mapping[str, Any]) -> bytes:
    return json.dumps(events).encode()


def changed(**more: Any) -> dict[str, Any]:
    [event] = json.loads(payload("object.propertyChange__lifecyclestage"))
    return {**event, **more}


def ruled(*lines: str) -> Dictionary:
    return replace(HUBSPOT, events=dict.fromkeys(lines, "something_happened"))


@pytest.mark.parametrize(
    ("name", "kind", "subject", "facts"),
    [
        (
            "object.propertyChange__lifecyclestage",
            "contact_onboarding",
            Subject("contact", "546500061938"),
            {"property": "lifecyclestage", "value": "customer"},
        ),
        (
            "object.propertyChange__cart",
            "cart_abandoned",
            Subject("cart", "31415926"),
            {"property": "hs_external_status", "value": "Abandoned_Checkout"},
        ),
        (
            "deal.propertyChange",
            "deal_won",
            Subject("deal", "271828"),
            {"property": "dealstage", "value": "closedwon"},
        ),
        (
            "contact.merge",
            "contact_merged",
            Subject("contact", "301"),
            {"from": ["201", "202"], "into": "301"},
        ),
        (
            "object.merge__into_primary",
            "contact_merged",
            Subject("contact", "201"),
            {"from": ["202", "203"], "into": "201"},
        ),
    ],
)
def test_each_event_becomes_its_trigger(
    name: str, kind: str, subject: Subject, facts: dict[str, object]
) -> None:
    """Kind, subject, time and facts are read from either shape, ids as numbers or as texts."""
    [trigger] = read(payload(name))[PORTAL]

    assert (trigger.kind, trigger.subject, trigger.occurred_at) == (kind, subject, HAPPENED)
    assert dict(trigger.facts) == facts


def test_a_new_contact_in_the_older_shape() -> None:
    """The older shape names the kind of record in its type."""
    [trigger] = read(payload("contact.creation"))[PORTAL]

    assert (trigger.kind, trigger.subject) == ("contact_created", Subject("contact", "123"))
    assert trigger.occurred_at == datetime(2019, 7, 26, 4, 0, tzinfo=UTC)
    assert trigger.facts == {}


def test_a_privacy_deletion_and_its_deletion_both_erase() -> None:
    """Whichever of the two comes first, or alone, the contact is erased."""
    triggers = read(payload("contact.privacyDeletion"))[PORTAL]

    assert {(t.kind, t.subject) for t in triggers} == {
        ("contact_deleted", Subject("contact", "123"))
    }


def test_a_write_of_ours_is_not_something_that_happened() -> None:
    """Neither a field of ours nor any change that our app made comes back as a trigger."""
    assert read(payload("object.propertyChange__own_fields")) == {PORTAL: ()}


def test_a_field_of_ours_under_a_name_of_the_admins_is_ours_too() -> None:
    """A dictionary may give our fields other names; nothing is triggered by these either."""
    specs = dict(HUBSPOT.write_fields)
    specs["video_status"] = replace(specs["video_status"], name="video_state")
    own = replace(HUBSPOT, write_fields=specs, events={"contact.video_state": "something_happened"})
    event = changed(propertyName="video_state", propertyValue="ready")

    assert read(listed(event), own) == {PORTAL: ()}


def test_another_integrations_write_is_something_that_happened() -> None:
    """A shop writes through the API as well, and that is just what we wait for."""
    event = changed(changeSource="INTEGRATION", sourceId="25200")

    assert len(read(listed(event))[PORTAL]) == 1


def test_unknown_types_are_accepted_and_ignored() -> None:
    """What HubSpot may tell one day, or of records that we do not know, does no harm."""
    assert read(payload("unknown_types")) == {PORTAL: ()}


def test_events_are_kept_apart_by_portal() -> None:
    """One delivery may tell of several portals; both shapes of one event are one trigger."""
    found = read(payload("two_portals"))

    assert {portal: len(triggers) for portal, triggers in found.items()} == {
        PORTAL: 1,
        "70001": 1,
        "90009": 0,
    }


@pytest.mark.parametrize(
    ("value", "count"),
    [("abandoned", 1), ("RECOVERING", 1), (" Abandoned ", 1), ("completed", 0), ("", 0), (None, 0),
     ("REDACTED", 0), (True, 0), (["abandoned"], 0)],
)  # fmt: skip
def test_only_the_values_of_the_rule_count(value: object, count: int) -> None:
    """A shop's own words for an abandoned cart are alternatives, whatever their case."""
    [event] = json.loads(payload("object.propertyChange__cart"))

    assert len(read(listed({**event, "propertyValue": value}))[PORTAL]) == count


def test_a_rule_without_a_value_takes_any() -> None:
    """`contact.lifecyclestage` alone means every change of it."""
    triggers = read(listed(changed(propertyValue=True)), ruled("contact.lifecyclestage"))[PORTAL]

    assert [t.facts["value"] for t in triggers] == ["true"]


def test_a_company_may_be_an_account_in_our_words() -> None:
    """Two rules may ask for the same event under two of our kinds."""
    event = changed(objectTypeId="0-2", objectId=7)
    lines = ("company.lifecyclestage=customer", "account.lifecyclestage=customer")

    triggers = read(listed(event), ruled(*lines))[PORTAL]

    assert {t.subject for t in triggers} == {Subject("company", "7"), Subject("account", "7")}
    assert len({t.key for t in triggers}) == 2


@pytest.mark.parametrize("line", ["", "contact", "robot.creation", "contact.", "contact.a=", ".x"])
def test_a_rule_that_hubspot_cannot_fulfil_is_named(line: str) -> None:
    """A mistake in `[events]` is told, not ignored."""
    with pytest.raises(MappingError, match=r"deal\.dealstage=closedwon"):
        read_rules({line: "something_happened"})


def test_the_key_is_that_of_the_event_alone() -> None:
    """Another try, another subscription and another id of the same event are a repeat."""
    [first] = read(listed(changed()))[PORTAL]
    [second] = read(listed(changed(attemptNumber=3, eventId=9, subscriptionId=1)))[PORTAL]
    others = [
        read(listed(changed(**more)))[PORTAL][0]
        for more in ({"objectId": 1}, {"occurredAt": 1788597072521}, {"propertyValue": "Customer"})
    ]

    assert first.key == second.key
    assert len({first.key, *(other.key for other in others)}) == 4
    subject = Subject("contact", "546500061938")
    said = trigger_key("contact_onboarding", subject, "lifecyclestage", "customer", HAPPENED)
    assert first.key == said


@given(seed=st.integers(0, 10_000), repeats=st.integers(1, 4))
def test_repeats_and_any_order_lead_to_the_same_triggers(seed: int, repeats: int) -> None:
    """HubSpot promises neither once nor in order; what we take from it does not change."""
    events = [changed(objectId=n, occurredAt=1788597072520 + n) for n in range(8)]
    mixed = [{**e, "attemptNumber": a} for a in range(repeats) for e in events]
    random.Random(seed).shuffle(mixed)

    assert set(map(str, read(listed(*mixed))[PORTAL])) == set(
        map(str, read(listed(*events))[PORTAL])
    )


def test_what_is_said_to_come_has_happened_by_now() -> None:
    """HubSpot's clock may be ahead of ours; the key is still that of what it said."""
    ahead = int((NOW + timedelta(hours=1)).timestamp() * 1000)
    [early] = read_events([changed(occurredAt=ahead)], HUBSPOT, NOW)[PORTAL]
    [later] = read_events([changed(occurredAt=ahead)], HUBSPOT, NOW + timedelta(minutes=1))[PORTAL]

    assert early.occurred_at == NOW
    assert early.key == later.key


def test_a_batch_of_a_hundred_is_taken_and_a_larger_one_is_not() -> None:
    """HubSpot sends at most a hundred; more is somebody else's idea."""
    hundred = [changed(objectId=n + 1) for n in range(MOST_EVENTS)]

    assert len(read(listed(*hundred))[PORTAL]) == 100
    with pytest.raises(PayloadError, match="1 to 100"):
        read(listed(*hundred, changed(objectId=0)))


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b"[1]", b"[[]]", b"null", b'"x"', b'[{"portalId":1}]',
     b'[{"subscriptionType":"contact.creation"}]',
     b'[{"subscriptionType":7,"portalId":1}]',
     b'[{"subscriptionType":"contact.creation","portalId":true,"objectId":1,"occurredAt":1}]'],
)  # fmt: skip
def test_what_is_no_list_of_events_is_refused(body: bytes) -> None:
    """A shape that HubSpot never sends is a payload error."""
    with pytest.raises(PayloadError):
        read(body)


@pytest.mark.parametrize(
    "more",
    [{"objectId": None}, {"objectId": 1.5}, {"objectId": [1]}, {"objectId": "x" * 100},
     {"occurredAt": None}, {"occurredAt": "soon"}, {"occurredAt": -1}, {"occurredAt": 10**20}],
)  # fmt: skip
def test_an_event_that_matters_must_say_of_whom_and_when(more: dict[str, Any]) -> None:
    """Without a record or a time nothing can be made of it."""
    with pytest.raises(PayloadError):
        read(listed(changed(**more)))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
TYPES = st.sampled_from(
    ["contact.creation", "object.propertyChange", "object.merge", "contact.merge", "x", "object.x"]
)
LIKELY = st.fixed_dictionaries(
    {"subscriptionType": TYPES, "portalId": st.just(62515) | ANYTHING},
    optional={
        "objectId": st.integers(1, 9) | ANYTHING,
        "objectTypeId": st.sampled_from(["0-1", "0-142"]) | ANYTHING,
        "occurredAt": st.integers(0, 2 * 10**12) | ANYTHING,
        "propertyName": st.just("lifecyclestage") | ANYTHING,
        "propertyValue": st.just("customer") | ANYTHING,
        "mergedObjectIds": ANYTHING,
        "primaryObjectId": ANYTHING,
        "newObjectId": ANYTHING,
        "changeSource": ANYTHING,
        "sourceId": ANYTHING,
        "appId": ANYTHING,
    },
)


@given(body=ANYTHING | st.lists(LIKELY, min_size=1, max_size=4))
def test_no_json_breaks_us(body: object) -> None:
    """Whatever is signed is understood, or refused as a payload; whatever is understood is sound."""
    try:
        found = read(json.dumps(body).encode())
    except PayloadError:
        return
    for trigger in (trigger for triggers in found.values() for trigger in triggers):
        assert len(trigger.key) == 64
        assert 0 < len(trigger.subject.id) <= 64
        assert trigger.occurred_at <= NOW
