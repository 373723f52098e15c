"""
What every station needs, opened once per process.

A worker forks for each job, and neither a database connection nor a socket may cross a fork. So the
station is kept by process id, and a child connects by itself; a worker parks one without any
connection for its children to inherit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from connector.errors import DatabaseBusyError
from connector.limits import Limits
from connector.queues import Doorbell
from connector.secrets import Keyring, open_keyring
from connector.settings import Settings, load_settings
from connector.store import Store, leases

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Station:
    """Settings, database, keys, doorbell and limits of this process."""

    settings: Settings
    store: Store
    keyring: Keyring
    doorbell: Doorbell
    limits: Limits


_opened: dict[int, Station] = {}
_parked: list[Station] = []
_opening = threading.Lock()


def open_station(settings: Settings | None = None) -> Station:
    """Return this process's station, opening it at the first call."""
    station = _opened.get(os.getpid())
    if station is None:
        with _opening:
            station = _opened.setdefault(os.getpid(), _parked_or_new(settings))
    return station


def park_station(settings: Settings, nouns: Iterable[str]) -> None:
    """
    Prepare what children need of a station and can inherit, so that each starts in milliseconds.

    Settings are read, keys loaded and claims of *nouns* compiled; every connection is closed again.
    """
    station = make_station(settings)
    try:
        with station.store.write() as tx:
            for noun in nouns:
                leases.claim(tx, noun, (), 0)
    except DatabaseBusyError as error:
        # only slower: each child does this for itself
        log.info("not warmed up", reason=error.reason)
    finally:
        station.store.close()
        station.doorbell.close()
        station.limits.close()
    _parked[:] = [station]


def make_station(settings: Settings) -> Station:
    """Open a station that is not shared with the rest of the process."""
    return Station(
        settings=settings,
        store=Store(settings.database),
        keyring=open_keyring(settings),
        doorbell=Doorbell(settings.redis_url or None),
        limits=Limits(settings.redis_url or None),
    )


def close_station() -> None:
    """Close what this process has opened."""
    station = _opened.pop(os.getpid(), None)
    if station is not None:
        station.store.close()
        station.doorbell.close()
        station.limits.close()


def _parked_or_new(settings: Settings | None) -> Station:
    if settings is None and _parked:
        return _parked[0]
    return make_station(settings or load_settings())


def _after_fork() -> None:
    """
    Let a forked child open what it needs for itself.

    What the parent had open stays referenced and untouched: closing an inherited SQLite connection
    would upset the parent's locks, closing an inherited PostgreSQL one would end its session.
    """
    # a lock that another thread held at the moment of the fork is never given back
    global _opening
    _opening = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
