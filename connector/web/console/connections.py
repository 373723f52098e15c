"""
CRM accounts: which are connected, how they stand, and what an admin does about them.

What asks a CRM answers in the same page, or as a part of it where the browser has our script.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for

from connector.crm import APPS, Surroundings, open_crm
from connector.crm.accounts import Gone, connection_of, disconnect, install_fields
from connector.decide.dictionary import load_dictionary
from connector.errors import ConnectorError
from connector.model import Finding
from connector.store import audit, connections, sync
from connector.store.connections import ConnectionRow
from connector.store.sync import Writing
from connector.store.users import Role
from connector.web.console.cards import Chip
from connector.web.console.door import Page, blueprint, needs, signed_in
from connector.web.desk import desk, surroundings

TITLES = {"local": "Built-in", "hubspot": "HubSpot"}
# how a connection stands: what it is called, how it looks, what it means
STATES = {
    "active": (Chip("Connected", "good"), "Events come in, and what we know is written back."),
    "needs_reauth": (
        Chip("Connect again", "bad"),
        "The account no longer lets us in. What we owe it waits, and goes on once it is connected "
        "again.",
    ),
    "disabled": (
        Chip("Disconnected", "quiet"),
        "Nothing is taken in. What we still owed it waits until it is connected again.",
    ),
}
SYNC_CHIPS = {
    sync.WRITTEN: Chip("Written", "good"),
    sync.WAITING: Chip("Waiting", "wait"),
    sync.RETRYING: Chip("Tried again", "warn"),
    sync.REFUSED: Chip("Given up", "bad"),
}
GRAVITY = {
    "ok": Chip("Well", "good"),
    "warning": Chip("Look at it", "warn"),
    "error": Chip("To be mended", "bad"),
}
NEVER = Writing(None, 0)


@dataclass(frozen=True)
class Shown:
    """A connection as pages show it: without anything that lets somebody in."""

    id: str
    title: str
    crm: str
    chip: Chip
    sentence: str
    active: bool
    connected_by: str
    typed: str
    facts: tuple[tuple[str, str], ...]
    scopes: tuple[str, ...]
    left_out: tuple[str, ...]
    hook_address: str
    last_written: datetime | None
    waiting: int


@blueprint.get("/connections")
def connection_list() -> Page:
    """List the CRM accounts."""
    here = desk()
    with here.store.read() as tx:
        rows = [connections.get(tx, here.keyring, one) for one in connections.ids(tx)]
        written = sync.writing(tx)
    return render_template(
        "console/connections.html",
        shown=[_shown(row, written.get(row.id, NEVER)) for row in rows if row is not None],
        apps=[(crm, TITLES.get(crm, crm)) for crm in APPS],
    )


@blueprint.get("/connections/<connection_id>")
def connection_page(connection_id: str) -> Page:
    """Show how one account stands."""
    return _page(_row(connection_id), welcome="welcome" in request.args)


@blueprint.post("/connections/<connection_id>/check")
@needs(Role.ADMIN)
def check_connection(connection_id: str) -> Page:
    """Ask the account what has to be mended."""
    row = _row(connection_id)
    try:
        found = open_crm(connection_of(row), _around(row)).check()
    except ConnectorError as error:
        found = [Finding("error", "access", error.sentence)]
    findings = [{**asdict(one), "chip": GRAVITY.get(one.level)} for one in found]
    return _part("console/connection_check.html", row.id, findings=findings)


@blueprint.post("/connections/<connection_id>/install")
@needs(Role.ADMIN)
def install_connection(connection_id: str) -> Page:
    """Make our fields there."""
    row = _row(connection_id)
    try:
        report = install_fields(_around(row), row, signed_in().email)
    except ConnectorError as error:
        return _part("console/connection_fields.html", row.id, refused=error.sentence)
    return _part("console/connection_fields.html", row.id, report=report)


@blueprint.post("/connections/<connection_id>/secret")
@needs(Role.ADMIN)
def connection_secret(connection_id: str) -> Page:
    """Show the secret of "Send a webhook" once, or put a new one in its place."""
    actions: Mapping[str, Callable[[str], str]] = {"show": _secret, "rotate": _new_secret}
    action = actions.get(request.form.get("action", "")) or abort(400)
    return _part("console/connection_secret.html", connection_id, secret=action(connection_id))


@blueprint.post("/connections/<connection_id>/disconnect")
@needs(Role.ADMIN)
def disconnect_connection(connection_id: str) -> Page:
    """Give back what lets us in, once the admin has typed which account is meant."""
    row = _row(connection_id)
    back = redirect(url_for("console.connection_page", connection_id=row.id), 303)
    if request.form.get("typed", "").strip() != _typed(row):
        flash(f"Nothing was changed: type {_typed(row)} to disconnect this account.", "error")
        return back
    try:
        remove = "remove_fields" in request.form
        gone = disconnect(_around(row), row, remove_fields=remove, actor=signed_in().email)
    except ConnectorError as error:
        flash(f"Still connected: {error.sentence}.", "error")
    else:
        _tell(row, gone)
    return back


def _row(connection_id: str) -> ConnectionRow:
    here = desk()
    with here.store.read() as tx:
        return connections.get(tx, here.keyring, connection_id) or abort(404)


def _around(row: ConnectionRow) -> Surroundings:
    here = desk()
    return surroundings(here, load_dictionary(row.crm, here.settings.mapping_folders))


def _part(template: str, connection_id: str, **found: Any) -> str:
    """Return one part of a page, or all of it where the browser has no script."""
    row = _row(connection_id)
    if "HX-Request" in request.headers:
        return render_template(template, it=_shown(row, NEVER), **found)
    return _page(row, **found)


def _page(row: ConnectionRow, **found: Any) -> str:
    with desk().store.read() as tx:
        written = sync.writing(tx).get(row.id, NEVER)
        states = sync.sync_states(tx, row.id)
    return render_template(
        "console/connection.html",
        it=_shown(row, written),
        states=[{**asdict(one), "chip": SYNC_CHIPS.get(one.state)} for one in states],
        **found,
    )


def _shown(row: ConnectionRow, written: Writing) -> Shown:
    chip, sentence = STATES.get(row.state, (Chip(row.state, "quiet"), ""))
    return Shown(
        id=row.id,
        title=row.title,
        crm=TITLES.get(row.crm, row.crm),
        chip=chip,
        sentence=sentence,
        active=row.state == "active",
        connected_by=_connected_by(row),
        typed=_typed(row),
        facts=_facts(row),
        scopes=tuple(sorted(map(str, row.config.get("scopes") or ()))),
        left_out=tuple(map(str, row.config.get("left_out") or ())),
        hook_address=f"{desk().settings.base_url}/hooks/{row.crm}/{row.id}",
        last_written=written.last_written,
        waiting=written.waiting,
    )


def _connected_by(row: ConnectionRow) -> str:
    """Return the CRM whose page connects the account again, `token`, or nothing for our own."""
    if row.crm not in APPS:
        return ""
    return "token" if row.secrets.get("kind") == "static" else row.crm


def _typed(row: ConnectionRow) -> str:
    return str(row.config.get("portal") or row.id)


def _facts(row: ConnectionRow) -> tuple[tuple[str, str], ...]:
    named = (
        ("CRM", TITLES.get(row.crm, row.crm)),
        ("Portal", row.config.get("portal")),
        ("Domain", row.config.get("domain")),
        ("Kind of account", row.config.get("account_type")),
        ("Time zone", row.config.get("time_zone")),
    )
    return tuple((label, str(value)) for label, value in named if value)


def _secret(connection_id: str) -> str:
    here = desk()
    with here.store.write() as tx:
        row = connections.get(tx, here.keyring, connection_id) or abort(404)
        secret = row.secrets.get("hook_secret")
        audit.record(tx, signed_in().email, "secret_show", connection_id)
    return str(secret or "")


def _new_secret(connection_id: str) -> str:
    here, fresh = desk(), secrets.token_urlsafe(32)
    with here.store.write() as tx:
        row = connections.get(tx, here.keyring, connection_id) or abort(404)
        if not _connected_by(row):
            abort(400)
        changed = {**row.secrets, "hook_secret": fresh}
        connections.change_secrets(tx, here.keyring, connection_id, changed)
        audit.record(tx, signed_in().email, "secret_rotate", connection_id)
    return fresh


def _tell(row: ConnectionRow, gone: Gone) -> None:
    flash(f"{row.title} is disconnected. Nothing is taken in from it or written to it any more.")
    for name, what in gone.fields.items():
        if what != "removed":
            flash(f"{name}: {what}", "error")
    if gone.complaint:
        flash(f"The account still lists us: {gone.complaint}. Remove Cuereel there.", "error")
