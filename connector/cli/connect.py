"""
`cuereel crm connect`, `list` and `disconnect`: accounts of CRMs that let us in, and go again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy import Connection as Tx

from connector.cli.connect_steps import GUIDE, STEPS
from connector.cli.credentials import Offered, credentials, with_options
from connector.crm import APPS, CONNECTORS, Surroundings
from connector.crm.accounts import disconnect as leave
from connector.crm.accounts import install_fields, look_up, need_address, take_in, title_of
from connector.decide.dictionary import load_dictionary
from connector.errors import MappingError, NotFoundError
from connector.jobs.station import Station, make_station
from connector.model import InstallReport
from connector.settings import load_settings
from connector.store import connections
from connector.store.connections import ConnectionRow
from connector.store.sync import Writing, writing

ACTOR = "command line"
INSTALLING = {"salesforce": "installing the package, which takes a minute or two"}
# whose steps end with a page of ours
ENDS_HERE = {"hubspot"}
STATES = {
    "active": "connected",
    "needs_reauth": "must be connected again",
    "disabled": "disconnected",
}


@click.command(help=GUIDE)
@click.argument("crm")
@with_options
def connect(crm: str, **options: Any) -> None:
    """Connect an account; the help is GUIDE."""
    if crm not in {*APPS, *CONNECTORS}:
        known = ", ".join(sorted({*APPS, *CONNECTORS}))
        raise MappingError(f"{crm!r} cannot be connected; these can: {known}")
    given = credentials(crm, Offered(**options))
    station = make_station(load_settings())
    if given:
        _connect_with(station, crm, given)
    else:
        _tell_steps(station, crm)


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(as_json: bool) -> None:
    """List the connected accounts, with what waits to be written."""
    station = make_station(load_settings())
    with station.store.read() as tx:
        rows, written = every_connection(tx, station), writing(tx)
    if as_json:
        click.echo(json.dumps([_facts(row, written.get(row.id)) for row in rows]))
        return
    for row in rows:
        facts = _facts(row, written.get(row.id))
        state = STATES.get(row.state, row.state)
        last = facts["last_written"] or "never"
        click.echo(f"{row.id}  {row.crm}  {row.title}  {state}")
        click.echo(f"    last written {last}, {facts['waiting']:,} changes wait")


@click.command()
@click.argument("connection")
@click.option("--remove-fields", is_flag=True, help="Delete our fields too, with all their values.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def disconnect(connection: str, remove_fields: bool, yes: bool) -> None:
    """Give back what lets us into CONNECTION, and stop; fields stay unless told otherwise."""
    station = make_station(load_settings())
    with station.store.read() as tx:
        row = find_connection(tx, station, connection)
    if not yes:
        what = " and delete our fields there, with all their values" if remove_fields else ""
        click.confirm(f"Disconnect {row.title} ({row.id}){what}?", abort=True)
    with spinning("disconnecting"):
        gone = leave(around(station, row.crm), row, remove_fields=remove_fields, actor=ACTOR)
    click.echo(f"{row.title} ({row.id}) is disconnected.")
    for name, what in gone.fields.items():
        click.echo(f"{name}: {what}")
    if gone.complaint:
        click.echo(f"{title_of(row.crm)} was not told: {gone.complaint}", err=True)


def around(station: Station, crm: str) -> Surroundings:
    """Return what *crm* may need of us."""
    dictionary = load_dictionary(crm, station.settings.mapping_folders)
    return Surroundings(
        station.settings, station.store, dictionary, station.keyring, station.limits
    )


def every_connection(tx: Tx, station: Station) -> list[ConnectionRow]:
    """Return all connections."""
    found = (connections.get(tx, station.keyring, one) for one in connections.ids(tx))
    return [row for row in found if row is not None]


def find_connection(tx: Tx, station: Station, name: str) -> ConnectionRow:
    """
    Return the connection of this id, or the only one of the CRM that *name* is.

    Raises NotFoundError, with those that there are.
    """
    rows = every_connection(tx, station)
    named = [row for row in rows if row.id == name]
    of_crm = [row for row in rows if row.crm == name]
    working = [row for row in of_crm if row.state != "disabled"]
    for found in (named, of_crm, working):
        if len(found) == 1:
            return found[0]
    known = (
        ", ".join(row.id for row in of_crm or rows) or "none yet; `cuereel up` makes the local one"
    )
    if of_crm:
        raise NotFoundError(f"{name} has several connections, name one of them: {known}")
    raise NotFoundError(f"there is no connection {name!r}; there are: {known}")


def tell_installed(report: InstallReport) -> None:
    """Print which fields were made, and why others were not."""
    click.echo(f"{len(report.made)} fields made, {len(report.present)} were there already.")
    for name, reason in report.left_out.items():
        click.echo(f"left out {name}: {reason}")


@contextmanager
def spinning(text: str) -> Iterator[None]:
    """Show on standard error that something takes a while."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(text, total=None)
        yield


def _tell_steps(station: Station, crm: str) -> None:
    # those of Salesforce begin in the org, long before it calls us
    if crm in ENDS_HERE:
        need_address(station.settings, crm)
    click.echo(STEPS[crm].format(base=station.settings.base_url))


def _connect_with(station: Station, crm: str, given: Mapping[str, str]) -> None:
    # links that only this machine can open would end up on real contacts
    need_address(station.settings, crm)
    with spinning("asking which account this is"):
        account = look_up(station.settings, crm, given)
    again = take_in(around(station, crm), crm, account, ACTOR)
    click.echo(f"{account.title} is connected{' again' if again else ''} as {account.id}.")
    with station.store.read() as tx:
        row = find_connection(tx, station, account.id)
    with spinning(INSTALLING.get(crm, "creating fields")):
        report = install_fields(around(station, crm), row, ACTOR)
    tell_installed(report)
    click.echo(f"`cuereel crm check {account.id}` says what is still to mend.")


def _facts(row: ConnectionRow, written: Writing | None) -> dict[str, object]:
    at = written.last_written if written else None
    return {
        "id": row.id,
        "crm": row.crm,
        "title": row.title,
        "state": row.state,
        "last_written": at.isoformat(timespec="seconds") if at else None,
        "waiting": written.waiting if written else 0,
    }
