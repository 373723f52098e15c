"""One adapter per CRM; what passes the contract with it may be installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.fakes.adapter import Adapter
from tests.fakes.hubspot.adapter import HubSpotAdapter
from tests.fakes.local import LocalAdapter
from tests.fakes.salesforce.adapter import SalesforceAdapter

ADAPTERS = {"hubspot": HubSpotAdapter, "local": LocalAdapter, "salesforce": SalesforceAdapter}


# only the built-in CRM keeps its records in our database; what others keep there has its own tests
PLACES = [
    *((name, "sqlite_store") for name in sorted(ADAPTERS)),
    pytest.param(("local", "postgres_store"), marks=pytest.mark.services),
]


@pytest.fixture(params=PLACES, ids=lambda place: "-".join(place).removesuffix("_store"))
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Which CRM, on which database of ours."""
    found: tuple[str, str] = request.param
    return found


@pytest.fixture
def adapter(
    place: tuple[str, str], store: Store, settings: Settings, keyring: Keyring
) -> Iterator[Adapter]:
    """A connected account of each CRM."""
    made = ADAPTERS[place[0]](store, settings, keyring)
    yield made
    made.close()
