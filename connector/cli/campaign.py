"""
`cuereel campaign`: what is installed, and installing what changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from connector.cli.compiling import compile_all, requests_of, tell
from connector.cli.prepare import install_campaigns, show_findings
from connector.decide.campaigns import parse_campaign
from connector.errors import MappingError
from connector.settings import Settings, load_settings
from connector.store import Store, campaigns
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


def _compile(settings: Settings, rows: Sequence[CampaignRow]) -> None:
    if settings.renderer != "stitching" or settings.reuse != "template":
        return
    installed = [parse_campaign(row.body, row.name) for row in rows]
    for made in compile_all(settings, list(requests_of(installed, settings))):
        tell(made)
