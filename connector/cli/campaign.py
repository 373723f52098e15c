"""
`cuereel campaign`: what is installed, installing what changed, and launching one for many contacts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from connector.cli.compiling import compile_all, requests_of, tell
from connector.cli.prepare import install_campaigns, show_findings
from connector.decide.campaigns import parse_campaign
from connector.errors import MappingError
from connector.jobs.launch_campaign import Launched, Outlook, launch_campaign, look_ahead
from connector.jobs.station import Station, make_station
from connector.settings import Settings, load_settings
from connector.store import Store, audit, campaigns
from connector.store.campaigns import CampaignRow


@click.group()
def campaign() -> None:
    """Look at campaigns and install changed ones."""


@campaign.command("list")
def list_all() -> None:
    """List the installed campaigns with their versions."""
    with Store(load_settings().database) as store, store.read() as tx:
        for row in campaigns.active(tx):
            click.echo(f"{row.name:<24} {row.version}")


@campaign.command()
@click.option(
    "--compile/--no-compile",
    "ahead",
    default=True,
    show_default=True,
    help="Encode now, on this machine, what the videos share.",
)
def install(ahead: bool) -> None:
    """Install the campaign files as they are now; running workers use them from the next trigger."""
    settings = load_settings()
    with Store(settings.database) as store:
        findings = install_campaigns(settings, store)
        show_findings(tuple(findings))
        with store.read() as tx:
            rows = campaigns.active(tx)
    for row in rows:
        click.echo(f"{row.name:<24} {row.version}")
    if ahead:
        _compile(settings, rows)
    if any(finding.level == "error" for finding in findings):
        raise MappingError("campaigns with mistakes were not installed; their last version stays")


@campaign.command()
@click.argument("name")
@click.option(
    "--segment",
    required=True,
    help="Whom: all, field=value, or a list of the CRM; its install guide says what it takes.",
)
@click.option("--connection", default="local", show_default=True, help="Which CRM account.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def launch(name: str, segment: str, connection: str, yes: bool, as_json: bool) -> None:
    """
    Start the campaign NAME for each contact of a segment.

    Run again, it adds only who is new. Consent, caps and repeats are still looked at one by one.
    """
    station = make_station(load_settings())
    outlook = look_ahead(station, connection, name, segment)
    click.echo(f"{name} for {segment} of {connection}: {_outlook(outlook)}", err=True)
    if outlook.members and not yes:
        click.confirm("Launch it?", abort=True, err=True)
    done = _launch(station, name, segment, connection, outlook.members, quiet=as_json)
    if as_json:
        click.echo(json.dumps(asdict(done)))
    else:
        click.echo(f"{done.count:,} started, {done.repeated:,} had been started before.")


def _outlook(outlook: Outlook) -> str:
    if not outlook.members:
        return "nobody is in it"
    whom = ", ".join(outlook.examples) + (" …" if outlook.members > len(outlook.examples) else "")
    cost = (
        "nothing is rendered before somebody opens a link"
        if outlook.on_open
        else f"at most {_counted(outlook.renders, 'video')} to render"
    )
    return f"{_counted(outlook.members, 'contact')} ({whom}); {cost}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _launch(
    station: Station, name: str, segment: str, connection: str, members: int, *, quiet: bool
) -> Launched:
    with Progress(
        TextColumn("launching"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet,
    ) as bar:
        task = bar.add_task("launching", total=members)
        done = launch_campaign(
            station,
            connection,
            name,
            segment,
            lambda so_far: bar.update(task, completed=so_far.seen),
        )
    with station.store.write() as tx:
        facts = {"segment": segment, "count": done.count, "repeated": done.repeated}
        audit.record(tx, "command line", "launch", f"{connection}:{name}", facts)
    return done


def _compile(settings: Settings, rows: Sequence[CampaignRow]) -> None:
    if settings.renderer != "stitching" or settings.reuse != "template":
        return
    installed = [parse_campaign(row.body, row.name) for row in rows]
    for made in compile_all(settings, list(requests_of(installed, settings))):
        tell(made)
