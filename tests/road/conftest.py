"""A whole installation in one process: settings, store, local CRM, web client, jobs run by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.app import create_app
from connector.cli.prepare import LOCAL, connect_local, install_campaigns
from connector.crm.local.gateway import Announcement, event_body
from connector.jobs import station as stations
from connector.jobs.plan_video import plan_video
from connector.jobs.render_video import render_video
from connector.jobs.send_webhooks import send_webhooks
from connector.jobs.station import Station, make_station
from connector.jobs.update_engagement import update_engagement
from connector.jobs.write_back import write_back
from connector.model import Subject
from connector.secrets import new_key
from connector.settings import Settings, load_settings
from connector.signing import signed_headers
from connector.store import Store, connections, leases, record_rows, records, videos
from connector.store.videos import VideoRow
from tests import instant

STATIONS = {"triggers": plan_video, "videos": render_video, "changes": write_back}
# where a test asks for them
MORE = {"measures": update_engagement, "webhooks": send_webhooks}


@dataclass
class Road:
    """What a test may do along the road."""

    settings: Settings
    store: Store
    station: Station
    client: FlaskClient
    deliveries: int = field(default=0)

    def contact(self, contact_id: str, **fields: Any) -> None:
        """Make a contact in the local CRM."""
        defaults = {"first_name": "Ana", "email": f"{contact_id}@example.com", "locale": "en",
                    "email_opt_out": False}  # fmt: skip
        self.record("contact", contact_id, {**defaults, **fields})

    def record(self, kind: str, record_id: str, fields: dict[str, Any]) -> None:
        """Make any record in the local CRM."""
        with self.store.write() as tx:
            records.put(tx, LOCAL, kind, record_id, fields)

    def post(
        self,
        kind: str = "contact.onboarding",
        subject: Subject = Subject("contact", "c1"),  # noqa: B008 - frozen
        *,
        identity: str | None = None,
        at: datetime | None = None,
        occurred_at: datetime | None = None,
        contact_id: str | None = None,
        **options: Any,
    ) -> TestResponse:
        """Post one signed event to our hooks, as the local CRM does."""
        self.deliveries += 1
        happened = occurred_at or datetime.now(UTC)
        body = event_body(Announcement(kind, subject, contact_id), happened).encode()
        identity = identity or f"msg_{self.deliveries}"
        headers = signed_headers(self.secret, identity, body, at or datetime.now(UTC))
        return self.client.post(f"/hooks/local/{LOCAL}", data=body, headers=headers, **options)

    @property
    def secret(self) -> str:
        """The secret with which the local CRM signs."""
        with self.store.read() as tx:
            row = connections.get(tx, self.station.keyring, LOCAL)
        assert row
        return str(row.secrets["signing"][0])

    def travel(self, *nouns: str, rounds: int = 4) -> None:
        """Run the stations until nothing more is due."""
        known = STATIONS | MORE
        for _ in range(rounds):
            for noun in nouns or STATIONS:
                with self.store.read() as tx:
                    ids = leases.due(tx, noun, ring_again=-1, limit=1000)
                if ids:
                    known[noun](ids)

    def videos(self, contact_id: str = "c1") -> list[VideoRow]:
        """Return the contact's videos, newest first."""
        with self.store.read() as tx:
            return videos.of_contact(tx, LOCAL, contact_id)

    def fields(self, contact_id: str = "c1") -> dict[str, Any]:
        """Return the contact's record as the CRM shows it."""
        with self.store.read() as tx:
            found = records.get(tx, LOCAL, "contact", contact_id)
        assert found
        return dict(found.fields)

    def rows(self, contact_id: str = "c1") -> list[record_rows.RecordRow]:
        """Return the rows of the second layer."""
        with self.store.read() as tx:
            return list(record_rows.of_contact(tx, LOCAL, contact_id))


@pytest.fixture
def road(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    """An installation on SQLite, with the instant renderer."""
    instant.install(monkeypatch.setattr)
    yield from _installation(sqlite_store, monkeypatch)


@pytest.fixture
def real_road(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    """The same with the renderer that users have, in a small size."""
    monkeypatch.setenv("CUEREEL_VIDEO_HEIGHT", "180")
    yield from _installation(sqlite_store, monkeypatch)


@pytest.fixture
def any_road(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    """The first one again, once on each database."""
    instant.install(monkeypatch.setattr)
    yield from _installation(store, monkeypatch)


def _installation(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Road]:
    monkeypatch.setenv("DATABASE_URL", store.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("CUEREEL_SECRET_KEYS", new_key())
    settings = load_settings()
    station = make_station(settings)
    monkeypatch.setattr(stations, "_opened", {})
    connect_local(station.store, station.keyring)
    assert [f for f in install_campaigns(settings, station.store) if f.level == "error"] == []
    app = create_app(settings)
    with app.test_client() as client:
        yield Road(settings, store, station, client)
    stations.close_station()
    app.extensions["cuereel"].store.close()
    station.store.close()
