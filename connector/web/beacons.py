"""
POST /e: what a player tells of a session. Answered only when it is committed.

204 stored, old or of no interest; 400 not the format; 403 a forged token or somebody else's session;
413 too large; 429 too often; 503 no room or no database, and nothing stored: the next beacon carries
the same state again, so a player never has to repeat one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from prometheus_client import Counter
from werkzeug.exceptions import RequestEntityTooLarge

from connector.errors import PayloadError, SignatureError, TemporaryError
from connector.measure.tracking import OFF, strictest
from connector.web.collector import Collector
from connector.web.desk import NAME, desk
from connector.web.floods import Meter
from connector.web.recording import Heard, Outcome, record
from connector.web.visits import is_prefetch
from connector.web.wire import MOST_BYTES, Beacon, parse_beacon, read_ticket

COLLECTOR = "cuereel.beacons"
MOST_BEACONS, METER_SECONDS = 60, 10.0

blueprint = Blueprint("beacons", __name__)
beacons = Counter("cuereel_beacons", "Beacons by what came of them", ["result"])


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    app = state.app

    def commit(group: Sequence[Heard]) -> list[Outcome]:
        return record(app.extensions[NAME], group)

    app.extensions[COLLECTOR] = Collector(commit), Meter(MOST_BEACONS, METER_SECONDS)


@blueprint.post("/e")
def take() -> Response:
    """Take the state of one session."""
    request.max_content_length = MOST_BYTES
    try:
        return _taken(parse_beacon(request.get_data(cache=False)))
    except RequestEntityTooLarge:
        return _answer(413, "too_large")
    except PayloadError:
        return _answer(400, "malformed")
    except SignatureError:
        return _answer(403, "forged")
    except TemporaryError as error:
        return _answer(503, error.reason, after=error.after)


def _taken(beacon: Beacon) -> Response:
    here = desk()
    ticket = read_ticket(here.keyring, beacon.t)
    collector, meter = cast(
        tuple[Collector[Heard, Outcome], Meter], current_app.extensions[COLLECTOR]
    )
    if not meter.allows(ticket.v):
        return _answer(429, "too_often", after=METER_SECONDS)
    if strictest(here.settings.tracking, ticket.m) == OFF:
        return _answer(204, "off")
    agent = request.headers.get("User-Agent", "")[:300]
    outcome = collector.submit(Heard(beacon, ticket, agent, is_prefetch()))
    return _answer(403 if outcome is Outcome.FOREIGN else 204, outcome)


def _answer(status: int, result: str, after: float | None = None) -> Response:
    beacons.labels(result).inc()
    response = Response(status=status)
    response.headers["Cache-Control"] = "no-store"
    if after is not None:
        response.headers["Retry-After"] = str(round(after))
    return response
