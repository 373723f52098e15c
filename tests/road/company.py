"""
The company of `cuereel demo` in one process: its records, its campaigns, events that reach our hooks
over HTTP, the renderer that users have. Three videos are for one contact, one is for another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from connector.app import create_app
from connector.cli.prepare import LOCAL, prepare
from connector.cli.programs import free_port
from connector.cli.sample_records import fire, import_sample
from connector.decide.campaigns import packaged
from connector.jobs import station as stations
from connector.model import Subject
from connector.settings import Settings
from connector.store import records
from connector.store.tables import videos as videos_table
from tests.road.conftest import Road
from tests.web.browser import served

WATCHER, CART, TELEPHONE = "c02", "cart-1041", "c19"
HOUR = 3_600_000


@contextmanager
def open_company(home: Path) -> Iterator[Road]:
    """Open it an hour after its videos were sent, served where its links lead."""
    settings = _settings(home)
    _want_tasks(settings)
    prepared = prepare(settings)
    assert [one for one in prepared.findings if one.level == "error"] == []
    import_sample(settings, prepared.store)
    app = create_app(settings)
    with (
        pytest.MonkeyPatch.context() as patch,
        served(app, settings.port),
        app.test_client() as client,
    ):
        patch.setattr(stations, "_opened", {})
        road = Road(settings, prepared.store, stations.open_station(settings), client)
        _send_videos(road)
        yield road
        stations.close_station()
    app.extensions["cuereel"].store.close()
    prepared.store.close()


def _settings(home: Path) -> Settings:
    """Return the demo's settings, in a small size."""
    return Settings(
        home=home,
        DATABASE_URL="",
        REDIS_URL="",
        PUBLISH_URL="",
        PUBLIC_BASE_URL="",
        PORT=free_port("127.0.0.1", 8600),
        secret_keys="",
        host="127.0.0.1",
        coalesce_seconds=0,
        video_height=180,
    )


def _want_tasks(settings: Settings) -> None:
    """Let the campaign want a task for the owner of whoever is warm."""
    text = (packaged() / "campaigns" / "abandoned_cart.toml").read_text()
    folder = settings.folder / "mappings" / "campaigns"
    folder.mkdir(parents=True)
    (folder / "abandoned_cart.toml").write_text(f'{text}\n[tell]\ntask = true\nwhen = "warm"\n')


def _send_videos(road: Road) -> None:
    """Let the CRM tell of what happens: three videos for one contact, one for another."""
    with road.store.write() as tx:
        account = records.get(tx, LOCAL, "account", "acc-01")
        assert account
        records.put(tx, LOCAL, "account", account.id, {**account.fields, "contact_id": WATCHER})
    for event, subject, contact in (
        ("account.review_due", Subject("account", account.id), None),
        ("contact.onboarding", Subject("contact", WATCHER), WATCHER),
        ("contact.onboarding", Subject("contact", TELEPHONE), TELEPHONE),
        ("cart.abandoned", Subject("cart", CART), None),
    ):
        fire(road.store, event, subject, contact)
        road.travel("webhooks", "triggers", rounds=1)
    road.travel("videos", "changes")
    with road.store.write() as tx:
        tx.execute(update(videos_table).values(minted_at=videos_table.c.minted_at - HOUR))
