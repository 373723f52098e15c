"""Queries hold names that are names and values that stay values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.salesforce.soql import any_of, chunks, is_name, moment, quoted, select

ANA = "0035g00000ABCDEAA5"


def test_a_query_names_fields_relations_and_subqueries() -> None:
    """Fields stand once, in the order in which they were asked for."""
    found = select(
        ["Id", "Owner.Name", "Id", "(SELECT Id FROM Contacts LIMIT 1)"],
        "Account",
        any_of("Id", [ANA, "x' OR Name != '"]),
        "LIMIT 5",
    )
    assert found == (
        "SELECT Id, Owner.Name, (SELECT Id FROM Contacts LIMIT 1) FROM Account "
        f"WHERE Id IN ('{ANA}') LIMIT 5"
    )


@pytest.mark.parametrize(
    "name", ["Name FROM User--", "a.b.c.d.e.f", "", "1st", "Name,Email", "(DELETE)"]
)
def test_what_is_no_name_never_stands_in_a_query(name: str) -> None:
    """A mapping is written by an admin, but a slip must not become another query."""
    assert not is_name(name)
    with pytest.raises(ValueError, match="cannot stand"):
        select([name], "Contact")


@given(st.text(max_size=80))
def test_a_value_cannot_leave_its_quotes(value: str) -> None:
    """Every quote and backslash inside is escaped, and no line ends there."""
    inside = quoted(value)[1:-1]
    rest = inside.replace("\\\\", "").replace("\\'", "")
    assert "'" not in rest
    assert "\n" not in inside
    assert "\0" not in inside


def test_ids_are_cut_into_lists_that_fit_an_address() -> None:
    """Each id once; what is no id is left out."""
    ids = [f"003{number:015d}"[:18] for number in range(1200)]
    found = list(chunks([*ids, ids[0], "no id"]))

    assert [len(one) for one in found] == [500, 500, 200]
    assert [one for part in found for one in part] == ids


def test_times_are_written_in_utc() -> None:
    """Whole seconds, whatever the zone that they came in."""
    at = datetime(2026, 11, 22, 6, 30, 15, 999, tzinfo=timezone(timedelta(hours=2)))
    assert moment(at) == "2026-11-22T04:30:15Z"
    assert moment(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
