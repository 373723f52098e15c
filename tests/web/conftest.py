"""An installation as its viewers meet it."""

from __future__ import annotations

import pytest

from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.web.viewing import Viewing, make_viewing


@pytest.fixture
def viewing(settings: Settings, store: Store, keyring: Keyring) -> Viewing:
    """An installation, once on each database."""
    return make_viewing(settings, store, keyring)


@pytest.fixture
def viewing_sqlite(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Viewing:
    """An installation on SQLite, where the database makes no difference."""
    return make_viewing(settings, sqlite_store, keyring)
