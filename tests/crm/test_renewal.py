"""A token that many share: one asks, all use what it brought, and nobody puts an older one over it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connector.crm import Connection, Surroundings, renewal
from connector.crm.renewal import Renewal, held
from connector.decide.dictionary import load_dictionary
from connector.errors import CredentialError, CRMBusyError, CRMDownError, NotFoundError
from connector.limits import Limits
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, connections
from connector.store.connections import ConnectionRow

OLD = {"access": "access-1", "refresh": "refresh-1", "hook_secret": "hook"}
NEW = {"access": "access-2", "refresh": "refresh-2"}
NAME = "any-1"

Asked = Callable[[ConnectionRow], dict[str, Any]]


@pytest.fixture
def surroundings(store: Store, settings: Settings, keyring: Keyring) -> Surroundings:
    """The surroundings of a connection whose token does not do any more."""
    with store.write() as tx:
        connections.add(tx, keyring, connection_id=NAME, crm="any", title="Acme", secrets=dict(OLD))
    return Surroundings(settings, store, load_dictionary("local", ()), keyring, Limits(None))


def renewing(ask: Asked) -> Renewal:
    """How the tokens of a CRM are renewed that is asked by *ask*."""

    def may(row: ConnectionRow) -> None:
        if row.state == "needs_reauth":
            raise CredentialError("connect it again")

    return Renewal(
        "the CRM",
        lambda secrets, refused: secrets["access"] != refused,
        may,
        lambda row, _: ask(row),
    )


def get(surroundings: Surroundings, ask: Asked, *, refused: str = "access-1") -> Any:
    connection = Connection(NAME, "any", "Acme", secrets=OLD)
    return held(connection, surroundings, renewing(ask), refused=refused)


def row(surroundings: Surroundings) -> ConnectionRow:
    with surroundings.store.read() as tx:
        found = connections.get(tx, surroundings.keyring, NAME)
    assert found is not None
    return found


def change(surroundings: Surroundings, **more: str) -> None:
    with surroundings.store.write() as tx:
        secrets = {**row(surroundings).secrets, **more}
        connections.change_secrets(tx, surroundings.keyring, NAME, secrets)


def never(_: ConnectionRow) -> dict[str, Any]:
    pytest.fail("nobody had to be asked")


def test_a_token_that_does_is_used(surroundings: Surroundings) -> None:
    """Without a look into the database."""
    assert get(surroundings, never, refused="") == OLD


def test_what_another_brought_is_used(surroundings: Surroundings) -> None:
    """The row is read before anybody is asked."""
    change(surroundings, access="access-9")

    assert get(surroundings, never)["access"] == "access-9"


def test_a_new_token_is_stored_before_it_is_used(surroundings: Surroundings) -> None:
    """Who dies right afterwards takes nothing with it."""
    assert get(surroundings, lambda _: dict(NEW)) == {**OLD, **NEW}
    assert row(surroundings).secrets == {**OLD, **NEW}


def test_of_eight_one_asks(surroundings: Surroundings) -> None:
    """However slowly it is answered."""
    asked, barrier = [], threading.Barrier(8)

    def slowly(found: ConnectionRow) -> dict[str, Any]:
        asked.append(found.secrets["refresh"])
        time.sleep(0.3)
        return dict(NEW)

    def one(_: int) -> str:
        barrier.wait()
        return str(get(surroundings, slowly)["access"])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(8))) == {"access-2"}
    assert asked == ["refresh-1"]


def test_who_waits_too_long_comes_back_later(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is not lost, and the token is not asked for twice."""
    monkeypatch.setattr(renewal, "LOSER_SECONDS", 0.2)
    with surroundings.store.write() as tx:
        assert connections.begin_refresh(tx, NAME, 60)

    with pytest.raises(CRMBusyError, match="another process is asking the CRM"):
        get(surroundings, never)


def test_an_error_that_passes_lets_the_next_one_ask_at_once(surroundings: Surroundings) -> None:
    """The connection stays what it is."""

    def away(_: ConnectionRow) -> dict[str, Any]:
        raise CRMDownError("away; trying again is safe")

    with pytest.raises(CRMDownError):
        get(surroundings, away)
    assert row(surroundings).state == "active"
    assert get(surroundings, lambda _: dict(NEW))["access"] == "access-2"


def test_a_stop_in_the_middle_lets_the_next_one_ask_at_once(surroundings: Surroundings) -> None:
    """A worker that is told to stop gives its lease back."""

    def stopped(_: ConnectionRow) -> dict[str, Any]:
        raise SystemExit

    with pytest.raises(SystemExit):
        get(surroundings, stopped)
    assert get(surroundings, lambda _: dict(NEW))["access"] == "access-2"


def test_a_refusal_waits_for_an_admin(surroundings: Surroundings) -> None:
    """Nobody asks again."""

    def refused(_: ConnectionRow) -> dict[str, Any]:
        raise CredentialError("no longer")

    for ask in (refused, never):
        with pytest.raises(CredentialError):
            get(surroundings, ask)
    assert row(surroundings).state == "needs_reauth"


def test_a_refusal_of_an_old_grant_does_not_harm_a_new_one(surroundings: Surroundings) -> None:
    """An admin connected again while the old one was being refused."""

    def too_late(_: ConnectionRow) -> dict[str, Any]:
        change(surroundings, access="access-9", refresh="refresh-9")
        raise CredentialError("no longer")

    with pytest.raises(CredentialError):
        get(surroundings, too_late)
    assert row(surroundings).state == "active"
    assert get(surroundings, never)["access"] == "access-9"


def test_who_was_overtaken_uses_what_the_other_brought(surroundings: Surroundings) -> None:
    """Its own token is the older one."""

    def overtaken(_: ConnectionRow) -> dict[str, Any]:
        change(surroundings, access="access-9", refresh="refresh-9")
        return dict(NEW)

    assert get(surroundings, overtaken)["access"] == "access-9"
    assert row(surroundings).secrets["refresh"] == "refresh-9"


def test_other_secrets_that_changed_meanwhile_stay(surroundings: Surroundings) -> None:
    """An admin rotated the hook's secret."""

    def meanwhile(_: ConnectionRow) -> dict[str, Any]:
        change(surroundings, hook_secret="newer", old_hook_secret="hook")
        return dict(NEW)

    get(surroundings, meanwhile)
    assert row(surroundings).secrets == {
        **NEW,
        "hook_secret": "newer",
        "old_hook_secret": "hook",
    }


def test_a_connection_that_is_gone_has_no_token(surroundings: Surroundings) -> None:
    """Rather than one that nobody could store."""
    gone = Connection("any-2", "any", "Gone", secrets=OLD)

    with pytest.raises(NotFoundError):
        held(gone, surroundings, renewing(never), refused="access-1")
