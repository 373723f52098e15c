"""
`cuereel erase`: everything we hold about a contact goes; a tombstone stays.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from connector.jobs.erase_contact import erase_contact
from connector.jobs.station import make_station
from connector.settings import load_settings


@click.command()
@click.argument("contact")
@click.option("--connection", default="local", show_default=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def erase(contact: str, connection: str, yes: bool, as_json: bool) -> None:
    """Remove files, rows, queued work and CRM fields of CONTACT."""
    if not yes:
        click.confirm(
            f"Erase everything about {contact}? This cannot be undone", abort=True, err=True
        )
    station = make_station(load_settings())
    done = erase_contact(station, connection, contact, actor="command line")
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    click.echo(
        f"Erased {done.videos} videos, {done.files} files and {done.rows} rows. "
        "Copies made by `cuereel backup` or before a migration still hold them; delete those too."
    )
