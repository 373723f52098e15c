"""What admins may write in expressions, and that records cannot write any."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.expressions import (
    ExpressionError,
    evaluate,
    holds,
    names_in_condition,
    names_in_text,
    nested,
)

NAMES: dict[str, Any] = {
    "cart": {
        "total": "149.90",
        "items": [{"price": 10, "title": "Lamp"}, {"price": 5.5, "title": "Bulb"}],
        "currency": "EUR",
        "paid": "false",
    },
    "contact": {"first_name": "Ana", "plan": "team", "seats": 12, "city": None},
    "variant": "discount",
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("cart.total > 0", True),
        ("cart.total >= 149.9", True),
        ("cart.total == 149.90", True),
        ("cart.total < 9", False),
        ("contact.seats > 9", True),
        ("cart.items | length == 2", True),
        ("cart.items", True),
        ("cart.items | sum('price') > 15", True),
        ("contact.plan == 'team'", True),
        ("contact.plan in ['team', 'enterprise']", True),
        ("'ea' in contact.plan", True),
        ("contact.plan | upper == 'TEAM'", True),
        ("cart.paid == true", False),
        ("variant == 'discount' and not contact.city", True),
        ("contact.city is defined", False),
        ("contact.city is none", True),
        ("contact.city > 3", False),
        ("contact.city < 3", False),
        ("company.size > 3", False),
        ("company.size == 'large'", False),
        ("cart.total - 100 > 40 and cart.total + 1 < 200 and cart.total / 2 > 70", True),
        ("cart.items[0].title == 'Lamp'", True),
        ("cart.items[7].title == 'Lamp'", False),
    ],
)
def test_conditions_compare_what_crms_send(condition: str, expected: bool) -> None:
    """Numbers sent as text compare as numbers; what is missing compares as false."""
    assert holds(condition, NAMES) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi {{ contact.first_name }}!", "Hi Ana!"),
        ("{{ contact.city | default('your town') }}", "your town"),
        ("{{ contact.city }}", None),
        ("{{ cart.items }}", NAMES["cart"]["items"]),
        ("{{ contact.seats }}", 12),
        ("{{ contact.seats + 1 }}", Decimal(13)),
        ("{{ 10 if variant == 'discount' }}", 10),
        ("{{ 10 if variant == 'plain' }}", None),
        ("{{ 'a/b c&d' | urlencode }}", "a%2Fb%20c%26d"),
        ("{{ contact.first_name ~ ' ' ~ contact.plan }}", "Ana team"),
    ],
)
def test_a_text_that_is_one_expression_keeps_its_type(text: str, expected: object) -> None:
    """Alone it stays a number or a list; among words it becomes text."""
    assert evaluate(text, NAMES) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{% for x in y %}{% endfor %}",
        "{# note #}",
        "{{ range(9) }}",
        "{{ x.y() }}",
        "{{ 9 * 9 }}",
        "{{ 9 ** 9 }}",
        "{{ '%s' % x }}",
        "{{ x | center(100000) }}",
        "{{ x | attr('y') }}",
        "{{ x is divisibleby 3 }}",
        "{{ ",
        "{{ }}",
    ],
)
def test_what_could_do_harm_is_refused_when_it_is_written(text: str) -> None:
    """Statements, calls, multiplication and unknown filters are not part of the language."""
    with pytest.raises(ExpressionError):
        names_in_text(text)


@pytest.mark.parametrize("reach", ["__class__", "_value", "__init__", "items.__class__"])
def test_expressions_reach_values_only(reach: str) -> None:
    """Python's own attributes read as nothing or are refused."""
    try:
        found = evaluate(f"{{{{ cart.{reach} }}}}", NAMES)
    except ExpressionError:
        found = None
    assert found is None


def test_the_words_of_an_expression_are_found() -> None:
    """Dotted words and bare names, also inside filters and tests."""
    found = names_in_condition("cart.total > 0 and (variant == 'x' or contact.plan | lower == 'y')")
    assert found == {"cart.total", "variant", "contact.plan"}


def test_what_cannot_be_decided_says_so() -> None:
    """A comparison that makes no sense is an error, not a yes."""
    with pytest.raises(ExpressionError, match="cannot be decided"):
        holds("cart.items > 'a'", NAMES)
    with pytest.raises(ExpressionError, match="cannot be filled"):
        evaluate("{{ contact.first_name - 1 }}", NAMES)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_values_are_never_evaluated(value: str) -> None:
    """Whatever a record holds comes out letter for letter."""
    names = nested({"contact.first_name": value})
    assert evaluate("<{{ contact.first_name }}>", names) == f"<{value}>"


@pytest.mark.parametrize("attack", ["{{7*7}}", "${x}", "{u.__class__}", "%(x)s", "{% x %}", "{#"])
def test_templates_inside_values_are_shown_as_they_are(attack: str) -> None:
    """A value that looks like a template is still only a value."""
    assert evaluate("Hi {{ contact.first_name }}", {"contact": {"first_name": attack}}) == (
        f"Hi {attack}"
    )


def test_an_output_is_bounded() -> None:
    """However long the values are, the text is not."""
    assert len(evaluate("a {{ x }}{{ x }}", {"x": "y" * 5_000})) == 2_000


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="abc.{}[]()|'\"0123456789<>= +-_", max_size=40))
def test_any_text_is_either_an_expression_or_refused(text: str) -> None:
    """No condition makes the parser fail in any other way."""
    try:
        names_in_condition(text)
        holds(text, NAMES)
    except ExpressionError:
        pass
