"""Letting our app in: the page of an admin, tokens, and taking all of it back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect

from tests.fakes.hubspot.answers import RefusalError
from tests.fakes.hubspot.call import Call, Route
from tests.fakes.hubspot.grants import Code, proves


def authorize(call: Call) -> tuple[Any, int]:
    """Say yes on the admin's behalf, or no where the fake denies, and go back."""
    asked = call.query
    if asked.get("client_id") != call.fake.client_id or not asked.get("redirect_uri"):
        return Response("Authorization failed: wrong client or address", 400), 400
    state = {"state": asked["state"]} if "state" in asked else {}
    if call.fake.deny:
        told = {"error": "access_denied", "error_description": "The admin said no."}
        return _back(asked["redirect_uri"], told | state), 302
    wanted = f"{asked.get('scope', '')} {asked.get('optional_scope', '')}".split()
    scopes = tuple(scope for scope in dict.fromkeys(wanted) if scope in call.fake.scopes)
    code = Code(asked["redirect_uri"], asked.get("code_challenge", ""), scopes)
    return _back(asked["redirect_uri"], {"code": call.fake.grants.code(code)} | state), 302


def token(call: Call) -> tuple[Any, int]:
    """Exchange a code or a refresh token."""
    if call.query or not call.form:
        raise RefusalError(400, "BAD_REQUEST", "parameters belong in a form-encoded body")
    secrets = (call.fake.client_secret, *call.fake.old_secrets)
    client = call.form.get("client_id") == call.fake.client_id
    if not client or call.form.get("client_secret") not in secrets:
        raise _bad("BAD_CLIENT", "invalid_client", "missing or invalid client id or secret")
    known = {"authorization_code": _by_code, "refresh_token": _by_refresh}
    grant = known.get(call.form.get("grant_type", ""))
    if grant is None:
        raise _bad("BAD_GRANT_TYPE", "unsupported_grant_type", "missing or unknown grant type")
    return _tokens(call, grant(call)), 200


def introspect(call: Call) -> tuple[Any, int]:
    """Tell what a token is worth."""
    text = next((call.form[name] for name in call.fake.introspect_names if name in call.form), "")
    if not text:
        raise RefusalError(400, "BAD_REQUEST", "the token to look at is missing")
    grants = call.fake.grants
    grant, left = (grants.refreshes[text], 1e9) if text in grants.refreshes else grants.holder(text)
    if grant is None or not grant.live or left <= 0:
        return {"active": False}, 200
    return {
        "active": True,
        "hub_id": int(call.fake.portal),
        "user_id": 98499705,
        "app_id": call.fake.app_id,
        "user": "admin@casa-verde.example",
        "hub_domain": call.fake.domain,
        "scopes": [scope for scope in grant.scopes if scope in call.fake.scopes],
        "expires_in": int(left),
        "is_private_distribution": False,
    }, 200


def revoke(call: Call) -> tuple[Any, int]:
    """Take a refresh token back; access tokens that are out live on until they expire."""
    call.fake.grants.refreshes.pop(call.form.get("token", ""), None)
    return None, 204


def uninstall(call: Call) -> tuple[Any, int]:
    """Remove our app from the portal."""
    call.fake.grants.end()
    return None, 204


def _by_code(call: Call) -> str:
    code = call.fake.grants.codes.pop(call.form.get("code", ""), None)
    if code is None or not proves(code, call.form):
        raise _bad("BAD_AUTH_CODE", "invalid_grant", "missing, unknown or used auth code")
    return call.fake.grants.grant(code.scopes)


def _by_refresh(call: Call) -> str:
    grants, text = call.fake.grants, call.form.get("refresh_token", "")
    grant = grants.refreshes.get(text)
    if grant is None or not grant.live:
        raise _bad("BAD_REFRESH_TOKEN", "invalid_grant", "missing or invalid refresh token")
    call.fake.refreshes += 1
    if not call.fake.rotate_refresh:
        return text
    grant.live = False
    return grants.grant(grant.scopes)


def _tokens(call: Call, refresh: str) -> dict[str, Any]:
    seconds = call.fake.token_seconds
    return {
        "token_type": "bearer",
        "access_token": call.fake.grants.access(refresh, seconds),
        "refresh_token": refresh,
        "expires_in": int(seconds),
        "hub_id": int(call.fake.portal),
        "scopes": list(call.fake.grants.refreshes[refresh].scopes),
    }


def _bad(status: str, short: str, message: str) -> RefusalError:
    refusal = RefusalError(400, status, message)
    del refusal.body["category"]
    refusal.body |= {"status": status, "error": short, "error_description": message}
    return refusal


def _back(address: str, told: dict[str, str]) -> Any:
    joint = "&" if "?" in address else "?"
    return redirect(address + joint + urlencode(told), 302)


ROUTES: tuple[Route, ...] = (
    ("GET", "/oauth/authorize", authorize),
    ("POST", "/oauth/{V}/token", token),
    ("POST", "/oauth/{V}/token/introspect", introspect),
    ("POST", "/oauth/{V}/token/revoke", revoke),
    ("DELETE", "/appinstalls/2026-03/external-install", uninstall),
)
