"""An org as its answers to a new connection show it."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.crm import Connection, Surroundings
from connector.store import connections
from connector.store.connections import ConnectionRow

DOMAIN = "acme.my.salesforce.com"
HOME = f"https://{DOMAIN}"
TOKEN, REVOKE = "/services/oauth2/token", "/services/oauth2/revoke"
QUERY = "/services/data/v67.0/query/"
CONSENT = "/services/data/v67.0/consent/action/email"
ORG, USER = "00D5g000004AbcDEAS", "0055g00000FxyzWAAR"
PERSON = "0035g00000QwertAAB"
GIVEN = {
    "access_token": "00D5g!access-2",
    "instance_url": HOME,
    "id": f"https://login.salesforce.com/id/{ORG}/{USER}",
    "token_type": "Bearer",
    "issued_at": "1763770000000",
    "signature": "c2lnbmF0dXJl",
    "scope": "api",
}
ORGANISATION = {
    "attributes": {"type": "Organization"},
    "Id": ORG,
    "Name": "Acme",
    "IsSandbox": False,
    "OrganizationType": "Enterprise Edition",
    "InstanceName": "EU45",
}
LETS_IN = {
    "client_credentials": {
        "kind": "client_credentials",
        "login": HOME,
        "consumer_key": "key-1",
        "consumer_secret": "secret-1",
    },
    "web_server": {"kind": "web_server", "login": HOME, "refresh": "refresh-1"},
}


@cache
def private_key() -> str:
    """An RSA key in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()


def secrets_of(kind: str) -> dict[str, Any]:
    """What a connection of *kind* holds, with a token that was given some time ago."""
    signed = {
        "kind": "jwt_bearer",
        "login": HOME,
        "consumer_key": "key-1",
        "username": "cuereel@acme.example",
        "private_key": private_key() if kind == "jwt_bearer" else "",
    }
    held = signed if kind == "jwt_bearer" else LETS_IN[kind]
    return {**held, "access": "access-1", "instance": HOME, "hook_secret": "hook"}


def connected(surroundings: Surroundings, kind: str, **more: Any) -> Connection:
    """Store an org that was connected some time ago."""
    secrets, config = {**secrets_of(kind), **more}, {"org": ORG, "domain": DOMAIN}
    name = f"salesforce-{ORG}"
    with surroundings.store.write() as tx:
        connections.add(
            tx,
            surroundings.keyring,
            connection_id=name,
            crm="salesforce",
            title="Acme",
            secrets=secrets,
            config=config,
        )
    return Connection(name, "salesforce", "Acme", "active", secrets, config)


def row(surroundings: Surroundings) -> ConnectionRow:
    """The org's connection as it is stored."""
    with surroundings.store.read() as tx:
        found = connections.get(tx, surroundings.keyring, f"salesforce-{ORG}")
    assert found is not None
    return found


def form(call: Any) -> dict[str, str]:
    """What a call's body holds."""
    return dict(parse_qsl(call.request.body))


def answer_queries(
    far: responses.RequestsMock, *, home: str = HOME, consent: bool = True, **organisation: Any
) -> None:
    """Let the org say what it is, who we are, and whom it knows."""

    def rows(*found: dict[str, Any]) -> dict[str, Any]:
        return {"totalSize": len(found), "done": True, "records": list(found)}

    for table, found in (
        ("Organization", {**ORGANISATION, **organisation}),
        ("User", {"Username": "cuereel@acme.example"}),
        ("Contact", {"Id": PERSON}),
    ):
        matcher = _asks(table)
        far.get(home + QUERY, json=rows(found), match=[matcher])
    told = {PERSON: {"result": "Success", "proceed": {"email": "true", "emailResult": "Success"}}}
    refused = [{"errorCode": "INSUFFICIENT_ACCESS", "message": "…"}]
    far.get(home + CONSENT, status=200 if consent else 403, json=told if consent else refused)


def _asks(table: str) -> Any:
    def match(request: Any) -> tuple[bool, str]:
        return f" FROM {table}" in request.params.get("q", ""), f"not about {table}"

    return match
