"""The way to a portal, for whoever has a `fake` of their own, and to one whose answers are prepared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.crm import kept
from connector.crm.hubspot.gateway import Gateway
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.hubspot.portals import API, open_portal
from tests.fakes.hubspot import FakeHubSpot


@pytest.fixture(params=["2026-03", "2026-09"])
def gateway(
    request: pytest.FixtureRequest,
    fake: FakeHubSpot,
    sqlite_store: Store,
    settings: Settings,
    keyring: Keyring,
) -> Iterator[Gateway]:
    """The way to the test's portal, in both versions of the API, with nothing remembered of it."""
    kept.forget_all()
    made = open_portal(sqlite_store, settings, keyring, fake.url, fake.static_token, request.param)
    yield made
    made.close()


@pytest.fixture
def prepared(sqlite_store: Store, settings: Settings, keyring: Keyring) -> Iterator[Gateway]:
    """The way to a portal whose answers the test prepares."""
    made = open_portal(sqlite_store, settings, keyring, API, "pat-eu1-0000")
    yield made
    made.close()
