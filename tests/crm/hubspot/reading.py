"""A fake portal with a way to read it, for the tests of reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connector.crm import Connection, Surroundings
from connector.crm.hubspot.gateway import Gateway, open_gateway
from connector.decide.dictionary import load_dictionary
from connector.limits import Limits, Rate
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.fakes.hubspot import FakeHubSpot, serving

DICTIONARY = load_dictionary("hubspot", ())


class Unhurried(Limits):
    """Lets every call through, so that a test need not wait as long as a portal makes us."""

    def wait(self, key: str, rate: Rate, patience: float) -> None:
        """Count nothing."""


@contextmanager
def portal(
    settings: Settings, store: Store, keyring: Keyring
) -> Iterator[tuple[FakeHubSpot, Gateway]]:
    """Serve an empty portal, connected."""
    with serving(FakeHubSpot()) as fake:
        fake.search_limit = None
        here = settings.model_copy(
            update={
                "hubspot_api": fake.url,
                "hubspot_site": fake.url,
                "hubspot_client_id": fake.client_id,
                "hubspot_client_secret": fake.client_secret,
            }
        )
        connection = Connection(
            f"hubspot-{fake.portal}",
            "hubspot",
            "Casa Verde",
            secrets=fake.secrets(),
            config={"portal": fake.portal},
        )
        surroundings = Surroundings(here, store, DICTIONARY, keyring, Unhurried(None))
        gateway = open_gateway(connection, surroundings)
        try:
            yield fake, gateway
        finally:
            gateway.close()


def calls(fake: FakeHubSpot) -> list[str]:
    """Return what was called, without the versions, and begin to count anew."""
    made = [f"{method} {path}" for method, path in fake.calls]
    fake.calls.clear()
    return made
