"""
`cuereel up`: everything on one machine, in one terminal.
"""

from __future__ import annotations

import click

from connector.cli.logs import start_logging
from connector.cli.prepare import Prepared, prepare, show_findings
from connector.cli.processes import run_until_stopped
from connector.cli.programs import ensure_port_is_free, programs, wait_until_ready
from connector.cli.redis_server import embedded_redis
from connector.settings import load_settings


@click.command()
def migrate() -> None:
    """Make the database fit this version and install the campaigns."""
    prepared = prepare(load_settings())
    prepared.store.close()
    _tell(prepared)


@click.command()
@click.option("--workers", default=2, show_default=True, help="How many workers share the queues.")
def up(workers: int) -> None:
    """Run web, workers and sweep together; Ctrl-C stops all."""
    start_logging()
    settings = load_settings()
    ensure_port_is_free(settings.host, settings.port)
    prepared = prepare(settings)
    prepared.store.close()
    _tell(prepared)
    with embedded_redis(settings) as redis_url:
        run_until_stopped(
            programs(settings, redis_url, workers=workers), lambda: _greet(settings.port)
        )


def _tell(prepared: Prepared) -> None:
    if prepared.copy:
        click.echo(f"migrated; the database as it was is kept in {prepared.copy}", err=True)
    show_findings(tuple(found for found in prepared.findings if found.level != "ok"))


def _greet(port: int) -> None:
    seconds = wait_until_ready(f"http://127.0.0.1:{port}/healthz")
    click.secho(f"\n  Cuereel answers after {seconds:.1f} s at http://127.0.0.1:{port}", bold=True)
    click.echo("  Sign in with a user from `cuereel user add`. Ctrl-C stops everything.\n")
