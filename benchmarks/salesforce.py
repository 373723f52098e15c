"""
Writing back to Salesforce: how many calls it costs, by collections and by bulk jobs, and how much memory.

A stateful fake with Salesforce's real limits holds the contacts; each is owed its fields and one record
of a video, and the jobs that write run until all stands in the org, in a process of their own. Nothing
is rendered. `--json` prints {"path", "contacts", "calls", "calls_per_1000", "polls", "seconds",
"rss_mb"}, one line for each path: *calls* without looks at bulk jobs, *rss_mb* by how much the writing
process grew at most. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.render_peers.processes import BenchmarkError, tell
from connector.cli.logs import start_logging
from connector.cli.prepare import prepare
from connector.crm import Connection
from connector.jobs.bulk_write import bulk_write
from connector.jobs.station import Station, close_station, open_station
from connector.jobs.write_back import write_back
from connector.settings import Settings
from connector.store import changes, connections, leases
from connector.store.tables import DONE, WORK
from tests.fakes.salesforce import FakeOrg, serving
from tests.fakes.salesforce.adapter import connection_of

CONTACTS = {"collections": 2_000, "bulk": 50_000}
# a job is for thousands: with fewer its dozen of calls weigh more
BARS = {"collections": 12.0, "bulk": 2.0}
MEGABYTES = 60.0
ACCOUNTS, PAGE = 200, 1000
NEVER = 10**9
LOOK_SECONDS, TELL_SECONDS, PATIENCE_SECONDS = 0.25, 15.0, 1800.0


def main() -> int:
    """Write back on each path, print the figures, and tell which bars were missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--path", choices=sorted(BARS), action="append")
    parser.add_argument("--contacts", type=int)
    given = parser.parse_args()
    missed = False
    for path in given.path or BARS:
        try:
            result = measure(path, given.contacts or CONTACTS[path])
        except BenchmarkError as error:
            sys.stderr.write(f"no figures: {error}\n")
            return 2
        sys.stdout.write(json.dumps(result, indent=None if given.json else 2) + "\n")
        sys.stdout.flush()
        for name, bar in (("calls_per_1000", BARS[path]), ("rss_mb", MEGABYTES)):
            if result[name] > bar:
                missed = True
                sys.stderr.write(f"missed: {name} is {result[name]}, at most {bar} is wanted\n")
    return 1 if missed else 0


def measure(path: str, contacts: int) -> dict[str, Any]:
    """Return the figures of one path; the org is here, and those who write are next door."""
    org = FakeOrg()
    _fill(org, contacts)
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    with serving(org), tempfile.TemporaryDirectory(prefix="salesforce-") as folder:
        least = NEVER if path == "collections" else contacts // 2
        people = list(org.records["Contact"])
        given = (theirs, folder, org.url, least, connection_of(org), people)
        writer = spawning.Process(target=_write_all, args=given)
        writer.start()
        theirs.close()
        try:
            figures: dict[str, Any] = ours.recv()
        except EOFError:
            raise BenchmarkError("the process that writes has died") from None
        finally:
            writer.join()
    _verify(org)
    polls = sum(1 for method, at in org.calls if method == "GET" and _is_job(at))
    calls = len(org.calls) - polls
    return {
        "path": path,
        "contacts": contacts,
        "calls": calls,
        "calls_per_1000": round(calls * 1000 / contacts, 2),
        "polls": polls,
        **figures,
    }


def _fill(org: FakeOrg, contacts: int) -> None:
    org.install_ours()
    accounts = [org.add("Account", {"Name": f"Company {n}"}) for n in range(ACCOUNTS)]
    for number in range(contacts):
        # far from sorted, as contacts are in an org
        account = accounts[number * 7919 % ACCOUNTS]
        org.add(
            "Contact", {"LastName": f"Prieto {number}", "AccountId": account}, id=str(number + 1)
        )


def _verify(org: FakeOrg) -> None:
    """Tell whether each contact has its link, and each video its record; BenchmarkError if not."""
    linked = {
        contact: values.get("Cuereel_Video_Url__c")
        for contact, values in org.records["Contact"].items()
    }
    if any(link != _link(contact) for contact, link in linked.items()):
        raise BenchmarkError("not every contact has its own link")
    videos = {
        row["Contact__c"]: row["Video_Url__c"] for row in org.records["Cuereel_Video__c"].values()
    }
    if videos != linked:
        raise BenchmarkError("not every contact has the record of its video")


def _is_job(path: str) -> bool:
    return "/jobs/ingest/" in path and path.rstrip("/").rpartition("/")[0].endswith("ingest")


def _write_all(
    pipe: Pipe, folder: str, url: str, least: int, connection: Connection, people: list[str]
) -> None:
    start_logging(logging.WARNING)
    settings = Settings(home=Path(folder), salesforce_api=url, salesforce_bulk_from=least)
    prepare(settings).store.close()
    station = open_station(settings)
    _owe(station, connection, people)
    begun, memory = time.monotonic(), _peak_megabytes()
    _run(station)
    grown = _peak_megabytes() - memory
    close_station()
    pipe.send({"seconds": round(time.monotonic() - begun, 1), "rss_mb": round(grown, 1)})
    pipe.close()


def _owe(station: Station, connection: Connection, people: list[str]) -> None:
    with station.store.write() as tx:
        connections.add(
            tx,
            station.keyring,
            connection_id=connection.id,
            crm=connection.crm,
            title=connection.title,
            secrets=dict(connection.secrets),
            config=dict(connection.config),
        )
    for start in range(0, len(people), PAGE):
        with station.store.write() as tx:
            for contact in people[start : start + PAGE]:
                for kind, key in (("property", contact), ("video_row", f"video-{contact}")):
                    changes.owe(
                        tx,
                        connection_id=connection.id,
                        kind=kind,
                        contact_id=contact,
                        key=key,
                        values={"video_url": _link(contact), "video_status": "ready"},
                    )


def _run(station: Station) -> None:
    """Do what the sweep and the workers do until nothing is owed."""
    deadline, told = time.monotonic() + PATIENCE_SECONDS, time.monotonic()
    while open_rows := _open_rows(station):
        if not _work(station):
            time.sleep(LOOK_SECONDS)
        if time.monotonic() > deadline:
            raise BenchmarkError(f"time is up with {open_rows} rows open")
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            tell(f"{open_rows} rows open")


def _work(station: Station) -> bool:
    with station.store.read() as tx:
        owed = leases.due(tx, "changes", ring_again=0, limit=1)
        jobs = leases.due(tx, "bulk_jobs", ring_again=0, limit=10)
        if next(leases.dead(tx), None):
            raise BenchmarkError("a change was given up")
    if owed:
        write_back(owed)
    for job in jobs:
        bulk_write([job])
    return bool(owed or jobs)


def _open_rows(station: Station) -> int:
    with station.store.read() as tx:
        return sum(
            int(tx.execute(select(func.count()).where(WORK[noun].c.work != DONE)).scalar_one())
            for noun in ("changes", "bulk_jobs")
        )


def _link(contact: str) -> str:
    return f"https://videos.example/v/{contact}"


def _peak_megabytes() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise BenchmarkError("this system does not tell how much memory a process uses")


if __name__ == "__main__":
    raise SystemExit(main())
