"""
What lets us into a portal: asked for once, renewed by one process at a time, and given back.

An access token lives half an hour. The new one stands in the database, encrypted, before anybody uses
it, so that a process which dies in between takes nothing with it (hubspot.md §1.3).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from connector.crm import Account, Connection, Surroundings, renewal
from connector.crm.hubspot import account
from connector.crm.hubspot.refusals import read_told, refusal
from connector.crm.hubspot.transport import Reply, Request, Wire
from connector.errors import CredentialError, CRMDownError, PermanentError
from connector.model import JSON
from connector.settings import Settings
from connector.store.connections import ConnectionRow

EARLY_SECONDS = 300.0
TOKEN_PATH = "/oauth/v1/token"  # noqa: S105 - an address
REVOKE = "/oauth/{}/token/revoke"
UNINSTALL = "/appinstalls/2026-03/external-install"
GONE = ("BAD_REFRESH_TOKEN", "invalid_grant")
REMOVED = (
    "the portal has removed Cuereel or its access was taken back; "
    "connect it again with `cuereel crm connect hubspot`"
)
NO_LONGER = (
    "HubSpot no longer accepts this portal's token; "
    "make a new one there and connect again with `cuereel crm connect hubspot`"
)

introspect = account.introspect


def exchange(settings: Settings, *, code: str, verifier: str, back: str) -> Account:
    """
    Turn the *code* that HubSpot sent to *back* into an account; *verifier* is PKCE's.

    Raises CredentialError where HubSpot does not take the code.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": back,
    }
    reply = _asked(settings, form)
    if 400 <= reply.status < 404:
        raise CredentialError(
            "HubSpot did not take the code that it gave out, which serves once and for a minute; "
            "begin connecting again, and see that the client secret is the app's"
        )
    return _account(settings, _tokens(account.told(reply)))


def static_account(settings: Settings, given: Mapping[str, str]) -> Account:
    """Look up the portal that a static `token` opens; CredentialError where it opens none."""
    return _account(settings, {"kind": "static", "access": given["token"]})


def access_token(connection: Connection, surroundings: Surroundings, *, refused: str = "") -> str:
    """
    Return a token that is good for some minutes, newly asked for where it must be.

    *refused* is a token that HubSpot does not take, though it should. Raises as `renewal.held`.
    """
    held = renewal.held(connection, surroundings, RENEWAL, refused=refused)
    return str(held["access"])


def give_back(connection: Connection, surroundings: Surroundings) -> None:
    """
    Uninstall our app at HubSpot and revoke what lets us in; a portal that removed us is content.

    A static token is not ours to take back: its admin deletes it there.
    """
    if connection.secrets.get("kind") == "static":
        return
    wire = account.open_wire(surroundings.settings)
    try:
        held = renewal.held(connection, surroundings, RENEWAL)
        _accept(wire.send(Request("DELETE", UNINSTALL), str(held["access"])), (401, 404))
        _revoke(wire, held, surroundings.settings)
    except CredentialError:
        return
    finally:
        wire.close()


def _revoke(wire: Wire, held: Mapping[str, JSON], settings: Settings) -> None:
    form = {"token": str(held["refresh"]), "token_type_hint": "refresh_token"}
    path = REVOKE.format(wire.version)
    # one that died with the installation is refused with 400
    _accept(
        wire.send(Request("POST", path, form=account.app_credentials(settings) | form)),
        (400, 401, 404),
    )


def _accept(reply: Reply, statuses: tuple[int, ...]) -> None:
    if not reply.good and reply.status not in statuses:
        raise refusal(reply.status, reply.headers, reply.data)


def _usable(held: Mapping[str, JSON], refused: str) -> bool:
    if held.get("access") in (None, "", refused):
        return False
    static = held.get("kind") == "static"
    return static or float(held.get("expires_at", 0)) > time.time() + EARLY_SECONDS


def _must_be_renewable(row: ConnectionRow) -> None:
    if row.secrets.get("kind") == "static":
        raise CredentialError(NO_LONGER)
    if row.state == "needs_reauth":
        raise CredentialError(REMOVED)


def _renewed(row: ConnectionRow, settings: Settings) -> dict[str, JSON]:
    refresh = str(row.secrets["refresh"])
    reply = _asked(settings, {"grant_type": "refresh_token", "refresh_token": refresh})
    if reply.good:
        return _tokens(account.told(reply), refresh)
    said = read_told(reply.data) or {}
    if said.get("status") in GONE or said.get("error") in GONE:
        raise CredentialError(REMOVED)
    error = refusal(reply.status, reply.headers, reply.data)
    if isinstance(error, PermanentError):
        raise CredentialError(
            "HubSpot does not accept our app any more; see that CUEREEL_HUBSPOT_CLIENT_ID and "
            "CUEREEL_HUBSPOT_CLIENT_SECRET are the app's, then connect the portal again"
        )
    raise error


def _asked(settings: Settings, form: Mapping[str, str]) -> Reply:
    ours = account.app_credentials(settings)
    wire = account.open_wire(settings)
    try:
        return wire.send(Request("POST", TOKEN_PATH, form={**ours, **form}))
    finally:
        wire.close()


def _tokens(told: Mapping[str, Any], refresh: str = "") -> dict[str, JSON]:
    access, lasts = told.get("access_token"), told.get("expires_in")
    again = told.get("refresh_token") or refresh
    if not (isinstance(access, str) and access and again and isinstance(lasts, int)):
        raise CRMDownError(
            "HubSpot gave no token, though it said that it did; trying again is safe"
        )
    return {
        "kind": "oauth",
        "access": access,
        "refresh": again,
        "expires_at": int(time.time()) + lasts,
    }


def _account(settings: Settings, held: Mapping[str, JSON]) -> Account:
    config = account.describe(settings, str(held["access"]))
    portal = str(config["portal"])
    return Account(
        id=f"hubspot-{portal}",
        title=str(config.get("domain") or f"HubSpot {portal}"),
        secrets={**held, "hook_secret": secrets.token_urlsafe(32)},
        config=config,
    )


RENEWAL = renewal.Renewal("HubSpot", _usable, _must_be_renewable, _renewed)
