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


@pytest.fixture(params=sorted(ADAPTERS))
def adapter(
    request: pytest.FixtureRequest, store: Store, settings: Settings, keyring: Keyring
) -> Iterator[Adapter]:
    """A connected account of each CRM."""
    made = ADAPTERS[request.param](store, settings, keyring)
    yield made
    made.close()
