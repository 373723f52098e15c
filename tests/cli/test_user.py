"""`cuereel user`: who may sign in, as an operator types it."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner, Result

from connector.cli.user import user
from connector.errors import NotFoundError, PayloadError
from connector.secrets import open_keyring
from connector.settings import load_settings
from connector.signing import new_secret
from connector.store import Store, audit, logins, users
from connector.store.logins import Use
from connector.store.users import Role
from tests.fakes.local import connect_local


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
        {"email": "ana@example.com", "role": "admin", "connection": None, "disabled": True}
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


def test_a_rep_of_one_connection_is_added_and_an_unknown_one_refused(sqlite_store: Store) -> None:
    """Whose contacts a rep sees is stored and listed; a slip of the pen makes no user."""
    connect_local(sqlite_store, open_keyring(load_settings()), "local", [new_secret()])
    run("add", "ana@example.com", "--role", "rep", "--connection", "local")
    refused = run("add", "ben@example.com", "--role", "rep", "--connection", "lokal")
    listed = json.loads(run("list", "--json").stdout)

    assert [(one["email"], one["connection"]) for one in listed] == [("ana@example.com", "local")]
    assert "rep      local" in run("list").stdout
    assert isinstance(refused.exception, PayloadError)
    assert "lokal" in refused.exception.sentence
