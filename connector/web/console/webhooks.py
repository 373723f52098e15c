"""
Webhooks in the console: who outside is told what happens, and how telling them went.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection as Tx

from connector.errors import PayloadError
from connector.notify.webhooks import check_address
from connector.store import audit, connections, endpoints, webhooks
from connector.store.clock import moment
from connector.store.endpoints import ACTIVE, HELD, OFF, PAUSED, EndpointRow
from connector.store.ids import new_id
from connector.store.outgoing import KINDS, owe_test
from connector.store.tables import DEAD, DONE, DUE, RUNNING
from connector.store.users import Role
from connector.store.webhooks import Delivery
from connector.web.console.cards import Chip
from connector.web.console.door import Page, blueprint, needs, signed_in
from connector.web.desk import desk

LOG_LENGTH = 200
MOST_ENDPOINTS = 50
STATES = {
    ACTIVE: Chip("Active", "good"),
    PAUSED: Chip("Paused", "wait"),
    OFF: Chip("Switched off", "bad"),
}
WORKS = {
    DUE: Chip("Waiting", "wait"),
    RUNNING: Chip("Sending", "wait"),
    DONE: Chip("Taken", "good"),
    DEAD: Chip("Given up", "bad"),
}
RETRYING = Chip("Retrying", "warn")
# what the log can be narrowed to
FILTERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "": ("All", ()),
    "waiting": ("Waiting", (DUE, RUNNING)),
    "taken": ("Taken", (DONE,)),
    "given_up": ("Given up", (DEAD,)),
}


@dataclass(frozen=True)
class _Done:
    """What a button did: a sentence, webhooks to ring for, a secret that is shown this once."""

    told: str
    owed: Sequence[str] = ()
    secret: str = field(default="", repr=False)


@blueprint.get("/webhooks")
@needs(Role.ADMIN)
def webhook_list() -> Page:
    """List the endpoints and what they were told."""
    return _page()


@blueprint.post("/webhooks")
@needs(Role.ADMIN)
def add_endpoint() -> Page:
    """Add an endpoint and show its secret."""
    here, url = desk(), request.form.get("url", "").strip()
    kinds = [kind for kind in KINDS if kind in request.form.getlist("kind")]
    try:
        check_address(url, production=here.settings.production)
        with here.store.write() as tx:
            _check_room(tx)
            added = endpoints.add(tx, here.keyring, url=url, kinds=kinds)
            [secret] = endpoints.secrets_of(tx, here.keyring, added)
            _record(tx, "add", added, url)
    except PayloadError as error:
        flash(f"Not added: {error.sentence}.", "error")
        return redirect(url_for("console.webhook_list"), 303)
    return _page(added, secret)


@blueprint.post("/webhooks/<endpoint_id>")
@needs(Role.ADMIN)
def change_endpoint(endpoint_id: str) -> Page:
    """Do with an endpoint what the pressed button says."""
    here, name = desk(), request.form.get("action", "")
    action = ACTIONS.get(name) or abort(400)
    with here.store.write() as tx:
        row = endpoints.get(tx, endpoint_id) or abort(404)
        done = action(tx, row)
        _record(tx, name, row.id, row.url)
    here.doorbell.ring("send_webhooks", done.owed)
    if done.secret:
        return _page(row.id, done.secret)
    flash(done.told)
    return redirect(url_for("console.webhook_list", at=request.form.get("back")), 303)


def _check_room(tx: Tx) -> None:
    if len(endpoints.everyone(tx)) >= MOST_ENDPOINTS:
        raise PayloadError(f"there are {MOST_ENDPOINTS} endpoints; delete one first")


def _pause(tx: Tx, row: EndpointRow) -> _Done:
    endpoints.set_state(tx, row.id, PAUSED)
    return _Done("Paused: it is told nothing until somebody resumes it.")


def _resume(tx: Tx, row: EndpointRow) -> _Done:
    endpoints.set_state(tx, row.id, ACTIVE)
    # what came due in the meantime goes out now; what happened in the meantime was never owed
    owed = webhooks.replay(tx, row.id, reasons=(HELD,))
    return _Done("It is told from now on again.", owed)


def _rotate(tx: Tx, row: EndpointRow) -> _Done:
    return _Done("", secret=endpoints.rotate_secret(tx, desk().keyring, row.id))


def _test(tx: Tx, row: EndpointRow) -> _Done:
    known = connections.ids(tx)
    if not known or row.state != ACTIVE:
        abort(400)
    owed = owe_test(tx, row.id, known[0], new_id())
    return _Done("A test event is on its way; reload in a moment to see what came back.", owed)


def _replay(tx: Tx, row: EndpointRow) -> _Done:
    owed = webhooks.replay(tx, row.id, request.form.get("webhook", ""))
    told = "1 event is" if len(owed) == 1 else f"{len(owed)} events are"
    return _Done(f"{told} sent again.", owed)


def _delete(tx: Tx, row: EndpointRow) -> _Done:
    endpoints.remove(tx, row.id)
    return _Done("The endpoint is deleted, with its log.")


ACTIONS: Mapping[str, Callable[[Tx, EndpointRow], _Done]] = {
    "pause": _pause,
    "resume": _resume,
    "rotate": _rotate,
    "test": _test,
    "replay": _replay,
    "delete": _delete,
}


def _page(shown: str = "", secret: str = "") -> str:
    wanted, state = request.args.get("at", ""), request.args.get("state", "")
    state = state if state in FILTERS else ""
    with desk().store.read() as tx:
        rows = endpoints.everyone(tx)
        found = webhooks.deliveries(tx, LOG_LENGTH, endpoint_id=wanted, works=FILTERS[state][1])
        can_test = bool(connections.ids(tx))
    hosts = {row.id: _host(row.url) for row in rows}
    return render_template(
        "console/webhooks.html",
        rows=[{"row": row, "chip": STATES[row.state], "host": hosts[row.id]} for row in rows],
        log=[_line(one, hosts) for one in found],
        kinds=KINDS,
        filters={name: label for name, (label, _) in FILTERS.items()},
        endpoint=wanted if wanted in hosts else "",
        state=state,
        shown=shown,
        secret=secret,
        can_test=can_test,
        length=LOG_LENGTH,
    )


def _line(one: Delivery, hosts: Mapping[str, str]) -> dict[str, object]:
    waits = one.work == DUE and one.attempt
    return {
        "at": moment(one.created_at),
        "one": one,
        "host": hosts.get(one.endpoint_id, ""),
        "chip": RETRYING if waits else WORKS[one.work],
        "next": moment(one.due_at) if waits and one.due_at else None,
        "dead": one.work == DEAD,
    }


def _host(url: str) -> str:
    # what follows the host may be a secret of theirs
    return urlsplit(url).netloc


def _record(tx: Tx, action: str, endpoint_id: str, url: str) -> None:
    audit.record(tx, signed_in().email, f"endpoint_{action}", endpoint_id, {"host": _host(url)})
