"""`cuereel user`: who may sign in, as an operator types it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result

from connector.cli.user import user
from connector.errors import NotFoundError, PayloadError
from connector.store import Store, audit, logins, users
from connector.store.logins import Use
from connector.store.users import Role


@pytest.fixture(autouse=True)
def migrated(sqlite_store: Store) -> None:
    """The home folder has a database."""


def run(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(user, list(words), input=text)


def test_an_added_user_signs_in_with_the_password_shown_once(sqlite_store: Store) -> None:
    """The password is made, printed, and nowhere stored in clear."""
    shown = re.search(r"once: (\S+)", run("add", "ana@example.com", "--role", "rep").stdout)
    assert shown is not None
    with sqlite_store.read() as tx:
        found, stored = users.credentials(tx, "ana@example.com")

    assert found is not None
    assert found.role is Role.REP
    assert users.proves(stored, shown[1])


def test_a_password_can_be_given_by_a_program(sqlite_store: Store) -> None:
    """With --password-stdin nothing secret is printed."""
    result = run("add", "ana@example.com", "--password-stdin", text="a long enough one\n")
    changed = run("password", "ana@example.com", "--password-stdin", text="another long one\n")
    with sqlite_store.read() as tx:
        _, stored = users.credentials(tx, "ana@example.com")

    assert "long enough" not in result.output + changed.output
    assert users.proves(stored, "another long one")


def test_a_bad_password_or_address_is_refused() -> None:
    """A short password, a broken address and a second user of one address are told."""
    run("add", "ana@example.com")
    for words, text in (
        (("add", "ben@example.com", "--password-stdin"), "short\n"),
        (("add", "no-address"), ""),
        (("add", "ANA@example.com"), ""),
    ):
        assert isinstance(run(*words, text=text).exception, PayloadError)


def test_users_are_listed_disabled_and_enabled(sqlite_store: Store) -> None:
    """The list shows who is disabled, and the log who did what."""
    assert "cuereel user add" in run("list").stderr
    run("add", "ana@example.com")
    run("disable", "ana@example.com")
    assert json.loads(run("list", "--json").stdout) == [
        {"email": "ana@example.com", "role": "admin", "disabled": True}
    ]
    run("enable", "ana@example.com")
    assert "disabled" not in run("list").stdout
    with sqlite_store.read() as tx:
        done = [entry.action for entry in reversed(audit.entries(tx))]
    assert done == ["user_add", "user_disable", "user_enable"]


def test_a_token_opens_the_api_only(sqlite_store: Store) -> None:
    """What is printed is a token with the user's rights."""
    run("add", "ana@example.com", "--role", "viewer")
    token = run("token", "ana@example.com", "--days", "1").stdout.strip()
    with sqlite_store.read() as tx:
        found, _ = logins.user_of(tx, token, Use.API)

    assert found is not None
    assert found.role is Role.VIEWER


def test_an_unknown_user_is_named() -> None:
    """A mistyped address is told."""
    for command in ("disable", "enable", "password", "token"):
        assert isinstance(run(command, "nobody@example.com").exception, NotFoundError)
