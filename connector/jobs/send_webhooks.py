"""
A station of the road: posts the webhooks that we owe.

At least once, under one id: a receiver that was told twice recognises the repeat. Only our own
hooks may be on a private address, because nobody else's word brought that address here.
"""

from __future__ import annotations

from connector.errors import LeaseLostError, PermanentError
from connector.jobs.station import Station, open_station
from connector.jobs.tries import renewing, take, working
from connector.notify import webhooks as outgoing
from connector.store import connections, leases, webhooks
from connector.store.leases import Claim
from connector.store.webhooks import WebhookRow


def send_webhooks(ids: list[str]) -> None:
    """Post those of *ids* that are due."""
    station = open_station()
    claims = take(station, "webhooks", ids)
    with renewing(station, *claims):
        for claim in claims:
            with working(station, claim):
                _send(station, claim)


def _send(station: Station, claim: Claim) -> None:
    row, secret = _load(station, claim)
    outgoing.post(_address(station, row), identity=row.id, body=row.body.encode(), secret=secret)
    with station.store.write() as tx:
        leases.finish(tx, claim)


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


def _address(station: Station, row: WebhookRow) -> str:
    if not row.url.startswith("/hooks/"):
        raise PermanentError(
            "webhooks go only to our own hooks until other addresses can be checked",
            reason="address_refused",
        )
    return station.settings.base_url + row.url
