"""
Puts what we owe on CRM records: coalesced, in batches, one writer per connection.

A job names some changes, but whoever gets the pen of their connection writes everything that is due
there and then lays it down; a second job finds the pen taken and goes home. Where thousands are due,
and the CRM has a way for so many, they are gathered for a bulk job, and the rest is written as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy import Connection

from connector.crm import CRM, Bulk
from connector.errors import (
    ConnectorError,
    CredentialError,
    LeaseLostError,
    PermanentError,
    TemporaryError,
)
from connector.jobs.sources import open_source
from connector.jobs.station import Station, open_station
from connector.jobs.tries import renewing, take, working
from connector.model import Change, WriteResult, Written
from connector.store import bulk_jobs, changes, connections, leases
from connector.store.bulk_jobs import START
from connector.store.leases import Claim
from connector.store.waiting import untried

BATCH = 100  # where the CRM cannot be asked how many it takes
GATHERED, HOUR = 1000, 3600.0
CROWD = 5000  # changes looked at to find whose turn it is
# a CRM may be away for a night: with waits of up to ten minutes this lasts about ten hours
ATTEMPTS = 66
SHORTEST_WAIT = 1.0

Keep = Callable[[Connection], bool]
"""Keeps the pen; False where another has taken over."""

log = structlog.get_logger(__name__)


def write_back(ids: list[str]) -> None:
    """Write what is owed to the connections that these changes belong to, and to all others."""
    station = open_station()
    station.doorbell.begun("write_back")
    with station.store.read() as tx:
        sources = {owed.connection_id for owed in changes.owed(tx, ids).values()}
        sources |= {row.connection_id for row in untried(tx, "changes", CROWD)}
    for connection_id in sorted(sources):
        _write_connection(station, connection_id)


def _write_connection(station: Station, connection_id: str) -> None:
    # what becomes due while the pen is laid down found it taken, and its job has gone home
    while _write_all(station, connection_id):
        with station.store.read() as tx:
            if not changes.due_ids(tx, connection_id, 1):
                return


def _write_all(station: Station, connection_id: str) -> bool:
    """Write batches until nothing is due; False where another writes, or the CRM wants to rest."""
    with station.store.write() as tx:
        pen = connections.take_pen(tx, connection_id, station.settings.lease_seconds)
    if pen is None:
        return False
    try:
        return all(
            _write_batch(station, connection_id, pen, batch)
            for batch in _batches(station, connection_id, pen)
        )
    finally:
        with station.store.write() as tx:
            connections.lay_down_pen(tx, connection_id, pen)


def _batches(station: Station, connection_id: str, pen: int) -> Iterator[list[Claim]]:
    keep = _keeping(station, connection_id, pen)
    while True:
        crm = _reached(station, connection_id)
        bulk = crm.bulk() if crm else None
        if bulk is not None:
            _gather(station, connection_id, bulk, keep)
        with station.store.write() as tx:
            if not keep(tx):
                return
            ids = changes.due_ids(tx, connection_id, crm.most_at_once if crm else BATCH)
            alone = ids if bulk is None else _set_aside(tx, connection_id, bulk, ids)
        if not ids:
            return
        if alone:
            yield take(station, "changes", alone)


def _keeping(station: Station, connection_id: str, pen: int) -> Keep:
    return partial(
        connections.keep_pen,
        connection_id=connection_id,
        fence=pen,
        seconds=station.settings.lease_seconds,
    )


def _reached(station: Station, connection_id: str) -> CRM | None:
    """Return the CRM, or None where that fails; then so does writing, which tells the changes why."""
    try:
        return open_source(station, connection_id)[0]
    except ConnectorError:
        return None


def _gather(station: Station, connection_id: str, bulk: Bulk, keep: Keep) -> None:
    """Begin a bulk job for each lot of which more is due than `write` should take."""
    with station.store.read() as tx:
        if not bulk_jobs.more_due_than(tx, connection_id, bulk.least):
            return
        closed = {*bulk_jobs.open_lots(tx, connection_id)}
        closed |= bulk_jobs.in_trouble(tx, connection_id, HOUR)
    counts: Counter[str] = Counter()
    for page in _due(station, connection_id):
        counts.update(lot for change in page if (lot := bulk.lot(change)) not in closed)
    for lot, count in counts.items():
        if lot and count > bulk.least:
            _begin(station, connection_id, bulk, lot, keep)


def _begin(station: Station, connection_id: str, bulk: Bulk, lot: str, keep: Keep) -> None:
    with station.store.write() as tx:
        job_id = bulk_jobs.begin(tx, connection_id, lot)
    count = 0
    for page in _due(station, connection_id):
        ids = [change.id for change in page if bulk.lot(change) == lot]
        with station.store.write() as tx:
            held = bulk_jobs.gather(tx, job_id, ids[: bulk.most - count]) if keep(tx) else None
        count += held or 0
        if held is None or count >= bulk.most:
            break
    with station.store.write() as tx:
        bulk_jobs.gathered(tx, job_id)
    log.info("bulk job begun", connection=connection_id, id=job_id, count=count)
    station.doorbell.ring("bulk_write", [job_id])


def _due(station: Station, connection_id: str) -> Iterator[list[Change]]:
    place = START
    while True:
        with station.store.read() as tx:
            page, place = bulk_jobs.due(tx, connection_id, place, GATHERED)
        if not page:
            return
        yield page


def _set_aside(tx: Connection, connection_id: str, bulk: Bulk, ids: Sequence[str]) -> list[str]:
    """Leave what belongs to a lot with a job to that job; return the others."""
    lots = bulk_jobs.open_lots(tx, connection_id)
    if not lots:
        return list(ids)
    owed = changes.owed(tx, ids)
    found = {one: lots.get(bulk.lot(owed[one].change)) for one in ids if one in owed}
    for job_id in sorted({job for job in found.values() if job}):
        bulk_jobs.set_aside(tx, job_id, [one for one in ids if found.get(one) == job_id])
    return [one for one in ids if not found.get(one)]


def _write_batch(station: Station, connection_id: str, pen: int, claims: Sequence[Claim]) -> bool:
    """Write one batch; False where the CRM wants to be left alone for now."""
    with station.store.read() as tx:
        owed = changes.owed(tx, [claim.id for claim in claims])
    present = [claim for claim in claims if claim.id in owed]
    # a slow CRM must not cost us the pen: two writers could put an old value over a new one
    keep = _keeping(station, connection_id, pen)
    try:
        crm, _ = open_source(station, connection_id)
        with renewing(station, *present, also=keep):
            results = _write(crm, [owed[claim.id].change for claim in present])
    except CredentialError as error:
        _park(station, connection_id, present, error)
        return False
    except PermanentError as error:
        _give_up(station, present, error)
        return False
    except TemporaryError as error:
        results = {claim.id: _again(claim.id, error) for claim in present}
    settled = [claim for claim in present if ends_well(results.get(claim.id))]
    log.info("written", connection=connection_id, settled=len(settled), of=len(present))
    _settle(station, [(claim, owed[claim.id].version) for claim in settled])
    for claim in present:
        if claim not in settled:
            with working(station, claim, attempts=ATTEMPTS):
                refuse(station, claim, results.get(claim.id))
    return not any(_wants_rest(result) for result in results.values())


def _write(crm: CRM, owed: Sequence[Change]) -> dict[str, WriteResult]:
    """Write together; where that breaks unexpectedly, halve until the one is found that breaks it."""
    try:
        return {result.change_id: result for result in crm.write(owed)}
    except (ConnectorError, BaseTimeoutException):
        raise
    except Exception as error:
        log.exception("write broke", count=len(owed))
        if len(owed) == 1:
            surprise = TemporaryError(f"an unexpected {type(error).__name__}", reason="unexpected")
            return {owed[0].id: _again(owed[0].id, surprise)}
    middle = len(owed) // 2
    return _write(crm, owed[:middle]) | _write(crm, owed[middle:])


def _give_up(station: Station, claims: Sequence[Claim], error: PermanentError) -> None:
    for claim in claims:
        with working(station, claim):
            raise error


def _again(change_id: str, error: TemporaryError) -> WriteResult:
    return WriteResult(change_id, Written.RETRY, error.reason, error.sentence, error.after)


def _wants_rest(result: WriteResult) -> bool:
    return result.written is Written.RETRY and not result.alone


def ends_well(result: WriteResult | None) -> bool:
    """Tell whether nothing of a change is left to write."""
    # a contact that is gone, or a kind that this CRM lacks, leaves nothing to write
    return result is not None and result.written not in (Written.RETRY, Written.REFUSED)


def _settle(station: Station, written: Sequence[tuple[Claim, int]]) -> None:
    """Settle a batch in one transaction; where that fails the leases run out and it is written anew."""
    try:
        with station.store.write() as tx:
            changes.settle(tx, written)
    except ConnectorError as error:
        log.warning("not settled", count=len(written), reason=error.reason)


def refuse(station: Station, claim: Claim, result: WriteResult | None) -> None:
    """Bury a change that the CRM refused; TemporaryError where it is to be tried again."""
    if result is None:
        raise TemporaryError("the CRM said nothing of this change", reason="no_answer")
    if result.written is Written.RETRY:
        after = None if result.after is None else max(result.after, SHORTEST_WAIT)
        raise TemporaryError(result.sentence, reason=result.reason or "crm_busy", after=after)
    with station.store.write() as tx:
        leases.bury(tx, claim, result.reason or "refused", result.sentence)


def _park(
    station: Station, connection_id: str, claims: Sequence[Claim], error: CredentialError
) -> None:
    """Keep the work of a connection that an admin must connect again, without a storm of tries."""
    with station.store.write() as tx:
        connections.set_state(tx, connection_id, "needs_reauth")
        for claim in claims:
            try:
                leases.put_back(tx, claim, error.reason, error.sentence, after=600)
            except LeaseLostError:
                continue
