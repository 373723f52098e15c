"""An org of each test's own, the way to it, and the way to one whose answers are prepared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.crm import Connection, Surroundings, kept
from connector.crm.salesforce.gateway import Gateway
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.salesforce.orgs import API, around, open_org, prepared_connection
from tests.fakes.salesforce import FakeOrg, serving
from tests.fakes.salesforce.adapter import connect


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """No test remembers what another one's org has."""
    kept.forget_all()


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    """An org that is being served."""
    with serving(FakeOrg()) as served:
        yield served


@pytest.fixture
def surroundings(
    org: FakeOrg, sqlite_store: Store, settings: Settings, keyring: Keyring
) -> Surroundings:
    """Surroundings in which all of Salesforce is the test's org."""
    return around(sqlite_store, settings, keyring, org.url)


@pytest.fixture
def connection(org: FakeOrg, sqlite_store: Store, keyring: Keyring) -> Connection:
    """The test's org as it is stored, let in by client credentials."""
    return connect(org, sqlite_store, keyring)


@pytest.fixture
def gateway(connection: Connection, surroundings: Surroundings) -> Iterator[Gateway]:
    """The way to the test's org."""
    made = open_org(connection, surroundings)
    yield made
    made.close()


@pytest.fixture
def prepared(sqlite_store: Store, settings: Settings, keyring: Keyring) -> Iterator[Gateway]:
    """The way to an org whose answers the test prepares."""
    made = open_org(prepared_connection(), around(sqlite_store, settings, keyring, API))
    yield made
    made.close()
