"""
How accounts come and go: what is stored when one lets us in, made there, and given back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from sqlalchemy import Connection as Tx

from connector.crm import CONNECTORS, LEAVERS, Account, Connection, Surroundings, open_crm
from connector.errors import (
    CredentialError,
    MappingError,
    NotFoundError,
    PermanentError,
    SettingError,
)
from connector.model import JSON, InstallReport
from connector.settings import Settings
from connector.store import audit, connections, leases
from connector.store.connections import ConnectionRow

# what an admin has put into the CRM, and what only we know, outlives a new connection
KEPT_SECRETS = ("hook_secret", "old_hook_secret")
KEPT_CONFIG = ("left_out", "subscription_id", "package")
DISABLED = "disabled"
TITLES = {"hubspot": "HubSpot", "local": "Built-in CRM", "salesforce": "Salesforce"}


@dataclass(frozen=True)
class Gone:
    """What a disconnection removed, and what the CRM could not be told."""

    fields: Mapping[str, str]
    complaint: str


def connection_of(row: ConnectionRow) -> Connection:
    """Return a stored connection as the CRMs take it."""
    return Connection(row.id, row.crm, row.title, row.state, row.secrets, row.config)


def title_of(crm: str) -> str:
    """Return what people call a CRM."""
    return TITLES.get(crm, crm.capitalize())


def look_up(settings: Settings, crm: str, given: Mapping[str, str]) -> Account:
    """
    Return the account that credentials of its own open; *given* are named as *crm* names them.

    MappingError where it has no such credentials.
    """
    found = _named(CONNECTORS, crm)
    if found is None:
        known = ", ".join(sorted(CONNECTORS)) or "none"
        raise MappingError(f"{crm!r} takes no credentials of an account; these do: {known}")
    return cast(Account, found(settings, given))


def need_address(settings: Settings, crm: str) -> None:
    """Raise SettingError where a CRM outside could not reach us."""
    # a stand-in on this machine, set by the operator, finds us wherever we are
    stand_in = str(getattr(settings, f"{crm}_api", "")).startswith("http://")
    if not settings.production and not stand_in:
        raise SettingError(
            f"{title_of(crm)} cannot reach {settings.base_url}; set PUBLIC_BASE_URL to the https "
            "address of this installation and start Cuereel again"
        )


def take_in(surroundings: Surroundings, crm: str, account: Account, actor: str) -> bool:
    """
    Store an account that has let us in; True where it was connected before.

    What waited for it to be connected again is due at once.
    """
    with surroundings.store.write() as tx:
        known = connections.get(tx, surroundings.keyring, account.id)
        if known is None:
            _add(tx, surroundings, crm, account)
        else:
            _renew(tx, surroundings, known, account)
        action = "connect" if known is None else "connect_again"
        audit.record(tx, actor, action, account.id, {"crm": crm})
    return known is not None


def install_fields(surroundings: Surroundings, row: ConnectionRow, actor: str) -> InstallReport:
    """Make our fields, and remember which had to be left out."""
    _must_be_connected(row)
    report = open_crm(connection_of(row), surroundings).install()
    with surroundings.store.write() as tx:
        now = _still_there(tx, surroundings, row.id)
        left_out = sorted(report.left_out)
        if left_out != list(now.config.get("left_out") or ()):
            connections.change_config(tx, row.id, {**now.config, "left_out": left_out})
        facts = {"made": len(report.made), "left_out": len(left_out)}
        audit.record(tx, actor, "install", row.id, facts)
    return report


def disconnect(
    surroundings: Surroundings, row: ConnectionRow, *, remove_fields: bool, actor: str
) -> Gone:
    """
    Give back what lets us in and stop; with *remove_fields* our fields go first, with their values.

    Raises TemporaryError, and leaves all as it was, where the CRM cannot be asked just now, and
    CredentialError where it is disconnected already, or fields are to go and it lets us in no more.
    """
    if row.crm == "local":
        raise MappingError("the built-in CRM is part of Cuereel and stays connected")
    _must_be_connected(row)
    gone = open_crm(connection_of(row), surroundings).uninstall() if remove_fields else None
    complaint = _give_back(surroundings, row)
    with surroundings.store.write() as tx:
        now = _still_there(tx, surroundings, row.id)
        connections.reconnect(
            tx, surroundings.keyring, row.id, secrets=_kept(now.secrets), config=now.config
        )
        connections.set_state(tx, row.id, DISABLED)
        audit.record(tx, actor, "disconnect", row.id, {"removed_fields": remove_fields})
    return Gone({} if gone is None else gone.left_out, complaint)


def _add(tx: Tx, surroundings: Surroundings, crm: str, account: Account) -> None:
    connections.add(
        tx,
        surroundings.keyring,
        connection_id=account.id,
        crm=crm,
        title=account.title,
        secrets=dict(account.secrets),
        config=dict(account.config),
    )


def _renew(tx: Tx, surroundings: Surroundings, known: ConnectionRow, account: Account) -> None:
    kept = {name: known.config[name] for name in KEPT_CONFIG if name in known.config}
    connections.reconnect(
        tx,
        surroundings.keyring,
        known.id,
        secrets={**account.secrets, **_kept(known.secrets)},
        config={**account.config, **kept},
    )
    leases.wake(tx, known.id)


def _kept(secrets: Mapping[str, JSON]) -> dict[str, JSON]:
    return {name: secrets[name] for name in KEPT_SECRETS if secrets.get(name)}


def _give_back(surroundings: Surroundings, row: ConnectionRow) -> str:
    """Return why the CRM did not take back what lets us in; empty where it did."""
    leave = _named(LEAVERS, row.crm)
    if leave is None:
        return ""
    try:
        leave(connection_of(row), surroundings)
    except PermanentError as error:
        return error.sentence
    return ""


def _must_be_connected(row: ConnectionRow) -> None:
    if row.state == DISABLED:
        raise CredentialError(f"{row.title} ({row.id}) is disconnected; connect it again first")


def _still_there(tx: Tx, surroundings: Surroundings, connection_id: str) -> ConnectionRow:
    row = connections.get(tx, surroundings.keyring, connection_id)
    if row is None:
        raise NotFoundError("this account is no longer connected")
    return row


def _named(table: Mapping[str, str], crm: str) -> Callable[..., object] | None:
    if crm not in table:
        return None
    module, name = table[crm].split(":")
    return cast(Callable[..., object], getattr(import_module(module), name))
