"""
Which org lets us in, and what its connection is to be: asked once, when an admin connects it.

An org with an app of its own opens by the app's secret, or by a key whose certificate the app has.
What Salesforce says where it gives no token is told as what is to be mended, and on which page.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from connector.crm import Account
from connector.crm.salesforce import tokens
from connector.crm.salesforce.complaints import not_reached, of_call, of_token
from connector.crm.salesforce.ids import is_id, whole
from connector.crm.salesforce.refusals import refusal
from connector.crm.salesforce.tokens import Grant, TokenRefusedError
from connector.crm.salesforce.transport import BoundedSession, safe_address
from connector.errors import (
    CredentialError,
    CRMDownError,
    PayloadError,
    SettingError,
    TemporaryError,
)
from connector.model import JSON
from connector.settings import Settings
from connector.strict_json import parse_json

HOOK_SECRET_BYTES = 32
ASK_TIMES = (3.05, 20.0)
IDENTITY = re.compile(r"/id/(00D[A-Za-z0-9]{12,15})/(005[A-Za-z0-9]{12,15})/?")
# where people copy an address from, and where the org's tokens are given
PAGES = re.compile(r"(?P<org>[a-z0-9.-]+?)(?:\.lightning\.force\.com|\.my\.salesforce-setup\.com)")
ORGANISATION = "SELECT Id, Name, IsSandbox, OrganizationType, InstanceName FROM Organization"
USER = "SELECT Username FROM User WHERE Id = '{}'"
PEOPLE = ("Contact", "Lead")
USER_INFO = "/services/oauth2/userinfo"
LOGINS = {"": tokens.PRODUCTION, "production": tokens.PRODUCTION, "sandbox": tokens.SANDBOX}


@dataclass(frozen=True)
class _Way:
    """A token that was just given, and how the org is asked with it."""

    settings: Settings
    grant: Grant

    def get(self, path: str, query: Mapping[str, str] | None = None) -> tuple[int, JSON]:
        """Return status and content of an answer; None where that is no JSON."""
        session = BoundedSession()
        try:
            response = session.request(
                "GET", self.grant.instance + path, params=dict(query or {}), timeout=ASK_TIMES,
                headers={"Authorization": f"Bearer {self.grant.access}", "Accept": "application/json"},
            )  # fmt: skip
        finally:
            session.close()
        try:
            return response.status_code, parse_json(response.content)
        except PayloadError:
            return response.status_code, None

    def data(self, path: str, query: Mapping[str, str]) -> tuple[int, JSON]:
        """Return status and content of an answer of the API."""
        return self.get(f"/services/data/v{self.settings.salesforce_version}/{path}", query)


def own_account(settings: Settings, given: Mapping[str, str]) -> Account:
    """
    Return the org that an app of its own opens.

    *given* holds `consumer_key` and, with `domain`, `consumer_secret`; or `username`, `private_key`
    (PEM) and, if it is to be asked elsewhere than at login.salesforce.com, `domain`. Raises
    CredentialError or SettingError that say what to mend in the org.
    """
    held = _by_key(settings, given) if given.get("private_key") else _by_secret(settings, given)
    try:
        grant = tokens.ask(settings, held)
    except TokenRefusedError as error:
        raise CredentialError(of_token(error.said)) from None
    except CRMDownError as error:
        raise CRMDownError(not_reached(error.sentence)) from None
    return account(settings, held, grant)


def account(settings: Settings, held: Mapping[str, JSON], grant: Grant) -> Account:
    """Return what the connection of the org that *grant* opens is to be; *held* asks for the next."""
    way = _Way(settings, grant)
    org, user = _who(way)
    about = _row(way, ORGANISATION)
    named = _row(way, USER.format(user))
    domain = urlsplit(grant.instance).netloc
    config = {
        "org": org,
        "user": user,
        "instance": grant.instance,
        "domain": domain,
        "username": named.get("Username"),
        "sandbox": _is_sandbox(about, domain, held),
        "account_type": about.get("OrganizationType"),
        "consent_api": _consent_api(way),
    }
    return Account(
        f"salesforce-{org}",
        str(about.get("Name") or domain),
        {**held, **grant.secrets(), "hook_secret": secrets.token_urlsafe(HOOK_SECRET_BYTES)},
        {name: value for name, value in config.items() if value is not None},
    )


def login_of(settings: Settings, place: str) -> str:
    """Return where *place* gives tokens: production, `sandbox`, or an org's own domain."""
    place = place.strip()
    return safe_address(settings, LOGINS.get(place) or _own_domain(place))


def _own_domain(text: str) -> str:
    """Return the org's domain for an address of its pages; anything else as it is."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, _port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise SettingError(
            "this is not the address of a Salesforce org; it looks like "
            "https://acme.my.salesforce.com (Salesforce: Setup > My Domain)"
        ) from None
    page = PAGES.fullmatch(host)
    return f"https://{page['org']}.my.salesforce.com" if page else text


def _by_secret(settings: Settings, given: Mapping[str, str]) -> dict[str, JSON]:
    login = login_of(settings, given.get("domain", ""))
    if login in (tokens.PRODUCTION, tokens.SANDBOX):
        raise SettingError(
            "an app's secret is taken only at the org's own domain, such as "
            "acme.my.salesforce.com (Salesforce: Setup > My Domain)"
        )
    return {
        "kind": tokens.CLIENT_CREDENTIALS,
        "login": login,
        "consumer_key": given["consumer_key"],
        "consumer_secret": given["consumer_secret"],
    }


def _by_key(settings: Settings, given: Mapping[str, str]) -> dict[str, JSON]:
    return {
        "kind": tokens.JWT_BEARER,
        "login": login_of(settings, given.get("domain", "")),
        "consumer_key": given["consumer_key"],
        "username": given["username"],
        "private_key": given["private_key"],
    }


def _who(way: _Way) -> tuple[str, str]:
    """Return the ids of org and user."""
    found = IDENTITY.fullmatch(urlsplit(way.grant.identity).path)
    org, user = found.groups() if found else _informed(way)
    if not (is_id(org) and is_id(user)):
        raise CRMDownError("Salesforce did not say which org this is; trying again is safe")
    return whole(org), whole(user)


def _informed(way: _Way) -> tuple[str, str]:
    status, content = way.get(USER_INFO)
    if status != 200 or not isinstance(content, Mapping):
        return "", ""
    return str(content.get("organization_id") or ""), str(content.get("user_id") or "")


def _row(way: _Way, soql: str) -> Mapping[str, JSON]:
    """Return the only row of a query; nothing where the user may not see it."""
    status, content = way.data("query/", {"q": soql})
    if status == 200 and isinstance(content, Mapping):
        rows = content.get("records") or ()
        return rows[0] if rows else {}
    if complaint := of_call(status, content):
        raise CredentialError(complaint)
    error = refusal(status, content)
    if isinstance(error, TemporaryError):
        raise error
    if status in (404, 410):
        # queries are there in every version that is
        raise SettingError(
            f"this org does not speak version {way.settings.salesforce_version} of Salesforce's API; "
            "set CUEREEL_SALESFORCE_VERSION to one that it does and start Cuereel again"
        )
    return {}


def _is_sandbox(about: Mapping[str, JSON], domain: str, held: Mapping[str, JSON]) -> bool:
    told = about.get("IsSandbox")
    if isinstance(told, bool):
        return told
    return ".sandbox." in domain or held.get("login") == tokens.SANDBOX


def _consent_api(way: _Way) -> bool | None:
    """Tell whether the Consent API answers this user; None where there is nobody to ask about."""
    for kind in PEOPLE:
        person = str(_row(way, f"SELECT Id FROM {kind} LIMIT 1").get("Id") or "")  # noqa: S608
        if is_id(person):
            status, content = way.data("consent/action/email", {"ids": person})
            return None if status >= 500 else status == 200 and _answers(content)
    return None


def _answers(content: JSON) -> bool:
    told = list(content.values()) if isinstance(content, Mapping) else []
    return bool(told) and all(
        isinstance(one, Mapping) and one.get("result") == "Success" for one in told
    )
