"""The language of a video, and where its button leads."""

from typing import Any

import pytest

from connector.decide.campaigns import Campaign, parse_campaign
from connector.decide.delivery import call_to_action, is_web_address, locale_of
from connector.decide.slots import Filled
from renderers.storyboard import SlotValue

LABELLED = Filled({"cta_label": SlotValue("Buy", "Buy")})


def campaign(tail: str) -> Campaign:
    """Read a campaign that ends with some lines."""
    head = 'title="x"\nstage="retention"\npurpose="video_service"\ntrigger="x"\n'
    return parse_campaign(f'{head}[[steps]]\ntemplate = "x"\n{tail}', "x")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"contact.locale": "pt_BR"}, "pt-BR"),
        ({"contact.locale": "NULL"}, "de"),
        ({"contact.locale": "xx"}, "de"),
        ({}, "de"),
    ],
)
def test_the_contact_chooses_the_language(fields: dict[str, Any], expected: str) -> None:
    """One that is missing or unknown gives way to the campaign's own."""
    ours = campaign('[deliver]\nlocale = { from = "contact.locale", otherwise = "de" }')
    assert locale_of(ours, fields) == expected


def test_a_campaign_may_fix_the_language() -> None:
    """A plain text is the language of all its videos."""
    assert locale_of(campaign('[deliver]\nlocale = "fr"'), {"contact.locale": "en"}) == "fr"


def test_the_button_has_the_label_of_its_slot_and_a_filled_address() -> None:
    """Values are encoded, so that they stay one part of the address."""
    ours = campaign(
        '[call_to_action]\nurl = "https://example.com/{{ subject.id | urlencode }}/pay"'
    )
    context = {"subject": {"kind": "cart", "id": "a/b?c#d é"}}
    assert call_to_action(ours, LABELLED, {}, context) == {
        "label": "Buy",
        "url": "https://example.com/a%2Fb%3Fc%23d%20%C3%A9/pay",
    }


@pytest.mark.parametrize(
    "bad",
    [None, "", "javascript:alert(1)", "http://example.com", "https://", "//example.com",
     "https://user:pw@example.com/", "https://exa mple.com", "https://example.com/\\x",
     "https://example.com:99999/", "https://example.com:0/", "https://localhost/",
     "data:text/html,x", "https://example.com/\u202e", "https://example.com/" + "x" * 2_000,
     "https://[::1", "https://example.com/<script>", 7],
)  # fmt: skip
def test_an_address_from_a_record_is_used_only_if_viewers_may_be_sent_there(bad: object) -> None:
    """What is no plain https address gives way to the campaign's own."""
    ours = campaign(
        '[call_to_action]\nurl = { from = "cart.url", otherwise = "https://example.com/cart" }'
    )
    found = call_to_action(ours, LABELLED, {"cart.url": bad})
    assert found == {"label": "Buy", "url": "https://example.com/cart"}


def test_without_a_usable_address_there_is_no_button() -> None:
    """A button that leads nowhere is worse than none."""
    ours = campaign('[call_to_action]\nurl = { from = "cart.url" }')
    assert call_to_action(ours, LABELLED, {"cart.url": "javascript:x"}) is None
    assert call_to_action(campaign(""), LABELLED, {}) is None


@pytest.mark.parametrize(
    "good",
    ["https://example.com", "https://shop.example.com:8443/a?b=c#d", "HTTPS://EXAMPLE.com/",
     "https://münchen.example/ü"],
)  # fmt: skip
def test_ordinary_addresses_are_fine(good: str) -> None:
    """Ports, queries and names in any script are ordinary."""
    assert is_web_address(good)
