"""
A worker whose only job is tiny: `python -m tests.queue.tiny [--dies-before-start] QUEUE…`.

The job does what the body of a webhook says: nothing, sleep, fail, or die on the spot.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from connector.cli import worker
from connector.jobs.station import open_station
from connector.jobs.tries import renewing, take, working
from connector.queues import JOBS, Job
from connector.settings import load_settings
from connector.store import leases
from connector.store.tables import webhooks

TINY = Job("tests.queue.tiny.send", "write", 60, 20)


def send(ids: list[str]) -> None:
    """Look after webhooks as their bodies say, and keep a list of who did it."""
    station = open_station()
    for claim in take(station, "webhooks", ids):
        with station.store.read() as tx:
            row = tx.execute(webhooks.select().where(webhooks.c.id == claim.id)).one()
        orders = json.loads(row.body)
        with working(station, claim):
            note("began", claim.id)
            with renewing(station, claim):
                obey(orders)
            with station.store.write() as tx:
                leases.finish(tx, claim)
            note("ended", claim.id)
        if "explode" in orders:
            raise RuntimeError(orders["explode"])


def obey(orders: dict[str, Any]) -> None:
    """Sleep, start a process or die, as ordered."""
    if orders.get("spawn"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        note("spawned", str(child.pid))
    if orders.get("die"):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(orders.get("sleep", 0))


def note(word: str, row_id: str) -> None:
    """Add a line to the diary in the home folder."""
    with (load_settings().folder / "diary").open("a") as diary:
        diary.write(f"{word} {row_id} {os.getpid()}\n")


def diary(home: Path, word: str) -> list[tuple[str, int]]:
    """Return the row and process ids noted with *word*."""
    path = home / "diary"
    lines = path.read_text().split("\n") if path.exists() else []
    entries = [line.split() for line in lines if line.startswith(f"{word} ")]
    return [(row_id, int(pid)) for _, row_id, pid in entries]


class DiesBeforeStart(worker.RoadWorker):
    """Killed after a job was popped and before anything knows that it has begun."""

    def prepare_execution(self, job: Any) -> Any:
        """Die."""
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Serve the queues named on the command line."""
    arguments = sys.argv[1:]
    if "--dies-before-start" in arguments:
        arguments.remove("--dies-before-start")
        worker.RoadWorker = DiesBeforeStart  # type: ignore[misc]
    JOBS.clear()
    JOBS["send_webhooks"] = TINY
    worker.work(arguments, load_settings())


if __name__ == "__main__":
    main()
