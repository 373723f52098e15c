"""Reading records of an org with the people, accounts and goods around them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce import kept
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.items import value
from connector.crm.salesforce.records import read
from connector.crm.salesforce.refusals import RefusedError
from connector.decide.campaigns import load_campaigns
from connector.decide.dictionary import Dictionary, parse_dictionary
from connector.errors import CRMBusyError, CRMDownError
from connector.model import Record, Subject
from tests.crm.salesforce.orgs import dictionary

if TYPE_CHECKING:
    from tests.fakes.salesforce import FakeOrg

DICTIONARY = dictionary()
DICTIONARY_TEXT = (files("mappings") / "crm" / "salesforce.toml").read_text(encoding="utf-8")
QUERY = r".*/query/?.*"
CUSTOM = {
    "Contact": {"Locale__c": "string", "Plan__c": "picklist", "Start_Date__c": "date"},
    "Lead": {"Plan__c": "picklist"},
    "Account": {"Usage__c": "textarea", "Seats_Used__c": "double", "Renewal_Date__c": "date"},
    "WebCart": {"Checkout_Url__c": "url"},
    "Product2": {"Image_Url__c": "url", "Url__c": "url"},
}


@pytest.fixture
def org(org: FakeOrg) -> FakeOrg:
    """One family of records, in an org that has made the fields that the dictionary names."""
    family(org)
    return org


def family(org: FakeOrg) -> None:
    for name, fields in CUSTOM.items():
        for field, type_ in fields.items():
            org.define(name, field, type=type_)
    sam = org.add("User", {"Name": "Sam Okafor", "Email": "sam@casa-verde.example"}, id="77")
    org.add("Account", {"Name": "Prieto & Hijas", "NumberOfEmployees": 12, "OwnerId": sam}, id="7")
    ana = {"FirstName": "Ana", "LastName": "Prieto", "Locale__c": "pt-BR", "OwnerId": sam,
           "AccountId": org.id("Account", "7"), "Title": "a secret of the org"}  # fmt: skip
    org.add("Contact", ana, id="101")
    buyer = org.add("User", {"Name": "Ana", "ContactId": org.id("Contact", "101")}, id="78")
    cart = {"GrandTotalAmount": 94.4, "CurrencyIsoCode": "EUR", "CreatedById": buyer,
            "Checkout_Url__c": "https://shop.example/c/1"}  # fmt: skip
    org.add("WebCart", cart, id="9001")
    lamp = org.add(
        "Product2", {"Name": "Lamp", "Image_Url__c": "https://shop.example/1.jpg"}, id="1"
    )
    of_cart = {"CartId": org.id("WebCart", "9001")}
    org.add(
        "CartItem", {**of_cart, "Product2Id": lamp, "SalesPrice": 89.9, "Quantity": 1.0}, id="501"
    )
    org.add("CartItem", {**of_cart, "Name": "Bulb", "SalesPrice": 4.5, "Quantity": 2.0}, id="502")


def subject(org: FakeOrg, kind: str, name: str, number: str) -> Subject:
    return Subject(kind, org.id(name, number))


def fields(gateway: Gateway, one: Subject, *words: str) -> dict[str, Any]:
    return dict(read(gateway, DICTIONARY, [one], words)[one].fields)


def test_a_cart_brings_its_contact_company_goods_and_owner(org: FakeOrg, gateway: Gateway) -> None:
    """The viewer is who made the cart, the company is the contact's, cart items become rows."""
    cart = subject(org, "cart", "WebCart", "9001")
    words = {
        "contact.first_name", "contact.owner_name", "contact.owner_email", "company.name",
        "cart.total", "cart.currency", "cart.items", "cart.checkout_url",
    }  # fmt: skip

    assert read(gateway, DICTIONARY, [cart], words)[cart] == Record(
        cart,
        org.id("Contact", "101"),
        {
            "contact.first_name": "Ana",
            "contact.owner_name": "Sam Okafor",
            "contact.owner_email": "sam@casa-verde.example",
            "company.name": "Prieto & Hijas",
            "cart.total": 94.4,
            "cart.currency": "EUR",
            "cart.checkout_url": "https://shop.example/c/1",
            "cart.items": [
                {
                    "title": "Lamp",
                    "image": "https://shop.example/1.jpg",
                    "price": 89.9,
                    "quantity": 1,
                },
                {"title": "Bulb", "price": 4.5, "quantity": 2},
            ],
        },
    )


def test_a_hundred_carts_are_two_queries(org: FakeOrg, gateway: Gateway) -> None:
    """There is no call per record; what the org's objects are like is asked once in ten minutes."""
    sam = org.id("User", "77")
    for n in range(100):
        account = org.add("Account", {"Name": f"C{n}"}, id=str(20_000 + n))
        person = {"FirstName": f"N{n}", "AccountId": account, "OwnerId": sam}
        contact = org.add("Contact", person, id=str(10_000 + n))
        buyer = org.add("User", {"ContactId": contact}, id=str(50_000 + n))
        cart = org.add("WebCart", {"GrandTotalAmount": n, "CreatedById": buyer}, id=str(30_000 + n))
        org.add("CartItem", {"CartId": cart, "Name": f"I{n}", "SalesPrice": 1}, id=str(40_000 + n))
    carts = [subject(org, "cart", "WebCart", str(30_000 + n)) for n in range(100)]
    words = load_campaigns([])["abandoned_cart"].words() | {"company.name", "contact.owner_name"}
    org.calls.clear()
    first = read(gateway, DICTIONARY, carts, words)
    made = [path for _, path in org.calls]

    assert len([path for path in made if "/describe" not in path]) == 2
    org.calls.clear()
    assert read(gateway, DICTIONARY, carts, words) == first
    assert len(org.calls) == 2
    assert first[carts[42]] == Record(
        carts[42],
        org.id("Contact", "10042"),
        {
            "contact.first_name": "N42",
            "contact.owner_name": "Sam Okafor",
            "company.name": "C42",
            "cart.total": 42,
            "cart.items": [{"title": "I42", "price": 1}],
        },
    )


def test_a_thousand_contacts_are_two_queries(org: FakeOrg, gateway: Gateway) -> None:
    """Also where much is asked of each: 500 ids and a campaign's fields fit one address."""
    people = [Subject("contact", org.add("Contact", {"FirstName": f"N{n}"})) for n in range(1_000)]
    words = load_campaigns([])["onboarding"].words()
    read(gateway, DICTIONARY, people[:1], words)
    org.calls.clear()

    assert len(read(gateway, DICTIONARY, people, words)) == 1_000
    assert len(org.calls) == 2


def test_only_mapped_fields_are_asked_for(org: FakeOrg, gateway: Gateway) -> None:
    """What no word of the campaign names does not leave the org."""
    ana = subject(org, "contact", "Contact", "101")

    assert fields(gateway, ana, "contact.first_name") == {"contact.first_name": "Ana"}
    [asked] = [one for one in org.requests if one.path.rstrip("/").endswith("/query")]
    assert parse_qs(asked.query)["q"] == [
        f"SELECT Id, FirstName FROM Contact WHERE Id IN ('{ana.id}')"
    ]


def test_what_is_gone_is_absent(org: FakeOrg, gateway: Gateway) -> None:
    """Deleted, unknown and impossible ids are left out, and so is a kind that Salesforce lacks."""
    ben = org.add("Contact", {"FirstName": "Ben"}, id="102")
    org.remove("Contact", ben)
    ana = subject(org, "contact", "Contact", "101")
    gone = [
        Subject("contact", ben),
        Subject("contact", org.id("Contact", "999")),
        Subject("contact", "' OR Id != '"),
        Subject("contact", "42"),
        Subject("contact", org.id("Account", "7")),
        Subject("subscription", ana.id),
        Subject("item", org.id("CartItem", "501")),
    ]

    assert set(read(gateway, DICTIONARY, [*gone, ana], {"contact.first_name"})) == {ana}
    assert read(gateway, DICTIONARY, gone[:1], {"contact.first_name"}) == {}
    assert read(gateway, DICTIONARY, [], {"contact.first_name"}) == {}


def test_a_contact_that_was_merged_away_is_absent(org: FakeOrg, gateway: Gateway) -> None:
    """The other one has its history now, and answers under its own id."""
    loser, winner = org.add("Contact", {"FirstName": "Anna"}, id="103"), org.id("Contact", "101")
    org.remove("Contact", loser, into=winner)
    both = [Subject("contact", loser), Subject("contact", winner)]

    assert set(read(gateway, DICTIONARY, both, {"contact.first_name"})) == {both[1]}


def test_fifteen_characters_are_answered_as_they_were_asked(org: FakeOrg, gateway: Gateway) -> None:
    """Reports show short ids; the viewer has the whole one."""
    short = Subject("contact", org.id("Contact", "101")[:15])

    assert read(gateway, DICTIONARY, [short], {"contact.first_name"})[short] == Record(
        short, org.id("Contact", "101"), {"contact.first_name": "Ana"}
    )


def test_a_lead_is_a_contact_with_words_of_its_own(org: FakeOrg, gateway: Gateway) -> None:
    """Its fields have other names, and its company is a text on itself."""
    lead = {"FirstName": "Leo", "Company": "Sol GmbH", "Industry": "Energy", "Plan__c": "team",
            "OwnerId": org.id("User", "77")}  # fmt: skip
    leo = Subject("contact", org.add("Lead", lead, id="1"))
    ana = subject(org, "contact", "Contact", "101")
    words = {"contact.first_name", "contact.plan", "contact.owner_name", "contact.company_id",
             "company.name", "company.industry", "lead.company"}  # fmt: skip
    found = read(gateway, DICTIONARY, [leo, ana], words)

    assert found[leo] == Record(
        leo,
        leo.id,
        {"contact.first_name": "Leo", "contact.plan": "team", "contact.owner_name": "Sam Okafor",
         "company.name": "Sol GmbH", "company.industry": "Energy", "lead.company": "Sol GmbH"},
    )  # fmt: skip
    assert found[ana].fields["company.name"] == "Prieto & Hijas"


def test_a_lead_that_became_a_contact_is_absent(org: FakeOrg, gateway: Gateway) -> None:
    """Salesforce keeps it, but nobody may write to it any more."""
    lead = Subject("contact", org.add("Lead", {"FirstName": "Leo", "IsConverted": True}, id="2"))

    assert read(gateway, DICTIONARY, [lead], {"contact.first_name"}) == {}


def test_a_deals_viewer_is_its_primary_contact(org: FakeOrg, gateway: Gateway) -> None:
    """Else the first that was added; a deal without roles is watched by nobody."""
    ben = org.add("Contact", {"FirstName": "Ben"}, id="102")
    for number in ("301", "302", "303"):
        org.add("Opportunity", {"Name": "Renewal", "Amount": 1200.0}, id=number)
    roles = [("301", ben, False), ("301", org.id("Contact", "101"), True), ("302", ben, False)]
    for number, contact, primary in roles:
        role = {"OpportunityId": org.id("Opportunity", number), "ContactId": contact}
        org.add("OpportunityContactRole", {**role, "IsPrimary": primary})
    deals = [subject(org, "deal", "Opportunity", number) for number in ("301", "302", "303")]
    found = read(gateway, DICTIONARY, deals, {"contact.first_name", "deal.amount"})

    assert [found[one].fields.get("contact.first_name") for one in deals] == ["Ana", "Ben", None]
    assert found[deals[2]] == Record(deals[2], None, {"deal.amount": 1200})


def test_a_deals_own_account_comes_before_that_of_its_contact(
    org: FakeOrg, gateway: Gateway
) -> None:
    """A deal that names an account borrows nothing of its contact's; one without does."""
    holding = org.add("Account", {"Name": "Holding"}, id="8")
    for number, own in (("301", {"AccountId": holding}), ("302", {})):
        deal = org.add("Opportunity", {"Name": "Renewal", **own}, id=number)
        org.add("OpportunityContactRole",
                {"OpportunityId": deal, "ContactId": org.id("Contact", "101")})  # fmt: skip
    deals = [subject(org, "deal", "Opportunity", number) for number in ("301", "302")]
    found = read(gateway, DICTIONARY, deals, {"company.name", "company.size"})

    assert found[deals[0]].fields == {"company.name": "Holding"}
    assert found[deals[1]].fields == {"company.name": "Prieto & Hijas", "company.size": 12}


def test_of_an_accounts_contacts_the_oldest_watches(org: FakeOrg, gateway: Gateway) -> None:
    """Whoever was there first, whatever the id."""
    old = {"FirstName": "Old", "AccountId": org.id("Account", "7")}
    before = datetime.now(UTC) - timedelta(days=400)
    oldest = org.add("Contact", old, id="555", at=before)
    account = subject(org, "account", "Account", "7")

    assert read(gateway, DICTIONARY, [account], set())[account].contact_id == oldest


def test_an_account_review_needs_its_contact_and_its_usage(org: FakeOrg, gateway: Gateway) -> None:
    """The account is the company; usage is a list."""
    org.add("Account", {"Usage__c": '[{"label": "Jul", "value": 120}]', "Seats_Used__c": 42.0,
                        "Renewal_Date__c": "2027-01-31"}, id="7")  # fmt: skip
    account = subject(org, "account", "Account", "7")
    words = load_campaigns([])["account_review"].words()

    assert read(gateway, DICTIONARY, [account], words)[account] == Record(
        account,
        org.id("Contact", "101"),
        {
            "contact.first_name": "Ana",
            "contact.locale": "pt-BR",
            "contact.owner_name": "Sam Okafor",
            "company.name": "Prieto & Hijas",
            "account.name": "Prieto & Hijas",
            "account.owner_name": "Sam Okafor",
            "account.usage": [{"label": "Jul", "value": 120}],
            "account.seats_used": 42,
            "account.renewal_date": "2027-01-31",
        },
    )


def test_an_account_without_contacts_still_has_its_company(org: FakeOrg, gateway: Gateway) -> None:
    """It is the company itself."""
    account = Subject("account", org.add("Account", {"Name": "Lonely"}, id="8"))

    assert read(gateway, DICTIONARY, [account], {"company.name"})[account] == Record(
        account, None, {"company.name": "Lonely"}
    )


def test_a_person_account_is_watched_by_that_person(org: FakeOrg, gateway: Gateway) -> None:
    """Which has no list of contacts, but names its own; a subject may be called company, too."""
    org.define("Account", "PersonContactId", type="reference", refers=["Contact"])
    ana = org.id("Contact", "101")
    account = org.add("Account", {"Name": "Ana Prieto", "PersonContactId": ana}, id="8")
    one = Subject("company", account)

    assert read(gateway, DICTIONARY, [one], {"company.name", "contact.first_name"})[one] == Record(
        one, ana, {"company.name": "Ana Prieto", "contact.first_name": "Ana"}
    )


def test_many_words_of_many_people_still_fit_the_address(org: FakeOrg, gateway: Gateway) -> None:
    """Where a campaign shows a lot, fewer are asked for at a time; Salesforce takes 16 KB."""
    many = {f"contact.word_{n}": f"A_Field_With_A_Long_Name_{n}__c" for n in range(150)}
    for field in many.values():
        org.define("Contact", field)
    people = [org.add("Contact", dict.fromkeys(many.values(), "x")) for _ in range(600)]
    own = Dictionary("salesforce", many, DICTIONARY.write_fields, objects=DICTIONARY.objects)
    found = read(gateway, own, [Subject("contact", one) for one in people], set(many))

    assert len(found) == 600
    assert all(len(record.fields) == 150 for record in found.values())
    assert max(len(one.query) for one in org.requests) < 16_000


def test_a_case_and_an_order_name_their_contact_themselves(org: FakeOrg, gateway: Gateway) -> None:
    """The way to it stands behind the object in the dictionary."""
    ana = org.id("Contact", "101")
    case = Subject("case", org.add("Case", {"Status": "New", "ContactId": ana}, id="1"))
    order = Subject("order", org.add("Order", {"TotalAmount": 5.5, "BillToContactId": ana}, id="1"))
    words = {"contact.first_name", "case.status", "order.total"}
    found = read(gateway, DICTIONARY, [case, order], words)

    assert found[case] == Record(case, ana, {"contact.first_name": "Ana", "case.status": "New"})
    assert found[order] == Record(order, ana, {"contact.first_name": "Ana", "order.total": 5.5})


def test_an_object_of_the_companys_own_may_lead_to_a_lead(org: FakeOrg, gateway: Gateway) -> None:
    """A dictionary may name any object and any way to who watches."""
    lookup = {"type": "reference", "refers": ["Lead"]}
    org.define_object(
        "Demo__c", prefix="a77", fields={"Lead__c": lookup, "Day__c": {"type": "date"}}
    )
    leo = org.add("Lead", {"FirstName": "Leo"}, id="1")
    demo = Subject("demo", org.add("Demo__c", {"Lead__c": leo, "Day__c": "2026-12-01"}, id="1"))
    own = Dictionary(
        "salesforce",
        {**DICTIONARY.read, "demo.day": "Day__c"},
        DICTIONARY.write_fields,
        objects={"demo": "Demo__c.Lead__c"},
    )
    found = read(gateway, own, [demo], {"contact.first_name", "demo.day"})

    assert found[demo] == Record(demo, leo, {"contact.first_name": "Leo", "demo.day": "2026-12-01"})


def test_a_cart_whose_contact_is_gone_has_no_viewer(org: FakeOrg, gateway: Gateway) -> None:
    """The cart can still be read, but nobody is to watch."""
    org.remove("Contact", org.id("Contact", "101"))
    cart = subject(org, "cart", "WebCart", "9001")
    found = read(gateway, DICTIONARY, [cart], {"cart.total", "contact.first_name"})

    assert found[cart] == Record(cart, None, {"cart.total": 94.4})


def test_a_contact_whom_we_may_not_see_is_no_viewer(org: FakeOrg, gateway: Gateway) -> None:
    """A record may name somebody who is not shared with us, or was deleted a moment ago."""
    org.add("User", {"ContactId": org.id("Contact", "999")}, id="78")
    cart = subject(org, "cart", "WebCart", "9001")

    assert read(gateway, DICTIONARY, [cart], {"cart.total"})[cart].contact_id is None


def test_an_object_that_the_org_lacks_has_no_records(org: FakeOrg, gateway: Gateway) -> None:
    """Without Salesforce Commerce there are no carts; contacts are read all the same."""
    own = Dictionary(
        "salesforce",
        DICTIONARY.read,
        DICTIONARY.write_fields,
        objects={"cart": "Basket__c.Contact__c"},
    )
    cart, ana = (
        Subject("cart", org.id("WebCart", "9001")),
        subject(org, "contact", "Contact", "101"),
    )

    assert set(read(gateway, own, [cart, ana], {"contact.first_name", "cart.total"})) == {ana}


def test_a_field_that_the_org_lacks_or_hides_is_not_asked_for(
    org: FakeOrg, gateway: Gateway
) -> None:
    """The word is left out, so that the campaign's `otherwise` stands in."""
    org.hide("Contact", "FirstName")
    ana = subject(org, "contact", "Contact", "101")
    words = ("contact.first_name", "contact.time_zone", "contact.last_name", "contact.no_such")

    assert fields(gateway, ana, *words) == {"contact.last_name": "Prieto"}


def test_a_field_that_was_made_is_found_after_a_while(org: FakeOrg, gateway: Gateway) -> None:
    """What an org has is kept for ten minutes, or until somebody says that it has changed."""
    ana = subject(org, "contact", "Contact", "101")
    assert fields(gateway, ana, "contact.time_zone") == {}
    org.define("Contact", "Time_Zone__c", type="string")
    org.add("Contact", {"Time_Zone__c": "Europe/Madrid"}, id="101")

    assert fields(gateway, ana, "contact.time_zone") == {}
    kept.forget(gateway)
    assert fields(gateway, ana, "contact.time_zone") == {"contact.time_zone": "Europe/Madrid"}


def test_a_field_that_is_hidden_meanwhile_costs_only_itself(org: FakeOrg, gateway: Gateway) -> None:
    """The org is asked once more, for what it still shows, and then knows it for a while."""
    ana = subject(org, "contact", "Contact", "101")
    words = ("contact.first_name", "contact.last_name")
    assert len(fields(gateway, ana, *words)) == 2
    org.hide("Contact", "LastName")

    assert fields(gateway, ana, *words) == {"contact.first_name": "Ana"}
    org.calls.clear()
    assert fields(gateway, ana, *words) == {"contact.first_name": "Ana"}
    assert len(org.calls) == 1


NO_LAST_NAME = [{"errorCode": "INVALID_FIELD", "message": "\nSELECT LastName FROM\n       ^\nERROR at Row:1"
                 ":Column:8\nNo such column 'LastName' on entity 'Contact'."}]  # fmt: skip


def test_a_field_that_is_described_but_refused_is_left_out(org: FakeOrg, gateway: Gateway) -> None:
    """Where the description does not tell, the refusal does."""
    ana = subject(org, "contact", "Contact", "101")
    org.fail(400, NO_LAST_NAME, path=QUERY)

    assert fields(gateway, ana, "contact.first_name", "contact.last_name") == {
        "contact.first_name": "Ana"
    }


def test_an_org_that_goes_on_refusing_is_no_empty_one(org: FakeOrg, gateway: Gateway) -> None:
    """Asked once more, and then somebody is told which field it is about."""
    org.fail(400, NO_LAST_NAME, path=QUERY, times=-1)
    with pytest.raises(RefusedError, match="no field LastName"):
        read(gateway, DICTIONARY, [subject(org, "contact", "Contact", "101")], {"contact.email"})


def test_a_way_that_is_hidden_leads_to_nobody(org: FakeOrg, gateway: Gateway) -> None:
    """The record itself can still be read."""
    org.hide("User", "ContactId")
    cart = subject(org, "cart", "WebCart", "9001")
    found = read(gateway, DICTIONARY, [cart], {"cart.total", "contact.first_name"})

    assert found[cart] == Record(cart, None, {"cart.total": 94.4})


def test_goods_that_the_org_hides_cost_only_themselves(org: FakeOrg, gateway: Gateway) -> None:
    """A cart without visible items still has its total."""
    for name in ("Name", "Product2Id", "SalesPrice", "Quantity"):
        org.hide("CartItem", name)
    cart = subject(org, "cart", "WebCart", "9001")

    assert fields(gateway, cart, "cart.total", "cart.items") == {"cart.total": 94.4}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, "<html>down</html>", CRMDownError),
        (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
         CRMBusyError),
        (400, [{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running too long."}],
         CRMDownError),
        (200, {"records": [{"attributes": {}}], "done": True}, CRMDownError),
        (200, {"records": ["x"], "done": True}, CRMDownError),
    ],
)  # fmt: skip
def test_an_org_that_is_unwell_is_not_an_empty_one(
    org: FakeOrg, gateway: Gateway, status: int, body: Any, error: type[Exception]
) -> None:
    """Nobody is taken for gone because Salesforce did not answer."""
    org.fail(status, body, path=QUERY, times=-1)
    with pytest.raises(error):
        read(gateway, DICTIONARY, [subject(org, "contact", "Contact", "101")], {"contact.email"})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (12.0, 12),
        (-0.5, -0.5),
        (1e21, None),
        (math.inf, None),
        (math.nan, None),
        (True, True),
        (False, False),
        ("2026-12-01", "2026-12-01"),
        ("2026-11-21T12:00:00.000+0000", "2026-11-21T12:00:00+00:00"),
        ("2026-11-21T12:00:00.000+0200", "2026-11-21T10:00:00+00:00"),
        ("2026-11-21T12:00:00Z", "2026-11-21T12:00:00+00:00"),
        ("2026-13-45T12:00:00Z", None),
        ("  Ana ", "Ana"),
        ("a\0b\ud83d", "ab"),
        ("[VIP] Ana", "[VIP] Ana"),
        ("[]", []),
        ('[{"a": 1}]', [{"a": 1}]),
        ('[{"a": NaN}]', None),
        ("   ", None),
        (None, None),
        ({"city": "Madrid"}, None),
    ],
)
def test_values_come_as_campaigns_understand_them(told: Any, expected: Any) -> None:
    """What is no such value is nothing, never a guess."""
    found = value(told)

    assert (type(found), found) == (type(expected), expected)


@given(st.text() | st.floats() | st.integers() | st.booleans() | st.none())
def test_no_value_of_a_record_can_break_the_reading(told: Any) -> None:
    """Whatever people typed, there is an answer, and a number among them can be written out."""
    found = value(told)

    assert not isinstance(found, float) or math.isfinite(found)
    assert not isinstance(found, int | float) or len(str(found)) < 30


def test_a_word_may_stand_for_itself(gateway: Gateway, org: FakeOrg) -> None:
    """An org with one currency has no field for it; a field that says something comes first."""
    text = DICTIONARY_TEXT.replace('currency     = "CurrencyIsoCode"', 'currency     = "=EUR"')
    cart = org.add("WebCart", {"Name": "Cart", "CurrencyIsoCode": "USD"})
    subject = Subject("cart", cart)
    for words, expected in ((text, "EUR"), (DICTIONARY_TEXT, "USD")):
        found = read(gateway, parse_dictionary(words, "salesforce"), [subject], {"cart.currency"})
        assert found[subject].fields["cart.currency"] == expected
