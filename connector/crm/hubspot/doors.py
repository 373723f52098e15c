"""
Our app as HubSpot knows it: one address and one secret for all portals that installed it.

`events` takes webhooks, `action` the run of a workflow, `options` the question which videos there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from connector.crm import Account, App, Surroundings, Taken
from connector.crm.hubspot import actions, signatures, tokens
from connector.crm.hubspot.events import read_events
from connector.crm.hubspot.signatures import Verification
from connector.crm.hubspot.triggers import connection_id, delivery_key
from connector.errors import NotFoundError, SettingError
from connector.model import Answer, Delivery, Intake
from connector.strict_json import parse_json

# without these nothing works
REQUIRED_SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.objects.owners.read",
    "automation",
)
# each of these opens one thing more; only what we use, for a listed app may ask for nothing else
OPTIONAL_SCOPES = (
    "crm.objects.companies.read",
    "crm.objects.deals.read",
    "crm.objects.carts.read",
    "crm.objects.orders.read",
    "crm.objects.line_items.read",
    "crm.lists.read",
    "crm.lists.write",
    "tickets",
)


def open_app(surroundings: Surroundings) -> App:
    """Return our HubSpot app."""
    return HubSpotApp(surroundings)


class HubSpotApp:
    """What HubSpot asks of the app, and how a portal lets us in."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._settings = surroundings.settings

    def receive(self, door: str, delivery: Delivery) -> Taken:
        """Verify what came to *door*, then say what it holds for each portal's connection."""
        if door not in DOORS:
            raise NotFoundError(f"our HubSpot app has no door {door!r}")
        older, take = DOORS[door]
        secrets = signatures.client_secrets(self._settings)
        window = self._settings.signature_window_seconds
        signatures.verify(secrets, delivery, window, older)
        return take(delivery, self._surroundings)

    def authorize(self, *, state: str, challenge: str, back: str, place: str = "") -> str:
        """Return HubSpot's page on which an admin chooses a portal and lets us in."""
        if not self._settings.hubspot_client_id:
            raise SettingError(
                "CUEREEL_HUBSPOT_CLIENT_ID is not set; it stands on the Auth page of your HubSpot app"
            )
        query = {
            "client_id": self._settings.hubspot_client_id,
            "redirect_uri": back,
            "scope": " ".join(REQUIRED_SCOPES),
            "optional_scope": " ".join(OPTIONAL_SCOPES),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._settings.hubspot_site}/oauth/authorize?{urlencode(query)}"

    def connect(self, *, code: str, verifier: str, back: str, place: str = "") -> Account:
        """Turn the code that HubSpot sent back into a portal's account."""
        return tokens.exchange(self._settings, code=code, verifier=verifier, back=back)


def _events(delivery: Delivery, surroundings: Surroundings) -> Taken:
    found = read_events(parse_json(delivery.body), surroundings.dictionary, delivery.received_at)
    key = delivery_key(delivery)
    # most of what a busy portal tells means nothing to us, and costs no write
    intakes = {
        connection_id(portal): Intake(key, triggers)
        for portal, triggers in found.items()
        if triggers
    }
    return Taken(intakes, Answer())


Door = Callable[[Delivery, Surroundings], Taken]
# what HubSpot sends to each door is signed with v3, or else with this
DOORS: Mapping[str, tuple[Verification, Door]] = {
    "events": (signatures.verify_v1, _events),
    "action": (signatures.verify_v2, actions.begin),
    "options": (signatures.verify_v2, actions.options),
}
