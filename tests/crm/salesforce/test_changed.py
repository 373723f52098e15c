"""What is found by asking the org: values that were come to, idle carts, and people who went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus

import pytest
import responses
from structlog.testing import capture_logs

from connector.crm import Connection
from connector.crm.salesforce import changed
from connector.crm.salesforce.gateway import Gateway
from connector.decide.dictionary import Dictionary
from connector.errors import CRMDownError, MappingError
from connector.model import Subject, Trigger
from connector.store import Store, triggers
from tests.crm.salesforce.orgs import API, dictionary

if TYPE_CHECKING:
    from tests.fakes.salesforce import FakeOrg

NOW = datetime.now(UTC).replace(microsecond=0)
BEFORE, SINCE = NOW - timedelta(days=40), NOW - timedelta(hours=6)
THEN, LATER = NOW - timedelta(hours=5), NOW - timedelta(hours=4)


def with_rules(rules: Mapping[str, str]) -> Dictionary:
    return replace(dictionary(), events=rules)


NO_RULES = with_rules({})


def found(
    gateway: Gateway, words: Dictionary | None = None, since: datetime = SINCE
) -> list[Trigger]:
    return list(changed.changed(gateway, words or dictionary(), since))


def told(went: list[Trigger]) -> list[tuple[str, Subject]]:
    return [(one.kind, one.subject) for one in went]


def won(org: FakeOrg, number: str, at: datetime) -> str:
    org.add("Opportunity", {"Name": "Roof", "StageName": "Prospecting"}, id=number, at=BEFORE)
    stage = {"StageName": "Closed Won", "IsWon": True, "IsClosed": True}
    return org.add("Opportunity", stage, id=number, at=at)


# values


def test_what_a_flow_has_told_gives_way_to_its_message(
    org: FakeOrg, gateway: Gateway, connection: Connection, sqlite_store: Store
) -> None:
    """The two have different keys; the message came later, so only that one is decided on."""
    won(org, "1", THEN)
    [asked] = found(gateway)
    message = replace(asked, key="om:04l5g00000Kq1ZtAAJ", occurred_at=NOW)
    with sqlite_store.write() as tx:
        stored = [triggers.add(tx, connection.id, one) for one in (asked, message)]
        rows = triggers.get(tx, [row_id for row_id in stored if row_id])
        newer = {row.trigger.key: triggers.newer_exists(tx, row) for row in rows}

    assert newer == {asked.key: True, message.key: False}


def test_a_deal_that_was_won_since_is_found(org: FakeOrg, gateway: Gateway) -> None:
    """With the time at which its stage says that it was, and no other deal with it."""
    deal = won(org, "1", THEN)
    won(org, "2", SINCE - timedelta(hours=1))
    org.add("Opportunity", {"Name": "Open", "StageName": "Prospecting"}, id="3", at=THEN)
    [trigger] = found(gateway)

    assert told([trigger]) == [("contact_onboarding", Subject("deal", deal))]
    assert (trigger.occurred_at, trigger.facts, trigger.campaign) == (THEN, {}, "")


def test_the_same_deal_keeps_its_key_however_often_it_is_touched(
    org: FakeOrg, gateway: Gateway
) -> None:
    """Its amount may change for months; it was won once."""
    deal = won(org, "1", THEN)
    first = found(gateway)
    org.add("Opportunity", {"Amount": 900}, id=deal, at=LATER)

    assert found(gateway) == first
    assert found(gateway, since=LATER - timedelta(minutes=1)) == []


def test_a_deal_that_is_won_a_second_time_is_news(org: FakeOrg, gateway: Gateway) -> None:
    """It was opened again in between."""
    deal = won(org, "1", THEN)
    [first] = found(gateway)
    org.add("Opportunity", {"StageName": "Negotiation", "IsWon": False}, id=deal, at=LATER)
    assert found(gateway) == []
    again = LATER + timedelta(hours=1)
    org.add("Opportunity", {"StageName": "Closed Won", "IsWon": True}, id=deal, at=again)
    [second] = found(gateway)

    assert (second.subject, second.occurred_at) == (first.subject, again)
    assert first.key != second.key


def test_a_tracked_field_tells_when_it_came_to_its_value(org: FakeOrg, gateway: Gateway) -> None:
    """With field history tracking a box that is ticked each quarter is found each quarter."""
    track_reviews(org)
    words = with_rules({"account.Review_Due__c=true": "account_review_due"})
    account = due(org, "7", THEN)
    [first] = found(gateway, words)
    org.add("Account", {"Website": "https://example.com"}, id=account, at=LATER)
    other = {"AccountId": account, "Field": "Website", "NewValue": "https://example.com"}
    org.add("AccountHistory", other, at=LATER)
    assert found(gateway, words) == [first]
    assert found(gateway, words, since=LATER) == []
    due(org, "7", LATER)
    [second] = found(gateway, words)

    assert told([first]) == [("account_review_due", Subject("account", account))]
    assert (first.occurred_at, second.occurred_at) == (THEN, LATER)
    assert first.key != second.key


def due(org: FakeOrg, number: str, at: datetime) -> str:
    values = {"Name": "Casa Azul", "Review_Due__c": True}
    account = org.add("Account", values, id=number, at=at)
    if "AccountHistory" in org.objects:
        for field, value in (("Review_Due__c", "true"), ("Owner", "Ana")):
            entry = {"AccountId": account, "Field": field, "NewValue": value}
            org.add("AccountHistory", entry, at=at)
    return account


def track_reviews(org: FakeOrg) -> None:
    org.define("Account", "Review_Due__c", type="boolean")
    fields = {"AccountId": "string", "Field": "string", "NewValue": "string"}
    org.define_object("AccountHistory", "017", fields)


def test_an_untracked_field_counts_once_for_a_record(org: FakeOrg, gateway: Gateway) -> None:
    """Any change may have been this one, and one video too few is better than one each day."""
    org.define("Account", "Review_Due__c", type="boolean")
    words = with_rules({"account.Review_Due__c=true": "account_review_due"})
    account = due(org, "7", THEN)
    [first] = found(gateway, words)
    org.add("Account", {"Website": "https://example.com"}, id=account, at=LATER)
    [second] = found(gateway, words)

    assert (first.occurred_at, second.occurred_at) == (THEN, LATER)
    assert first.key == second.key


def test_what_we_write_on_people_is_nothing_that_happened(org: FakeOrg, gateway: Gateway) -> None:
    """A customer of years is not onboarded because we wrote a number of views."""
    org.install_ours()
    org.define("Contact", "Plan__c", type="picklist")
    words = with_rules({"contact.Plan__c=team": "upgraded"})
    old = org.add("Contact", {"LastName": "Old", "Plan__c": "team"}, id="1", at=BEFORE)
    new = org.add("Contact", {"LastName": "New", "Plan__c": "team"}, id="2", at=THEN)
    first = found(gateway, words)
    org.add("Contact", {"Cuereel_Views__c": 3}, id=old, at=LATER, by=org.user_id)
    org.add("Contact", {"Cuereel_Views__c": 3}, id=new, at=LATER, by=org.user_id)

    assert told(first) == [("upgraded", Subject("contact", new))]
    assert found(gateway, words) == first


def test_a_value_may_stand_behind_a_relation(org: FakeOrg, gateway: Gateway) -> None:
    """A rule may follow the way to another record, and compare text without regard to capitals."""
    partner = org.add("Account", {"Name": "A", "Type": "Partner"}, id="1", at=BEFORE)
    other = org.add("Account", {"Name": "B", "Type": "Press"}, id="2", at=BEFORE)
    case = org.add("Case", {"Subject": "Help", "AccountId": partner}, id="1", at=THEN)
    org.add("Case", {"Subject": "Help", "AccountId": other}, id="2", at=THEN)

    assert told(found(gateway, with_rules({"case.Account.Type=partner": "helped"}))) == [
        ("helped", Subject("case", case))
    ]


def test_a_truth_behind_a_relation_is_compared_as_one(org: FakeOrg, gateway: Gateway) -> None:
    """The type is that of the field at the end of the way."""
    org.define("Account", "Vip__c", type="boolean")
    account = org.add("Account", {"Name": "A", "Vip__c": True}, id="1", at=BEFORE)
    case = org.add("Case", {"Subject": "Help", "AccountId": account}, id="1", at=THEN)

    assert told(found(gateway, with_rules({"case.Account.Vip__c=true": "helped"}))) == [
        ("helped", Subject("case", case))
    ]


def test_records_that_were_made_are_found(org: FakeOrg, gateway: Gateway) -> None:
    """A lead is a contact to the rest of us."""
    lead = org.add("Lead", {"LastName": "Ruiz", "Company": "Casa"}, id="1", at=THEN)
    org.add("Lead", {"LastName": "Gil", "Company": "Casa"}, id="2", at=BEFORE)
    order = org.add("Order", {"Status": "Draft"}, id="1", at=LATER)
    words = with_rules({"lead.created": "welcome", "order.created": "ordered"})
    went = found(gateway, words)
    org.add("Lead", {"Title": "CEO"}, id=lead, at=LATER)

    assert told(went) == [
        ("welcome", Subject("contact", lead)),
        ("ordered", Subject("order", order)),
    ]
    assert [one.occurred_at for one in went] == [THEN, LATER]
    assert found(gateway, words) == went


def test_our_own_fields_are_never_a_reason(org: FakeOrg, gateway: Gateway) -> None:
    """A rule that names one would make a circle, so it is not even asked about."""
    org.install_ours()
    org.add("Contact", {"LastName": "A", "Cuereel_Video_Status__c": "ready"}, at=THEN)
    words = with_rules(
        {
            "contact.Cuereel_Video_Status__c=ready": "circle",
            "case.Contact.Cuereel_Own__c=1": "circle",
        }
    )

    assert found(gateway, words) == []


# idle


def test_a_cart_that_rests_is_abandoned(org: FakeOrg, gateway: Gateway) -> None:
    """An hour after its last change, if it is still open; touched again it is news again."""
    cart = org.add("WebCart", {"Name": "Cart", "Status": "Active"}, id="1", at=LATER)
    org.add("WebCart", {"Name": "Done", "Status": "Closed"}, id="2", at=LATER)
    org.add("WebCart", {"Name": "Fresh", "Status": "Active"}, id="3", at=NOW)
    [first] = found(gateway)
    again = LATER + timedelta(hours=2)
    org.add("WebCart", {"Name": "Larger"}, id="1", at=again)
    [second] = found(gateway)

    assert told([first]) == [("cart_abandoned", Subject("cart", cart))]
    assert first.occurred_at == LATER + timedelta(hours=1)
    assert second.occurred_at == again + timedelta(hours=1)
    assert first.key != second.key
    assert found(gateway) == [second]


def test_a_cart_becomes_idle_between_two_looks(org: FakeOrg, gateway: Gateway) -> None:
    """What was touched before the last look, and not for an hour by now, is found by this one."""
    org.add("WebCart", {"Name": "A", "Status": "Active"}, id="1", at=NOW - timedelta(minutes=63))
    org.add("WebCart", {"Name": "B", "Status": "Active"}, id="2", at=NOW - timedelta(hours=3))

    [trigger] = found(gateway, since=NOW - timedelta(minutes=10))
    assert trigger.subject.id == org.id("WebCart", "1")


# people who went


def test_a_deleted_contact_or_lead_is_gone(org: FakeOrg, gateway: Gateway) -> None:
    """It is found in the recycle bin, once."""
    for name in ("Contact", "Lead"):
        for number in ("1", "2"):
            person = {"LastName": "A"} | ({"Company": "B"} if name == "Lead" else {})
            org.add(name, person, id=number, at=BEFORE)
    org.remove("Contact", "1", at=THEN)
    org.remove("Lead", "1", at=LATER)
    org.remove("Contact", "2", at=BEFORE + timedelta(days=1))
    went = found(gateway, NO_RULES)

    assert told(went) == [
        ("contact_deleted", Subject("contact", org.id("Contact", "1"))),
        ("contact_deleted", Subject("contact", org.id("Lead", "1"))),
    ]
    assert [one.occurred_at for one in went] == [THEN, LATER]
    assert found(gateway, NO_RULES) == went


def test_a_merged_contact_belongs_to_the_one_that_is_left(org: FakeOrg, gateway: Gateway) -> None:
    """What we hold about it moves, and is not erased."""
    for number in ("1", "2"):
        org.add("Contact", {"LastName": "A"}, id=number, at=BEFORE)
    org.remove("Contact", "1", into="2", at=THEN)
    loser, winner = (org.id("Contact", number) for number in ("1", "2"))
    [trigger] = found(gateway, NO_RULES)

    assert told([trigger]) == [("contact_merged", Subject("contact", winner))]
    assert trigger.facts == {"from": [loser], "into": winner}


def test_a_converted_lead_becomes_its_contact(org: FakeOrg, gateway: Gateway) -> None:
    """One that was converted into an account alone goes nowhere."""
    contact = org.add("Contact", {"LastName": "Ruiz"}, id="1", at=BEFORE)
    for number, into in (("1", contact), ("2", None)):
        lead = {"LastName": "Ruiz", "Company": "Casa", "IsConverted": True}
        org.add("Lead", lead | ({"ConvertedContactId": into} if into else {}), id=number, at=THEN)
    [trigger] = found(gateway, NO_RULES)

    assert told([trigger]) == [("contact_merged", Subject("contact", contact))]
    assert trigger.facts == {"from": [org.id("Lead", "1")], "into": contact}


def test_who_is_to_be_forgotten_is_gone(org: FakeOrg, gateway: Gateway) -> None:
    """The wish stands on the individual, which contacts and leads belong to."""
    wish = org.add("Individual", {"LastName": "Ruiz", "ShouldForget": False}, at=BEFORE)
    other = org.add("Individual", {"LastName": "Gil", "ShouldForget": False}, at=BEFORE)
    person = org.add("Contact", {"LastName": "Ruiz", "IndividualId": wish}, id="1", at=BEFORE)
    org.add("Contact", {"LastName": "Gil", "IndividualId": other}, id="2", at=THEN)
    assert found(gateway, NO_RULES) == []
    org.add("Individual", {"ShouldForget": True}, id=wish, at=THEN)
    [trigger] = found(gateway, NO_RULES)
    org.remove("Contact", "1", at=LATER)

    assert told([trigger]) == [("contact_deleted", Subject("contact", person))]
    assert [one.key for one in found(gateway, NO_RULES)] == [trigger.key]


def test_where_the_bin_may_not_be_opened_the_list_of_deletions_is_read(
    org: FakeOrg, gateway: Gateway
) -> None:
    """It goes back fifteen days, and whoever asks for more gets those."""
    org.add("Contact", {"LastName": "A"}, id="1", at=BEFORE)
    org.remove("Contact", "1", at=THEN)
    by_bin = found(gateway, NO_RULES)
    refusal = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}]
    org.fail(403, refusal, path=r"queryAll", times=-1)
    for since in (SINCE, NOW - timedelta(days=30)):
        by_list = found(gateway, NO_RULES, since)
        assert [one.key for one in by_list] == [one.key for one in by_bin]
    assert found(gateway, NO_RULES, NOW) == []
    last = [parse_qs(one.query) for one in org.requests if "/deleted" in one.path][-1]
    start, end = (datetime.fromisoformat(last[name][0]) for name in ("start", "end"))
    assert end - start >= timedelta(minutes=1)


# what the org has not, or does not let us see


@pytest.mark.parametrize("hidden", [("Lead",), ("Lead", "ConvertedContactId")])
def test_what_the_org_has_not_is_left_out_silently(
    hidden: tuple[str, ...], org: FakeOrg, gateway: Gateway
) -> None:
    """No commerce, no leads, no individuals, no such field: the rest is followed."""
    won(org, "1", THEN)
    org.undefine("WebCart")
    org.hide(*hidden)
    org.hide("Contact", "IndividualId")
    words = with_rules({**dictionary().events, "account.Review_Due__c=true": "account_review_due"})
    with capture_logs() as logs:
        went = found(gateway, words)

    assert [one.kind for one in went] == ["contact_onboarding"]
    assert logs == []


def test_a_rule_that_the_org_refuses_keeps_no_other_from_being_followed(
    org: FakeOrg, gateway: Gateway
) -> None:
    """A long text cannot be looked for; the log names the rule and nothing of the record."""
    won(org, "1", THEN)
    org.add("Case", {"Description": "hidden words"}, at=THEN)
    words = with_rules({"case.Description=hidden words": "never", **dictionary().events})
    with capture_logs() as logs:
        kinds = [one.kind for one in found(gateway, words)]

    assert kinds == ["contact_onboarding"]
    [line] = logs
    assert (line["name"], line["reason"]) == ("case.Description", "invalid_field")
    assert "hidden" not in str(line)


def test_a_mistaken_rule_is_said_before_anything_is_asked(org: FakeOrg, gateway: Gateway) -> None:
    """Half a dictionary is not followed."""
    for rules in ({"boat.Sold__c=true": "sold"}, {"deal": "won"}):
        with pytest.raises(MappingError):
            found(gateway, with_rules({**dictionary().events, **rules}))
    assert org.calls == []


def test_a_busy_org_is_asked_again_as_a_whole(org: FakeOrg, gateway: Gateway) -> None:
    """What passes is no reason to leave anything out."""
    org.fail(503, "<html>", path=r"query", times=-1)
    with pytest.raises(CRMDownError):
        found(gateway)


def test_thousands_of_records_take_a_few_calls(org: FakeOrg, gateway: Gateway) -> None:
    """Pages of two thousand, and since when for five hundred at a time."""
    for number in range(2100):
        won(org, str(number + 1), THEN)
    found(gateway, since=NOW)
    org.calls.clear()
    keys = {one.key for one in found(gateway)}

    assert len(keys) == 2100
    assert len(org.calls) <= 16


def test_records_are_passed_on_as_they_come(org: FakeOrg, gateway: Gateway) -> None:
    """The first is there before the last page was asked for."""
    for number in range(3):
        org.add("Contact", {"LastName": "A"}, id=str(number + 1), at=THEN)
    org.page = 1
    words = with_rules({"contact.created": "welcome"})
    taken = changed.changed(gateway, words, SINCE)
    next(taken)
    before = len(org.calls)
    rest = list(taken)

    assert len(rest) == 2
    assert len(org.calls) > before


@responses.activate
@pytest.mark.parametrize(
    "row",
    [{"Id": "1", "SystemModstamp": "2026-11-21T12:00:00.000+0000"},
     {"Id": "0035g00000Vn2hQAAR", "SystemModstamp": "yesterday"},
     {"Id": "0035g00000Vn2hQAAR", "SystemModstamp": "2026-11-21T12:00:00"}],
)  # fmt: skip
def test_nonsense_is_not_taken_for_a_deletion(row: Mapping[str, str], prepared: Gateway) -> None:
    """Nobody is erased because of an answer that cannot be understood."""
    version = f"{API}/services/data/v{prepared.version}"
    described = {"fields": [{"name": "Id", "type": "id"}], "childRelationships": []}
    responses.get(f"{version}/sobjects/Contact/describe", json=described)
    responses.get(f"{version}/sobjects/Lead/describe", status=404, json=[])
    responses.get(f"{version}/queryAll/", json={"records": [row], "done": True})

    with pytest.raises(CRMDownError):
        found(prepared, NO_RULES)
    asked = unquote_plus(str(responses.calls[-1].request.url))
    assert "IsDeleted = true AND SystemModstamp >= " in asked


def test_a_clock_ahead_of_ours_tells_of_now(org: FakeOrg, gateway: Gateway) -> None:
    """What is said to come later has happened by now."""
    org.add("Contact", {"LastName": "A"}, id="1", at=NOW + timedelta(hours=3))
    [trigger] = found(gateway, with_rules({"contact.created": "welcome"}))

    assert trigger.occurred_at <= datetime.now(UTC)
