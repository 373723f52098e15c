"""
The processes of the Procfile: workers, the sweep, the web.
"""

from __future__ import annotations

import os
import signal
import threading

import click

from connector.cli.logs import start_logging
from connector.cli.programs import web_command
from connector.cli.worker import work as serve
from connector.jobs.station import make_station
from connector.jobs.sweep import sweep as run_sweep
from connector.jobs.sweep import sweep_once
from connector.queues import QUEUES
from connector.settings import load_settings
from connector.store.migrate import require_current


@click.command()
@click.argument("queues", nargs=-1, required=True, type=click.Choice(QUEUES))
def work(queues: tuple[str, ...]) -> None:
    """Serve QUEUES in their order of priority."""
    start_logging()
    settings = load_settings()
    station = make_station(settings)
    require_current(station.store)
    # no connection may be open when the worker forks
    station.store.close()
    serve(queues, settings)


@click.command()
@click.option("--once", is_flag=True, help="Look once, ring for what is due, and end.")
def sweep(once: bool) -> None:
    """Ring for work that is due and that nobody looks at."""
    start_logging()
    station = make_station(load_settings())
    require_current(station.store)
    if once:
        for noun, count in sweep_once(station).items():
            click.echo(f"{noun}: {count}")
        return
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run_sweep(station, stop)


@click.command()
def web() -> None:
    """Serve watch pages, hooks, console and API."""
    command = web_command(load_settings())
    os.execvp(command[0], command)  # noqa: S606 - becomes gunicorn, so that signals reach it
