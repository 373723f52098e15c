"""What lost webhooks would have told is found in the portal, under the same keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from connector.crm.hubspot.changed import changed
from connector.crm.hubspot.events import read_events
from connector.crm.hubspot.gateway import Gateway
from connector.decide.dictionary import Dictionary
from connector.model import Subject, Trigger
from tests.crm.hubspot.portals import dictionary
from tests.fakes.hubspot import FakeHubSpot, serving

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(days=1)
BEFORE, THEN, LATER = SINCE - timedelta(days=30), SINCE + timedelta(hours=2), NOW


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal of its own for each test, asked for everything anew."""
    with serving(FakeHubSpot()) as served:
        served.search_limit = None
        yield served


def with_rules(**rules: str) -> Dictionary:
    """Return a dictionary with just these events; an underscore pair stands for the dot."""
    ours = dictionary()
    events = {line.replace("__", ".", 1): kind for line, kind in rules.items()}
    return Dictionary("hubspot", ours.read, ours.write_fields, events)


def found(gateway: Gateway, words: Dictionary | None = None) -> list[Trigger]:
    return list(changed(gateway, words or dictionary(), SINCE))


def told(triggers: list[Trigger]) -> list[tuple[str, Subject, datetime]]:
    return sorted((one.kind, one.subject, one.occurred_at) for one in triggers)


def test_new_contacts_and_new_values_are_found(fake: FakeHubSpot, gateway: Gateway) -> None:
    """What the dictionary has a rule for, since then and not before."""
    fake.add("contacts", {"email": "old@example.com", "lifecyclestage": "lead"}, id="1", at=BEFORE)
    fake.change("contacts", "1", {"lifecyclestage": "Customer"}, at=THEN)
    fake.add("contacts", {"email": "new@example.com"}, id="2", at=LATER)
    fake.add("contacts", {"lifecyclestage": "customer"}, id="3", at=BEFORE)
    fake.change("contacts", "3", {"city": "Vigo"}, at=LATER)
    fake.add("deals", {"dealstage": "closedwon"}, id="7", at=THEN)
    fake.add("carts", {"hs_external_status": "ABANDONED"}, id="8", at=THEN)
    assert told(found(gateway)) == sorted(
        [
            ("contact_created", Subject("contact", "2"), LATER),
            ("contact_onboarding", Subject("contact", "1"), THEN),
            ("deal_won", Subject("deal", "7"), THEN),
            ("cart_abandoned", Subject("cart", "8"), THEN),
        ],
        key=lambda one: (one[0], str(one[1])),
    )


def test_it_is_the_same_trigger_that_the_webhook_would_have_been(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """Keys, facts and subjects agree, so nobody is planned twice."""
    fake.subscribe(["contact.creation", "contact.lifecyclestage", "cart.hs_external_status"])
    fake.add(
        "contacts", {"email": "new@example.com", "lifecyclestage": "customer"}, id="2", at=THEN
    )
    fake.add("carts", {"hs_external_status": "recovering"}, id="8", at=LATER)
    delivered = read_events(fake.take_events(), dictionary(), datetime.now(UTC))[fake.portal]
    caught_up = {one.key: one for one in found(gateway)}
    assert len(delivered) == 3
    assert caught_up == {one.key: one for one in delivered}


def test_a_value_that_was_left_again_still_counts(fake: FakeHubSpot, gateway: Gateway) -> None:
    """Its webhook would have come; what is made of it is decided on the record as it is now."""
    fake.add("carts", {"hs_external_status": "open"}, id="8", at=BEFORE)
    fake.change("carts", "8", {"hs_external_status": "abandoned"}, at=THEN)
    fake.change("carts", "8", {"hs_external_status": "paid"}, at=LATER)
    [trigger] = found(gateway)
    assert (trigger.kind, trigger.occurred_at) == ("cart_abandoned", THEN)
    assert trigger.facts == {"property": "hs_external_status", "value": "abandoned"}


def test_a_rule_without_values_takes_every_change(fake: FakeHubSpot, gateway: Gateway) -> None:
    """An account is what HubSpot calls a company."""
    fake.add("companies", {"industry": "RETAIL"}, id="5", at=BEFORE)
    fake.change("companies", "5", {"industry": "BANKING"}, at=THEN)
    [trigger] = found(gateway, with_rules(account__industry="account_moved"))
    assert (trigger.kind, trigger.subject) == ("account_moved", Subject("account", "5"))


def test_our_own_fields_are_never_a_reason(fake: FakeHubSpot, gateway: Gateway) -> None:
    """A rule that names one would make a circle, so it is not even asked about."""
    fake.add("contacts", {"cuereel_video_status": "ready"}, id="1", at=THEN)
    words = with_rules(contact__cuereel_video_status="circle", contact__cuereel_other="circle")
    assert found(gateway, words) == []
    assert fake.calls == []


def test_what_we_write_makes_no_trigger(fake: FakeHubSpot, gateway: Gateway) -> None:
    """A write of ours changes the record's time, and nothing that a rule names."""
    fake.add("contacts", {"lifecyclestage": "customer"}, id="1", at=BEFORE)
    fake.change("contacts", "1", {"cuereel_views": "3"}, at=LATER)
    assert found(gateway) == []


def test_a_property_that_the_portal_lacks_is_not_searched_by(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """A rule for a property that nobody has made yet keeps no other from being followed."""
    fake.add("contacts", {"lifecyclestage": "customer"}, id="1", at=THEN)
    words = with_rules(contact__renewal_due="renewal", contact__lifecyclestage="stage")
    assert [one.kind for one in found(gateway, words)] == ["stage"]


def test_more_properties_than_a_search_takes_are_followed_all_the_same(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """A search has five groups; beyond that every changed record is looked at."""
    names = [f"step_{number}" for number in range(7)]
    fake.add("contacts", dict.fromkeys(names, "yes"), id="1", at=THEN)
    words = with_rules(**{f"contact__{name}": name for name in names})
    assert sorted(one.kind for one in found(gateway, words)) == names


def test_a_missing_scope_leaves_out_just_that(fake: FakeHubSpot, gateway: Gateway) -> None:
    """A portal that lets us read no carts still has contacts."""
    fake.add("contacts", {}, id="1", at=THEN)
    fake.add("carts", {"hs_external_status": "abandoned"}, id="8", at=THEN)
    fake.scopes = {scope for scope in fake.scopes if "carts" not in scope}
    with capture_logs() as logs:
        kinds = [one.kind for one in found(gateway)]
    assert kinds == ["contact_created"]
    assert [line["what"] for line in logs if line["log_level"] == "warning"] == ["carts"]


def test_hundreds_of_contacts_take_a_few_calls(fake: FakeHubSpot, gateway: Gateway) -> None:
    """Searches of 200 and histories of 50."""
    for number in range(1, 301):
        fake.add("contacts", {"lifecyclestage": "customer"}, id=str(number), at=THEN)
    fake.calls.clear()
    assert len(found(gateway)) == 600
    paths = [path for _, path in fake.calls if "contacts" in path]
    assert sum(path.endswith("search") for path in paths) == 4
    assert sum(path.endswith("batch/read") for path in paths) == 6


def test_a_clock_ahead_of_ours_tells_of_now(fake: FakeHubSpot, gateway: Gateway) -> None:
    """What is said to come later has happened by now, under the key of what was said."""
    fake.add("contacts", {}, id="1", at=NOW + timedelta(hours=3))
    [trigger] = found(gateway)
    assert trigger.occurred_at <= datetime.now(UTC)
