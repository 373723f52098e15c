"""The campaigns that come with us, each from a record to the storyboard of a video."""

import json
from pathlib import Path
from typing import Any

import pytest

from connector.decide.campaigns import Campaign, load_campaigns
from connector.decide.checks import check_campaign
from connector.decide.delivery import call_to_action, locale_of
from connector.decide.dictionary import load_dictionary
from connector.decide.slots import Filled, fill, from_json, to_json
from renderers.storyboard import Storyboard, assemble
from renderers.template import find_template

CONTEXT = {"variant": "", "subject": {"kind": "contact", "id": "ana"}, "trigger": {}}
CONTACT = {
    "contact.first_name": "ΕΛΈΝΗ",
    "contact.locale": "el_GR",
    "contact.plan": "Enterprise",
    "contact.owner_name": "Sam Okafor",
    "contact.start_date": "2026-12-01",
    "company.name": "Αιγαίο Α.Ε.",
}
CART = {
    "contact.first_name": "Jürgen",
    "contact.locale": "de-AT",
    "cart.items": json.dumps([
        {"title": "Lampe &amp; Schirm", "image": "asset:" + "0" * 64, "price": "89.90"},
        {"title": "Glühbirne", "price": 4.5},
    ]),
    "cart.total": "94.40",
    "cart.currency": "EUR",
    "cart.checkout_url": "https://shop.example.com/c/1",
}  # fmt: skip
ACCOUNT = {
    "contact.first_name": "Maya",
    "contact.locale": "en",
    "contact.owner_name": "Sam Okafor",
    "company.name": "Northwind",
    "account.name": "Northwind Ltd",
    "account.owner_name": "",
    "account.period": "Q3 2026",
    "account.usage": [{"label": m, "value": v} for m, v in [("Jul", 120), ("Aug", 180), ("Sep", 240)]],
    "account.usage_change": "18.5",
    "account.savings": "12400",
    "account.currency": "USD",
    "account.seats_used": 42,
    "account.seats_total": "50",
    "account.renewal_date": "2027-01-31",
}  # fmt: skip
RECORDS: dict[str, dict[str, Any]] = {
    "onboarding": CONTACT,
    "abandoned_cart": CART,
    "account_review": ACCOUNT,
}


@pytest.fixture(scope="module")
def campaigns() -> dict[str, Campaign]:
    """The packaged campaigns."""
    return load_campaigns([])


def filled(campaign: Campaign, fields: dict[str, Any]) -> Filled:
    """Fill the slots of a campaign's first step."""
    template = find_template(campaign.steps[0].template)
    locale = locale_of(campaign, fields, CONTEXT)
    return fill(campaign.slots, template.slots, fields, locale=locale, context=CONTEXT)


def storyboard(campaign: Campaign, fields: dict[str, Any], assets: Path) -> Storyboard:
    """Take a record all the way to what will be rendered."""
    slots = from_json(json.loads(json.dumps(to_json(filled(campaign, fields).slots))))
    template = find_template(campaign.steps[0].template)
    return assemble(template, slots, locale=locale_of(campaign, fields), asset_root=assets)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_there_is_nothing_to_mend(campaigns: dict[str, Campaign], name: str) -> None:
    """Each packaged campaign fits its templates and the built-in CRM."""
    campaign = campaigns[name]
    templates = {step.template: find_template(step.template) for step in campaign.steps}
    found = check_campaign(campaign, templates, load_dictionary("local", []))
    assert [finding for finding in found if finding.level != "ok"] == []


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("onboarding", "contact_onboarding"),
        ("abandoned_cart", "cart_abandoned"),
        ("account_review", "account_review_due"),
    ],
)
def test_each_answers_its_trigger(campaigns: dict[str, Campaign], name: str, trigger: str) -> None:
    """These names are what a CRM's workflow sends."""
    assert campaigns[name].trigger == trigger


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_full_record_needs_no_stand_in(campaigns: dict[str, Campaign], name: str) -> None:
    """With everything on the record, everything shown is the contact's own."""
    found = filled(campaigns[name], RECORDS[name])
    assert found.problems == ()
    assert found.fallbacks == ()


def test_values_read_in_the_viewers_language(campaigns: dict[str, Campaign]) -> None:
    """Names are calm, money and dates are local."""
    hello = filled(campaigns["onboarding"], CONTACT).slots
    assert hello["first_name"].text == "Ελένη"
    assert hello["plan"].value == "enterprise"
    assert hello["start_date"].text == "1 Δεκεμβρίου 2026"
    cart = filled(campaigns["abandoned_cart"], CART).slots
    assert cart["total"].text == "€\u00a094,40"
    assert [row["price"].text for row in cart["items"].value] == ["€\u00a089,90", "€\u00a04,50"]
    assert cart["items"].value[0]["title"].text == "Lampe & Schirm"
    review = filled(campaigns["account_review"], ACCOUNT).slots
    assert review["company"].text == "Northwind Ltd"
    assert review["owner_name"].text == "Sam Okafor"
    assert review["savings"].text == "$12,400.00"
    assert review["usage_change"].value == 18.5
    assert review["renewal_date"].text == "January 31, 2027"


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_only_mapped_words_are_asked_for(campaigns: dict[str, Campaign], name: str) -> None:
    """Every word that is read is used; e-mail addresses are not among them."""
    words = campaigns[name].words()
    assert words == set(RECORDS[name])
    assert "contact.email" not in words


def test_a_bare_contact_is_still_welcomed(campaigns: dict[str, Campaign]) -> None:
    """With junk in every field, the video speaks to `there` and leaves the rest out."""
    junk = dict.fromkeys(CONTACT, "N/A")
    found = filled(campaigns["onboarding"], junk)
    assert found.problems == ()
    assert found.slots["first_name"].text == "there"
    assert set(found.fallbacks) == {"first_name", "plan"}
    assert "start_date" not in found.slots


@pytest.mark.parametrize("gone", ["cart.items", "cart.total", "cart.currency"])
def test_a_cart_without_its_contents_makes_no_video(
    campaigns: dict[str, Campaign], gone: str
) -> None:
    """A reminder of nothing, or of an amount without a currency, is not sent."""
    fields = {word: value for word, value in CART.items() if word != gone}
    assert filled(campaigns["abandoned_cart"], fields).problems


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_becomes_a_storyboard(
    campaigns: dict[str, Campaign], name: str, tmp_path: Path
) -> None:
    """What is stored with the video is enough to render it, with and without optional values."""
    (tmp_path / ("0" * 64)).write_bytes(PIXEL)
    full = storyboard(campaigns[name], RECORDS[name], tmp_path)
    assert 10 < full.duration < 40
    keep = {"cart.items", "cart.total", "cart.currency"}
    bare = {word: value for word, value in RECORDS[name].items() if word in keep}
    if name == "abandoned_cart":
        bare["cart.items"] = json.dumps([{"title": "Lampe"}])
    assert 5 < storyboard(campaigns[name], bare, tmp_path).duration <= full.duration


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_each_has_a_button(campaigns: dict[str, Campaign], name: str) -> None:
    """The label comes from the campaign, the address is https."""
    found = call_to_action(
        campaigns[name], filled(campaigns[name], RECORDS[name]), RECORDS[name], CONTEXT
    )
    assert found is not None
    assert found["label"]
    assert found["url"].startswith("https://")
    if name == "abandoned_cart":
        assert found["url"] == "https://shop.example.com/c/1"


# the smallest PNG: one grey pixel
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
