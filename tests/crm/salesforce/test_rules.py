"""The lines of [events]: what they mean, what they become in a query, and which are mistakes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.crm.salesforce.rules import Rule, read_rules
from connector.errors import MappingError
from tests.crm.salesforce.orgs import dictionary


def rule(line: str, trigger: str = "something") -> Rule:
    [found] = read_rules({line: trigger})
    return found


def test_the_lines_that_are_shipped_are_rules() -> None:
    """Onboarding begins when a deal is won, and a cart that rests for an hour is abandoned."""
    won, cart = read_rules(dictionary().events)

    assert (won.kind, won.field, won.values, won.idle) == ("deal", "IsWon", ("true",), None)
    assert (cart.kind, cart.values) == ("cart", ("Active", "PendingClosed"))
    assert (cart.idle, cart.trigger) == (timedelta(hours=1), "cart_abandoned")
    assert cart.object(dictionary().objects) == "WebCart"


def test_a_record_that_was_made_needs_no_value() -> None:
    """`created` is no field, though a field of the org may be called nearly so."""
    assert rule("contact.created").field == ""
    assert rule("contact.CreatedBy.Name=Ana").field == "CreatedBy.Name"


@pytest.mark.parametrize(
    ("written", "idle"),
    [("45m", timedelta(minutes=45)), ("24h", timedelta(days=1)), ("3d", timedelta(days=3))],
)
def test_rest_is_counted_in_minutes_hours_or_days(written: str, idle: timedelta) -> None:
    """As it is written behind the values."""
    found = rule(f"cart.Status=Active| In Checkout idle {written}")

    assert (found.idle, found.values) == (idle, ("Active", "In Checkout"))


@pytest.mark.parametrize(
    ("line", "type_", "condition"),
    [
        ("deal.IsWon=true", "boolean", "IsWon = true"),
        ("deal.IsWon=TRUE", "boolean", "IsWon = true"),
        ("deal.Amount=12.5", "currency", "Amount = 12.5"),
        ("deal.CloseDate=2026-12-31", "date", "CloseDate = 2026-12-31"),
        ("deal.StageName=Won|Lost", "picklist", "(StageName = 'Won' OR StageName = 'Lost')"),
        ("deal.StageName=12", "picklist", "StageName = '12'"),
        ("account.Account.Type=A", "picklist", "Account.Type = 'A'"),
        ("account.Tags__c=a|b", "multipicklist", "Tags__c INCLUDES ('a','b')"),
        ("deal.Name=O'Hara\\", "string", r"Name = 'O\'Hara\\'"),
        ("deal.Name=idle soon", "string", "Name = 'idle soon'"),
    ],
)
def test_values_are_compared_by_the_fields_type(line: str, type_: str, condition: str) -> None:
    """Text stays text whatever it holds, and is never part of the query's own words."""
    assert rule(line).condition(type_) == condition


@pytest.mark.parametrize(
    ("line", "type_"),
    [("deal.IsWon=yes", "boolean"), ("deal.Amount=1 OR 1=1", "currency"),
     ("deal.CloseDate=soon", "date"), ("deal.At__c=2026-12-31", "datetime")],
)  # fmt: skip
def test_a_value_that_the_type_cannot_have_is_a_mistake(line: str, type_: str) -> None:
    """The sentence names the line, the type, and how to write it."""
    with pytest.raises(MappingError, match=rf"{type_}.*write for example"):
        rule(line).condition(type_)


@pytest.mark.parametrize(
    "line",
    ["contact", "contact.", "contact.Field", "contact.Field=", "contact.Field=|", "contact.created=1",
     "contact.created idle 5m", "contact.Field idle 5m", "Contact.Field=1", "contact.Fie ld=1",
     "contact.a.b.c.d.e.f=1", "contact.Field;=1", "cart.Status=Active idle 60 min",
     "cart.Status=Active idle 0m", "cart.Status=Active idle", ""],
)  # fmt: skip
def test_a_line_that_is_no_rule_is_named(line: str) -> None:
    """With examples of lines that are."""
    with pytest.raises(MappingError) as error:
        read_rules({"deal.IsWon=true": "good", line: "bad"})

    assert repr(line) in error.value.sentence
    assert "contact.created" in error.value.sentence


@pytest.mark.parametrize("trigger", ["contact_deleted", "contact_merged"])
def test_no_rule_erases_anybody(trigger: str) -> None:
    """A field's value is too easily set by mistake for what cannot be taken back."""
    with pytest.raises(MappingError, match="found without a rule"):
        rule("contact.Inactive__c=true", trigger)


def test_a_record_without_an_object_is_a_mistake() -> None:
    """The sentence says which line is missing where."""
    with pytest.raises(MappingError, match=r'boat = "My_Object__c"'):
        rule("boat.Sold__c=true").object(dictionary().objects)


@pytest.mark.parametrize("kind", ["contact", "lead"])
def test_people_are_never_waited_for_to_rest(kind: str) -> None:
    """What we write on them ourselves would count as a touch, and one video would lead to the next."""
    with pytest.raises(MappingError, match="without `idle`"):
        rule(f"{kind}.Status__c=Asleep idle 30d").object(dictionary().objects)
