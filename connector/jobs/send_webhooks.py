"""
A station of the road: posts the webhooks that we owe.

At least once, under one id: a receiver that was told twice recognises the repeat. Only our own
hooks may be on a private address, because nobody else's word brought that address here. What goes
to an endpoint outside is tried for three days, by the table that Standard Webhooks recommends.
"""

from __future__ import annotations

import zlib

from sqlalchemy import Connection

from connector.errors import LeaseLostError, PermanentError, TemporaryError
from connector.jobs.station import Station, open_station
from connector.jobs.tries import renewing, take, working
from connector.notify import webhooks as outgoing
from connector.store import connections, endpoints, leases, webhooks
from connector.store.endpoints import EndpointRow
from connector.store.leases import Claim
from connector.store.webhooks import WebhookRow

# seconds to wait after each try: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h
WAITS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
TRIES = len(WAITS) + 1
# the waits together are longer, so that who was given up in the end has failed for all this time
PATIENCE = 3 * 86_400.0
# what says that the other side failed, not we
THEIRS = ("status_", "no_answer")


def send_webhooks(ids: list[str]) -> None:
    """Post those of *ids* that are due."""
    station = open_station()
    claims = take(station, "webhooks", ids)
    with station.store.read() as tx:
        rows = webhooks.get_many(tx, [claim.id for claim in claims])
    with renewing(station, *claims):
        for claim in claims:
            row = rows.get(claim.id)
            if row is None or row.endpoint_id is None:
                with working(station, claim):
                    _send_home(station, claim)
            else:
                with working(station, claim, attempts=TRIES, buried=_bury):
                    _send_out(station, claim)


def wait_after(attempt: int, row_id: str) -> float:
    """Return the seconds to wait after try number *attempt*, a little apart from row to row."""
    wait = WAITS[min(attempt, len(WAITS)) - 1]
    return wait * (1 + 0.1 * (zlib.crc32(f"{row_id}{attempt}".encode()) % 1000) / 1000)


def _send_home(station: Station, claim: Claim) -> None:
    row, secret = _load(station, claim)
    outgoing.post(_address(station, row), identity=row.id, body=row.body.encode(), secret=secret)
    with station.store.write() as tx:
        leases.finish(tx, claim)


def _send_out(station: Station, claim: Claim) -> None:
    row, endpoint, secrets = _load_endpoint(station, claim)
    try:
        answer = outgoing.deliver(
            endpoint.url,
            identity=row.id,
            body=row.body.encode(),
            secrets=secrets,
            production=station.settings.production,
        )
        _take_down(station, claim, answer)
        outgoing.judge(answer)
    except TemporaryError as error:
        if error.reason == outgoing.NO_ANSWER:
            # the log must not go on showing what came back at an earlier try
            _forget_answer(station, claim)
        error.after = max(error.after or 0.0, wait_after(claim.attempt, claim.id))
        raise


def _take_down(station: Station, claim: Claim, answer: outgoing.Answer) -> None:
    """Store what came back; where it was taken, the work ends in the same transaction."""
    with station.store.write() as tx:
        webhooks.answered(tx, claim.id, answer.status)
        if answer.taken:
            leases.finish(tx, claim)


def _forget_answer(station: Station, claim: Claim) -> None:
    with station.store.write() as tx:
        webhooks.answered(tx, claim.id, None)


def _bury(tx: Connection, claim: Claim, reason: str, _sentence: str) -> None:
    """Switch an endpoint off that is gone, or that took nothing in all the time of our tries."""
    row = webhooks.get_many(tx, [claim.id]).get(claim.id)
    endpoint = endpoints.get(tx, row.endpoint_id) if row and row.endpoint_id else None
    if endpoint is None or endpoint.state != endpoints.ACTIVE:
        return
    if reason == "gone":
        why = "It answered 410: it is gone and wants no more events."
    elif _failed_for_days(tx, claim, endpoint, reason):
        why = f"For more than three days it took nothing; the last was {reason}."
    else:
        return
    endpoints.set_state(tx, endpoint.id, endpoints.OFF, why)


def _failed_for_days(tx: Connection, claim: Claim, endpoint: EndpointRow, reason: str) -> bool:
    if claim.attempt < TRIES or not reason.startswith(THEIRS):
        return False
    return not webhooks.taken_lately(tx, endpoint.id, PATIENCE)


def _load(station: Station, claim: Claim) -> tuple[WebhookRow, str]:
    with station.store.read() as tx:
        row = webhooks.get_many(tx, [claim.id]).get(claim.id)
        if row is None:
            raise LeaseLostError("the contact was erased, and what was to be told with it")
        connection = connections.get(tx, station.keyring, row.connection_id)
    secrets = connection.secrets.get("signing") if connection else None
    if not secrets:
        raise PermanentError(
            f"the connection {row.connection_id} has no signing secret; run `cuereel crm install`",
            reason="no_signing_secret",
        )
    return row, str(secrets[0])


def _load_endpoint(station: Station, claim: Claim) -> tuple[WebhookRow, EndpointRow, list[str]]:
    with station.store.read() as tx:
        # read anew: since the claim the contact may be erased, or the endpoint paused
        row = webhooks.get_many(tx, [claim.id]).get(claim.id)
        if row is None:
            raise LeaseLostError("the contact was erased, and what was to be told with it")
        endpoint = endpoints.get(tx, row.endpoint_id or "")
        secrets = endpoints.secrets_of(tx, station.keyring, row.endpoint_id or "")
    if endpoint is None or not secrets:
        raise PermanentError("there is no such endpoint any more", reason="endpoint_removed")
    if endpoint.state != endpoints.ACTIVE:
        raise PermanentError(
            "the endpoint is switched off; resuming it sends this again",
            reason=endpoints.HELD,
        )
    return row, endpoint, secrets


def _address(station: Station, row: WebhookRow) -> str:
    if not row.url.startswith("/hooks/"):
        raise PermanentError(
            "webhooks without an endpoint go only to our own hooks", reason="address_refused"
        )
    return station.settings.base_url + row.url
