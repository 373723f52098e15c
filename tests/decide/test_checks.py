"""What `cuereel check` says of a campaign before a contact finds out."""

import pytest

from connector.decide.campaigns import parse_campaign
from connector.decide.checks import check_campaign
from connector.decide.dictionary import load_dictionary
from renderers.schema import Slot, Words
from renderers.template import Template, find_template

CART = """\
title = "Cart"
stage = "acquisition"
purpose = "video_service"
trigger = "cart_abandoned"
[[steps]]
template = "abandoned_cart"
when = "cart.total > 0 and slots.items"
[slots]
first_name = { from = "contact.first_name", otherwise = "there" }
total = { from = "cart.total", format = "money" }
discount_percent = { value = 10, when = "variant == 'discount'" }
[slots.items]
from = "cart.items"
items.title = { from = "title" }
items.price = { from = "price", format = "money" }
[experiment]
variants = { plain = 0.5, discount = 0.5 }
[deliver]
formats = ["16:9", "1:1"]
[call_to_action]
url = { from = "cart.checkout_url", otherwise = "https://example.com/cart" }
[limits]
per_contact = "1 per 7 days"
"""


def findings(text: str, *templates: str, level: str = "error") -> list[str]:
    """Check a campaign against packaged templates and the local CRM."""
    known = {name: find_template(name) for name in templates or ("abandoned_cart",)}
    found = check_campaign(parse_campaign(text, "cart"), known, load_dictionary("local", []))
    assert {finding.subject for finding in found} <= {"campaign cart"}
    return [finding.sentence for finding in found if finding.level == level]


def test_a_good_campaign_has_nothing_to_mend() -> None:
    """It only says for which slots a record must have a value."""
    assert findings(CART) == findings(CART, level="warning") == []
    notes = findings(CART, level="ok")
    assert notes == [
        "cart.toml, line 12, slot 'items': nothing is sent while the record has no value for it.",
        "cart.toml, line 10, slot 'total': nothing is sent while the record has no value for it.",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ('template = "abandoned_cart"', 'template = "abandoned_card"',
         "line 6: template 'abandoned_card' is missing or has a mistake; did you mean 'abandoned_cart'?"),
        ("total = {", "totals = {",
         "line 10, slot 'totals': the template has no slot 'totals'; did you mean 'total'?"),
        ("total = {", "totals = {", "line 6: template 'abandoned_cart' needs slot 'total'"),
        ('"contact.first_name"', '"contact.firstname"',
         "line 9, slot 'first_name': local has no word 'contact.firstname'; did you mean 'contact.first_name'?"),
        ('"contact.first_name"', '"first_name"', "slot 'first_name': local has no word 'first_name'"),
        ("cart.total > 0", "cart.totl > 0", "line 7: local has no word 'cart.totl'"),
        ("slots.items", "slots.item", "line 7: there is no slot 'item'; did you mean 'items'?"),
        ("variant == 'discount'", "slots.total > 3", "line 11, slot 'discount_percent': local has no"),
        ("variant == 'discount'", "varient == 'x'", "did you mean 'variant'?"),
        ('format = "money" }\ndiscount', 'format = "date" }\ndiscount',
         "line 10, slot 'total': format 'date' does not fit a slot of kind money; leave it out or write 'money'."),
        ("value = 10", 'value = "ten"', "slot 'discount_percent': value should be a percentage, not 'ten'."),
        ('otherwise = "there" }', 'items.x = { from = "x" } }', "items are for lists"),
        ("items.price", "items.prise", "its rows have no field 'prise'; did you mean 'price'?"),
        ("items.title", "items.price_", "its rows need 'title'; say where it is from."),
        ('{ from = "price", format = "money" }', '{ value = "{{ cart.total }}" }', "no expressions"),
        ('{ from = "price", format = "money" }', '{ from = "price", format = "percent" }',
         "price: format 'percent' does not fit a slot of kind money"),
        ('"cart.checkout_url"', '"cart.url"', "line 21: local has no word 'cart.url'"),
        ("[call_to_action]", '[call_to_action]\nlabel_slot = "lable"', "line 21: the template has no slot 'lable'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_line_and_slot(right: str, wrong: str, complaint: str) -> None:
    """Each says where it is and what would have been right."""
    assert right in CART
    assert any(complaint in sentence for sentence in findings(CART.replace(right, wrong, 1)))


def test_all_mistakes_come_at_once() -> None:
    """Words, slots and formats are all looked at, whatever else is wrong."""
    text = CART.replace("cart.total >", "cart.totl >").replace(
        'from = "contact.f', 'from = "contct.f'
    )
    text = text.replace('"money" }\ndiscount', '"date" }\ndiscount')
    assert len(findings(text)) == 3


def test_a_format_that_the_template_is_not_laid_out_for_is_named() -> None:
    """Nobody finds out by a video that cannot be made."""
    words = Words.model_validate({
        "title": "x",
        "slots": {"total": {"kind": "money"}},
        "scenes": [{"name": "a", "seconds": 1, "layers": [{"kind": "text", "text": "x"}]}],
    })  # fmt: skip
    base = find_template("abandoned_cart")
    narrow = Template("abandoned_cart", "1", base.folder, base.brand, words)
    text = 'title="x"\nstage="retention"\npurpose="video_service"\ntrigger="x"\n' \
        '[[steps]]\ntemplate="abandoned_cart"\n[deliver]\nformats = "9:16"\n'  # fmt: skip
    found = check_campaign(
        parse_campaign(text, "cart"), {"abandoned_cart": narrow}, load_dictionary("local", [])
    )
    assert [f.sentence for f in found] == [
        "cart.toml, line 8: template 'abandoned_cart' has no format 9:16; it has 16:9."
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        (", otherwise = \"https://example.com/cart\"", "", "there is no button where"),
        (", when = \"variant == 'discount'\"", "", "nothing differs between the variants"),
        ("[slots]", '[[steps]]\nafter = "2 days"\ntemplate = "abandoned_cart"\n[slots]',
         "2 steps within 2 days exceed the limit of 1 per 7 days"),
    ],
)  # fmt: skip
def test_what_works_but_is_hardly_meant_is_a_warning(
    right: str, wrong: str, complaint: str
) -> None:
    """It does not stop the campaign."""
    text = CART.replace(right, wrong, 1)
    assert any(complaint in sentence for sentence in findings(text, level="warning"))
    assert findings(text) == []


def test_a_campaign_of_two_templates_may_use_the_slots_of_both() -> None:
    """A slot is unknown only if no step's template has it."""
    text = CART.replace("[slots]", '[[steps]]\nafter = "8 days"\ntemplate = "onboarding"\n[slots]')
    text = text.replace("[slots]", '[slots]\ncompany = { from = "company.name" }')
    assert findings(text, "abandoned_cart", "onboarding") == []


def test_constants_are_read_as_the_slot_would() -> None:
    """An option that does not exist is found before a contact has no plan."""
    text = (
        'title="x"\nstage="retention"\npurpose="video_service"\ntrigger="x"\n'
        '[[steps]]\ntemplate="onboarding"\n[slots]\n'
        'plan = { from = "contact.plan", otherwise = "gold" }\n'
    )
    assert Slot.model_validate({"kind": "enum", "options": ["team"]}).options == ("team",)
    assert findings(text, "onboarding") == [
        "cart.toml, line 8, slot 'plan': otherwise should be one of starter, team, enterprise, "
        "not 'gold'."
    ]
