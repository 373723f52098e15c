"""Letting our app in: the page of an admin, tokens for four kinds of grant, and taking them back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import jwt
from flask import Response, redirect

from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.grants import key_pair
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RefusalError

PRODUCTION, SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST_JWT = 180
SPENT = ("invalid_grant", "expired access/refresh token")


def authorize(call: Call) -> Any:
    """Say yes on the admin's behalf, or no where the org declines, and go back."""
    asked = call.query
    if asked.get("client_id") != call.org.client_id or not asked.get("redirect_uri"):
        return Response("error=invalid_client_id&error_description=client+identifier+invalid", 400)
    state = {"state": asked["state"]} if "state" in asked else {}
    if call.org.declines:
        told = {"error": "access_denied", "error_description": "end-user denied authorization"}
        return _back(asked["redirect_uri"], told | state)
    if asked.get("response_type") != "code":
        told = {"error": "unsupported_response_type", "error_description": "response type not supported"}  # fmt: skip
        return _back(asked["redirect_uri"], told | state)
    code = "aPrx" + secrets.token_urlsafe(24)
    call.org.grants.codes[code] = {
        "back": asked["redirect_uri"],
        "challenge": asked.get("code_challenge", ""),
        "method": asked.get("code_challenge_method", "plain"),
        "scope": asked.get("scope", "api"),
    }
    return _back(asked["redirect_uri"], {"code": code} | state)


def token(call: Call) -> tuple[Any, int]:
    """Give a token for a grant."""
    grants: Mapping[str, Callable[[Call], dict[str, str]]] = {
        "client_credentials": _by_secret,
        JWT_GRANT: _by_assertion,
        "authorization_code": _by_code,
        "refresh_token": _by_refresh,
    }
    asked = grants.get(call.form.get("grant_type", ""))
    if asked is None:
        raise _no("unsupported_grant_type", "grant type not supported")
    return _tokens(call.org, asked(call)), 200


def revoke(call: Call) -> Any:
    """Take a token back; a refresh token goes with all access tokens."""
    grants, text = call.org.grants, call.form.get("token") or call.query.get("token", "")
    if text in grants.accesses:
        grants.accesses.discard(text)
    elif grants.refreshes.get(text):
        _end(call.org)
    else:
        raise _no("unsupported_token_type", "this token is not supported")
    return Response("", 200)


def userinfo(call: Call) -> Any:
    """Tell who the token's user is; plain text where the token is bad."""
    org = call.org
    text = call.headers.get("Authorization", "").removeprefix("Bearer ")
    if text not in org.grants.accesses:
        return Response("Bad_OAuth_Token", 403, content_type="text/html; charset=UTF-8")
    user = org.records["User"][org.user_id]
    return {
        "sub": _identity(org),
        "user_id": org.user_id,
        "organization_id": org.org_id,
        "preferred_username": org.username,
        "nickname": "cuereel",
        "name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "given_name": user["FirstName"],
        "family_name": user["LastName"],
        "zoneinfo": user["TimeZoneSidKey"],
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "urls": {
            "rest": f"{org.url}/services/data/v{{version}}/",
            "custom_domain": org.url,
            "profile": f"{org.url}/{org.user_id}",
        },
    }, 200


def _by_secret(call: Call) -> dict[str, str]:
    key, secret = _client(call)
    _must_be_client(call.org, key, secret)
    if call.org.blocked:
        raise _no("invalid_grant", "no client credentials user enabled")
    return {"scope": "api"}


def _by_assertion(call: Call) -> dict[str, str]:
    org, text = call.org, call.form.get("assertion", "")
    try:
        claims = jwt.decode(
            text, key_pair()[1], algorithms=["RS256"], audience=_audiences(org), leeway=0
        )
    except jwt.InvalidAudienceError:
        raise _no("invalid_grant", "audience is invalid") from None
    except jwt.ExpiredSignatureError:
        raise _no("invalid_grant", "expired authorization code") from None
    except jwt.PyJWTError:
        raise _no("invalid_grant", "invalid assertion") from None
    if claims.get("iss") != org.client_id:
        raise _no("invalid_client_id", "client identifier invalid")
    if not time.time() < claims.get("exp", 0) <= time.time() + LONGEST_JWT:
        raise _no("invalid_grant", "expiration time is invalid")
    if claims.get("sub") != org.username or org.blocked or not org.approved:
        raise _no("invalid_grant", "user hasn't approved this consumer")
    return {"scope": "api"}


def _by_code(call: Call) -> dict[str, str]:
    _must_be_client(call.org, *_client(call))
    code = call.org.grants.codes.pop(call.form.get("code", ""), None)
    if code is None:
        raise _no("invalid_grant", "expired authorization code")
    if call.form.get("redirect_uri") != code["back"]:
        raise _no("redirect_uri_mismatch", "redirect_uri must match configuration")
    if code["challenge"] and not _proves(code, call.form.get("code_verifier", "")):
        raise _no("invalid_grant", "invalid code verifier")
    call.org.blocked = False
    # without the scope there is no refresh token, which is easily forgotten
    lasting = {"refresh_token", "offline_access"} & set(code["scope"].split())
    refresh = {"refresh_token": call.org.grants.refresh()} if lasting else {}
    return {"scope": code["scope"], **refresh}


def _by_refresh(call: Call) -> dict[str, str]:
    org, text = call.org, call.form.get("refresh_token", "")
    _must_be_client(org, *_client(call))
    live = org.grants.refreshes.get(text)
    if live is False:
        # somebody has a copy: all that came of this grant is dead
        _end(org)
    if not live or org.blocked:
        raise _no(*SPENT)
    org.refreshes += 1
    if not org.rotates:
        return {"scope": "refresh_token api"}
    org.grants.refreshes[text] = False
    return {"scope": "refresh_token api", "refresh_token": org.grants.refresh()}


def _tokens(org: FakeOrg, more: dict[str, str]) -> dict[str, Any]:
    identity, issued = _identity(org), str(int(time.time() * 1000))
    signed = hmac.new(org.client_secret.encode(), (identity + issued).encode(), hashlib.sha256)
    return {
        "access_token": org.grants.access(org.org_id),
        **more,
        "signature": base64.b64encode(signed.digest()).decode(),
        "instance_url": org.url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued,
    }


def _client(call: Call) -> tuple[str, str]:
    """Return key and secret, from the header or the form."""
    header = call.headers.get("Authorization", "")
    if header.startswith("Basic "):
        key, _, secret = base64.b64decode(header[6:]).decode().partition(":")
        return key, secret
    return call.form.get("client_id", ""), call.form.get("client_secret", "")


def _must_be_client(org: FakeOrg, key: str, secret: str) -> None:
    if key != org.client_id:
        raise _no("invalid_client_id", "client identifier invalid")
    if secret != org.client_secret:
        raise _no("invalid_client", "invalid client credentials")


def _proves(code: Mapping[str, str], verifier: str) -> bool:
    if code["method"] != "S256":
        return secrets.compare_digest(verifier, code["challenge"])
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return secrets.compare_digest(computed, code["challenge"])


def _audiences(org: FakeOrg) -> list[str]:
    return [SANDBOX if org.sandbox else PRODUCTION, org.url]


def _identity(org: FakeOrg) -> str:
    login = SANDBOX if org.sandbox else PRODUCTION
    return f"{login}/id/{org.org_id}/{org.user_id}"


def _end(org: FakeOrg) -> None:
    org.grants.accesses.clear()
    org.grants.refreshes = dict.fromkeys(org.grants.refreshes, False)


def _no(error: str, description: str) -> RefusalError:
    return RefusalError(400, error, description, body={"error": error, "error_description": description})  # fmt: skip


def _back(address: str, told: dict[str, str]) -> Any:
    joint = "&" if "?" in address else "?"
    return redirect(address + joint + urlencode(told), 302)


ROUTES: tuple[Route, ...] = (
    ("GET", "/services/oauth2/authorize", authorize),
    ("POST", "/services/oauth2/token", token),
    ("POST", "/services/oauth2/revoke", revoke),
    ("GET", "/services/oauth2/userinfo", userinfo),
)
