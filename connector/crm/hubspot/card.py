"""
Who asks from HubSpot's own screens: the card on a contact, and the settings page of our app.

HubSpot passes such requests on, adds portal and user to the address and signs the whole (v3, with
the secret of our app). Nothing else in a request says who asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from connector.crm.hubspot.signatures import client_secrets, verify_v3
from connector.errors import SignatureError
from connector.model import Delivery
from connector.settings import Settings

NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)
MOST_PARAMETERS = 40


@dataclass(frozen=True)
class Asker:
    """The account that a request comes from, and who of its people asks."""

    connection_id: str
    user: str


def asker_of(delivery: Delivery, settings: Settings) -> Asker:
    """Say who asks; SignatureError where the request is not from HubSpot, or too old."""
    verify_v3(client_secrets(settings), delivery, settings.signature_window_seconds)
    named = _parameters(delivery.url)
    return Asker(f"hubspot-{_number(named, 'portalId')}", f"hubspot:{_number(named, 'userId')}")


def _parameters(url: str) -> Mapping[str, Sequence[str]]:
    try:
        return parse_qs(urlsplit(url).query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        raise SignatureError("the address has more parameters than HubSpot sends") from None


def _number(named: Mapping[str, Sequence[str]], name: str) -> str:
    # the page may write parameters of its own: a second one could name a foreign portal
    values = named.get(name, ())
    if len(values) != 1 or not NUMBER.fullmatch(values[0]):
        raise SignatureError(f"the address does not name {name} exactly once")
    return values[0]
