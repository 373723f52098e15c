"""
Connections: which accounts let us in, how writing to them goes, and what an admin can do about it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection as Tx

from connector.crm import APPS, Surroundings, open_crm
from connector.crm.accounts import connection_of, disconnect, install_fields, title_of
from connector.decide.dictionary import load_dictionary
from connector.errors import ConnectorError
from connector.measure.tracking import AGGREGATE, IDENTIFIED, MODES, OFF, PSEUDONYMOUS
from connector.model import JSON, Finding, InstallReport
from connector.store import audit
from connector.store import connections as stored
from connector.store.connections import ConnectionRow
from connector.store.sync import SyncState, sync_states, writing
from connector.store.users import Role
from connector.web.console.cards import Chip
from connector.web.console.door import Page, blueprint, may, needs, signed_in
from connector.web.desk import desk, surroundings

STATES = {
    "active": Chip("Connected", "good"),
    "needs_reauth": Chip("Connect again", "bad"),
    "disabled": Chip("Disconnected", "quiet"),
}
LEVELS = {
    "ok": Chip("Fine", "good"),
    "warning": Chip("Look at this", "warn"),
    "error": Chip("Mend this", "bad"),
}
SYNCS = {
    "written": Chip("Written", "good"),
    "waiting": Chip("Waiting", "wait"),
    "retrying": Chip("Retrying", "warn"),
    "refused": Chip("Given up", "bad"),
}
# what the facts of an account are called; the others are for programs
FACTS = {
    "portal": "Portal",
    "org": "Org",
    "domain": "Domain",
    "username": "User",
    "sandbox": "Sandbox",
    "account_type": "Kind of account",
    "time_zone": "Time zone",
}
KINDS = {
    "oauth": "our app",
    "static": "a token of the account",
    "web_server": "our app",
    "client_credentials": "an app of the org, with its secret",
    "jwt_bearer": "an app of the org, with a private key",
}
TRACKINGS = {
    IDENTIFIED: "By contact: told on the record, to the owner and to webhooks",
    PSEUDONYMOUS: "Without names: remembered by visit, told of nobody",
    AGGREGATE: "Sums only: each visit is forgotten after a day",
    OFF: "Not at all",
}
SALESFORCE = "salesforce"


@dataclass(frozen=True)
class _Shown:
    """What a pressed button has brought, to be shown once."""

    findings: Sequence[Finding] = ()
    report: InstallReport | None = None
    secret: str = field(default="", repr=False)
    complaint: str = ""
    # the button that brought the complaint
    action: str = ""


@blueprint.get("/connections")
def connection_list() -> Page:
    """List the accounts that let us in."""
    here = desk()
    with here.store.read() as tx:
        found = (stored.get(tx, here.keyring, one) for one in stored.ids(tx))
        rows, written = [row for row in found if row is not None], writing(tx)
    lines = [
        {"row": row, "crm": title_of(row.crm), "chip": _chip(row), "written": written.get(row.id)}
        for row in rows
    ]
    offered = {title_of(crm): _way_in(crm) for crm in APPS} if may(Role.ADMIN) else {}
    return render_template("console/connections.html", lines=lines, offered=offered)


@blueprint.get("/connections/<connection_id>")
def connection_page(connection_id: str) -> Page:
    """Show one account: state, fields, how writing goes, scopes, the address for its events."""
    with desk().store.read() as tx:
        row = _row_or_404(tx, connection_id)
    return _page(row, _Shown())


@blueprint.post("/connections/<connection_id>")
@needs(Role.ADMIN)
def change_connection(connection_id: str) -> Page:
    """Do what the pressed button says."""
    name = request.form.get("action", "")
    action = ACTIONS.get(name) or abort(400)
    with desk().store.read() as tx:
        row = _row_or_404(tx, connection_id)
    try:
        return action(row)
    except ConnectorError as error:
        return _page(row, _Shown(complaint=error.sentence, action=name))


def _check(row: ConnectionRow) -> Page:
    findings = open_crm(connection_of(row), _around(row)).check()
    return _page(row, _Shown(findings=findings))


def _install(row: ConnectionRow) -> Page:
    report = install_fields(_around(row), row, signed_in().email)
    with desk().store.read() as tx:
        return _page(_row_or_404(tx, row.id), _Shown(report=report))


def _show_secret(row: ConnectionRow) -> Page:
    secret = row.secrets.get("hook_secret") or abort(400)
    with desk().store.write() as tx:
        audit.record(tx, signed_in().email, "secret_show", row.id)
    return _page(row, _Shown(secret=str(secret)))


def _rotate(row: ConnectionRow) -> Page:
    here, fresh = desk(), secrets.token_urlsafe(32)
    with here.store.write() as tx:
        # read anew, for a token may have been renewed since the page was asked for
        now = _row_or_404(tx, row.id)
        if now.crm == "local" or now.state == "disabled":
            abort(400)
        # where the secret stands in an address, both live until the CRM knows the new one
        kept = {"hook_secret": fresh, "old_hook_secret": now.secrets.get("hook_secret", "")}
        stored.change_secrets(tx, here.keyring, row.id, {**now.secrets, **kept})
        audit.record(tx, signed_in().email, "secret_rotate", row.id)
        now = _row_or_404(tx, row.id)
    return _page(now, _Shown(secret=fresh))


def _track(row: ConnectionRow) -> Page:
    mode = request.form.get("mode", "")
    if mode not in MODES:
        abort(400)
    with desk().store.write() as tx:
        stored.set_tracking(tx, row.id, mode)
        audit.record(tx, signed_in().email, "tracking_set", row.id, {"mode": mode})
        now = _row_or_404(tx, row.id)
    return _page(now, _Shown())


def _disconnect(row: ConnectionRow) -> Page:
    if request.form.get("confirm", "").strip() != _confirmation(row):
        return _page(
            row, _Shown(complaint=f"Nothing was done: type {_confirmation(row)} to confirm.")
        )
    gone = disconnect(
        _around(row),
        row,
        remove_fields="remove_fields" in request.form,
        actor=signed_in().email,
    )
    flash(f"{row.title} is disconnected.")
    if gone.complaint:
        flash(f"{title_of(row.crm)} was not told: {gone.complaint}", "error")
    for name, what in gone.fields.items():
        if what != "removed":
            flash(f"{name}: {what}", "error")
    return redirect(url_for("console.connection_list"), 303)


ACTIONS: Mapping[str, Callable[[ConnectionRow], Page]] = {
    "check": _check,
    "install": _install,
    "secret": _show_secret,
    "rotate": _rotate,
    "tracking": _track,
    "disconnect": _disconnect,
}


def _page(row: ConnectionRow, shown: _Shown) -> str:
    here = desk()
    with here.store.read() as tx:
        states, written = sync_states(tx, row.id), writing(tx).get(row.id)
    return render_template(
        "console/connection.html",
        row=row,
        crm=title_of(row.crm),
        state=_chip(row),
        shown=shown,
        findings=_grouped(shown.findings),
        reasons=_by_reason(shown.report),
        states=[_sync(one) for one in states],
        written=written,
        facts=_facts(row),
        modes=TRACKINGS,
        tracking=row.config.get(stored.TRACKING, IDENTIFIED),
        most=TRACKINGS[here.settings.tracking],
        capped=here.settings.tracking != IDENTIFIED,
        scopes=sorted(map(str, row.config.get("scopes") or ())),
        left_out=row.config.get("left_out") or (),
        hook=f"{here.settings.base_url}/hooks/{row.crm}/{row.id}",
        has_secret=bool(row.secrets.get("hook_secret")),
        salesforce=row.crm == SALESFORCE,
        again=_way_back(row),
        confirmation=_confirmation(row),
        welcome="welcome" in request.args,
    )


def _way_in(crm: str) -> str:
    """Return the page on which an account is connected: the CRM's own, or ours with several ways."""
    if crm == SALESFORCE:
        return url_for("console.salesforce_form")
    return url_for("oauth.start", crm=crm)


def _way_back(row: ConnectionRow) -> str:
    """Return the page on which this account is connected again; empty where no page can."""
    kind, domain = row.secrets.get("kind"), row.config.get("domain")
    if row.crm not in APPS or kind in ("static", "jwt_bearer"):
        return ""
    if row.crm != SALESFORCE:
        return url_for("oauth.start", crm=row.crm)
    if kind == "web_server":
        return url_for("oauth.start", crm=row.crm, at=domain)
    return url_for("console.salesforce_form", domain=domain)


def _facts(row: ConnectionRow) -> list[tuple[str, str]]:
    told = [(label, row.config.get(name)) for name, label in FACTS.items()]
    told.append(("Lets us in by", KINDS.get(str(row.secrets.get("kind")))))
    return [(label, _as_told(value)) for label, value in told if value not in (None, "")]


def _as_told(value: JSON) -> str:
    return ("Yes" if value else "No") if isinstance(value, bool) else str(value)


def _grouped(findings: Sequence[Finding]) -> list[tuple[Chip, str, list[str]]]:
    """Return the sentences about each subject, what is to be mended first."""
    order = list(LEVELS)[::-1]
    found: dict[tuple[str, str], list[str]] = {}
    for one in sorted(findings, key=lambda finding: order.index(finding.level)):
        found.setdefault((one.level, one.subject), []).append(one.sentence)
    return [(LEVELS[level], subject, told) for (level, subject), told in found.items()]


def _by_reason(report: InstallReport | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, why in (report.left_out if report else {}).items():
        found.setdefault(why, []).append(name)
    return found


def _sync(one: SyncState) -> dict[str, JSON]:
    return {"chip": SYNCS[one.state], "count": one.count, "reason": one.reason, "why": one.sentence}


def _chip(row: ConnectionRow) -> Chip:
    return STATES.get(row.state, Chip(row.state, "warn"))


def _confirmation(row: ConnectionRow) -> str:
    return str(row.config.get("portal") or row.id)


def _row_or_404(tx: Tx, connection_id: str) -> ConnectionRow:
    return stored.get(tx, desk().keyring, connection_id) or abort(404)


def _around(row: ConnectionRow) -> Surroundings:
    here = desk()
    return surroundings(here, load_dictionary(row.crm, here.settings.mapping_folders))
