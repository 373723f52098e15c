"""
What lets us into an org: three kinds of grant, one token for all workers, renewed by one of them.

Salesforce does not say how long a token lasts, so it is used until it is refused. With rotation, a
refresh token that is used twice kills the grant; `renewal` sees to it that none is. There is no
login by password (salesforce.md §0, §1.2, §1.3).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt

from connector.crm import Connection, Surroundings, renewal
from connector.crm.salesforce.refusals import Said, refusal, told
from connector.crm.salesforce.transport import BoundedSession, safe_address
from connector.errors import (
    ConnectorError,
    CredentialError,
    CRMBusyError,
    CRMDownError,
    PayloadError,
    PermanentError,
    SettingError,
)
from connector.model import JSON
from connector.settings import Settings
from connector.store.connections import ConnectionRow
from connector.strict_json import parse_json

CLIENT_CREDENTIALS, JWT_BEARER, WEB_SERVER = "client_credentials", "jwt_bearer", "web_server"
TOKEN_PATH, REVOKE_PATH = "/services/oauth2/token", "/services/oauth2/revoke"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_SECONDS = 170
PRODUCTION, SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"
TOKEN_TIMES = (3.05, 12.0)  # less than a lease on asking lasts
TOKEN_WHOLE_SECONDS = 15.0
# these pass, though they come in the form of a refusal
CROWDED = ("login rate exceeded", "already being processed")
CROWDED_SECONDS = 5.0
TROUBLE = frozenset({"unknown_error", "server_error", "temporarily_unavailable"})
REMOVED = (
    "the org no longer lets Cuereel in ({}); connect it again with `cuereel crm connect salesforce` "
    "or on the console's page Connections"
)


class TokenRefusedError(CredentialError):
    """Salesforce gives no token; *said* is why, in its own words, which are not for showing."""

    def __init__(self, said: Said) -> None:
        super().__init__(REMOVED.format(said.code))
        self.said = said


@dataclass(frozen=True)
class Session:
    """A token, and the address of the org that it opens."""

    access: str = field(repr=False)
    instance: str


@dataclass(frozen=True)
class Grant:
    """What Salesforce gave for a grant: the token, where it opens, whose it is, a new refresh token."""

    access: str = field(repr=False)
    instance: str
    identity: str = ""
    refresh: str = field(default="", repr=False)

    def secrets(self) -> dict[str, JSON]:
        """Return what of it a connection's secrets hold."""
        held = {"access": self.access, "instance": self.instance}
        return held | ({"refresh": self.refresh} if self.refresh else {})


def open_session(
    connection: Connection, surroundings: Surroundings, *, refused: str = ""
) -> Session:
    """Return a token that is not *refused*, with the org's address. Raises as `renewal.held`."""
    held = renewal.held(connection, surroundings, RENEWAL, refused=refused)
    return Session(str(held["access"]), safe_address(surroundings.settings, str(held["instance"])))


def ask(settings: Settings, held: Mapping[str, JSON]) -> Grant:
    """
    Ask for a token by the grant that *held* describes; CredentialError where it is refused.

    `kind` and `login` (where tokens are given), and by kind: `consumer_key`, `consumer_secret`;
    `consumer_key`, `username`, `private_key` (PEM); or `refresh`.
    """
    forms = {CLIENT_CREDENTIALS: _by_secret, JWT_BEARER: _by_key, WEB_SERVER: _by_refresh}
    kind = str(held.get("kind"))
    if kind not in forms:
        raise CredentialError(REMOVED.format(f"unknown kind {kind!r}"))
    return token(settings, str(held.get("login") or PRODUCTION), forms[kind](settings, held))


def token(settings: Settings, login: str, form: Mapping[str, str]) -> Grant:
    """
    Post *form* to where tokens are given.

    TokenRefusedError where Salesforce refuses and says so; TemporaryError where it has trouble, is
    asked too often, or something that is not Salesforce answers in its place.
    """
    status, content = _post(settings, login, TOKEN_PATH, form)
    if status == 200 and isinstance(content, Mapping):
        return _granted(settings, content)
    raise _refused(status, content)


def _refused(status: int, content: JSON) -> ConnectorError:
    error = told(content)
    if any(words in error.message.lower() for words in CROWDED):
        return CRMBusyError("too many ask this org for a token just now", after=CROWDED_SECONDS)
    if not error.code or error.code in TROUBLE:
        return CRMDownError(
            f"Salesforce gives no tokens just now (status {status}); trying again is safe"
        )
    raised = refusal(status, content)
    return TokenRefusedError(error) if isinstance(raised, PermanentError) else raised


def app_credentials(settings: Settings) -> dict[str, str]:
    """Return key and secret of our own app; SettingError where the operator has not set them."""
    if not settings.salesforce_client_id or not settings.salesforce_client_secret:
        raise SettingError(
            "CUEREEL_SALESFORCE_CLIENT_ID and CUEREEL_SALESFORCE_CLIENT_SECRET must be set to the "
            "consumer key and secret of your external client app (Salesforce: Setup > External Client "
            "App Manager > your app > Settings > OAuth Settings)"
        )
    return {
        "client_id": settings.salesforce_client_id,
        "client_secret": settings.salesforce_client_secret,
    }


def give_back(connection: Connection, surroundings: Surroundings) -> None:
    """Revoke what lets us in; an org that has taken it back already is content."""
    held = connection.secrets
    login = str(held.get("login") or PRODUCTION)
    for name in ("refresh", "access"):
        if held.get(name):
            status, content = _post(
                surroundings.settings, login, REVOKE_PATH, {"token": str(held[name])}
            )
            if status >= 500:
                raise refusal(status, content)
            return


def _by_secret(_: Settings, held: Mapping[str, JSON]) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": str(held["consumer_key"]),
        "client_secret": str(held["consumer_secret"]),
    }


def _by_key(_: Settings, held: Mapping[str, JSON]) -> dict[str, str]:
    login = str(held.get("login") or PRODUCTION)
    claims = {
        "iss": str(held["consumer_key"]),
        "sub": str(held["username"]),
        "aud": SANDBOX if login == SANDBOX or ".sandbox." in login else PRODUCTION,
        "exp": int(time.time()) + JWT_SECONDS,
    }
    try:
        signed = jwt.encode(claims, str(held["private_key"]), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        raise CredentialError(
            "the private key cannot be used; it must be an RSA key in PEM, without a passphrase"
        ) from None
    return {"grant_type": JWT_GRANT, "assertion": signed}


def _by_refresh(settings: Settings, held: Mapping[str, JSON]) -> dict[str, str]:
    refresh = {"grant_type": "refresh_token", "refresh_token": str(held["refresh"])}
    return {**refresh, **app_credentials(settings)}


def _post(settings: Settings, login: str, path: str, form: Mapping[str, str]) -> tuple[int, JSON]:
    session = BoundedSession(whole_seconds=TOKEN_WHOLE_SECONDS)
    try:
        response = session.request(
            "POST", safe_address(settings, login) + path, data=dict(form), timeout=TOKEN_TIMES
        )
    finally:
        session.close()
    try:
        return response.status_code, parse_json(response.content)
    except PayloadError:
        return response.status_code, None


def _granted(settings: Settings, content: Mapping[str, JSON]) -> Grant:
    access, instance = content.get("access_token"), content.get("instance_url")
    if not (isinstance(access, str) and access and isinstance(instance, str)):
        raise CRMDownError(
            "Salesforce gave no token, though it said that it did; trying again is safe"
        )
    return Grant(
        access,
        safe_address(settings, instance),
        str(content.get("id") or ""),
        str(content.get("refresh_token") or ""),
    )


def _usable(held: Mapping[str, JSON], refused: str) -> bool:
    return held.get("access") not in (None, "", refused) and bool(held.get("instance"))


def _must_be_renewable(row: ConnectionRow) -> None:
    # one that was disconnected on purpose has nothing to ask with, and stays what it is
    if row.state in ("needs_reauth", "disabled"):
        raise CredentialError(REMOVED.format("as it did before"))


def _renew(row: ConnectionRow, settings: Settings) -> dict[str, JSON]:
    return ask(settings, row.secrets).secrets()


RENEWAL = renewal.Renewal("Salesforce", _usable, _must_be_renewable, _renew)
