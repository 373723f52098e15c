"""What became of contacts: deals, tickets, meetings, forms and e-mails, in a few calls."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.outcomes import outcomes
from connector.errors import CRMDownError
from connector.model import Happening
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


def read(gateway: Gateway, since: datetime = SINCE) -> list[Happening]:
    return list(outcomes(gateway, dictionary(), since))


def of_kind(happenings: list[Happening], kind: str) -> list[Happening]:
    return sorted((one for one in happenings if one.kind == kind), key=lambda one: one.occurred_at)


def a_deal(fake: FakeHubSpot, deal: str, contact: str = "101") -> None:
    """Make a deal of a contact that was open before and is won since."""
    fake.add("contacts", {"email": f"c{contact}@example.com"}, id=contact, at=BEFORE)
    opened = {"dealname": "Ana's order", "dealstage": "appointmentscheduled", "pipeline": "default",
              "amount": "1200.50", "deal_currency_code": "EUR"}  # fmt: skip
    fake.add("deals", opened, id=deal, at=BEFORE)
    fake.associate("contacts", contact, "deals", deal)
    fake.change("deals", deal, {"dealstage": "contractsent"}, at=THEN)
    won = {"dealstage": "closedwon", "hs_is_closed_won": True, "hs_is_closed": True}
    fake.change("deals", deal, won, at=LATER)


def test_a_deal_tells_each_stage_it_came_to_and_that_it_was_won(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """With its time, its amount and its contact; what came before was told before."""
    a_deal(fake, "7")
    found = read(gateway)
    stages = of_kind(found, "deal_stage")
    assert [(one.facts["stage"], one.occurred_at) for one in stages] == [
        ("contractsent", THEN),
        ("closedwon", LATER),
    ]
    [won] = of_kind(found, "deal_won")
    assert (won.contact_id, won.amount, won.currency) == ("101", 1200.5, "EUR")
    assert won.occurred_at == LATER
    assert won.facts == {"id": "7", "stage": "closedwon", "pipeline": "default"}


def test_a_deal_that_was_lost_is_told_too(fake: FakeHubSpot, gateway: Gateway) -> None:
    """An effect is measured on both ends."""
    fake.add("deals", {"dealstage": "closedlost", "hs_is_closed": True}, id="7", at=THEN)
    found = read(gateway)
    assert [one.kind for one in found] == ["deal_stage", "deal_lost"]
    assert {(one.contact_id, one.amount, one.currency) for one in found} == {(None, None, None)}


def test_an_amount_that_changes_later_comes_under_the_same_key(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """Whoever keeps outcomes can put the new amount in the old one's place."""
    a_deal(fake, "7")
    [won] = of_kind(read(gateway), "deal_won")
    fake.change("deals", "7", {"amount": "900"}, at=NOW + timedelta(seconds=1))
    [again] = of_kind(read(gateway, NOW + timedelta(seconds=1)), "deal_won")
    assert again.key == won.key
    assert (won.amount, again.amount) == (1200.5, 900.0)


def test_reading_twice_finds_the_same_under_the_same_keys(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """And no two happenings share one."""
    for deal in ("7", "8"):
        a_deal(fake, deal)
    fake.add("tickets", {"closed_date": THEN}, id="9", at=BEFORE)
    fake.change("tickets", "9", {"hs_pipeline_stage": "4"}, at=THEN)
    found = read(gateway)
    assert read(gateway) == found
    keys = [one.key for one in found]
    assert len(set(keys)) == len(keys) > 6
    assert all(len(key) <= 128 for key in keys)


def test_tickets_and_meetings_belong_to_their_contact(fake: FakeHubSpot, gateway: Gateway) -> None:
    """When it was opened, when it was closed, and when the meeting is."""
    fake.add("contacts", {}, id="101", at=BEFORE)
    ticket = {"subject": "Broken", "hs_pipeline": "0", "hs_pipeline_stage": "4",
              "createdate": BEFORE, "closed_date": THEN}  # fmt: skip
    fake.add("tickets", ticket, id="9", at=THEN)
    fake.add("meetings", {"hs_meeting_start_time": LATER, "hs_meeting_outcome": "SCHEDULED"},
             id="11", at=THEN)  # fmt: skip
    fake.associate("contacts", "101", "tickets", "9")
    fake.associate("contacts", "101", "meetings", "11")
    found = read(gateway)
    assert [(one.kind, one.occurred_at, one.contact_id) for one in found] == [
        ("ticket", BEFORE, "101"),
        ("ticket_closed", THEN, "101"),
        ("meeting", LATER, "101"),
    ]
    assert "Broken" not in str(found)
    fake.change("meetings", "11", {"hs_meeting_outcome": "COMPLETED"})
    [meeting] = of_kind(read(gateway), "meeting")
    assert meeting.key == found[2].key
    assert meeting.facts == {"id": "11", "outcome": "COMPLETED"}


def test_a_contact_tells_its_latest_form_and_emails(fake: FakeHubSpot, gateway: Gateway) -> None:
    """Each with its own time; what is older than the last reading is not told again."""
    told = {
        "recent_conversion_event_name": "Pricing: Contact us",
        "recent_conversion_date": LATER,
        "num_conversion_events": 3,
        "hs_email_last_send_date": BEFORE,
        "hs_email_last_click_date": THEN,
        "hs_email_last_email_name": "Welcome",
    }
    fake.add("contacts", told, id="101", at=LATER)
    fake.add("contacts", {"firstname": "Ben"}, id="102", at=LATER)
    found = read(gateway)
    assert [(one.kind, one.contact_id, one.occurred_at) for one in found] == [
        ("form", "101", LATER),
        ("email_clicked", "101", THEN),
    ]
    assert found[0].facts == {"name": "Pricing: Contact us", "count": 3}
    assert found[1].facts == {"name": "Welcome"}


def test_a_portal_without_marketing_tells_of_forms_alone(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """Properties that it lacks are not searched by, since that would be refused."""
    for name in [name for name in fake.properties["contacts"] if name.startswith("hs_email_last")]:
        del fake.properties["contacts"][name]
    fake.add("contacts", {"recent_conversion_date": LATER}, id="101", at=LATER)
    assert [one.kind for one in read(gateway)] == ["form"]


def test_a_missing_scope_leaves_out_just_that(fake: FakeHubSpot, gateway: Gateway) -> None:
    """With one line in the log; the others are told."""
    a_deal(fake, "7")
    fake.add("tickets", {}, id="9", at=LATER)
    fake.scopes = {scope for scope in fake.scopes if "deals" not in scope}
    with capture_logs() as logs:
        found = read(gateway)
    assert [one.kind for one in found] == ["ticket"]
    left_out = [line for line in logs if line["log_level"] == "warning"]
    assert [(line["what"], line["reason"]) for line in left_out] == [("deals", "missing_scopes")]


def test_a_portal_that_is_down_is_no_portal_without_outcomes(
    fake: FakeHubSpot, gateway: Gateway
) -> None:
    """Only a missing scope is passed over."""
    fake.fail(503, times=-1, path=".*search.*")
    with pytest.raises(CRMDownError):
        read(gateway)


def test_hundreds_of_deals_take_a_few_calls(fake: FakeHubSpot, gateway: Gateway) -> None:
    """A search for 200, histories for 50, associations for a page; none for a single record."""
    for number in range(1, 251):
        a_deal(fake, str(number), str(1000 + number))
    fake.calls.clear()
    found = read(gateway)
    assert len(of_kind(found, "deal_won")) == 250
    assert {one.contact_id for one in found} == {str(1000 + n) for n in range(1, 251)}
    of_deals = [path for _, path in fake.calls if "deals" in path]
    assert Counter(path.rsplit("/", 2)[-2:][-1] for path in of_deals) == {"search": 2, "read": 7}


def test_more_than_a_search_can_show_are_walked(fake: FakeHubSpot, gateway: Gateway) -> None:
    """HubSpot ends every search at 10,000; here at 400, with pages that begin anew."""
    for number in range(1, 451):
        fake.add("tickets", {}, id=str(number), at=LATER)
    found = of_kind(read(gateway), "ticket")
    assert len({one.key for one in found}) == 450
    bodies = [one.body for one in fake.requests if one.path.endswith("tickets/search")]
    assert len(bodies) == 3
    assert all(b'"after"' not in body for body in bodies)
    assert all(len(body) < 3000 for body in bodies)


def test_values_that_are_none_are_left_out(fake: FakeHubSpot, gateway: Gateway) -> None:
    """A number that is none, a currency of four letters, a time that is none."""
    strange = {"dealstage": "x", "amount": "1e999", "deal_currency_code": "EURO"}
    fake.add("deals", strange, id="7", at=THEN)
    fake.add("meetings", {"hs_meeting_start_time": "soon"}, id="11", at=THEN)
    [stage] = read(gateway)
    assert (stage.kind, stage.amount, stage.currency) == ("deal_stage", None, None)


@pytest.mark.parametrize("since", [SINCE, SINCE.astimezone(), datetime(1970, 1, 1, tzinfo=UTC)])
def test_any_time_may_be_asked_for(fake: FakeHubSpot, gateway: Gateway, since: datetime) -> None:
    """Also the beginning, as a new connection does."""
    a_deal(fake, "7")
    kinds = {one.kind for one in itertools.islice(read(gateway, since), 10)}
    assert {"deal_stage", "deal_won"} <= kinds
