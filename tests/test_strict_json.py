"""JSON from outside: what is sound is read as it is, everything else is refused with a sentence."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import PayloadError
from connector.strict_json import parse_json

SOUND = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=100, deadline=None)
@given(SOUND)
def test_sound_values_come_back_as_they_were(value: object) -> None:
    """Whatever JSON can say soundly is read unchanged."""
    assert parse_json(json.dumps(value).encode()) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_cause_another_error(raw: bytes) -> None:
    """Any bytes are either read or refused."""
    with suppress(PayloadError):
        parse_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"1e999",
        b"9" * 5000,
        b'"\\ud83d"',
        b'{"\\ud83d": 1}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "a\\u0000": 2}',
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_a_database_cannot_hold_is_refused(raw: bytes) -> None:
    """Half characters, endless depth, NaN, huge numbers and doubled keys are refused."""
    with pytest.raises(PayloadError):
        parse_json(raw)


def test_nul_is_taken_out() -> None:
    """A NUL, which PostgreSQL refuses and SQLite cuts at, is dropped from text and names."""
    assert parse_json(b'{"a\\u0000b": ["c\\u0000d"]}') == {"ab": ["cd"]}


def test_deep_but_bounded_values_are_read() -> None:
    """Thirty-two levels are fine."""
    assert parse_json(b"[" * 32 + b"]" * 32)
