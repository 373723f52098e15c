"""What a campaign file may say, and what an admin reads when it says something else."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from connector.decide.campaigns import load_campaigns, parse_campaign
from connector.errors import MappingError
from connector.model import Subject, Trigger

CART = """\
title   = "Abandoned cart"
owner   = "marketing"
stage   = "acquisition"
purpose = "video_marketing"
trigger = "cart_abandoned"

[[steps]]
template = "abandoned_cart"
when     = "cart.total > 0 and slots.total"

[[steps]]
after    = "3d"
template = "abandoned_cart"

[slots]
first_name = { from = "contact.first_name", otherwise = "there" }
total      = { from = "cart.total", format = "money" }
note       = "Hello {{ company.name }}"

[slots.items]
from = "cart.items"
items.title = { from = "title" }
items.price = { from = "price", format = "money", currency = "cart.coin" }

[limits]
per_contact = ["1 per 7 days", "3 per 30 days"]
repeat      = "30 days"
quiet       = "20:00-08:00"

[experiment]
holdout  = 0.1
variants = { plain = 0.5, discount = 0.5 }

[deliver]
render    = "on_open"
fresh_for = "24h"
expires   = "60d"

[call_to_action]
url = "https://shop.example.com/{{ subject.id | urlencode }}?plan={{ contact.plan }}"
"""


def test_a_campaign_is_read_as_it_is_written() -> None:
    """Every part of the file arrives typed."""
    campaign = parse_campaign(CART, "abandoned_cart")
    assert campaign.name == "abandoned_cart"
    assert [step.after for step in campaign.steps] == [timedelta(0), timedelta(days=3)]
    assert [str(cap) for cap in campaign.limits.per_contact] == ["1 per 7 days", "3 per 30 days"]
    assert campaign.limits.repeat == timedelta(days=30)
    assert campaign.limits.quiet is not None
    assert campaign.limits.quiet.begin == time(20)
    assert campaign.experiment.variants == {"plain": 0.5, "discount": 0.5}
    assert campaign.deliver.render == "on_open"
    assert campaign.deliver.fresh_for == timedelta(hours=24)
    assert campaign.deliver.format == "16:9"
    assert campaign.slots["note"].value == "Hello {{ company.name }}"


def test_only_words_that_the_campaign_names_are_read() -> None:
    """The words cover sources, rows, conditions, expressions, currency, language and address."""
    assert parse_campaign(CART, "abandoned_cart").words() == {
        "cart.total", "cart.currency", "cart.items", "cart.coin", "contact.first_name",
        "contact.locale", "contact.plan", "contact.time_zone", "company.name",
    }  # fmt: skip


def test_the_version_follows_the_text() -> None:
    """The same text has the same version; any change makes another."""
    one, same = parse_campaign(CART, "a"), parse_campaign(CART, "a")
    other = parse_campaign(CART.replace("30 days", "31 days"), "a")
    assert one.version == same.version != other.version
    assert len(one.version) == 16


def test_a_trigger_starts_the_campaigns_of_its_kind() -> None:
    """The kind decides, nothing else."""
    campaign = parse_campaign(CART, "abandoned_cart")
    at = datetime(2026, 11, 21, tzinfo=UTC)
    assert campaign.answers(Trigger("k", "cart_abandoned", Subject("cart", "1"), at))
    assert not campaign.answers(Trigger("k", "cart_paid", Subject("cart", "1"), at))


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ('stage   = "acquisition"', 'stage = "x"', "line 3: stage: Input should be 'acquisition'"),
        ('owner   = "marketing"', 'onwer = "m"', "line 2: unknown word 'onwer'; did you mean 'owner'?"),
        ('trigger = "cart_abandoned"', "", "'trigger' is missing"),
        ('from = "contact.first_name"', 'form = "contact.first_name"',
         "line 16, slot 'first_name': unknown word 'form'; did you mean 'format'?"),
        ('format = "money" }\nnote', 'format = "mony" }\nnote', "line 17, slot 'total'"),
        ('otherwise = "there"', 'value = "x"', "line 16, slot 'first_name'"),
        ("cart.total > 0 and", "cart.total * 2 and", "line 9: steps.0.when: * is not allowed"),
        ("cart.total > 0 and", "cart.total > > and", "line 9: steps.0.when: "),
        ("cart.total > 0 and", "range(9) and", "line 9: steps.0.when: calls are not allowed"),
        ("cart.total > 0 and", "{{ cart.total }} and", "line 9: steps.0.when: a condition is"),
        ("Hello {{ company.name }}", "{% if x %}{% endif %}",
         "line 18, slot 'note': slots.note.value: only expressions"),
        ('after    = "3d"', 'after = "3 moons"', "line 12: steps.1.after: '3 moons' is not a length"),
        ('"1 per 7 days", ', '"0 per 7 days", ', "line 26: limits.per_contact: '0 per 7 days'"),
        ("20:00-08:00", "20:00-28:00", "line 28: limits.quiet: '20:00-28:00' are no hours"),
        ("20:00-08:00", "08:00-08:00", "would cover the whole day"),
        ("plain = 0.5", "plain = 0.4", "line 30: experiment: the shares of the variants add up to 0.9"),
        ("holdout  = 0.1", "holdout = 1.1", "line 31: experiment.holdout"),
        ("https://shop.example.com/", "http://shop.example.com/", "line 40"),
        ("https://shop.example.com/", "javascript:alert(1)//", "line 40"),
        ("https://shop.example.com/", "https://{{ contact.host }}/", "line 40"),
        ("https://shop.example.com/", "https://shop.example.com@{{ contact.host }}/", "line 40"),
        ("[limits]", "[limits", "line 25: not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_line_and_slot(right: str, wrong: str, complaint: str) -> None:
    """The complaint says where it is, and what would have been right."""
    assert right in CART
    with pytest.raises(MappingError) as refused:
        parse_campaign(CART.replace(right, wrong, 1), "abandoned_cart")
    assert complaint in refused.value.sentence
    assert all(line.startswith("abandoned_cart.toml") for line in str(refused.value).splitlines())


def test_all_mistakes_are_named_at_once() -> None:
    """Nobody has to run a check five times to mend five lines."""
    text = CART.replace("acquisition", "x").replace("3d", "soon").replace("otherwise", "otherwice")
    with pytest.raises(MappingError) as refused:
        parse_campaign(text, "abandoned_cart")
    assert len(refused.value.sentence.splitlines()) == 3


def test_an_own_campaign_wins_over_the_packaged_one(tmp_path: Path) -> None:
    """The file in the own folder replaces the one that comes with us; the others stay."""
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "abandoned_cart.toml").write_text(CART.replace("Abandoned", "Own"))
    found = load_campaigns([tmp_path])
    assert found["abandoned_cart"].title == "Own cart"
    assert {"onboarding", "account_review"} <= set(found)


def test_every_broken_file_is_named(tmp_path: Path) -> None:
    """A file that is not text does not hide the mistakes of another."""
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "a.toml").write_bytes(b"title = '\xff\xfe'")
    (tmp_path / "campaigns" / "b.toml").write_text("title = 3")
    with pytest.raises(MappingError) as refused:
        load_campaigns([tmp_path])
    assert "a.toml is not UTF-8" in refused.value.sentence
    assert "b.toml, line 1: title" in refused.value.sentence
