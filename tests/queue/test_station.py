"""A station is opened once per process, and nothing that is open crosses a fork."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.jobs import station as stations
from connector.jobs.station import close_station, open_station, park_station
from connector.jobs.tries import take
from connector.queues import NOUNS
from connector.settings import Settings
from connector.store import Store
from tests.queue.rows import add_webhooks


@pytest.fixture
def here(
    queue_settings: Settings, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """An installation on SQLite, and no station open yet."""
    monkeypatch.setattr(stations, "_opened", {})
    yield queue_settings
    close_station()


def open_files(here: Settings, name: str) -> int:
    """Count how often this process has a file of this test open; other tests have their own."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.exists()]
    path = str(here.folder / name)
    return sum(1 for link in links if str(link.readlink()).startswith(path))


def in_child(answer: Callable[[], object]) -> bool:
    """Ask a forked child something that is true or not."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if answer() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_one_process_has_one_station(here: Settings) -> None:
    """Also when several threads ask at the same moment."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(open_station(here))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(station) for station in found}) == 1


def test_a_child_opens_its_own(here: Settings) -> None:
    """It neither uses nor closes what its parent has open."""
    ours = open_station(here)
    with ours.store.read():
        assert in_child(lambda: open_station(here).store is not ours.store)
        assert in_child(lambda: take(open_station(here), "webhooks", ["none"]) == [])
    assert add_webhooks(ours.store, 1)


def test_a_parked_station_has_nothing_open(here: Settings) -> None:
    """Only what is read or compiled is inherited."""
    park_station(here, NOUNS)

    assert open_files(here, "cuereel.db") == 0


def test_children_start_with_the_parked_station(here: Settings) -> None:
    """They connect by themselves, and see the database as it is."""
    park_station(here, NOUNS)
    (row_id,) = add_webhooks(Store(here.database), 1)
    parked = stations._parked[0]

    assert in_child(lambda: open_station() is parked)
    assert in_child(lambda: len(take(open_station(), "webhooks", [row_id])) == 1)
    assert open_files(here, "cuereel.db-wal") <= 1


def test_a_busy_database_does_not_keep_a_worker_from_starting(
    here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warming up is a matter of speed only."""
    monkeypatch.setattr("connector.store.BUSY_SECONDS", 0.1)
    monkeypatch.setattr(Store.__init__, "__kwdefaults__", {"busy_seconds": 0.1})
    other = Store(here.database)
    with other.write():
        park_station(here, NOUNS)
    other.close()

    assert stations._parked
