"""How a record becomes the slots of a video."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.schema import Source
from connector.decide.slots import Filled, fill, from_json, plain_values, to_json
from connector.errors import MappingError
from renderers.schema import Slot
from renderers.storyboard import SlotValue
from renderers.template import find_template

ASSET = "asset:" + "ab" * 32


def sources(**words: Any) -> dict[str, Source]:
    """Read sources as a campaign file writes them."""
    return {name: Source.model_validate(source) for name, source in words.items()}


def slot(kind: str = "text", **more: Any) -> Slot:
    """Make one slot of a template."""
    return Slot.model_validate({"kind": kind, **more})


def one(
    value: Any,
    kind: str = "text",
    source: Mapping[str, Any] | None = None,
    *,
    locale: str = "en",
    **more: Any,
) -> Filled:
    """Fill one slot `it` from the word `cart.it`."""
    fields = {"cart.it": value, "cart.currency": "EUR"}
    mapped = sources(it={"from": "cart.it", **(source or {})})
    return fill(mapped, {"it": slot(kind, **more)}, fields, locale=locale)


@pytest.mark.parametrize(
    ("kind", "raw", "value", "text"),
    [
        ("text", " Ana ", "Ana", "Ana"),
        ("text", 7, "7", "7"),
        ("number", "1234.5", 1234.5, "1,234.5"),
        ("number", 12, 12, "12"),
        ("money", "149.90", 149.9, "€149.90"),
        ("money", {"amount": 20, "currency": "usd"}, 20, "$20.00"),
        ("percent", "-12.5", -12.5, "-12.5%"),
        ("percent", "12 %", 12, "12%"),
        ("date", "2026-03-01", "2026-03-01", "March 1, 2026"),
        ("date", "2026-03-01T10:00:00Z", "2026-03-01", "March 1, 2026"),
        ("date", "1772323200000", "2026-03-01", "March 1, 2026"),
        ("boolean", "yes", True, ""),
        ("color", "#1a2b3c", "#1a2b3c", "#1a2b3c"),
        ("url", "https://example.com/a?b=c", "https://example.com/a?b=c",
         "https://example.com/a?b=c"),
        ("image", ASSET, ASSET, ""),
        ("image", " https://cdn.example.com/a.png?w=9 ", "https://cdn.example.com/a.png?w=9", ""),
        ("image", "https://münchen.example:443/ü.jpg", "https://münchen.example:443/ü.jpg", ""),
    ],
)  # fmt: skip
def test_each_kind_reads_what_crms_send(kind: str, raw: Any, value: Any, text: str) -> None:
    """The raw value is typed for conditions and charts, the text is what a viewer reads."""
    assert one(raw, kind).slots == {"it": SlotValue(value, text)}


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("number", "many"), ("number", "NaN1"), ("number", "1e99"), ("number", True),
        ("number", "Infinity"), ("money", "12 euros"), ("percent", "a%"), ("date", "soon"),
        ("date", "2026-13-01"), ("boolean", "perhaps"), ("color", "red"),
        ("url", "javascript:alert(1)"), ("url", "https://user@example.com/"),
        ("image", "../../secret.png"), ("image", "http://example.com/a.png"),
        ("image", "https://example.com:8443/a.png"), ("image", "https://me@example.com/a.png"),
        ("image", "file:///etc/passwd"), ("image", "//example.com/a.png"), ("image", "https://"),
        ("image", "https://example.com/\u202egnp.a"), ("image", "https://example.com\\@10.0.0.1/"),
        ("image", "asset:12"), ("video", "https://example.com/a.mp4"), ("audio", "a.mp3"),
        ("text", {"a": 1}), ("list", "no rows"), ("list", '{"a": 1}'),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_a_problem_only_where_it_is_required(
    kind: str, raw: Any
) -> None:
    """Required: nothing is sent, and the reason says what was expected; else it stays empty."""
    item = {"item": {"title": {"kind": "text"}}} if kind == "list" else {}
    needed = one(raw, kind, required=True, **item)
    assert [problem.reason for problem in needed.problems] == ["slot_invalid"]
    assert "'it' should be" in needed.problems[0].sentence
    optional = one(raw, kind, **item)
    assert optional.slots == {}
    assert optional.problems == ()
    assert optional.reasons == {"it": "left_out"}


@pytest.mark.parametrize("junk", ["", "  ", None, "NULL", "n/a", "-", "=1+1", "test"])
def test_junk_gives_way_to_otherwise(junk: Any) -> None:
    """The campaign's stand-in is shown, and counted as a fallback."""
    filled = one(junk, source={"otherwise": "there"}, fallback="friend", required=True)
    assert filled.slots["it"].text == "there"
    assert filled.fallbacks == ("it",)
    assert filled.reasons == {"it": "otherwise"}


def test_without_otherwise_the_templates_fallback_is_shown() -> None:
    """The template's own stand-in comes last, written in the viewer's language."""
    assert one(None, fallback="friend").reasons == {"it": "template"}
    assert one(None, "number", fallback=1200, locale="de").slots["it"].text == "1.200"


def test_a_required_slot_without_anything_is_a_problem() -> None:
    """No video is made of it, and the admin reads why."""
    filled = one("", required=True)
    assert [(p.slot, p.reason) for p in filled.problems] == [("it", "slot_missing")]
    assert "neither campaign nor template" in filled.problems[0].sentence


def test_an_optional_slot_without_a_value_is_simply_empty() -> None:
    """A scene that depends on it is left out; that is no fallback."""
    assert one("", "date") == Filled({}, (), (), {})


def test_an_empty_stand_in_is_no_fallback() -> None:
    """Where the author wants nothing to be shown, nothing was replaced."""
    filled = one("", source={"otherwise": ""}, fallback="")
    assert filled.slots["it"].text == ""
    assert filled.fallbacks == ()


def test_a_long_name_is_cut_and_counted() -> None:
    """It still reads as a name, and the record tells that it was shortened."""
    filled = one("Maximiliana von Hohenstein", longest=12)
    assert filled.slots["it"].text == "Maximiliana…"
    assert filled.reasons == {"it": "shortened"}


@pytest.mark.parametrize("size", [2_001, 10_000_000])
def test_a_huge_value_is_refused(size: int) -> None:
    """A value of 10 MB is a wrong mapping; even an optional slot with a stand-in says so."""
    filled = one("x" * size, source={"otherwise": "there"})
    assert [(p.slot, p.reason) for p in filled.problems] == [("it", "slot_too_long")]
    assert f"{size:,} characters" in filled.problems[0].sentence


def test_money_needs_a_currency() -> None:
    """An amount without one could be anything, so it is not shown."""
    filled = fill(
        sources(total={"from": "cart.total"}),
        {"total": slot("money", required=True)},
        {"cart.total": 12},
        locale="en",
    )
    assert [problem.reason for problem in filled.problems] == ["currency_missing"]


@pytest.mark.parametrize("currency", ["USD", "contact.coin"])
def test_the_currency_may_be_fixed_or_a_word(currency: str) -> None:
    """What the campaign names wins over the record's own."""
    filled = fill(
        sources(total={"from": "cart.total", "currency": currency}),
        {"total": slot("money")},
        {"cart.total": 12, "cart.currency": "EUR", "contact.coin": "USD"},
        locale="en",
    )
    assert filled.slots["total"].text == "$12.00"


def test_a_text_slot_can_show_formatted_values() -> None:
    """Money, dates and shares read well in a sentence too."""
    assert one(12, source={"format": "money"}, locale="de").slots["it"].text == "12,00\u00a0€"
    assert one("2026-03-01", source={"format": "date"}).slots["it"].value == "March 1, 2026"
    assert one(0.125, source={"format": "fraction"}).slots["it"].text == "12.5%"


def test_an_enum_is_matched_without_regard_to_case() -> None:
    """The option is used for conditions, a readable form is shown."""
    options = ("starter", "team")
    assert one("TEAM", "enum", options=options).slots["it"] == SlotValue("team", "Team")
    assert one("gold", "enum", options=options, fallback="team").fallbacks == ("it",)


def test_only_persons_names_are_calmed() -> None:
    """ANA becomes Ana; IBM stays IBM."""
    mapped = sources(
        name={"from": "contact.first_name"},
        hello="Hi {{ contact.first_name }} of {{ company.name }}",
    )
    fields = {"contact.first_name": "ANA", "company.name": "IBM"}
    filled = fill(mapped, {"name": slot(), "hello": slot()}, fields, locale="en")
    assert [v.text for v in filled.slots.values()] == ["Ana", "Hi Ana of IBM"]


def test_values_and_conditions_draw_on_the_context() -> None:
    """A variant can open a slot, and facts of the trigger can fill one."""
    mapped = sources(
        discount={"value": 10, "when": "variant == 'discount'"},
        place={"from": "trigger.place"},
        size={"value": "{{ cart.items | length }}"},
        code={"value": "{{ subject.id }}"},
    )
    kinds = {"discount": slot("percent"), "place": slot(), "size": slot("number"), "code": slot()}
    context = {
        "variant": "discount",
        "trigger": {"place": "Berlin"},
        "subject": {"kind": "cart", "id": "c1"},
    }
    fields = {"cart.items": [{"a": 1}, {"a": 2}]}
    shown = fill(mapped, kinds, fields, locale="en", context=context).slots
    assert [value.value for value in shown.values()] == [10, "Berlin", 2, "c1"]
    plain = fill(mapped, kinds, fields, locale="en", context={**context, "variant": "plain"})
    assert "discount" not in plain.slots
    assert plain.fallbacks == ()


def test_an_expression_that_cannot_be_filled_gives_way_to_otherwise() -> None:
    """A mistake in arithmetic costs a fallback, not the video."""
    mapped = sources(it={"value": "{{ cart.name - 1 }}", "otherwise": "some"})
    filled = fill(mapped, {"it": slot()}, {"cart.name": "x"}, locale="en")
    assert filled.slots["it"].text == "some"


def test_values_are_data() -> None:
    """A value that looks like an expression is shown letter for letter."""
    attack = "{{ 7*7 }} {% x %} ${y} {0.__class__}"
    assert one(attack).slots["it"].text == attack


ITEM = {
    "title": {"kind": "text", "required": True, "longest": 10},
    "picture": {"kind": "image"},
    "price": {"kind": "money"},
}
ROWS = {
    "items": {
        "title": {"from": "name"},
        "picture": {"from": "image"},
        "price": {"from": "cost", "format": "money"},
    }
}


@pytest.mark.parametrize("as_text", [False, True])
def test_rows_are_read_by_their_mapping(as_text: bool) -> None:
    """Lists come as lists or as JSON text; every cell is typed and written."""
    rows = [{"name": "Lamp &amp; co", "image": ASSET, "cost": "12.5"}]
    raw = json.dumps(rows) if as_text else rows
    filled = one(raw, "list", ROWS, item=ITEM, locale="de")
    assert filled.fallbacks == ()
    assert filled.slots["it"].value == [
        {
            "title": SlotValue("Lamp & co", "Lamp & co"),
            "picture": SlotValue(ASSET, ""),
            "price": SlotValue(12.5, "12,50\u00a0€"),
        }
    ]


def test_a_row_without_its_title_is_left_out() -> None:
    """The others are shown, and the record tells that something was left out."""
    filled = one([{"name": "Lamp"}, {"name": ""}, 7], "list", ROWS, item=ITEM)
    assert [row["title"].text for row in filled.slots["it"].value] == ["Lamp"]
    assert filled.reasons == {"it": "shortened"}


def test_too_many_rows_and_long_titles_are_cut() -> None:
    """A cart with a hundred things still makes a video."""
    rows = [{"name": f"A very long thing {n}"} for n in range(30)]
    filled = one(rows, "list", ROWS, item=ITEM, longest_list=20)
    assert len(filled.slots["it"].value) == 20
    assert filled.slots["it"].value[0]["title"].text == "A very lo…"
    assert filled.fallbacks == ("it",)


@pytest.mark.parametrize("raw", [[], "[]", "", None, [{}], [{"image": ASSET}]])
def test_no_rows_count_as_missing(raw: Any) -> None:
    """An empty cart is a gap, not a list."""
    filled = one(raw, "list", ROWS, item=ITEM, required=True)
    assert [problem.reason for problem in filled.problems] == ["slot_missing"]


def test_rows_of_a_template_without_mapping_use_its_own_names() -> None:
    """Where names agree, no mapping is needed."""
    filled = one([{"title": "Lamp", "price": 3}], "list", item=ITEM)
    assert filled.slots["it"].value[0]["price"].text == "€3.00"


def test_slots_survive_the_database() -> None:
    """What is stored as JSON comes back as it was."""
    filled = fill(
        sources(items={"from": "cart.items", **ROWS}, day={"from": "cart.day"}),
        {"items": slot("list", item=ITEM), "day": slot("date"), "name": slot(fallback="there")},
        {
            "cart.items": [{"name": "L", "cost": 2}],
            "cart.day": "2026-01-02",
            "cart.currency": "EUR",
        },
        locale="en",
    )
    stored = to_json(filled.slots)
    assert from_json(stored) == filled.slots
    assert stored["day"] == {"value": "2026-01-02", "text": "January 2, 2026"}


def test_slots_written_by_hand_fill_a_template() -> None:
    """The command line takes plain values, with money as amount and currency."""
    template = find_template("abandoned_cart")
    found = plain_values(
        template,
        {
            "first_name": "Ana",
            "total": {"amount": "20", "currency": "EUR"},
            "items": [{"title": "Lamp", "price": {"amount": 20, "currency": "EUR"}}],
        },
        "en",
    )
    assert found["total"].text == "€20.00"
    assert found["cta_label"].text
    assert "discount_percent" not in found


def test_every_mistake_of_a_hand_written_file_is_named() -> None:
    """Unknown slots come with the nearest name, unusable ones with what was expected."""
    template = find_template("abandoned_cart")
    with pytest.raises(MappingError, match="no slot 'totl'; did you mean 'total'"):
        plain_values(template, {"totl": 3}, "en")
    with pytest.raises(MappingError) as refused:
        plain_values(template, {"total": 20, "discount_percent": "lots"}, "en")
    assert "'total' is 20, but of which currency is not known" in refused.value.sentence
    assert "'items' has no usable value" in refused.value.sentence
    assert "'discount_percent' should be a percentage" in refused.value.sentence


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "image", "cost"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KINDS = ["text", "number", "money", "percent", "date", "image", "url", "color", "boolean"]


@settings(max_examples=150, deadline=None)
@given(json_values, st.sampled_from([*KINDS, "list"]), st.booleans())
def test_no_value_of_a_record_breaks_filling(raw: Any, kind: str, required: bool) -> None:
    """Whatever JSON a record holds, there is a slot, a gap or a named problem."""
    item = {"item": ITEM} if kind == "list" else {}
    filled = one(raw, kind, ROWS if kind == "list" else None, required=required, **item)
    assert from_json(to_json(filled.slots)) == filled.slots
    assert len(filled.slots) + len(filled.problems) == 1 or not required
