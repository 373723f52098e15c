"""
`cuereel crm connect`, `list` and `disconnect`: accounts of CRMs that let us in, and go again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from sqlalchemy import Connection as Tx

from connector.crm import APPS, CONNECTORS, Surroundings
from connector.crm.accounts import disconnect as leave
from connector.crm.accounts import install_fields, look_up, need_address, take_in, title_of
from connector.decide.dictionary import load_dictionary
from connector.errors import MappingError, NotFoundError, PayloadError
from connector.jobs.station import Station, make_station
from connector.model import InstallReport
from connector.settings import load_settings
from connector.store import connections
from connector.store.connections import ConnectionRow
from connector.store.sync import Writing, writing

ACTOR = "command line"
LONGEST_TOKEN = 4096
STATES = {
    "active": "connected",
    "needs_reauth": "must be connected again",
    "disabled": "disconnected",
}
GUIDE = """\
Connect an account of CRM (hubspot), or connect it again.

\b
HubSpot, with your app (several portals, the workflow action, webhooks, the card):
  1. PUBLIC_BASE_URL is an https address; HubSpot calls no other.
  2. `cuereel crm app hubspot --out hubspot-app` writes the app's project;
     in that folder, `hs project upload` creates the app.
  3. Set CUEREEL_HUBSPOT_CLIENT_ID and CUEREEL_HUBSPOT_CLIENT_SECRET to those
     on the app's Auth page and start Cuereel again.
  4. `cuereel crm connect hubspot` prints the address to open. Sign in as an
     admin, choose the portal, agree; then press "Create fields".
  5. `cuereel crm check hubspot` says what is still to mend.

\b
HubSpot, with a token (one portal; links, metrics, notes, tasks and lists):
  1. HubSpot > Settings > Integrations > Service Keys: make one.
  2. `cuereel crm connect hubspot --token-file token.txt`, or --token to be
     asked. The token is stored encrypted; delete the file.
  3. The fields are made at once. `cuereel crm check hubspot` says the rest.

\b
Scopes that are needed:
  crm.objects.contacts.read    crm.objects.contacts.write
  crm.schemas.contacts.read    crm.schemas.contacts.write
  crm.objects.owners.read      automation
and for more:
  crm.objects.companies.read   company names, account reviews
  crm.objects.deals.read       deals as triggers and outcomes
  crm.objects.carts.read       abandoned carts, with crm.objects.line_items.read
  crm.objects.orders.read      orders
  crm.lists.read, .write       campaigns to lists, and putting contacts on lists
  tickets                      tickets as outcomes

\b
What the account's tier allows:
  Free, Starter   links and metrics (about ten fields on Free), card, webhooks
  Professional    also workflows: "Create personalised video"; with Data Hub
                  also "Send a webhook"
  Enterprise      the same, and more calls a day for a token

All of it, step by step: connector/crm/hubspot/install.md
"""
STEPS = """\
1. Open this address and sign in to the console as an admin:
   {start}
2. {crm} asks which account it is about and shows what Cuereel may do there. Choose it and agree.
3. You come back to the console. Press "Create fields" and read what was made and what was left out.
4. `cuereel crm check {name}` says what is still to mend."""


@click.command(help=GUIDE)
@click.argument("crm")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file that holds the account's own token; - reads it from standard input.",
)
@click.option(
    "--token", "ask", is_flag=True, help="Ask for the account's own token; it is not shown."
)
def connect(crm: str, token_file: Path | None, ask: bool) -> None:
    """Connect an account; the help is GUIDE."""
    if crm not in {*APPS, *CONNECTORS}:
        known = ", ".join(sorted({*APPS, *CONNECTORS}))
        raise MappingError(f"{crm!r} cannot be connected; these can: {known}")
    station = make_station(load_settings())
    if token_file is None and not ask and crm in APPS:
        _tell_steps(station, crm)
    else:
        _connect_by_token(station, crm, _token(crm, token_file))


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
    need_address(station.settings, crm)
    start = f"{station.settings.base_url}/oauth/{crm}/start"
    click.echo(STEPS.format(start=start, crm=title_of(crm), name=crm))


def _connect_by_token(station: Station, crm: str, token: str) -> None:
    # links that only this machine can open would end up on real contacts
    need_address(station.settings, crm)
    with spinning("asking which account this is"):
        account = look_up(station.settings, crm, {"token": token})
    again = take_in(around(station, crm), crm, account, ACTOR)
    click.echo(f"{account.title} is connected{' again' if again else ''} as {account.id}.")
    with station.store.read() as tx:
        row = find_connection(tx, station, account.id)
    with spinning("creating fields"):
        report = install_fields(around(station, crm), row, ACTOR)
    tell_installed(report)
    click.echo(f"`cuereel crm check {account.id}` says what is still to mend.")


def _token(crm: str, file: Path | None) -> str:
    if file is None:
        text = click.prompt(
            f"Token of the {title_of(crm)} account (it is not shown)", hide_input=True
        )
    else:
        with click.open_file(str(file), encoding="utf-8") as opened:
            text = opened.read(LONGEST_TOKEN + 1)
    token = str(text).strip()
    if not token or len(token) > LONGEST_TOKEN or not token.isascii() or token.split() != [token]:
        raise PayloadError(
            "this is not a token: it is one word, and nothing else may stand beside it"
        )
    return token


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
