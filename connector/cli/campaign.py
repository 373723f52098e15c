"""
`cuereel campaign`: what is installed, and installing what changed.
"""

from __future__ import annotations

import click

from connector.cli.prepare import install_campaigns, show_findings
from connector.errors import MappingError
from connector.settings import load_settings
from connector.store import Store, campaigns


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
def install() -> None:
    """Install the campaign files as they are now; running workers use them from the next trigger."""
    settings = load_settings()
    with Store(settings.database) as store:
        findings = install_campaigns(settings, store)
        show_findings(tuple(findings))
        with store.read() as tx:
            for row in campaigns.active(tx):
                click.echo(f"{row.name:<24} {row.version}")
    if any(finding.level == "error" for finding in findings):
        raise MappingError("campaigns with mistakes were not installed; their last version stays")
