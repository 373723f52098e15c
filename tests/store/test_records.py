"""Records of the local CRM, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connector.errors import PayloadError
from connector.secrets import Keyring
from connector.signing import new_secret
from connector.store import Store, record_rows, records
from connector.store.records import Put
from tests.fakes.local import connect_local


@pytest.fixture(autouse=True)
def connected(store: Store, keyring: Keyring) -> None:
    """Two local connections, which must not see one another."""
    for name in ("local", "other"):
        connect_local(store, keyring, name, [new_secret()])


def put(store: Store, record_id: str, fields: dict[str, Any], kind: str = "contact") -> Put:
    with store.write() as tx:
        return records.put(tx, "local", kind, record_id, fields)


def test_fields_are_merged_and_emptied(store: Store) -> None:
    """A put keeps what it does not name, empties what is None, and says what came of it."""
    done = [
        put(store, "1", {"a": "x", "b": [1, {"c": None}], "d": 1.5}),
        put(store, "1", {"a": "x"}),
        put(store, "1", {"a": None, "e": "é漢🙂"}),
    ]
    with store.read() as tx:
        found = records.get(tx, "local", "contact", "1")

    assert done == [Put.CREATED, Put.UNCHANGED, Put.UPDATED]
    assert found is not None
    assert found.fields == {"b": [1, {"c": None}], "d": 1.5, "e": "é漢🙂"}
    assert found.created_at <= found.updated_at


def test_two_who_change_other_fields_at_once_lose_nothing(store: Store) -> None:
    """A colleague's edit and our write-back of the same record both stay."""
    put(store, "1", {"name": "Ana"})

    def write(name: str) -> None:
        for number in range(10):
            put(store, "1", {f"{name}-{number}": number})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, ["a", "b"]))
    with store.read() as tx:
        found = records.get(tx, "local", "contact", "1")

    assert found is not None
    assert len(found.fields) == 21


def test_connections_and_kinds_are_apart(store: Store) -> None:
    """The same id under another kind or connection is another record."""
    put(store, "1", {"a": "contact"})
    put(store, "1", {"a": "cart"}, kind="cart")
    with store.write() as tx:
        records.put(tx, "other", "contact", "1", {"a": "other"})
        assert records.remove(tx, "other", "contact", "1")
        assert not records.remove(tx, "other", "contact", "1")
    with store.read() as tx:
        assert records.many(tx, "other", "contact", ["1"]) == {}
        kinds = [records.get(tx, "local", kind, "1") for kind in ("contact", "cart")]
    assert [found.fields["a"] for found in kinds if found] == ["contact", "cart"]


def test_a_search_needs_every_word_somewhere(store: Store) -> None:
    """Words are found in names, address and id; signs of the query language are only signs."""
    put(
        store,
        "1",
        {"first_name": "Ana", "last_name": "Prieto", "email": "a_p@x.es", "plan": "team"},
    )
    put(store, "2", {"first_name": "Ольга", "name": "100% ÖKO"})

    def ids(text: str, **where: str) -> list[str]:
        with store.read() as tx:
            page = records.search(tx, "local", "contact", text=text, where=where)
        assert page.total == len(page.rows)
        return sorted(row.id for row in page.rows)

    assert ids("") == ["1", "2"]
    assert ids("PRIETO ana") == ["1"]
    assert ids("ольга") == ["2"]
    assert ids("100%") == ["2"]
    assert ids("öko") == ["2"]
    assert ids("%") == ["2"]
    assert ids("a_p") == ["1"]
    assert ids("team") == []
    assert ids("", plan="team") == ["1"]
    assert ids("", **{'pl"an': "x"}) == []


def test_pages_hold_each_record_once(store: Store) -> None:
    """Pages of a list do not overlap and leave nothing out; the last changed comes first."""
    for number in range(7):
        put(store, f"{number}", {"n": number})
    with store.read() as tx:
        pages = [
            records.search(tx, "local", "contact", limit=3, offset=offset).rows
            for offset in (0, 3, 6)
        ]
        everything = [row.id for row in records.each(tx, "local", "contact")]

    assert sorted(row.id for page in pages for row in page) == everything
    assert len(everything) == 7


def test_values_are_counted(store: Store) -> None:
    """Each value of a field is counted, an absent one as empty."""
    for record_id, fields in (("1", {"s": "ready"}), ("2", {"s": "ready"}), ("3", {})):
        put(store, record_id, fields)
    with store.read() as tx:
        assert records.count_by(tx, "local", "contact", "s") == {"ready": 2, "": 1}


@pytest.mark.parametrize(
    ("kind", "record_id", "fields"),
    [
        ("", "1", {}),
        ("Bad kind", "1", {}),
        ("x" * 33, "1", {}),
        ("contact", "", {}),
        ("contact", "x" * 201, {}),
        ("contact", "a\nb", {}),
        ("contact", "a/../b", {}),
        ("contact", "//evil", {}),
        ("contact", "1", {"": "x"}),
        ("contact", "1", {"x" * 101: "x"}),
        ("contact", "1", {"a": "x" * 64_001}),
        ("contact", "1", {"a": ["x" * 64_001]}),
        ("contact", "1", {str(n): n for n in range(301)}),
    ],
)
def test_what_is_too_long_is_refused(
    store: Store, kind: str, record_id: str, fields: dict[str, Any]
) -> None:
    """Ids, names and values are bounded."""
    with pytest.raises(PayloadError):
        put(store, record_id, fields, kind)


def test_a_row_keeps_what_a_later_write_does_not_name(store: Store) -> None:
    """Rows are merged like records, found by contact, and forgotten with it."""
    for values in ({"status": "queued", "percent": 1}, {"status": "ready", "percent": None}):
        with store.write() as tx:
            record_rows.put(tx, "local", kind="video", key="v1", contact_id="1", values=values)
    with store.write() as tx:
        record_rows.put(tx, "local", kind="view", key="s1", contact_id="1", values={"x": 1})
        record_rows.put(tx, "local", kind="view", key="s2", contact_id="2", values={"x": 2})
        [video] = record_rows.of_contact(tx, "local", "1", "video")
        forgotten = record_rows.forget(tx, "local", "1")
        left = [row.key for row in record_rows.of_contact(tx, "local", "2")]

    assert video.values == {"status": "ready"}
    assert (forgotten, left) == (2, ["s2"])
