"""An installation that a CRM elsewhere has let in: our web over HTTP, and stations that run when told."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.serving import make_server

from connector.app import create_app
from connector.cli.prepare import install_campaigns
from connector.jobs import station as stations
from connector.jobs.bulk_write import bulk_write
from connector.jobs.plan_video import plan_video
from connector.jobs.render_video import render_video
from connector.jobs.station import Station, make_station
from connector.jobs.update_engagement import update_engagement
from connector.jobs.write_back import write_back
from connector.secrets import new_key
from connector.settings import load_settings
from connector.store import Store, leases, videos
from tests import instant

STATIONS: Mapping[str, Callable[[list[str]], None]] = {
    "triggers": plan_video,
    "videos": render_video,
    "measures": update_engagement,
    "changes": write_back,
    "bulk_jobs": bulk_write,
}


@contextmanager
def installed(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    variables: Mapping[str, str],
    connect: Callable[[Station], object],
) -> Iterator[Station]:
    """Set up an installation with the instant renderer, connect it, and serve its web."""
    instant.install(monkeypatch.setattr)
    monkeypatch.setattr(stations, "_opened", {})
    own = {
        "DATABASE_URL": store.engine.url.render_as_string(hide_password=False),
        "PORT": str(_free_port()),
        "CUEREEL_SECRET_KEYS": new_key(),
        "CUEREEL_COALESCE_SECONDS": "0",
    }
    for name, value in {**own, **variables}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    station = make_station(settings)
    connect(station)
    assert [f for f in install_campaigns(settings, station.store) if f.level == "error"] == []
    with _web(settings.port):
        yield station
    stations.close_station()
    station.limits.close()
    station.doorbell.close()


def travel(station: Station, rounds: int = 4) -> None:
    """Run the stations until nothing more is due."""
    for _ in range(rounds):
        for noun, work in STATIONS.items():
            with station.store.read() as tx:
                ids = leases.due(tx, noun, ring_again=-1, limit=1000)
            if ids:
                work(ids)


def all_videos(station: Station) -> list[videos.VideoRow]:
    """Return the newest videos of everybody."""
    with station.store.read() as tx:
        return videos.latest(tx)


def until(true: Any, seconds: float = 20.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _web(port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
