"""
`cuereel check`: everything that an admin would stumble over, found at once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from urllib.parse import urlsplit

import click

from connector.cli.prepare import campaign_findings, show_findings, unreadable_campaigns
from connector.cli.redis_server import find_server
from connector.crm import Connection, Surroundings, open_crm
from connector.decide.campaigns import read_campaigns
from connector.decide.dictionary import load_dictionary
from connector.errors import ConnectorError
from connector.limits import Limits
from connector.model import Finding
from connector.publish import open_files
from connector.queues import Doorbell
from connector.secrets import open_keyring
from connector.settings import Settings, load_settings
from connector.store import Store, audit, connections
from connector.store.migrate import current, is_current, refuse_newer
from renderers.errors import RenderError
from renderers.fonts import typefaces
from renderers.template import find_template, list_templates


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(as_json: bool) -> None:
    """Find everything that an admin would stumble over."""
    findings: list[Finding] = []
    try:
        settings = load_settings()
    except ConnectorError as error:
        findings = [Finding("error", "settings", line) for line in error.sentence.splitlines()]
    else:
        for examine in CHECKS:
            findings += _guarded(examine, settings)
    if as_json:
        click.echo(json.dumps({"findings": [asdict(finding) for finding in findings]}))
    else:
        show_findings(tuple(findings))
    if any(finding.level == "error" for finding in findings):
        raise SystemExit(1)


def _guarded(examine: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(examine(settings))
    except ConnectorError as error:
        found.append(Finding("error", examine.__name__.strip("_"), error.sentence))
    return found


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.production:
        yield Finding("ok", "settings", f"viewers reach us at {settings.base_url}")
    else:
        host = urlsplit(settings.base_url).hostname
        yield Finding(
            "warning", "settings", f"links lead to {host}, which only this machine can open; "
            "set PUBLIC_BASE_URL to your https address before you connect a CRM",
        )  # fmt: skip


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.folder
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < settings.free_megabytes:
        yield Finding("error", "disk", f"only {free} MB free in {folder}; rendering waits")
    else:
        yield Finding("ok", "disk", f"{free / 1000:.0f} GB free in {folder}")


def _database(settings: Settings) -> Iterator[Finding]:
    with Store(settings.database) as store:
        refuse_newer(store)
        name = "SQLite" if store.sqlite else "PostgreSQL"
        if is_current(store):
            yield Finding("ok", "database", f"{name}, version {current(store)}")
        else:
            yield Finding(
                "warning", "database", f"{name} is to be migrated; `cuereel migrate` does it"
            )
            return
        with store.read() as tx:
            loose = audit.broken_link(tx)
        if loose:
            yield Finding(
                "error", "audit log", f"entry {loose} does not follow from the one before it; "
                "somebody changed the log, compare it with a backup",
            )  # fmt: skip


def _redis(settings: Settings) -> Iterator[Finding]:
    if settings.redis_url:
        yield Doorbell(settings.redis_url).ping()
    else:
        yield Finding("ok", "redis", f"`cuereel up` brings its own: {find_server()}")


def _files(settings: Settings) -> Iterator[Finding]:
    open_files(settings)
    yield Finding("ok", "files", f"finished videos go to {settings.files}")


def _fonts(settings: Settings) -> Iterator[Finding]:
    try:
        count = len(typefaces())
    except RenderError as error:
        yield Finding("error", "fonts", str(error))
    except ImportError as error:
        yield Finding(
            "error", "drawing", f"{error}; on Debian and Ubuntu: apt-get install libegl1 libgl1"
        )
    else:
        yield Finding("ok", "fonts", f"{count} families")


def _templates(settings: Settings) -> Iterator[Finding]:
    for name in list_templates(settings.template_folders):
        try:
            found = find_template(name, settings.template_folders)
        except RenderError as error:
            yield Finding("error", f"template {name}", str(error))
        else:
            yield Finding("ok", f"template {name}", f"{len(found.scenes)} scenes")


def _campaigns(settings: Settings) -> Iterator[Finding]:
    dictionary = load_dictionary("local", settings.mapping_folders)
    reading = read_campaigns(settings.mapping_folders)
    yield from unreadable_campaigns(reading)
    for name, campaign in reading.campaigns.items():
        findings = campaign_findings(campaign, settings, dictionary)
        yield from findings
        if not any(finding.level == "error" for finding in findings):
            yield Finding("ok", f"campaign {name}", "every slot is filled from a field that exists")


def _connections(settings: Settings) -> Iterator[Finding]:
    keyring, limits = open_keyring(settings), Limits(settings.redis_url or None)
    with Store(settings.database) as store:
        if not is_current(store):
            return
        with store.read() as tx:
            rows = [connections.get(tx, keyring, one) for one in connections.ids(tx)]
        for row in filter(None, rows):
            dictionary = load_dictionary(row.crm, settings.mapping_folders)
            connection = Connection(row.id, row.crm, row.title, row.state, row.secrets, row.config)
            here = Surroundings(settings, store, dictionary, keyring, limits)
            yield from open_crm(connection, here).check()


CHECKS = (
    _settings, _disk, _database, _redis, _files, _fonts, _templates, _campaigns, _connections,
)  # fmt: skip
