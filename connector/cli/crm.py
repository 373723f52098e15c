"""
`cuereel crm`: records in and out of the built-in CRM, and our fields in any connected one.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy import Connection as Tx

from connector.crm import CRM, Connection, Surroundings, open_crm
from connector.crm.local.csv_export import export_csv
from connector.crm.local.csv_import import Imported, Target, import_csv
from connector.decide.dictionary import load_dictionary
from connector.errors import NotFoundError, PayloadError
from connector.jobs.station import Station, make_station
from connector.model import Finding
from connector.settings import load_settings
from connector.signing import new_secret
from connector.store import audit, connections, records
from connector.store.connections import ConnectionRow

ACTOR = "command line"
ONE_CONNECTION = click.option(
    "--connection", default="local", show_default=True, help="Which CRM account."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
SHOWN_COMPLAINTS = 20
COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.group()
def crm() -> None:
    """Import records, create our fields, check a connection."""


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
    _local(station, connection)
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
    _local(station, connection)
    with station.store.write() as tx:
        found = list(records.each(tx, connection, kind))
        audit.record(tx, ACTOR, "export", kind, {"rows": len(found)})
    for line in export_csv(found):
        out.write(line.replace("\r\n", "\n"))


@crm.command()
@ONE_CONNECTION
@AS_JSON
def install(connection: str, as_json: bool) -> None:
    """Create our fields in a CRM; running it again changes nothing."""
    station = make_station(load_settings())
    with station.store.write() as tx:
        _give_secret(tx, station, _row(tx, station, connection))
    report = _open(station, connection).install()
    with station.store.write() as tx:
        facts = {"made": len(report.made), "left_out": len(report.left_out)}
        audit.record(tx, ACTOR, "install", connection, facts)
    if as_json:
        click.echo(json.dumps({**asdict(report), "left_out": dict(report.left_out)}))
        return
    click.echo(f"{len(report.made)} fields made, {len(report.present)} were there already.")
    for name, reason in report.left_out.items():
        click.echo(f"left out {name}: {reason}")


@crm.command()
@ONE_CONNECTION
@AS_JSON
def check(connection: str, as_json: bool) -> None:
    """Say what has to be mended in a CRM connection."""
    findings = _open(make_station(load_settings()), connection).check()
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            _show(finding)
    if any(finding.level == "error" for finding in findings):
        raise click.exceptions.Exit(1)


@crm.command()
@ONE_CONNECTION
@click.option("--retire", is_flag=True, help="Forget all but the newest secret.")
def secret(connection: str, retire: bool) -> None:
    """Put a new signing secret in front and print it; the old ones hold until --retire."""
    station = make_station(load_settings())
    with station.store.write() as tx:
        row = _row(tx, station, connection)
        old = list(row.secrets.get("signing", []))
        kept = old[:1] if retire else [new_secret(), *old]
        changed = {**row.secrets, "signing": kept}
        connections.change_secrets(tx, station.keyring, connection, changed)
        action = "secret_retire" if retire else "secret_rotate"
        audit.record(tx, ACTOR, action, connection, {"secrets": len(kept)})
    click.echo(kept[0] if kept else "there is no secret")


def _row(tx: Tx, station: Station, connection: str) -> ConnectionRow:
    row = connections.get(tx, station.keyring, connection)
    if row is None:
        known = ", ".join(connections.ids(tx)) or "none yet; `cuereel up` makes the local one"
        raise NotFoundError(f"there is no connection {connection!r}; there are: {known}")
    return row


def _local(station: Station, connection: str) -> None:
    with station.store.read() as tx:
        if _row(tx, station, connection).crm != "local":
            raise PayloadError(f"{connection} keeps its own records; import them there")


def _open(station: Station, connection: str) -> CRM:
    with station.store.read() as tx:
        row = _row(tx, station, connection)
    dictionary = load_dictionary(row.crm, station.settings.mapping_folders)
    opened = Connection(row.id, row.crm, row.title, row.state, row.secrets, row.config)
    surroundings = Surroundings(
        station.settings, station.store, dictionary, station.keyring, station.limits
    )
    return open_crm(opened, surroundings)


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
