"""Ids of Salesforce's: fifteen characters or eighteen, and nothing else gets into a query."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.ids import is_id, is_lead, object_of, person_object, whole

LETTERS = string.ascii_letters + string.digits


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("0035g00000ABCDE", "0035g00000ABCDEAA5"),
        ("003000000000001", "003000000000001AAA"),
    ],
)
def test_fifteen_characters_become_eighteen(short: str, long: str) -> None:
    """The last three say which of the fifteen are capitals."""
    assert whole(short) == long
    assert whole(long) == long


@given(st.text(LETTERS, min_size=15, max_size=15))
def test_the_long_form_tells_apart_what_differs_in_capitals_alone(short: str) -> None:
    """Two ids that differ in capitals alone differ in the long form whatever the capitals."""
    other = short.swapcase()
    assert (whole(short).lower() == whole(other).lower()) == (short == other)


@given(st.text(max_size=25))
def test_only_ids_are_taken_for_ids(text: str) -> None:
    """Whatever else comes is refused, and so can never become a part of a query."""
    if is_id(text):
        assert len(text) in (15, 18)
        assert set(text) <= set(LETTERS)
    else:
        with pytest.raises(ValueError, match="not an id"):
            whole(text)


def test_an_id_tells_what_it_is_of() -> None:
    """A lead is a person, too; a custom object's id tells nothing."""
    assert object_of("0035g00000ABCDEAA5") == "Contact"
    assert object_of("a015g00000ABCDEAA5") == ""
    assert (person_object("00Q5g00000ABCDEAA5"), is_lead("0035g00000ABCDEAA5")) == ("Lead", False)
