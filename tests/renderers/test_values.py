"""Values come from records that anybody may edit; whatever they hold, they stay plain data."""

import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderers.errors import SlotError
from renderers.schema import Field, Slot
from renderers.values import MARKS_PER_BASE, SlotValue, checked, clean, graphemes

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=60)


@pytest.mark.parametrize(
    ("given_text", "count"),
    [("", 0), ("Nguyễn", 6), ("प्रिया", 3), ("👋🏽", 1), ("👨‍👩‍👧", 1), ("🇩🇪🇫🇷", 2), ("z̷̢̧", 1)],
)  # fmt: skip
def test_graphemes_are_what_a_reader_counts(given_text: str, count: int) -> None:
    """Marks, emoji sequences and flags count once."""
    assert abs(graphemes(given_text) - count) <= (1 if "्" in given_text else 0)


@settings(max_examples=150)
@given(ANY_TEXT)
def test_clean_text_is_always_safe_to_lay_out(text: str) -> None:
    """No controls, overrides or storms of marks survive, and cleaning twice changes nothing."""
    cleaned = clean(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cs", "Cn") for char in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    assert clean(cleaned) == cleaned


def test_a_storm_of_marks_is_cut() -> None:
    """Zalgo keeps four marks on each base."""
    cleaned = clean("Z" + "\u0337" * 300 + "a")
    assert sum(unicodedata.combining(char) > 0 for char in cleaned) == MARKS_PER_BASE
    assert cleaned.endswith("a")


def test_a_required_slot_without_value_is_named() -> None:
    """The reason and the slot reach the record."""
    with pytest.raises(SlotError) as caught:
        checked("first_name", Slot(required=True), SlotValue("  "))
    assert (caught.value.reason, caught.value.slot) == ("slot_missing", "first_name")


def test_a_fallback_takes_the_place_of_a_blank() -> None:
    """A blank field reads as the fallback, also when the slot is required."""
    slot = Slot(required=True, fallback="there")
    assert checked("first_name", slot, None).text == "there"
    assert checked("first_name", slot, SlotValue("")).text == "there"


GOOD: list[tuple[dict[str, Any], Any, str]] = [
    ({"kind": "text"}, "Ada", "Ada"),
    ({"kind": "number"}, 1234, "1,234"),
    ({"kind": "money"}, Decimal("9.50"), "9.50"),
    ({"kind": "percent"}, -8, "-8%"),
    ({"kind": "date"}, "2026-12-01", "1 December 2026"),
    ({"kind": "date"}, date(2026, 12, 1), "1 December 2026"),
    ({"kind": "enum", "options": ("a", "b")}, "b", "b"),
    ({"kind": "color"}, "#1a2B3c", "#1a2B3c"),
    ({"kind": "url"}, "https://example.com/x", "https://example.com/x"),
    ({"kind": "boolean"}, True, "True"),
]


@pytest.mark.parametrize(("slot", "value", "text"), GOOD)
def test_a_value_of_its_kind_is_taken(slot: dict[str, Any], value: Any, text: str) -> None:
    """Each kind has a plain text when nobody formatted it."""
    assert checked("x", Slot(**slot), SlotValue(value)).text == text


BAD: list[tuple[dict[str, Any], Any]] = [
    ({"kind": "text"}, 7),
    ({"kind": "text", "longest": 3}, "Adas"),
    ({"kind": "text"}, "x" * 10_000_000),
    ({"kind": "number"}, "many"),
    ({"kind": "number"}, True),
    ({"kind": "number"}, float("nan")),
    ({"kind": "money"}, "inf"),
    ({"kind": "date"}, "tomorrow"),
    ({"kind": "enum", "options": ("a", "b")}, "c"),
    ({"kind": "color"}, "red"),
    ({"kind": "url"}, "javascript:alert(1)"),
    ({"kind": "boolean"}, "yes"),
    ({"kind": "list", "item": {"t": Field()}}, "rows"),
    ({"kind": "list", "item": {"t": Field()}}, [{"u": SlotValue("x")}]),
    ({"kind": "list", "item": {"t": Field(required=True)}}, [{"t": SlotValue("")}]),
    ({"kind": "list", "item": {"t": Field()}, "longest_list": 1}, [{}, {}]),
]


@pytest.mark.parametrize(("slot", "value"), BAD)
def test_a_value_of_another_kind_is_refused(slot: dict[str, Any], value: Any) -> None:
    """The message is short, even when the value is not, and names the slot."""
    with pytest.raises(SlotError) as caught:
        checked("plan", Slot(**slot), SlotValue(value))
    assert caught.value.slot == "plan"
    assert len(str(caught.value)) < 200


def test_only_what_is_read_can_be_too_long() -> None:
    """A stored picture's name has seventy characters, which no viewer sees."""
    picture = SlotValue("asset:" + "ab" * 32)
    assert checked("hero", Slot(kind="image", longest=10), picture).value == picture.value
