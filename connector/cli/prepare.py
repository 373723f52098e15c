"""
Brings an installation into working order: folders, schema, the local CRM, the campaigns.

Everything here may be run again and changes nothing then.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from connector.decide.campaigns import Campaign, Reading, read_campaigns
from connector.decide.checks import check_campaign
from connector.decide.dictionary import Dictionary, load_dictionary
from connector.model import Finding
from connector.secrets import Keyring, open_keyring
from connector.settings import Settings
from connector.signing import new_secret
from connector.store import Store, campaigns, connections
from connector.store.migrate import migrate
from renderers.errors import RenderError
from renderers.template import Template, find_template

LOCAL = "local"


@dataclass(frozen=True)
class Prepared:
    """An installation that is ready to work."""

    store: Store
    keyring: Keyring
    copy: Path | None
    findings: tuple[Finding, ...]


def prepare(settings: Settings) -> Prepared:
    """Migrate the database (after a copy), connect the local CRM and install the campaigns."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    store, keyring = Store(settings.database), open_keyring(settings)
    copy = migrate(store)
    connect_local(store, keyring)
    findings = install_campaigns(settings, store)
    return Prepared(store, keyring, copy, tuple(findings))


def connect_local(store: Store, keyring: Keyring) -> None:
    """Connect the built-in CRM, if it is not."""
    with store.write() as tx:
        if LOCAL in connections.ids(tx):
            return
        connections.add(
            tx,
            keyring,
            connection_id=LOCAL,
            crm="local",
            title="Local CRM",
            secrets={"signing": [new_secret()]},
        )


def install_campaigns(settings: Settings, store: Store) -> list[Finding]:
    """
    Install every campaign file without a mistake; the mistakes of the others are returned.

    What was installed of a file that is wrong now stays in force; what has no file is retired.
    """
    reading = read_campaigns(settings.mapping_folders)
    dictionary = load_dictionary("local", settings.mapping_folders)
    findings = unreadable_campaigns(reading)
    with store.write() as tx:
        for campaign in reading.campaigns.values():
            mistakes = campaign_findings(campaign, settings, dictionary)
            findings += mistakes
            if not any(mistake.level == "error" for mistake in mistakes):
                campaigns.install(tx, campaign.name, campaign.version, campaign.text)
        campaigns.retire(tx, {*reading.campaigns, *reading.mistakes})
    return findings


def unreadable_campaigns(reading: Reading) -> list[Finding]:
    """Return a finding for each mistake in the files that cannot be read as campaigns."""
    return [
        Finding("error", f"campaign {name}", line)
        for name, sentence in reading.mistakes.items()
        for line in sentence.splitlines()
    ]


def campaign_findings(
    campaign: Campaign, settings: Settings, dictionary: Dictionary
) -> list[Finding]:
    """Return what is wrong with one campaign, checked against its templates and a dictionary."""
    findings: list[Finding] = []
    templates: dict[str, Template] = {}
    for step in campaign.steps:
        template = usable_template(step.template, settings)
        if isinstance(template, Finding):
            findings.append(Finding("error", f"campaign {campaign.name}", template.sentence))
        else:
            templates[step.template] = template
    return findings + check_campaign(campaign, templates, dictionary)


def usable_template(name: str, settings: Settings) -> Template | Finding:
    """Return a template, or the finding that says why it cannot be used."""
    try:
        return find_template(name, settings.template_folders)
    except RenderError as error:
        return Finding("error", f"template {name}", str(error))


def show_findings(findings: tuple[Finding, ...]) -> None:
    """Print what an admin has to mend, errors in red."""
    colours = {"error": "red", "warning": "yellow", "ok": "green"}
    marks = {"error": "✗", "warning": "!", "ok": "✓"}
    for finding in findings:
        mark = click.style(marks[finding.level], fg=colours[finding.level], bold=True)
        click.echo(f"{mark} {finding.subject}: {finding.sentence}", err=True)
