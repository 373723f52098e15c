"""Users and their sign-ins, on both databases."""

from __future__ import annotations

from functools import cache

import pytest

from connector.errors import NotFoundError, PayloadError
from connector.store import Store, logins, users
from connector.store.logins import Use
from connector.store.tables import logins as logins_table
from connector.store.tables import users as users_table
from connector.store.users import Role

PASSWORD = "correct horse battery"


# hashing is slow on purpose; one hash will do for all tests
hashed = cache(users.hash_password)


def add(store: Store, email: str = "Ana@Example.com") -> users.User:
    with store.write() as tx:
        return users.add(tx, email, hashed(PASSWORD), Role.REP)


def test_passwords_are_kept_as_argon2id(store: Store) -> None:
    """The database holds a salted argon2id hash, which proves only the right password."""
    add(store)
    with store.read() as tx:
        stored = tx.execute(users_table.select()).one().password

    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert users.proves(stored, PASSWORD)
    assert not users.proves(stored, PASSWORD + "x")
    assert not users.proves("rubbish", PASSWORD)
    assert not users.proves(None, "nobody has this password")


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 201])
def test_a_password_has_a_sensible_length(password: str) -> None:
    """Too short is guessed, too long is an attack on the processor."""
    with pytest.raises(PayloadError):
        users.hash_password(password)


def test_an_address_signs_in_in_any_letter_case_and_once(store: Store) -> None:
    """An address is one user, however it is written."""
    ana = add(store)
    with pytest.raises(PayloadError, match="already"):
        add(store, "ANA@example.com")
    with store.read() as tx:
        assert users.by_email(tx, " aNa@example.com ") == ana
        assert users.credentials(tx, "ana@EXAMPLE.com")[0] == ana
        assert [ana] == users.everyone(tx)
        with pytest.raises(NotFoundError):
            users.by_email(tx, "ben@example.com")


def test_a_changed_user_is_signed_out(store: Store) -> None:
    """Another role, password or state ends every session and token."""
    ana = add(store)
    with store.write() as tx:
        token = logins.open_login(tx, ana.id, Use.BROWSER)
        assert logins.user_of(tx, token, Use.BROWSER)[0] == ana
        users.change(tx, ana.id, role=Role.ADMIN, disabled=True)
        assert logins.user_of(tx, token, Use.BROWSER) == (None, False)
        assert users.credentials(tx, "ana@example.com") == (None, None)
        found = users.get(tx, ana.id)
    assert found is not None
    assert (found.role, found.disabled) == (Role.ADMIN, True)


def test_a_token_is_stored_as_a_hash_and_serves_one_use(store: Store) -> None:
    """A stolen database opens nothing, and a cookie is no API token."""
    ana = add(store)
    with store.write() as tx:
        cookie = logins.open_login(tx, ana.id, Use.BROWSER)
        token = logins.open_login(tx, ana.id, Use.API)
        kept = [row.id for row in tx.execute(logins_table.select())]

        assert not {cookie, token} & set(kept)
        assert logins.user_of(tx, token, Use.API)[0] == ana
        assert logins.user_of(tx, token, Use.BROWSER)[0] is None
        assert logins.user_of(tx, cookie, Use.API)[0] is None
        assert logins.user_of(tx, kept[0], Use.API)[0] is None


def test_what_has_run_out_is_swept_away(store: Store) -> None:
    """Old sign-ins are deleted, valid ones stay."""
    ana = add(store)
    with store.write() as tx:
        logins.open_login(tx, ana.id, Use.API, days=-1)
        token = logins.open_login(tx, ana.id, Use.API, days=1)
        assert logins.forget_old(tx) == 1
        assert logins.user_of(tx, token, Use.API)[0] == ana
        logins.close_login(tx, token)
        assert logins.user_of(tx, token, Use.API)[0] is None


def test_use_of_a_session_is_noted_once_a_minute(store: Store) -> None:
    """Not every click writes to the database."""
    ana = add(store)
    with store.write() as tx:
        token = logins.open_login(tx, ana.id, Use.BROWSER)
        assert logins.user_of(tx, token, Use.BROWSER) == (ana, False)
        tx.execute(logins_table.update().values(seen_at=logins_table.c.seen_at - 120_000))
        assert logins.user_of(tx, token, Use.BROWSER) == (ana, True)
        logins.seen(tx, token)
        assert logins.user_of(tx, token, Use.BROWSER) == (ana, False)
