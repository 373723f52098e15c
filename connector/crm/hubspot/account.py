"""
What a portal says of itself: its id, domain, time zone and kind, and what our token may do there.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.crm.hubspot.refusals import refusal
from connector.crm.hubspot.transport import Reply, Request, Wire
from connector.errors import CRMDownError, PermanentError, SettingError
from connector.model import JSON
from connector.settings import Settings

# an answer about a token is waited for less long than a lease on refreshing it lasts
TOKEN_READ_SECONDS = 12.0
INTROSPECT = "/oauth/{}/token/introspect"


def open_wire(settings: Settings) -> Wire:
    """Return the socket on which tokens are asked for and about; nothing there is rationed."""
    return Wire(settings.hubspot_api, settings.hubspot_version, TOKEN_READ_SECONDS)


def app_credentials(settings: Settings) -> dict[str, str]:
    """Return what our app shows of itself; SettingError where the operator has not set it."""
    newest = settings.hubspot_client_secret.split(",")[0].strip()
    if not settings.hubspot_client_id or not newest:
        raise SettingError(
            "CUEREEL_HUBSPOT_CLIENT_ID and CUEREEL_HUBSPOT_CLIENT_SECRET must be set "
            "to those of your HubSpot app"
        )
    return {"client_id": settings.hubspot_client_id, "client_secret": newest}


def told(reply: Reply) -> Mapping[str, JSON]:
    """Return the object that a good answer holds; raises what `refusal` says otherwise."""
    if not reply.good:
        raise refusal(reply.status, reply.headers, reply.data)
    found = reply.json()
    if not isinstance(found, dict):
        raise CRMDownError("HubSpot answered without saying anything; trying again is safe")
    return found


def introspect(settings: Settings, access: str) -> Mapping[str, JSON]:
    """Return what HubSpot says of a token: `hub_id`, `hub_domain`, `scopes`, `expires_in` and more."""
    wire = open_wire(settings)
    path = INTROSPECT.format(wire.version)
    ours = app_credentials(settings)
    # the specification and the documentation name the parameter differently (hubspot.md §1.3)
    forms = ({"token": access, "token_type_hint": "access_token"}, {"access_token": access})
    try:
        reply = wire.send(Request("POST", path, form=ours | forms[0]))
        if reply.status == 400:
            reply = wire.send(Request("POST", path, form=ours | forms[1]))
    finally:
        wire.close()
    return told(reply)


def describe(settings: Settings, access: str) -> dict[str, JSON]:
    """
    Return what a connection's config holds of the portal that *access* opens.

    `scopes` is absent where HubSpot does not tell, as for the token of an app that is not ours.
    """
    details = _details(settings, access)
    known = _introspected(settings, access)
    portal = str(details.get("portalId") or known.get("hub_id") or "")
    if not portal.isdecimal():
        raise CRMDownError("HubSpot did not say which portal this is; trying again is safe")
    config = {
        "portal": portal,
        "domain": known.get("hub_domain") or details.get("uiDomain"),
        "time_zone": details.get("timeZone"),
        "account_type": details.get("accountType"),
        "scopes": known.get("scopes"),
    }
    return {name: value for name, value in config.items() if value is not None}


def _details(settings: Settings, access: str) -> Mapping[str, JSON]:
    wire = open_wire(settings)
    try:
        return told(wire.send(Request("GET", "/account-info/v3/details"), access))
    finally:
        wire.close()


def _introspected(settings: Settings, access: str) -> Mapping[str, JSON]:
    try:
        return introspect(settings, access)
    except PermanentError:
        return {}
