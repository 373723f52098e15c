"""
What every station needs, opened once per process.

A worker forks for each job, and neither a database connection nor a socket may cross a fork. So the
station is kept by process id, and a child opens its own.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

from connector.queues import Doorbell
from connector.secrets import Keyring, open_keyring
from connector.settings import Settings, load_settings
from connector.store import Store


@dataclass(frozen=True)
class Station:
    """Settings, database, keys and doorbell of this process."""

    settings: Settings
    store: Store
    keyring: Keyring
    doorbell: Doorbell


_opened: dict[int, Station] = {}
_opening = threading.Lock()


def open_station(settings: Settings | None = None) -> Station:
    """Return this process's station, opening it at the first call."""
    station = _opened.get(os.getpid())
    if station is None:
        with _opening:
            station = _opened.setdefault(os.getpid(), make_station(settings or load_settings()))
    return station


def make_station(settings: Settings) -> Station:
    """Open a station that is not shared with the rest of the process."""
    return Station(
        settings=settings,
        store=Store(settings.database),
        keyring=open_keyring(settings),
        doorbell=Doorbell(settings.redis_url or None),
    )


def close_station() -> None:
    """Close what this process has opened."""
    station = _opened.pop(os.getpid(), None)
    if station is not None:
        station.store.close()
        station.doorbell.close()


def _abandon_inherited() -> None:
    """
    Leave the parent's connections alone in a forked child.

    They are dropped from use but stay referenced: closing an inherited SQLite connection would
    release locks, and closing an inherited PostgreSQL one would end the parent's session.
    """
    # a lock that another thread held at the moment of the fork is never given back
    global _opening
    _opening = threading.Lock()


os.register_at_fork(after_in_child=_abandon_inherited)
