"""
`cuereel crm`: records in and out of the built-in CRM, and our fields in any connected one.

What connects and disconnects accounts stands in `cli/connect.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy import Connection as Tx

from connector.cli.app_project import app
from connector.cli.connect import (
    ACTOR,
    around,
    connect,
    disconnect,
    find_connection,
    list_,
    spinning,
    tell_installed,
)
from connector.crm import open_crm
from connector.crm.accounts import connection_of, install_fields
from connector.crm.local.csv_export import export_csv
from connector.crm.local.csv_import import Imported, Target, import_csv
from connector.errors import PayloadError
from connector.jobs.station import Station, make_station
from connector.measure.tracking import MODES
from connector.model import Finding
from connector.settings import load_settings
from connector.signing import new_secret
from connector.store import audit, connections, records
from connector.store.connections import ConnectionRow
from connector.store.sync import SyncState, sync_states

ONE_CONNECTION = click.option(
    "--connection", default="local", show_default=True, help="Which CRM account."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
SHOWN_COMPLAINTS = 20
COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.group()
def crm() -> None:
    """Connect an account, create our fields, check a connection, import records."""


for command in (connect, list_, disconnect, app):
    crm.add_command(command)


@crm.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", default="contact", show_default=True, help="contact, company, cart, …")
@ONE_CONNECTION
@click.option("--encoding", help="Only if it is guessed wrong, for example cp1252.")
@click.option("--announce", default="", help="Send this event for each new or changed record.")
@AS_JSON
def import_(
    file: Path, kind: str, connection: str, encoding: str | None, announce: str, as_json: bool
) -> None:
    """Import the rows of FILE (CSV) into the built-in CRM."""
    station = make_station(load_settings())
    connection = _local(station, connection)
    target = Target(connection, kind, announce)
    with _progress(as_json) as progress:
        task = progress.add_task("reading", total=None)
        done = import_csv(
            station.store,
            file,
            target,
            encoding=encoding,
            progress=lambda so_far: progress.update(task, description=_counts(so_far)),
        )
    with station.store.write() as tx:
        audit.record(tx, ACTOR, "import", kind, {"rows": done.rows, "refused": done.refused})
    if as_json:
        click.echo(json.dumps({**asdict(done), "rows": done.rows}))
    else:
        _tell(done)
    if done.refused and done.refused == done.rows:
        raise PayloadError("no row of the file could be used")


@crm.command("export")
@click.option("--kind", default="contact", show_default=True, help="contact, company, cart, …")
@ONE_CONNECTION
@click.option("--out", type=click.File("w", encoding="utf-8"), default="-", help="A file.")
def export(kind: str, connection: str, out: TextIO) -> None:
    """Write the records of a kind as CSV, safe to open in a spreadsheet."""
    station = make_station(load_settings())
    connection = _local(station, connection)
    with station.store.write() as tx:
        found = list(records.each(tx, connection, kind))
        audit.record(tx, ACTOR, "export", kind, {"rows": len(found)})
    for line in export_csv(found):
        out.write(line.replace("\r\n", "\n"))


@crm.command()
@click.argument("name", required=False, metavar="[CONNECTION]")
@ONE_CONNECTION
@AS_JSON
def install(name: str | None, connection: str, as_json: bool) -> None:
    """Create our fields in a CRM; running it again changes nothing."""
    station = make_station(load_settings())
    with station.store.write() as tx:
        row = find_connection(tx, station, name or connection)
        _give_secret(tx, station, row)
    with spinning("creating fields"):
        report = install_fields(around(station, row.crm), row, ACTOR)
    if as_json:
        click.echo(json.dumps({**asdict(report), "left_out": dict(report.left_out)}))
    else:
        tell_installed(report)


@crm.command()
@click.argument("name", required=False, metavar="[CONNECTION]")
@ONE_CONNECTION
@AS_JSON
def check(name: str | None, connection: str, as_json: bool) -> None:
    """
    Say what has to be mended in a CRM connection, and how writing to it went for 24 hours.

    CONNECTION may be the name of a CRM that has just one connection, such as hubspot.
    """
    station = make_station(load_settings())
    with station.store.read() as tx:
        row = find_connection(tx, station, name or connection)
    with spinning(f"asking {row.title}"):
        findings = open_crm(connection_of(row), around(station, row.crm)).check()
    with station.store.read() as tx:
        states = sync_states(tx, row.id)
    if as_json:
        told = {"findings": list(map(asdict, findings)), "sync": list(map(asdict, states))}
        click.echo(json.dumps({"connection": row.id, **told}))
    else:
        _tell_check(findings, states)
    if any(finding.level == "error" for finding in findings):
        raise click.exceptions.Exit(1)


@crm.command()
@ONE_CONNECTION
@click.option("--retire", is_flag=True, help="Forget all but the newest secret.")
def secret(connection: str, retire: bool) -> None:
    """Put a new signing secret in front and print it; the old ones hold until --retire."""
    station = make_station(load_settings())
    connection = _local(station, connection)
    with station.store.write() as tx:
        row = find_connection(tx, station, connection)
        old = list(row.secrets.get("signing", []))
        kept = old[:1] if retire else [new_secret(), *old]
        changed = {**row.secrets, "signing": kept}
        connections.change_secrets(tx, station.keyring, connection, changed)
        action = "secret_retire" if retire else "secret_rotate"
        audit.record(tx, ACTOR, action, connection, {"secrets": len(kept)})
    click.echo(kept[0] if kept else "there is no secret")


@crm.command()
@click.argument("name", metavar="CONNECTION")
@click.argument("mode", type=click.Choice(MODES))
def tracking(name: str, mode: str) -> None:
    """
    Choose how watching is remembered of the contacts of CONNECTION.

    A viewer, their browser or CUEREEL_TRACKING may only make it stricter.
    """
    station = make_station(load_settings())
    with station.store.write() as tx:
        row = find_connection(tx, station, name)
        connections.set_tracking(tx, row.id, mode)
        audit.record(tx, ACTOR, "tracking_set", row.id, {"mode": mode})
    click.echo(f"watching is now remembered at most as {mode!r} for {row.id}")


def _local(station: Station, connection: str) -> str:
    with station.store.read() as tx:
        row = find_connection(tx, station, connection)
    if row.crm != "local":
        raise PayloadError(f"{row.id} keeps its own records and secrets; see it in the console")
    return row.id


def _give_secret(tx: Tx, station: Station, row: ConnectionRow) -> None:
    if row.crm == "local" and not row.secrets.get("signing"):
        fresh = {**row.secrets, "signing": [new_secret()]}
        connections.change_secrets(tx, station.keyring, row.id, fresh)


def _progress(quiet: bool) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        disable=quiet,
    )


def _counts(done: Imported) -> str:
    return (
        f"{done.rows:,} rows: {done.created:,} created, {done.updated:,} updated, "
        f"{done.unchanged:,} unchanged, {done.refused:,} left out"
    )


def _tell(done: Imported) -> None:
    click.echo(f"{_counts(done)} (read as {done.encoding})")
    for complaint in done.complaints[:SHOWN_COMPLAINTS]:
        click.echo(f"line {complaint.line}: {complaint.sentence}", err=True)
    more = done.refused - min(done.refused, SHOWN_COMPLAINTS)
    if more:
        click.echo(f"… and {more:,} more; --json lists them", err=True)
    if done.announced:
        click.echo(f"{done.announced:,} events announced")


def _show(finding: Finding) -> None:
    level = click.style(f"{finding.level:8}", fg=COLOURS.get(finding.level))
    click.echo(f"{level}{finding.subject}: {finding.sentence}")


def _tell_check(findings: Sequence[Finding], states: Sequence[SyncState]) -> None:
    for finding in findings:
        _show(finding)
    click.echo("\nWritten back in the last 24 hours" + ("" if states else ": nothing"))
    for one in states:
        why = ": ".join(filter(None, (one.reason, one.sentence)))
        click.echo(f"{one.state:10}{one.count:>9,}  {why}".rstrip())
