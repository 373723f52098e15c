"""
A token that many workers share is renewed by one of them at a time.

Who asks is decided in the database, never by a lock that could be lost, and the new token stands
there, encrypted, before anybody uses it: a process that dies in between takes nothing with it, and
a CRM that punishes the second use of a refresh token never sees one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connector.crm import Connection, Surroundings
from connector.errors import CredentialError, CRMBusyError, NotFoundError
from connector.model import JSON
from connector.settings import Settings
from connector.store import connections
from connector.store.connections import ConnectionRow

# longer than the slowest answer that a CRM may give, or two would ask
LEASE_SECONDS = 45.0
LOSER_SECONDS = 15.0
NAP_SECONDS = 0.1

Secrets = Mapping[str, JSON]


@dataclass(frozen=True)
class Renewal:
    """
    How a CRM's tokens are renewed.

    *usable* tells whether secrets hold a token that is good and is not the refused one; *may* raises
    CredentialError where only an admin can help; *renew* asks the CRM and returns what changes.
    """

    crm: str
    usable: Callable[[Secrets, str], bool]
    may: Callable[[ConnectionRow], None]
    renew: Callable[[ConnectionRow, Settings], dict[str, JSON]]


def held(
    connection: Connection, surroundings: Surroundings, renewal: Renewal, *, refused: str = ""
) -> Secrets:
    """
    Return the secrets of *connection* with a usable token, newly asked for where it must be.

    *refused* is a token that the CRM does not take, though it should. Raises CredentialError where an
    admin must connect again, CRMBusyError where another process is long in asking.
    """
    # after a refusal only the row is to be trusted: *connection* may be several tokens behind
    if not refused and renewal.usable(connection.secrets, refused):
        return connection.secrets
    deadline = time.monotonic() + LOSER_SECONDS
    while True:
        row = _row(connection, surroundings)
        if renewal.usable(row.secrets, refused):
            return row.secrets
        renewal.may(row)
        if _begun(row, surroundings):
            return _renewed(row, surroundings, renewal)
        if time.monotonic() > deadline:
            raise CRMBusyError(f"another process is asking {renewal.crm} for a new token", after=5)
        time.sleep(NAP_SECONDS)


def _row(connection: Connection, surroundings: Surroundings) -> ConnectionRow:
    with surroundings.store.read() as tx:
        row = connections.get(tx, surroundings.keyring, connection.id)
    if row is None:
        raise NotFoundError("this account is no longer connected")
    return row


def _begun(row: ConnectionRow, surroundings: Surroundings) -> bool:
    """Become the one who asks, unless somebody has brought another token since *row* was read."""
    with surroundings.store.write() as tx:
        if not connections.begin_refresh(tx, row.id, LEASE_SECONDS):
            return False
        now = connections.get(tx, surroundings.keyring, row.id)
        if now is None or not _same_token(now.secrets, row.secrets):
            connections.end_refresh(tx, row.id)
            return False
    return True


def _renewed(row: ConnectionRow, surroundings: Surroundings, renewal: Renewal) -> Secrets:
    try:
        fresh = renewal.renew(row, surroundings.settings)
    except CredentialError:
        _end(row, surroundings, state="needs_reauth")
        raise
    except BaseException:
        _end(row, surroundings)
        raise
    return _stored(row, fresh, surroundings)


def _stored(row: ConnectionRow, fresh: dict[str, JSON], surroundings: Surroundings) -> Secrets:
    """Keep *fresh* for all, unless we were so slow that another has brought one meanwhile."""
    with surroundings.store.write() as tx:
        now = connections.get(tx, surroundings.keyring, row.id)
        if now is None:
            raise NotFoundError("this account is no longer connected")
        if not _same_token(now.secrets, row.secrets):
            return now.secrets
        # beside the token other secrets may have changed meanwhile
        secrets = {**now.secrets, **fresh}
        connections.change_secrets(tx, surroundings.keyring, row.id, secrets)
        connections.end_refresh(tx, row.id)
    return secrets


def _end(row: ConnectionRow, surroundings: Surroundings, state: str | None = None) -> None:
    with surroundings.store.write() as tx:
        now = connections.get(tx, surroundings.keyring, row.id)
        # who has been connected again since is not put aside for what the old token met
        if state is not None and now is not None and _same_token(now.secrets, row.secrets):
            connections.set_state(tx, row.id, state)
        connections.end_refresh(tx, row.id)


def _same_token(one: Secrets, other: Secrets) -> bool:
    return all(one.get(name) == other.get(name) for name in ("access", "refresh"))
