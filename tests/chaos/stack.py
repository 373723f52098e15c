"""
An installation in a folder of its own with all its processes: web, workers, sweeps, a private Redis.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from connector.cli.prepare import LOCAL, prepare
from connector.cli.processes import Program, Supervisor, python, running
from connector.cli.programs import variables, wait_until_ready, web_command
from connector.cli.redis_server import PrivateRedis, find_server, private_folder
from connector.queues import connect
from connector.secrets import Keyring, new_key
from connector.settings import Settings
from connector.store import Store, connections, records
from tests import instant
from tests.chaos.worker import FILM

ROOT = Path(__file__).parents[2]
# one worker process serves one queue, as in production; the rest shares one
PLAN, RENDER, WRITE = ("plan",), ("render",), ("write", "measure")


@dataclass(frozen=True)
class Stack:
    """A running installation and what is needed to shoot at it and to look at it."""

    settings: Settings
    store: Store
    keyring: Keyring
    redis: PrivateRedis
    supervisor: Supervisor
    secret: str

    @property
    def hooks(self) -> str:
        """Where the local CRM posts its events."""
        return f"{self.settings.base_url}/hooks/local/{LOCAL}"


def make_settings(home: Path, database: str, redis_url: str) -> Settings:
    """Return settings with leases and periods of a second or two, so that recovery is quick."""
    return Settings(
        home=home,
        DATABASE_URL=database,
        REDIS_URL=redis_url,
        PORT=free_port(),
        secret_keys=new_key(),
        video_height=180,
        lease_seconds=3,
        sweep_seconds=0.5,
        ring_again_seconds=2,
        coalesce_seconds=0,
        attempts=50,
        # here processes die of us, not of what they work on
        crashes=20,
        free_megabytes=0,
    )


@contextmanager
def stack(
    home: Path, *, database: str = "", contacts: int, workers: int = 3, sweeps: int = 1
) -> Iterator[Stack]:
    """Run everything until the end of the block."""
    with private_folder() as folder, PrivateRedis(find_server(), folder) as redis:
        settings = make_settings(home, database, redis.url)
        prepared = prepare(settings)
        secret = _people(prepared.store, prepared.keyring, contacts)
        programs = _programs(settings, workers, sweeps)
        with running(programs, logs=home / "logs", longest_pause=0.5) as supervisor:
            wait_until_ready(f"{settings.base_url}/healthz", seconds=60)
            _wait_for_workers(redis.url, max(3, workers))
            yield Stack(settings, prepared.store, prepared.keyring, redis, supervisor, secret)
        prepared.store.close()


def _wait_for_workers(redis_url: str, count: int) -> None:
    client = connect(redis_url)
    deadline = time.monotonic() + 60
    while client.scard("rq:workers") < count:
        assert time.monotonic() < deadline, "the workers do not start; see the logs"
        time.sleep(0.1)
    client.close()


def contact_id(number: int) -> str:
    """Return the id of a contact."""
    return f"contact-{number:05d}"


def free_port() -> int:
    """Return a port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _people(store: Store, keyring: Keyring, count: int) -> str:
    names = ("Nguyễn", "فاطمة", "Jürgen", "田中", "Ольга", "Zoë", "प्रिया", "O'Brien")
    people = {
        contact_id(number): {"first_name": names[number % len(names)], "locale": "en"}
        for number in range(count)
    }
    with store.write() as tx:
        records.put_many(tx, LOCAL, "contact", people)
        row = connections.get(tx, keyring, LOCAL)
    assert row is not None
    return str(row.secrets["signing"][0])


def _programs(settings: Settings, workers: int, sweeps: int) -> list[Program]:
    film = settings.folder / "film.mp4"
    film.write_bytes(instant.film())
    environment = {
        **os.environ,
        **variables(settings),
        "PYTHONPATH": str(ROOT),
        FILM: str(film),
    }
    serves = [PLAN, WRITE, *[RENDER] * max(1, workers - 2)]
    commands = {
        "web": web_command(settings),
        **{
            f"work-{number}-{queues[0]}": python("tests.chaos.worker", *queues)
            for number, queues in enumerate(serves)
        },
        **{f"sweep-{number}": python("connector.cli", "sweep") for number in range(sweeps)},
    }
    return [Program(name, command, environment) for name, command in commands.items()]
