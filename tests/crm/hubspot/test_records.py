"""Reading records of a portal with the people and goods around them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot import kept
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.properties import convert, definitions
from connector.crm.hubspot.records import read
from connector.decide.campaigns import load_campaigns
from connector.decide.formatting import resolve_locale
from connector.errors import CRMBusyError, CRMDownError
from connector.model import Record, Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.hubspot.reading import DICTIONARY, calls, portal
from tests.fakes.hubspot import FakeHubSpot

ANA, CART = Subject("contact", "101"), Subject("cart", "9001")


@pytest.fixture
def served(
    settings: Settings, sqlite_store: Store, keyring: Keyring
) -> Iterator[tuple[FakeHubSpot, Gateway]]:
    """A portal with one family of records."""
    with portal(settings, sqlite_store, keyring) as (fake, gateway):
        family(fake)
        yield fake, gateway


def family(fake: FakeHubSpot) -> None:
    fake.add_owner("77", "sam@casa-verde.example", "Sam", "Okafor")
    fake.add(
        "contacts",
        {
            "firstname": "Ana",
            "lastname": "Prieto",
            "hs_language": "pt-br",
            "hs_timezone": "europe_slash_madrid",
            "hubspot_owner_id": "77",
            "hs_lead_status": "a secret of the portal",
        },
        id="101",
    )
    fake.add("companies", {"name": "Prieto & Hijas", "numberofemployees": 12}, id="7")
    fake.associate("contacts", "101", "companies", "7")
    fake.add(
        "carts",
        {"hs_total_price": "94.40", "hs_currency_code": "EUR", "hs_cart_url": "https://shop/c/1"},
        id="9001",
    )
    fake.associate("carts", "9001", "contacts", "101")
    fake.add(
        "line_items",
        {"name": "Lamp", "price": "89.90", "quantity": "1",
         "hs_images": "https://shop/1.jpg;https://shop/2.jpg"},
        id="501",
    )  # fmt: skip
    fake.add("line_items", {"name": "Bulb", "price": "4.50", "quantity": "2"}, id="502")
    fake.associate("carts", "9001", "line_items", "502")
    fake.associate("carts", "9001", "line_items", "501")


def fields(served: tuple[FakeHubSpot, Gateway], one: Subject, *words: str) -> dict[str, object]:
    return dict(read(served[1], DICTIONARY, [one], words)[one].fields)


def test_a_cart_brings_its_contact_company_goods_and_owner(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """The viewer is the cart's contact, the company is the contact's, line items become rows."""
    _, gateway = served
    words = {
        "contact.first_name", "contact.owner_name", "contact.owner_email", "company.name",
        "cart.total", "cart.currency", "cart.items", "cart.checkout_url",
    }  # fmt: skip

    assert read(gateway, DICTIONARY, [CART], words)[CART] == Record(
        CART,
        "101",
        {
            "contact.first_name": "Ana",
            "contact.owner_name": "Sam Okafor",
            "contact.owner_email": "sam@casa-verde.example",
            "company.name": "Prieto & Hijas",
            "cart.total": 94.4,
            "cart.currency": "EUR",
            "cart.checkout_url": "https://shop/c/1",
            "cart.items": [
                {"title": "Lamp", "image": "https://shop/1.jpg", "price": 89.9, "quantity": 1},
                {"title": "Bulb", "price": 4.5, "quantity": 2},
            ],
        },
    )


def test_a_hundred_carts_are_a_handful_of_calls(served: tuple[FakeHubSpot, Gateway]) -> None:
    """There is no call per record; what a portal has for properties is asked once in ten minutes."""
    fake, gateway = served
    for number in range(100):
        contact, company = str(10_000 + number), str(20_000 + number)
        cart, item = str(30_000 + number), str(40_000 + number)
        fake.add("contacts", {"firstname": f"N{number}", "hubspot_owner_id": "77"}, id=contact)
        fake.add("companies", {"name": f"C{number}"}, id=company)
        fake.add("carts", {"hs_total_price": number}, id=cart)
        fake.add("line_items", {"name": f"I{number}", "price": 1}, id=item)
        fake.associate("contacts", contact, "companies", company)
        fake.associate("carts", cart, "contacts", contact)
        fake.associate("carts", cart, "line_items", item)
    carts = [Subject("cart", str(30_000 + number)) for number in range(100)]
    words = load_campaigns([])["abandoned_cart"].words() | {"company.name", "contact.owner_name"}
    first = read(gateway, DICTIONARY, carts, words)
    made = calls(fake)

    assert len([call for call in made if "/properties/" not in call]) == 8
    assert len([call for call in made if "/properties/" in call]) == 4
    assert read(gateway, DICTIONARY, carts, words) == first
    assert len(calls(fake)) == 7
    assert first[carts[42]] == Record(
        carts[42],
        "10042",
        {
            "contact.first_name": "N42",
            "contact.owner_name": "Sam Okafor",
            "company.name": "C42",
            "cart.total": 42,
            "cart.items": [{"title": "I42", "price": 1}],
        },
    )


def test_contacts_alone_are_one_call_for_a_hundred(served: tuple[FakeHubSpot, Gateway]) -> None:
    """A campaign that speaks of nothing but the contact asks for nothing else."""
    fake, gateway = served
    ids = [fake.add("contacts", {"firstname": f"N{number}"}) for number in range(250)]
    definitions(gateway, "contacts")
    calls(fake)
    found = read(
        gateway, DICTIONARY, [Subject("contact", one) for one in ids], {"contact.first_name"}
    )

    assert len(found) == 250
    assert len(calls(fake)) == 3


def test_only_mapped_properties_are_asked_for(served: tuple[FakeHubSpot, Gateway]) -> None:
    """What no word of the campaign names does not leave the portal, the opt-out aside."""
    fake, gateway = served
    fake.requests.clear()
    found = read(gateway, DICTIONARY, [ANA], {"contact.first_name"})

    assert found[ANA].fields == {"contact.first_name": "Ana"}
    [asked] = [one for one in fake.requests if one.path.endswith("/contacts/batch/read")]
    assert b'"properties": ["firstname", "hs_email_optout"]' in asked.body


def test_what_is_gone_is_absent(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Deleted, unknown and impossible ids are left out, and so is a kind that HubSpot lacks."""
    fake, gateway = served
    fake.add("contacts", {"firstname": "Bo"}, id="102")
    fake.remove("contacts", "102")
    gone = [
        Subject("contact", "102"),
        Subject("contact", "999"),
        Subject("contact", "../101"),
        Subject("subscription", "101"),
        Subject("line_item", "501"),
    ]

    assert set(read(gateway, DICTIONARY, [*gone, ANA], {"contact.first_name"})) == {ANA}
    assert read(gateway, DICTIONARY, gone[:1], {"contact.first_name"}) == {}
    # one impossible id would make HubSpot refuse the whole batch
    assert not any(b"../101" in one.body for one in fake.requests)


def test_an_archived_record_is_gone_though_it_is_sent(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """A record that HubSpot still shows as archived, or under another id, is nobody's."""
    fake, gateway = served
    held = [
        {"id": "101", "properties": {"firstname": "Ana"}, "archived": True},
        {"id": "102", "properties": {"firstname": "Winner"}, "archived": False},
    ]
    fake.fail(200, {"status": "COMPLETE", "results": held}, path=".*/contacts/batch/read")

    assert read(gateway, DICTIONARY, [ANA], {"contact.first_name"}) == {}


def test_a_label_of_the_portals_own_makes_no_company_primary(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """An admin's labels are numbered from 1 too, as the primary company is."""
    fake, _ = served
    fake.add("companies", {"name": "Labelled"}, id="9")
    links = [
        {"toObjectId": 9, "associationTypes": [{"category": "USER_DEFINED", "typeId": 1}]},
        {"toObjectId": 7, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279}]},
    ]
    body = {"status": "COMPLETE", "results": [{"from": {"id": "101"}, "to": links}]}
    fake.fail(200, body, path=".*/contacts/companies/batch/read")

    assert fields(served, ANA, "company.name") == {"company.name": "Prieto & Hijas"}


def test_a_cart_whose_contact_is_gone_has_no_viewer(served: tuple[FakeHubSpot, Gateway]) -> None:
    """The cart can still be read, but nobody is to watch."""
    fake, gateway = served
    fake.remove("contacts", "101")
    found = read(gateway, DICTIONARY, [CART], {"cart.total", "contact.first_name"})

    assert found[CART] == Record(CART, None, {"cart.total": 94.4})


def test_a_contact_that_went_away_meanwhile_is_no_viewer(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """An association may still name a contact that is no longer there."""
    fake, gateway = served
    body = {"results": [{"from": {"id": "9001"}, "to": [{"toObjectId": 999}]}]}
    fake.fail(200, body, path=".*/carts/contacts/batch/read")

    assert read(gateway, DICTIONARY, [CART], {"cart.total"})[CART].contact_id is None


def test_a_deals_own_company_comes_before_that_of_its_contact(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """A deal that names a company does not borrow its contact's; one without does."""
    fake, gateway = served
    fake.add("companies", {"name": "Holding"}, id="8")
    for deal in ("301", "302"):
        fake.add("deals", {"dealname": "Renewal", "amount": "1200"}, id=deal)
        fake.associate("deals", deal, "contacts", "101")
    fake.associate("deals", "301", "companies", "8")
    own, borrowed = Subject("deal", "301"), Subject("deal", "302")
    found = read(gateway, DICTIONARY, [own, borrowed], {"company.name", "deal.amount"})

    assert found[own] == Record(own, "101", {"company.name": "Holding", "deal.amount": 1200})
    assert found[borrowed].fields["company.name"] == "Prieto & Hijas"


def test_an_account_is_a_company_and_its_first_contact_watches(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """Of several contacts the one whose primary company it is, then the oldest; usage is a list."""
    fake, gateway = served
    fake.define("companies", "seats_used", "number")
    fake.define("companies", "renewal_date", "date")
    fake.change(
        "companies",
        "7",
        {"usage": '[{"label": "Jul", "value": 120}]', "seats_used": "42",
         "renewal_date": "2027-01-31", "hubspot_owner_id": "77"},
    )  # fmt: skip
    fake.add("contacts", {"firstname": "Old"}, id="55")
    fake.add("companies", {"name": "Elsewhere"}, id="6")
    fake.associate("contacts", "55", "companies", "6")
    fake.associate("contacts", "55", "companies", "7")
    account = Subject("account", "7")
    words = load_campaigns([])["account_review"].words()

    assert read(gateway, DICTIONARY, [account], words)[account] == Record(
        account,
        "101",
        {
            "contact.first_name": "Ana",
            "contact.locale": "pt-br",
            "contact.owner_name": "Sam Okafor",
            "company.name": "Prieto & Hijas",
            "account.name": "Prieto & Hijas",
            "account.owner_name": "Sam Okafor",
            "account.usage": [{"label": "Jul", "value": 120}],
            "account.seats_used": 42,
            "account.renewal_date": "2027-01-31",
        },
    )


def test_an_account_without_contacts_still_has_its_company(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """It is the company itself."""
    fake, gateway = served
    fake.add("companies", {"name": "Lonely"}, id="8")
    account = Subject("account", "8")

    assert read(gateway, DICTIONARY, [account], {"company.name"})[account] == Record(
        account, None, {"company.name": "Lonely"}
    )


def test_the_same_id_of_two_kinds_is_two_records(served: tuple[FakeHubSpot, Gateway]) -> None:
    """HubSpot counts each kind of record for itself."""
    fake, gateway = served
    fake.add("carts", {"hs_total_price": 3}, id="101")
    fake.associate("carts", "101", "contacts", "101")
    same = Subject("cart", "101")
    found = read(gateway, DICTIONARY, [ANA, same], {"contact.first_name", "cart.total"})

    assert found[ANA].fields == {"contact.first_name": "Ana"}
    assert found[same].fields == {"contact.first_name": "Ana", "cart.total": 3}


def test_a_primary_company_comes_before_an_older_one(served: tuple[FakeHubSpot, Gateway]) -> None:
    """Which company a contact belongs to is what the portal says, not which was made first."""
    fake, _ = served
    fake.add("companies", {"name": "Earlier"}, id="3")
    fake.associate("contacts", "101", "companies", "3")

    assert fields(served, ANA, "company.name") == {"company.name": "Prieto & Hijas"}


def test_language_and_time_zone_are_what_we_understand(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """HubSpot writes both in its own way."""
    found = fields(served, ANA, "contact.locale", "contact.time_zone")

    assert found["contact.time_zone"] == "Europe/Madrid"
    assert resolve_locale(found["contact.locale"]) == "pt-BR"


def test_a_property_that_the_portal_lacks_is_not_asked_for(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """The word is left out, so that the campaign's `otherwise` stands in."""
    fake, _ = served
    fake.requests.clear()

    assert fields(served, ANA, "contact.plan", "contact.country", "contact.no_such") == {}
    assert not any(b'"plan"' in one.body for one in fake.requests)


def test_a_property_that_was_made_is_found_after_a_while(
    served: tuple[FakeHubSpot, Gateway],
) -> None:
    """What a portal has is kept for ten minutes, or until somebody says that it has changed."""
    fake, gateway = served
    assert fields(served, ANA, "contact.plan") == {}
    fake.change("contacts", "101", {"plan": "team"})

    assert fields(served, ANA, "contact.plan") == {}
    kept.forget(gateway)
    assert fields(served, ANA, "contact.plan") == {"contact.plan": "team"}


def test_a_missing_scope_costs_only_what_it_covers(served: tuple[FakeHubSpot, Gateway]) -> None:
    """A portal that shows no companies or line items still shows carts and contacts."""
    fake, gateway = served
    fake.scopes -= {"crm.objects.companies.read", "crm.objects.line_items.read"}
    words = {"contact.first_name", "company.name", "cart.items", "cart.total"}

    assert read(gateway, DICTIONARY, [CART], words)[CART] == Record(
        CART, "101", {"contact.first_name": "Ana", "cart.total": 94.4}
    )


@pytest.mark.parametrize(("status", "error"), [(429, CRMBusyError), (502, CRMDownError)])
def test_a_portal_that_is_unwell_is_not_an_empty_one(
    served: tuple[FakeHubSpot, Gateway], status: int, error: type[Exception]
) -> None:
    """Nobody is taken for gone because HubSpot did not answer."""
    fake, gateway = served
    fake.fail(status, times=-1, path=".*/companies/batch/read")
    with pytest.raises(error):
        read(gateway, DICTIONARY, [CART], {"company.name"})


@pytest.mark.parametrize("body", [{}, [], {"results": None}, {"results": ["x"]}])
def test_an_answer_of_another_shape_is_tried_again(
    served: tuple[FakeHubSpot, Gateway], body: object
) -> None:
    """Sound JSON that lists nothing is no answer."""
    fake, gateway = served
    fake.fail(200, body, path=".*/contacts/batch/read")
    with pytest.raises(CRMDownError):
        read(gateway, DICTIONARY, [ANA], {"contact.first_name"})


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("12.00", "number", 12),
        ("-0.5", "number", -0.5),
        ("1e3", "number", 1000),
        ("1e999", "number", None),
        ("1e-999", "number", 0.0),
        ("1_000", "number", None),
        ("1,000", "number", None),
        ("NaN", "number", None),
        ("Infinity", "number", None),
        ("٣", "number", None),
        ("9" * 61, "number", None),
        ("true", "bool", True),
        ("False", "bool", False),
        ("maybe", "bool", None),
        ("2026-12-01", "date", "2026-12-01"),
        ("1796083200000", "date", "2026-12-01"),
        ("-86400000000", "date", "1967-04-07"),
        ("soon", "date", None),
        ("99999-01-01", "date", None),
        ("2026-11-21T10:00:00.5+01:00", "datetime", "2026-11-21T09:00:00.500000+00:00"),
        ("2026-11-21T10:00:00Z", "datetime", "2026-11-21T10:00:00+00:00"),
        ("1795255200000", "datetime", "2026-11-21T10:00:00+00:00"),
        ("0001-01-01T00:00:00+23:00", "datetime", None),
        ("team", "enumeration", "team"),
        ("america_slash_argentina_slash_buenos_aires", "enumeration",
         "America/Argentina/Buenos_Aires"),
        ("mars_slash_base", "enumeration", "mars_slash_base"),
        ("  Ana ", "string", "Ana"),
        ("+34 600", "phone_number", "+34 600"),
        ("[VIP] Ana", "string", "[VIP] Ana"),
        ("[]", "string", []),
        ('[{"a": 1}]', "string", [{"a": 1}]),
        ('[{"a": NaN}]', "string", None),
        ('[{"a": 1},}]', "string", None),
        ("", "string", None),
        ("   ", "number", None),
        (None, "number", None),
        ("x", "a type of next year", "x"),
    ],
)  # fmt: skip
def test_values_are_read_by_the_type_of_their_property(
    value: str | None, type_: str, expected: object
) -> None:
    """What is no such value is nothing, never a guess."""
    found = convert(value, type_)

    assert (type(found), found) == (type(expected), expected)


@given(st.text(), st.sampled_from(["number", "bool", "date", "datetime", "enumeration", "string"]))
def test_no_text_of_a_record_can_break_the_reading(text: str, type_: str) -> None:
    """Whatever people typed, there is an answer, and a number among them is a number."""
    found = convert(text, type_)

    assert not isinstance(found, float) or math.isfinite(found)
    assert type_ != "number" or found is None or isinstance(found, int | float)


@given(st.from_regex(r"[+-]?[0-9]{1,30}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_numbers_are_never_too_long_to_write_out(text: str) -> None:
    """1e999 is a finite number in a text and has no place in a video."""
    found = convert(text, "number")

    assert found is None or len(str(found)) < 30
