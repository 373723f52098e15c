"""
POST /hooks/<crm>/<connection>, or /hooks/<crm>/app/<door>: a CRM says that something happened.

A CRM that cannot sign proves itself by a secret at the end: /hooks/<crm>/<connection>/<secret>.

Verify, parse, commit, ring, answer; in that order. Nothing is answered 2xx before it is committed,
and a bell that nobody hears is made up for by the sweep.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar, cast

import structlog
from flask import Blueprint, Response, current_app, request
from prometheus_client import Counter
from sqlalchemy import Connection as Tx

from connector.crm import APPS, CRM, App, Connection, open_app, open_crm
from connector.decide.dictionary import load_dictionary
from connector.errors import NotFoundError, PayloadError, SignatureError
from connector.model import Answer, Delivery, Intake
from connector.store import audit, connections, deliveries
from connector.store.deliveries import Taken
from connector.web.desk import Desk, desk, surroundings

LARGEST = 1_000_000  # bytes; the largest batch of any CRM we know is 500 kB
REFUSED = b'{"error":"not accepted"}'  # constant: a forger learns nothing

KNOWN_SECONDS = 1.0  # how long a connection's secrets are taken as known
KNOWN = "cuereel.sources"

Opened = TypeVar("Opened")
blueprint = Blueprint("hooks", __name__)
blueprint.record_once(lambda state: state.app.extensions.update({KNOWN: {}}))
received = Counter("cuereel_deliveries", "Deliveries by what came of them", ["crm", "result"])
log = structlog.get_logger(__name__)


@blueprint.post("/hooks/<crm>/<connection_id>")
@blueprint.post("/hooks/<crm>/<connection_id>/<secret>")
def receive(crm: str, connection_id: str, secret: str = "") -> Response:
    """Take one delivery of a CRM; a *secret* in the address is for the CRM's own part to judge."""
    del secret
    here, body = desk(), _body()
    source = _lately((crm, connection_id), partial(_source, here, crm, connection_id))
    if source is None:
        return _unknown()
    try:
        intake = source.receive(_delivery(here, connection_id, body))
    except (SignatureError, PayloadError) as error:
        return _refused(crm, connection_id, error)
    with here.store.write() as tx:
        taken = [_take(tx, crm, connection_id, intake, body)]
    return _committed(here, crm, taken, intake.answer)


@blueprint.post("/hooks/<crm>/app/<door>")
def receive_for_all(crm: str, door: str) -> Response:
    """Take one delivery to an app of ours, for every connection that it concerns."""
    here, body = desk(), _body()
    app = _lately((crm, "app", ""), partial(_app, here, crm))
    if app is None:
        return _unknown()
    try:
        found = app.receive(door, _delivery(here, "", body))
    except NotFoundError:
        return _unknown()
    except (SignatureError, PayloadError) as error:
        return _refused(crm, "app", error)
    taken = _take_all(here, crm, found.intakes, body)
    return _committed(here, crm, taken, found.answer)


def _lately(key: tuple[str, ...], open_it: Callable[[], Opened | None]) -> Opened | None:
    """Return what is behind an address, as it was a second ago at most."""
    sources: dict[tuple[str, ...], tuple[float, object]] = current_app.extensions[KNOWN]
    known = sources.get(key)
    if known is None or time.monotonic() - known[0] > KNOWN_SECONDS:
        opened = open_it()
        if opened is None:
            sources.pop(key, None)
            return None
        sources[key] = known = (time.monotonic(), opened)
    return cast(Opened, known[1])


def _source(here: Desk, crm: str, connection_id: str) -> CRM | None:
    with here.store.read() as tx:
        row = connections.get(tx, here.keyring, connection_id)
    if row is None or row.crm != crm or row.state == "disabled":
        return None
    dictionary = load_dictionary(crm, here.settings.mapping_folders)
    connection = Connection(row.id, row.crm, row.title, row.state, row.secrets, row.config)
    return open_crm(connection, surroundings(here, dictionary))


def _app(here: Desk, crm: str) -> App | None:
    if crm not in APPS:
        return None
    dictionary = load_dictionary(crm, here.settings.mapping_folders)
    return open_app(crm, surroundings(here, dictionary))


def _body() -> bytes:
    request.max_content_length = LARGEST
    return request.get_data(cache=False)


def _delivery(here: Desk, connection_id: str, body: bytes) -> Delivery:
    return Delivery(
        connection_id=connection_id,
        method=request.method,
        # from our own settings: Host and X-Forwarded-* say whatever the caller likes
        url=here.settings.base_url + request.full_path.rstrip("?"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        received_at=datetime.now(UTC),
    )


def _unknown() -> Response:
    received.labels("unknown", "unknown").inc()
    return Response(REFUSED, 404, content_type="application/json")


def _refused(crm: str, place: str, error: SignatureError | PayloadError) -> Response:
    forged = isinstance(error, SignatureError)
    received.labels(crm, "forged" if forged else "unreadable").inc()
    what = "delivery refused" if forged else "delivery unreadable"
    log.warning(what, crm=crm, connection=place, why=error.sentence)
    return Response(REFUSED, 401 if forged else 400, content_type="application/json")


def _take_all(here: Desk, crm: str, intakes: Mapping[str, Intake], body: bytes) -> list[Taken]:
    """Store the part of each connection, all or none; who is not connected has no part."""
    if not intakes:
        return []
    with here.store.write() as tx:
        # always in this order, so that two deliveries never wait for one another
        return [
            _take(tx, crm, connection_id, intakes[connection_id], body)
            for connection_id in sorted(intakes)
            if _takes_in(tx, here, crm, connection_id)
        ]


def _takes_in(tx: Tx, here: Desk, crm: str, connection_id: str) -> bool:
    row = connections.get(tx, here.keyring, connection_id)
    # one that must be connected again takes in as well: its triggers wait
    return row is not None and row.crm == crm and row.state != "disabled"


def _take(tx: Tx, crm: str, connection_id: str, intake: Intake, body: bytes) -> Taken:
    taken = deliveries.take(tx, connection_id, intake, body)
    if taken.conflict:
        audit.record(tx, crm, "delivery_conflict", connection_id, {"key": intake.key})
    return taken


def _committed(here: Desk, crm: str, taken: list[Taken], answer: Answer) -> Response:
    """Ring for what was stored, and answer."""
    new = tuple(trigger_id for one in taken for trigger_id in one.trigger_ids)
    result = "ignored" if not taken else "repeated" if _all_repeated(taken) else "taken"
    received.labels(crm, result).inc()
    if new:
        here.doorbell.ring("plan_video", new)
    return Response(answer.body, answer.status, content_type=answer.content_type)


def _all_repeated(taken: list[Taken]) -> bool:
    return all(one.repeated for one in taken)
