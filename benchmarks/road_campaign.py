"""A campaign on the local CRM: invented contacts, their triggers, and the wait for their records."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rq import Worker
from sqlalchemy import Connection, func, select

from benchmarks.render_peers.processes import BenchmarkError, tell
from connector.cli.demo_numbers import UNDERWAY
from connector.cli.prepare import LOCAL, prepare
from connector.cli.processes import running
from connector.cli.programs import programs, wait_until_ready
from connector.cli.redis_server import embedded_redis
from connector.crm.local.csv_import import Target, import_csv
from connector.crm.local.gateway import Announcement, announce
from connector.decide.dictionary import load_dictionary
from connector.model import PLAYABLE, Subject
from connector.queues import connect
from connector.settings import Settings
from connector.store import Store, leases, records, videos
from connector.store.tables import DUE, RUNNING, WORK
from connector.store.videos import VideoRow

COMPANIES = 40
AT_ONCE = 200
LOOK_SECONDS, TELL_SECONDS, START_SECONDS = 0.5, 15.0, 60.0
_FIRST = ("Ana", "Bram", "Chloé", "Dmitri", "Elena", "Farid", "Grace", "Hương", "Imogen", "Jürgen",
          "Ольга", "فاطمة", "さくら", "Ελένη", "प्रिया", "สมชาย", "Łukasz", "Zoë", "민준", "Noor")  # fmt: skip
_LAST = ("Almeida", "Bakker", "Carvalho", "Duarte", "Esposito", "Farrell", "García", "Hughes",
         "Ivanova", "Jensen", "Kowalska", "Lindqvist", "Moreau")  # fmt: skip
_PLANS = ("starter", "team", "enterprise")
_OWNERS = ("Maya Lindgren", "Tomás Duarte", "Linh Trần", "Amara Okafor")


@dataclass(frozen=True)
class Campaign:
    """How long it took from the first trigger to the last record, and its videos."""

    seconds: float
    videos: tuple[VideoRow, ...]


def set_up(settings: Settings, subjects: int) -> None:
    """Prepare an installation with that many contacts."""
    store = prepare(settings).store
    _import(store, "company", settings.folder / "companies.csv", _companies())
    _import(store, "contact", settings.folder / "contacts.csv", _contacts(subjects))
    store.close()


def run_campaign(settings: Settings, numbers: range, *, workers: int, minutes: float) -> Campaign:
    """Send the trigger of each contact; return when everything is on the records."""
    with _everything(settings, workers), Store(settings.database) as store:
        begun = time.monotonic()
        _fire(store, numbers)
        _await_records(store, settings, numbers, deadline=begun + 60 * minutes)
        seconds = time.monotonic() - begun
        made = _made(store, numbers)
        _require_written(store, settings, numbers)
    return Campaign(seconds, made)


@contextmanager
def _everything(settings: Settings, workers: int) -> Iterator[None]:
    """Run what `cuereel up` runs: Redis, web, workers, sweep."""
    with embedded_redis(settings) as redis_url:
        started = programs(settings, redis_url, workers=workers)
        with running(started, logs=settings.folder / "logs"):
            wait_until_ready(f"{settings.base_url}/healthz")
            _await_workers(redis_url, workers)  # their start is not the road's
            yield


def _await_workers(redis_url: str, count: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    link = connect(redis_url)
    while Worker.count(connection=link) < count:
        if time.monotonic() > deadline:
            raise BenchmarkError(f"the {count} workers did not come up; look into their logs")
        time.sleep(LOOK_SECONDS)
    link.close()


def _fire(store: Store, numbers: range) -> None:
    ids = [_id(number) for number in numbers]
    for start in range(0, len(ids), AT_ONCE):
        with store.write() as tx:
            for contact in ids[start : start + AT_ONCE]:
                about = Announcement("contact.onboarding", Subject("contact", contact), contact)
                announce(tx, LOCAL, about)


def _await_records(store: Store, settings: Settings, numbers: range, *, deadline: float) -> None:
    told = 0.0
    while True:
        with store.read() as tx:
            open_rows = unfinished(tx)
            counts = videos.count_by_status(tx)
            made = sum(n for status, n in counts.items() if status not in UNDERWAY)
            dead = [str(row) for row in leases.dead(tx)][:3]
        if dead:
            raise BenchmarkError(f"work was given up: {dead}; logs: {settings.folder / 'logs'}")
        if made >= numbers.stop and not open_rows:
            return
        if time.monotonic() > deadline:
            raise BenchmarkError(f"time is up with {made} videos made and {open_rows} rows open")
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            tell(f"{made - numbers.start} of {len(numbers)} videos made, {open_rows} rows open")
        time.sleep(LOOK_SECONDS)


def unfinished(tx: Connection) -> int:
    """Count all work that is due, now or later, or in somebody's hands."""
    return sum(
        int(tx.execute(select(func.count()).where(table.c.work.in_((DUE, RUNNING)))).scalar_one())
        for table in WORK.values()
    )


def _made(store: Store, numbers: range) -> tuple[VideoRow, ...]:
    wanted = {_id(number) for number in numbers}
    with store.read() as tx:
        rows = videos.latest(tx, limit=numbers.stop)
    mine = [row for row in rows if row.contact_id in wanted]
    found = tuple(row for row in mine if row.status in PLAYABLE)
    if len(found) != len(numbers):
        other = next((f"{row.status}: {row.sentence}" for row in mine if row not in found), "none")
        raise BenchmarkError(f"{len(found)} of {len(numbers)} videos can be played; one: {other}")
    return found


def _require_written(store: Store, settings: Settings, numbers: range) -> None:
    """Look at the records themselves: a link and a status on every one."""
    fields = load_dictionary("local", settings.mapping_folders).write_fields
    url, status = fields["video_url"].name, fields["video_status"].name
    with store.read() as tx:
        found = records.many(tx, LOCAL, "contact", [_id(number) for number in numbers])
    lacking = [
        record.id
        for record in found.values()
        if not record.fields.get(url) or record.fields.get(status) not in PLAYABLE
    ]
    if lacking or len(found) != len(numbers):
        raise BenchmarkError(f"{len(lacking)} records lack their video, for example {lacking[:3]}")


def _import(store: Store, kind: str, path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = import_csv(store, path, Target(LOCAL, kind))
    if result.created != len(rows):
        raise BenchmarkError(f"{result.created} of {len(rows)} rows of {path.name} were imported")


def _companies() -> list[dict[str, str]]:
    return [
        {"id": f"co{n}", "name": f"{_LAST[n % len(_LAST)]} {('Books', 'Foods', 'Freight')[n % 3]}"}
        for n in range(COMPANIES)
    ]


def _contacts(count: int) -> list[dict[str, str]]:
    return [
        {
            "id": _id(n),
            "first_name": _FIRST[n % len(_FIRST)],
            "last_name": _LAST[n // len(_FIRST) % len(_LAST)],
            "email": f"person{n}@example.org",
            "locale": "en-GB",
            "company_id": f"co{n % COMPANIES}",
            "owner_name": _OWNERS[n % len(_OWNERS)],
            "plan": _PLANS[n % len(_PLANS)],
            "start_date": f"2027-{n % 12 + 1:02}-{n % 28 + 1:02}",
            "lifecycle_stage": "customer",
        }
        for n in range(count)
    ]


def _id(number: int) -> str:
    return f"p{number:05}"
