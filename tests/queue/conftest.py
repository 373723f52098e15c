"""A private Redis, and a station on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from connector.cli.redis_server import PrivateRedis, find_server, private_folder
from connector.jobs.station import Station
from connector.limits import Limits
from connector.queues import Doorbell, connect
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store


@pytest.fixture(scope="session")
def redis_server() -> Iterator[PrivateRedis]:
    """One private Redis for the tests of this folder."""
    with private_folder() as folder, PrivateRedis(find_server(), folder) as server:
        yield server


@pytest.fixture
def redis(redis_server: PrivateRedis) -> Iterator[Redis]:
    """An empty Redis."""
    client = connect(redis_server.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def queue_settings(redis: Redis, redis_server: PrivateRedis, tmp_path: Path) -> Settings:
    """Settings with short periods, so that tests see recovery within a second or two."""
    return Settings(
        REDIS_URL=redis_server.url,
        home=tmp_path / "home",
        lease_seconds=0.6,
        sweep_seconds=0.0005,
        ring_again_seconds=0.4,
        attempts=3,
    )


@pytest.fixture
def station(store: Store, keyring: Keyring, queue_settings: Settings) -> Iterator[Station]:
    """A station whose bell is heard, on each database."""
    doorbell = Doorbell(queue_settings.redis_url)
    yield Station(queue_settings, store, keyring, doorbell, Limits(None))
    doorbell.close()


@pytest.fixture
def sqlite_station(
    sqlite_store: Store, keyring: Keyring, queue_settings: Settings
) -> Iterator[Station]:
    """The same on SQLite only, for what does not depend on the database."""
    doorbell = Doorbell(queue_settings.redis_url)
    yield Station(queue_settings, sqlite_store, keyring, doorbell, Limits(None))
    doorbell.close()
