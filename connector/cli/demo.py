"""
`cuereel demo`: the main job, done before your eyes on sample data.

Everything is real: events reach our hooks over HTTP, workers render, a player's beacons are counted,
and the local CRM's records show it. Only the company and its customers are invented.
"""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from connector.cli.demo_numbers import Numbers, count, summary
from connector.cli.demo_screen import Screen, show_records
from connector.cli.player import open_page
from connector.cli.prepare import LOCAL, prepare
from connector.cli.processes import Supervisor, running
from connector.cli.programs import free_port, programs, wait_until_ready
from connector.cli.redis_server import embedded_redis
from connector.cli.sample_records import fire, import_sample
from connector.errors import PermanentError, TemporaryError
from connector.jobs.station import Station, make_station
from connector.model import Subject
from connector.settings import Settings, load_settings
from connector.store import Store, records, users
from connector.store.users import Role

MARKER = "this-is-a-demo"
PATIENCE_SECONDS = 900.0
WATCHED = 2
EMAIL = "demo@example.com"
# what happens to every record of a kind
HAPPENS = {
    "contact": "contact.onboarding",
    "cart": "cart.abandoned",
    "account": "account.review_due",
}


@click.command()
@click.option("--once", is_flag=True, help="End when everything is written back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--workers", default=2, show_default=True, help="How many workers render.")
def demo(once: bool, as_json: bool, workers: int) -> None:
    """See the main job done on sample data."""
    console = Console(stderr=as_json, highlight=False)
    if not console.is_terminal:
        console.width = 140  # a link that is broken over two lines cannot be opened
    settings = _settings()
    begun = time.monotonic()
    _fresh(settings.folder)
    prepared = prepare(settings)
    counts = import_sample(settings, prepared.store)
    password = _add_user(prepared.store)
    prepared.store.close()
    with _everything(settings, workers) as station:
        screen = Screen(console, counts, quiet=as_json)
        watched = _run(station, screen)
        numbers = count(station, time.monotonic() - begun, counts["contact"])
        if as_json:
            click.echo(json.dumps(summary(numbers)))
        else:
            show_records(console, station, watched)
            _tell(console, numbers, settings, password)
        if not once:
            _serve(console, settings)


def _settings() -> Settings:
    """Settings of the embedded default, whatever this machine's variables say."""
    home = load_settings().folder / "demo"
    return Settings(
        home=home,
        DATABASE_URL="",
        REDIS_URL="",
        PUBLISH_URL="",
        PUBLIC_BASE_URL="",
        PORT=free_port("127.0.0.1", 8400),
        secret_keys="",
        host="127.0.0.1",
        coalesce_seconds=2,
        sweep_seconds=0.5,
    )


def _fresh(home: Path) -> None:
    """Begin anew, but delete only what an earlier demo made."""
    if home.exists() and not (home / MARKER).exists() and any(home.iterdir()):
        raise PermanentError(
            f"{home} holds something that no demo made; set CUEREEL_HOME elsewhere"
        )
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / MARKER).touch()


def _add_user(store: Store) -> str:
    """Let somebody sign in to the console; return the password, which is shown once."""
    password = secrets.token_urlsafe(9)
    with store.write() as tx:
        users.add(tx, EMAIL, users.hash_password(password), Role.ADMIN)
    return password


@contextmanager
def _everything(settings: Settings, workers: int) -> Iterator[Station]:
    """Run Redis, web, workers and sweep for as long as the block."""
    logs = settings.folder / "logs"
    with embedded_redis(settings) as redis_url:
        started = programs(settings, redis_url, workers=workers)
        with running(started, logs=logs) as supervisor:
            _await_web(settings, supervisor, logs)
            # the commands of the demo ring the same bell
            station = make_station(settings.model_copy(update={"redis_url": redis_url}))
            try:
                yield station
            finally:
                station.store.close()
                station.doorbell.close()


def _await_web(settings: Settings, supervisor: Supervisor, logs: Path) -> None:
    try:
        wait_until_ready(f"{settings.base_url}/healthz")
    except TemporaryError as error:
        raise PermanentError(f"{error.sentence}; the logs are in {logs}") from error


def _run(station: Station, screen: Screen) -> list[str]:
    """Fire the triggers, watch two videos, wait until all is written; return who watched."""
    subjects = _subjects(station.store)
    for subject, contact_id in subjects:
        event = HAPPENS[subject.kind]
        fire(station.store, event, subject, contact_id if subject.kind == "contact" else None)
    expected = len(subjects)
    audience = _audience(contact_id for _, contact_id in subjects)
    viewers: dict[str, threading.Thread] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    with screen:
        while time.monotonic() < deadline:
            numbers = count(station, 0, 0)
            screen.show(numbers, expected, len(viewers))
            if numbers.dead:
                raise PermanentError(
                    f"{numbers.dead} pieces of work were given up; CUEREEL_HOME="
                    f"{station.settings.folder} cuereel retry says why"
                )
            _seat_viewers(numbers, audience, viewers)
            if numbers.settled(expected) and not any(t.is_alive() for t in viewers.values()):
                return list(viewers)
            time.sleep(0.3)
    raise TemporaryError(
        f"not everything was done after {PATIENCE_SECONDS / 60:.0f} min; "
        f"the logs are in {station.settings.folder / 'logs'}"
    )


def _subjects(store: Store) -> list[tuple[Subject, str]]:
    """Return every record that something happens to, with the contact whom it concerns."""
    with store.read() as tx:
        return [
            (Subject(kind, record.id), str(record.fields.get("contact_id") or record.id))
            for kind in HAPPENS
            for record in records.each(tx, LOCAL, kind)
        ]


def _audience(contacts: Iterable[str]) -> frozenset[str]:
    """Return the contacts who get one video: what is on their record is about that one."""
    return frozenset(who for who, times in Counter(contacts).items() if times == 1)


def _seat_viewers(
    numbers: Numbers, audience: frozenset[str], viewers: dict[str, threading.Thread]
) -> None:
    """Let the contacts of the first ready videos watch, each in a thread of their own."""
    for ready in numbers.ready:
        if len(viewers) >= WATCHED or ready.contact_id not in audience - viewers.keys():
            continue
        thorough = not viewers
        thread = threading.Thread(
            target=_watch, args=(ready.url, ready.duration, thorough), daemon=True
        )
        viewers[ready.contact_id] = thread
        thread.start()


def _watch(url: str, duration: float, thorough: bool) -> None:
    """One viewer sees nearly all of it, goes back once and clicks; the other leaves half-way."""
    viewing = open_page(url, duration)
    if not thorough:
        viewing.play(duration * 0.45)
        return
    viewing.play(duration * 0.5)
    viewing.seek(duration * 0.3)
    viewing.play(duration * 0.55)
    viewing.event("cta_view", "main")
    viewing.event("cta_click", "main")
    viewing.tell()


def _tell(console: Console, numbers: Numbers, settings: Settings, password: str) -> None:
    base = settings.base_url
    console.print(f"\n[bold]{numbers.headline()}[/bold]")
    console.print(f"\nWatch pages   {numbers.ready[0].url}" if numbers.ready else "")
    for ready in numbers.ready[1:4]:
        console.print(f"              {ready.url}")
    console.print(
        f"CRM console   {base}/console   sign in as {EMAIL}, one-time password {password}"
    )
    console.print(f"Files, logs   {settings.folder}")


def _serve(console: Console, settings: Settings) -> None:
    console.print("\nStill serving; open the links above. Ctrl-C ends it.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nstopping")
