"""
A campaign on HubSpot: how near to the portal's own limit the whole road comes.

A stateful fake with HubSpot's real limit (110 requests in any 10 s) holds the contacts; a campaign
that renders on first open is launched for a list of them, so that only reading, deciding and writing
back are measured. `--json` prints {"contacts", "calls", "calls_per_contact", "seconds",
"limit_seconds", "ratio", "429s"}; exit code 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from benchmarks.render_peers.processes import BenchmarkError, tell
from benchmarks.road_campaign import unfinished
from connector.cli.prepare import install_campaigns, prepare
from connector.cli.processes import running
from connector.cli.programs import free_port, programs, wait_until_ready
from connector.cli.redis_server import embedded_redis
from connector.crm import CRM
from connector.crm.hubspot.tokens import static_account
from connector.jobs.launch_campaign import launch_campaign
from connector.jobs.sources import open_source
from connector.jobs.station import Station, close_station, make_station
from connector.settings import Settings
from connector.store import connections
from tests.fakes.hubspot import FakeHubSpot, serving

CONTACTS, COMPANIES = 10_000, 200
PER_SECOND = 11.0
RATIO, CALLS, REFUSED = 1.2, 0.12, 5
WORKERS, LIST = 2, "1"
LOOK_SECONDS, TELL_SECONDS, PATIENCE_SECONDS = 0.25, 15.0, 1800.0


def main() -> int:
    """Run the campaign, print the figures, and tell which bars were missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--contacts", type=int, default=CONTACTS)
    given = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="hubspot-") as folder:
            result = measure(Path(folder), given.contacts)
    except BenchmarkError as error:
        sys.stderr.write(f"no figures: {error}\n")
        return 2
    sys.stdout.write(json.dumps(result, indent=None if given.json else 2) + "\n")
    missed = [
        f"{name} is {result[name]}, at most {bar} is wanted"
        for name, bar in (("ratio", RATIO), ("calls_per_contact", CALLS), ("429s", REFUSED))
        if result[name] > bar
    ]
    sys.stderr.writelines(f"missed: {line}\n" for line in missed)
    return 1 if missed else 0


def measure(folder: Path, contacts: int) -> dict[str, float]:
    """Return the figures of one campaign."""
    fake = FakeHubSpot()
    _fill(fake, contacts)
    with serving(fake), _portal(folder, fake) as (station, connection):
        fake.limit = (110, 10.0)
        calls, refused, begun = len(fake.calls), fake.refused_429, time.monotonic()
        launch_campaign(station, connection, "onboarding", f"list:{LIST}", lambda _: None)
        _await(station, fake, contacts)
        seconds = time.monotonic() - begun
        calls = len(fake.calls) - calls
        refused = fake.refused_429 - refused
    limit = calls / PER_SECOND
    return {
        "contacts": contacts,
        "calls": calls,
        "calls_per_contact": round(calls / contacts, 4),
        "seconds": round(seconds, 1),
        "limit_seconds": round(limit, 1),
        "ratio": round(seconds / limit, 3),
        "429s": refused,
    }


def _fill(fake: FakeHubSpot, contacts: int) -> None:
    for number in range(COMPANIES):
        fake.add("companies", {"name": f"Company {number}"}, id=str(900_000 + number))
    members = []
    for number in range(contacts):
        fields = {
            "firstname": f"Ana{number}",
            "lastname": "Prieto",
            "email": f"person{number}@example.org",
            "hs_language": "en",
            "lifecyclestage": "customer",
            "hs_email_optout": "false",
        }
        contact = fake.add("contacts", fields, id=str(100_000 + number))
        fake.associate("contacts", contact, "companies", str(900_000 + number % COMPANIES))
        members.append(contact)
    fake.add_list(LIST, members)


@contextmanager
def _portal(folder: Path, fake: FakeHubSpot) -> Iterator[tuple[Station, str]]:
    """Run what `cuereel up` runs, with the portal connected and our properties installed."""
    with embedded_redis(Settings(home=folder)) as redis_url:
        settings = Settings(
            home=folder,
            PORT=free_port("127.0.0.1", 8800),
            REDIS_URL=redis_url,
            hubspot_api=fake.url,
            hubspot_site=fake.url,
        )
        _on_open(settings)
        prepare(settings).store.close()
        station = make_station(settings)
        connection = _connect(station, fake)
        started = programs(settings, redis_url, workers=WORKERS)
        with running(started, logs=folder / "logs"):
            wait_until_ready(f"{settings.base_url}/healthz")
            yield station, connection
        station.store.close()
        close_station()


def _on_open(settings: Settings) -> None:
    packaged = files("mappings") / "campaigns" / "onboarding.toml"
    own = settings.folder / "mappings" / "campaigns"
    own.mkdir(parents=True)
    text = packaged.read_text().replace('"on_trigger"', '"on_open"')
    (own / "onboarding.toml").write_text(text)


def _connect(station: Station, fake: FakeHubSpot) -> str:
    account = static_account(station.settings, {"token": fake.static_token})
    with station.store.write() as tx:
        connections.add(
            tx,
            station.keyring,
            connection_id=account.id,
            crm="hubspot",
            title=account.title,
            secrets=dict(account.secrets),
            config=dict(account.config),
        )
    crm: CRM = open_source(station, account.id)[0]
    crm.install()
    findings = [f for f in install_campaigns(station.settings, station.store) if f.level == "error"]
    if findings:
        raise BenchmarkError(findings[0].sentence)
    return account.id


def _await(station: Station, fake: FakeHubSpot, contacts: int) -> None:
    deadline, told = time.monotonic() + PATIENCE_SECONDS, 0.0
    while True:
        linked = sum(
            1 for r in list(fake.records["contacts"].values()) if r.get("cuereel_video_url")
        )
        with station.store.read() as tx:
            rows = unfinished(tx)
        if linked == contacts and not rows:
            return
        if time.monotonic() > deadline:
            raise BenchmarkError(f"time is up with {linked} of {contacts} links written")
        if time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            tell(f"{linked} of {contacts} links written, {len(fake.calls)} calls, {rows} rows open")
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
