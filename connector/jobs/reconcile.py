"""
Asks CRMs what happened, in case that a delivery was lost on its way to us.

What a delivery has told already is recognised by its key. The overlap is for clocks that differ and
for indexes of a CRM that lag behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice

import structlog

from connector.errors import ConnectorError
from connector.jobs.sources import open_source
from connector.jobs.station import Station, open_station
from connector.model import Trigger
from connector.store import connections, triggers
from connector.store.clock import moment

OVERLAP = timedelta(minutes=5)
AT_ONCE = 100

log = structlog.get_logger(__name__)


def reconcile(ids: list[str]) -> None:
    """Take in what the connections of *ids* should have told us and did not."""
    station = open_station()
    for connection_id in ids:
        with station.store.write() as tx:
            since = connections.begin_reconciling(
                tx, connection_id, station.settings.reconcile_seconds
            )
        # before the first time nothing was promised
        if since:
            _ask(station, connection_id, since)


def _ask(station: Station, connection_id: str, since: int) -> None:
    try:
        crm, _ = open_source(station, connection_id)
        found = _take_in(station, connection_id, crm.changed(moment(since) - OVERLAP))
    except ConnectorError as error:
        log.warning("not reconciled", connection=connection_id, reason=error.reason)
        with station.store.write() as tx:
            connections.give_up_reconciling(tx, connection_id, since)
        return
    if found:
        log.info("missed", connection=connection_id, triggers=found)


def _take_in(station: Station, connection_id: str, missed: Iterable[Trigger]) -> int:
    found, rest = 0, iter(missed)
    while batch := list(islice(rest, AT_ONCE)):
        new = _store(station, connection_id, batch)
        station.doorbell.ring("plan_video", new)
        found += len(new)
    return found


def _store(station: Station, connection_id: str, batch: Sequence[Trigger]) -> list[str]:
    with station.store.write() as tx:
        stored = [triggers.add(tx, connection_id, trigger) for trigger in batch]
    return [row_id for row_id in stored if row_id is not None]
