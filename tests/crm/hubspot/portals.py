"""A portal to write to: what opens it, what goes into it, and the dictionary of what is ours."""

from __future__ import annotations

from typing import Any

from connector.crm import Connection, Surroundings
from connector.crm.hubspot.gateway import Gateway, open_gateway
from connector.decide.dictionary import Dictionary, load_dictionary
from connector.limits import Limits
from connector.model import Change
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.fakes.hubspot import FakeHubSpot

API = "https://hubspot.example"
PORTAL = "4242001"
TYPES = {"number": "number", "datetime": "datetime"}


def dictionary() -> Dictionary:
    """Our words in HubSpot."""
    return load_dictionary("hubspot", ())


def open_portal(
    store: Store,
    settings: Settings,
    keyring: Keyring,
    url: str,
    token: str,
    version: str = "2026-03",
) -> Gateway:
    """Return the way to a portal that a static token opens, whose API is at *url*."""
    at = settings.model_copy(
        update={"hubspot_api": url, "hubspot_site": url, "hubspot_version": version}
    )
    connection = Connection(
        f"hubspot-{PORTAL}",
        "hubspot",
        "Casa Verde",
        secrets={"kind": "static", "access": token},
        config={"portal": PORTAL},
    )
    return open_gateway(
        connection, Surroundings(at, store, dictionary(), keyring, Limits(None)), patience=2.0
    )


def owed(contact: str, number: int = 1, **values: Any) -> Change:
    """Return a change of our fields."""
    return Change(f"change-{number}", "property", contact, contact, values)


def define_ours(fake: FakeHubSpot) -> None:
    """Make our properties in the portal, as the install does."""
    for spec in dictionary().write_fields.values():
        fake.define("contacts", spec.name, TYPES.get(spec.type, "string"))
