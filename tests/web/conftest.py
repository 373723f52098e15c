"""An installation as its viewers meet it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver

from connector.secrets import Keyring, new_key
from connector.settings import Settings
from connector.store import Store
from connector.store.migrate import migrate
from tests.web.browser import chromium, need_browser, served
from tests.web.tabs import own_tab
from tests.web.viewing import Viewing, make_viewing


@pytest.fixture
def viewing(settings: Settings, store: Store, keyring: Keyring) -> Viewing:
    """An installation, once on each database."""
    return make_viewing(settings, store, keyring)


@pytest.fixture
def viewing_sqlite(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Viewing:
    """An installation on SQLite, where the database makes no difference."""
    return make_viewing(settings, sqlite_store, keyring)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewing]:
    """One installation for all tests of a file that need a browser; each has a video of its own."""
    need_browser()
    home = tmp_path_factory.mktemp("viewers") / "home"
    settings = Settings(CUEREEL_HOME=home, home=home)
    store = Store(f"sqlite:///{home}/cuereel.db")
    migrate(store)
    yield make_viewing(settings, store, Keyring([new_key()]))
    store.close()


@pytest.fixture(scope="module")
def address(here: Viewing) -> Iterator[str]:
    """Where that installation is served."""
    with served(here.app) as base:
        yield base


@pytest.fixture(scope="session")
def one_chromium() -> Iterator[webdriver.Chrome]:
    """A browser as a person has it, for all tests of this process."""
    need_browser()
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(one_chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """A tab of that browser, as if it had just been started."""
    with own_tab(one_chromium) as opened:
        yield opened
