"""
POST /hooks/<crm>/<connection>: a CRM says that something happened.

Verify, parse, commit, ring, answer; in that order. Nothing is answered 2xx before it is committed,
and a bell that nobody hears is made up for by the sweep.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

import structlog
from flask import Blueprint, Response, request
from prometheus_client import Counter

from connector.crm import CRM, Connection, open_crm
from connector.decide.dictionary import load_dictionary
from connector.errors import PayloadError, SignatureError
from connector.model import Delivery, Intake
from connector.store import audit, connections, deliveries
from connector.store.deliveries import Taken
from connector.web.desk import Desk, desk, surroundings

LARGEST = 1_000_000  # bytes; the largest batch of any CRM we know is 500 kB
REFUSED = b'{"error":"not accepted"}'  # constant: a forger learns nothing

KNOWN_SECONDS = 1.0  # how long a connection's secrets are taken as known

blueprint = Blueprint("hooks", __name__)
_sources: dict[tuple[str, str, str], tuple[float, CRM]] = {}
received = Counter("cuereel_deliveries", "Deliveries by what came of them", ["crm", "result"])
log = structlog.get_logger(__name__)


@blueprint.post("/hooks/<crm>/<connection_id>")
def receive(crm: str, connection_id: str) -> Response:
    """Take one delivery of a CRM."""
    request.max_content_length = LARGEST
    here = desk()
    body = request.get_data(cache=False)
    source = _source(here, crm, connection_id)
    if source is None:
        received.labels("unknown", "unknown").inc()
        return Response(REFUSED, 404, content_type="application/json")
    try:
        intake = source.receive(_delivery(here, connection_id, body))
    except SignatureError as error:
        received.labels(crm, "forged").inc()
        log.warning("delivery refused", crm=crm, connection=connection_id, why=error.sentence)
        return Response(REFUSED, 401, content_type="application/json")
    except PayloadError as error:
        received.labels(crm, "unreadable").inc()
        log.warning("delivery unreadable", crm=crm, connection=connection_id, why=error.sentence)
        return Response(REFUSED, 400, content_type="application/json")
    _take(here, crm, connection_id, intake, body)
    answer = intake.answer
    return Response(answer.body, answer.status, content_type=answer.content_type)


def _source(here: Desk, crm: str, connection_id: str) -> CRM | None:
    """Return the CRM behind a connection, as it was a second ago at most."""
    key = (here.store.url, crm, connection_id)
    known = _sources.get(key)
    if known is None or time.monotonic() - known[0] > KNOWN_SECONDS:
        source = _opened(here, crm, connection_id)
        if source is None:
            _sources.pop(key, None)
            return None
        _sources[key] = known = (time.monotonic(), source)
    return known[1]


def _opened(here: Desk, crm: str, connection_id: str) -> CRM | None:
    with here.store.read() as tx:
        row = connections.get(tx, here.keyring, connection_id)
    if row is None or row.crm != crm or row.state == "disabled":
        return None
    dictionary = load_dictionary(crm, here.settings.mapping_folders)
    connection = Connection(row.id, row.crm, row.title, row.state, row.secrets, row.config)
    return open_crm(connection, surroundings(here, dictionary))


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


def _take(here: Desk, crm: str, connection_id: str, intake: Intake, body: bytes) -> Taken:
    with here.store.write() as tx:
        taken = deliveries.take(tx, connection_id, intake, body)
        if taken.conflict:
            audit.record(tx, crm, "delivery_conflict", connection_id, {"key": intake.key})
    received.labels(crm, "repeated" if taken.repeated else "taken").inc()
    if taken.trigger_ids:
        here.doorbell.ring("plan_video", taken.trigger_ids)
    return taken
