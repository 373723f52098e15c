"""Finding contacts: by the beginnings of words, in any script, however many there are."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from connector.secrets import Keyring
from connector.signing import new_secret
from connector.store import Store, contact_words, contacts, records
from connector.store.clock import now
from connector.store.erase import erase
from connector.store.merge import merge
from connector.store.tables_around import contact_words as table
from tests.fakes.local import connect_local


@pytest.fixture(autouse=True)
def connected(store: Store, keyring: Keyring) -> None:
    """Two local connections."""
    for name in ("local", "other"):
        connect_local(store, keyring, name, [new_secret()])


def put(store: Store, record_id: str, connection: str = "local", **fields: Any) -> None:
    with store.write() as tx:
        records.put(tx, connection, "contact", record_id, fields)


def found(store: Store, text: str, only: str | None = None) -> list[str]:
    with store.read() as tx:
        return [one.id for one in contacts.find(tx, text, only=only)]


def stored(store: Store, contact_id: str) -> set[str]:
    with store.read() as tx:
        words = select(table.c.word).where(table.c.contact_id == contact_id)
        return set(tx.execute(words).scalars())


@pytest.mark.parametrize(
    "text",
    [
        "jos",
        "JOSE",
        "José",
        "müller",
        "muller jose",
        "bramble",
        "foods",
        "jm@exam",
        "example",
        "c-7",
    ],
)
def test_each_word_may_be_the_beginning_of_one(store: Store, text: str) -> None:
    """Of names, company, e-mail address and id, in any order, case, and without accents."""
    put(
        store, "c-7", first_name="José", last_name="Müller-Ortiz", company="Bramblequay Foods",
        email="jm@example.com",
    )  # fmt: skip
    put(store, "c-8", first_name="Kim", last_name="Lee", email="kl@sample.org")

    assert found(store, text) == ["c-7"]


@pytest.mark.parametrize("text", ["ller", "jos kim", "%", "_", "jos%", "'"])
def test_what_begins_no_word_finds_nobody(store: Store, text: str) -> None:
    """Signs have no meaning of their own, and a part in the middle of a word is no beginning."""
    put(store, "c-7", first_name="José", last_name="Müller")
    put(store, "c-8", first_name="Kim")

    assert found(store, text) == (["c-7"] if text == "jos%" else [])


@pytest.mark.parametrize("name", ["王小明", "Ольга", "सकुरा", "สมชาย", "نينو", "Ñandú"])
def test_names_of_any_script_are_found(store: Store, name: str) -> None:
    """By their beginning and as a whole."""
    put(store, "c-7", first_name=name)
    put(store, "c-8", first_name="Kim")

    assert found(store, name[:2]) == found(store, name) == ["c-7"]


def test_a_frequent_beginning_shows_who_came_last(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they are too many to be looked up one by one."""
    for number in range(12):
        put(store, f"c-{number:02}", first_name="Kim", last_name="Lee" if number % 2 else "Park")
    with store.write() as tx:
        for number in range(12):
            at = now(tx) + number
            chosen = records.records.c.id == f"c-{number:02}"
            tx.execute(records.records.update().where(chosen).values(updated_at=at))
    by_hand = found(store, "kim lee")
    monkeypatch.setattr(contacts, "FEW", 3)

    assert found(store, "kim lee") == by_hand == [f"c-{number:02}" for number in range(11, 0, -2)]


def test_only_one_connection_is_looked_in_where_one_is_named(store: Store) -> None:
    """The others' contacts are neither found nor counted."""
    put(store, "c-1", first_name="Ana")
    put(store, "c-2", "other", first_name="Ana")

    assert sorted(found(store, "ana")) == ["c-1", "c-2"]
    assert found(store, "ana", only="other") == found(store, "", only="other") == ["c-2"]


def test_a_contact_who_has_another_name_is_found_by_that_one(store: Store) -> None:
    """The old name leads nowhere, and a field of ours changes nothing."""
    put(store, "c-1", first_name="Ana", last_name="Prieto")
    put(store, "c-1", last_name="Navarro")
    assert (found(store, "prieto"), found(store, "navarro ana")) == ([], ["c-1"])

    put(store, "c-1", cuereel_video_status="ready")
    assert stored(store, "c-1") == {"ana", "navarro", "c", "1"}


def test_who_is_deleted_or_erased_leaves_no_word(store: Store) -> None:
    """A name in an index is a name as well."""
    put(store, "c-1", first_name="Ana")
    put(store, "c-2", first_name="Ben")
    with store.write() as tx:
        records.remove(tx, "local", "contact", "c-1")
        erase(tx, "local", "c-2")

    assert stored(store, "c-1") == stored(store, "c-2") == set()


def test_one_contact_where_there_were_two_keeps_its_own_words(store: Store) -> None:
    """The other's record is gone by then, and so are its words."""
    put(store, "c-1", first_name="Ana")
    with store.write() as tx:
        contact_words.learn(tx, "local", "c-2", {"first_name": {"text": "Anita"}}, ())
        merge(tx, "local", ["c-2"], "c-1")

    assert (stored(store, "c-1"), stored(store, "c-2")) == ({"ana", "c", "1"}, set())
