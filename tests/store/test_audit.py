"""The audit log: a chain that shows what was changed, taken out or put in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, update

from connector.store import Store, audit
from connector.store.audit import Entry
from connector.store.tables import audit as table


def fill(store: Store, count: int = 5) -> list[Entry]:
    for number in range(count):
        with store.write() as tx:
            audit.record(tx, "ana@example.com", "edit", f"contact:{number}", {"n": number})
    with store.read() as tx:
        return list(reversed(audit.entries(tx)))


def broken(store: Store) -> str | None:
    with store.read() as tx:
        return audit.broken_link(tx)


def test_an_untouched_log_holds(store: Store) -> None:
    """Entries come back in order, and the chain is whole, also when it is empty."""
    assert broken(store) is None
    subjects = [entry.subject for entry in fill(store)]

    assert subjects == [f"contact:{n}" for n in range(5)]
    assert broken(store) is None


def test_many_writers_make_one_chain(store: Store) -> None:
    """Entries written at the same time do not fork the chain."""

    def write(number: int) -> None:
        with store.write() as tx:
            audit.record(tx, "ana", "edit", str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))

    with store.read() as tx:
        assert len(audit.entries(tx)) == 24
    assert broken(store) is None


def test_several_entries_of_one_transaction_make_a_chain(store: Store) -> None:
    """Entries within the same millisecond hang on one another all the same."""
    with store.write() as tx:
        for number in range(20):
            audit.record(tx, "ana", "edit", str(number))

    assert broken(store) is None


@pytest.mark.parametrize("column", ["actor", "action", "subject", "at", "facts"])
def test_a_changed_entry_is_named(store: Store, column: str) -> None:
    """Whatever is changed in an entry, that entry no longer holds."""
    entry = fill(store)[2]
    value: object = {"n": 99} if column == "facts" else 7 if column == "at" else "x"
    with store.write() as tx:
        tx.execute(update(table).where(table.c.id == entry.id).values({column: value}))

    assert broken(store) == entry.id


@pytest.mark.parametrize("place", [0, 2])
def test_a_missing_entry_shows_at_the_next(store: Store, place: int) -> None:
    """Where an entry was taken out, the one after it hangs on nothing."""
    entries = fill(store)
    with store.write() as tx:
        tx.execute(delete(table).where(table.c.id == entries[place].id))

    assert broken(store) == entries[place + 1].id


def test_long_names_are_cut_before_they_are_sealed(store: Store) -> None:
    """What does not fit into a column is cut, and the chain still holds."""
    with store.write() as tx:
        audit.record(tx, "x" * 500, "y" * 500, "z" * 500)

    assert broken(store) is None
