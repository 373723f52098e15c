"""
Sees a bulk job of a CRM through: opened, sent, asked for now and then, and settled change by change.

No worker waits for the CRM: each look at a job is a job of ours, and when to look again stands in the
database. What has no result, or was never sent, goes back to be written as everything else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import structlog
from sqlalchemy import Connection

from connector.crm import Bulk, BulkState
from connector.errors import CredentialError, LeaseLostError, PermanentError
from connector.jobs.sources import open_source
from connector.jobs.station import Station, open_station
from connector.jobs.tries import renewing, take, working
from connector.jobs.write_back import ATTEMPTS, ends_well, refuse
from connector.model import Change, WriteResult
from connector.store import bulk_jobs, changes, connections, leases
from connector.store.bulk_jobs import ABANDONED, ENDED, FAILED, GATHERING, SENDING, SENT, BulkJob
from connector.store.leases import Claim

PAGE, BACK = 500, 1000
FIRST_LOOK, LONGEST_LOOK = 5.0, 60.0
LONGEST_JOB = 2 * 86_400.0
FAILED_WAIT = 10.0

log = structlog.get_logger(__name__)


def bulk_write(ids: list[str]) -> None:
    """Go on with these bulk jobs."""
    station = open_station()
    for claim in take(station, "bulk_jobs", ids, buried=_given_up):
        with working(station, claim, attempts=ATTEMPTS, buried=_given_up):
            _go_on(station, claim)


def _go_on(station: Station, claim: Claim) -> None:
    with station.store.read() as tx:
        job = bulk_jobs.get(tx, claim.id)
    if job is None:
        raise LeaseLostError(f"bulk job {claim.id} is gone")
    try:
        with renewing(station, claim):
            _look(station, claim, job)
    except CredentialError:
        with station.store.write() as tx:
            connections.set_state(tx, job.connection_id, "needs_reauth")
        raise
    except PermanentError as error:
        # written one by one, each change is told its own reason
        with renewing(station, claim):
            _end(station, claim, job, FAILED, error.reason, error.sentence)


def _look(station: Station, claim: Claim, job: BulkJob) -> None:
    bulk = open_source(station, job.connection_id)[0].bulk()
    if bulk is None or job.state not in bulk_jobs.OPEN:
        _end(station, claim, job, ABANDONED)
        return
    if job.state == GATHERING:
        _send(station, claim, job, bulk)
        return
    state = bulk.state(job.ticket)
    log.info("bulk job", id=job.id, state=state, count=job.count)
    if state is BulkState.RUNNING and job.age < LONGEST_JOB:
        _look_again(station, claim, job)
    elif state is BulkState.DONE:
        _settle_all(station, claim, job, bulk)
    elif state is BulkState.OPEN:
        # whoever was to send it died or was cut off; nothing of it was written
        bulk.abandon(job.ticket)
        _end(station, claim, job, ABANDONED)
    else:
        _end(station, claim, job, FAILED, "bulk_failed", "The CRM gave up the bulk job.")


def _send(station: Station, claim: Claim, job: BulkJob, bulk: Bulk) -> None:
    if not job.count:
        _end(station, claim, job, ABANDONED)
        return
    ticket = bulk.open(job.lot)
    with station.store.write() as tx:
        bulk_jobs.stands(tx, claim, SENDING, ticket=ticket)
    bulk.send(ticket, job.lot, islice(_to_send(station, job), bulk.most))
    with station.store.write() as tx:
        bulk_jobs.stands(tx, claim, SENT)
        bulk_jobs.look_again(tx, claim, FIRST_LOOK)


def _to_send(station: Station, job: BulkJob) -> Iterator[Change]:
    after = ""
    while True:
        with station.store.write() as tx:
            page = bulk_jobs.to_send(tx, job.id, after, PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].key


def _look_again(station: Station, claim: Claim, job: BulkJob) -> None:
    """Look sooner at a young job, because most are done within a minute."""
    wait = min(LONGEST_LOOK, max(FIRST_LOOK, job.age / 2))
    with station.store.write() as tx:
        bulk_jobs.look_again(tx, claim, wait)


def _settle_all(station: Station, claim: Claim, job: BulkJob, bulk: Bulk) -> None:
    told, well = 0, 0
    for page in _pages(bulk.results(job.ticket, job.lot)):
        told += len(page)
        well += sum(ends_well(result) for _, result in page)
        _settle(station, job, bulk, dict(page))
    # where not one was taken, another job would fare no better
    _end(station, claim, job, ENDED if well or not told else FAILED)


def _pages(results: Iterable[tuple[str, WriteResult]]) -> Iterator[list[tuple[str, WriteResult]]]:
    rest = iter(results)
    while page := list(islice(rest, PAGE)):
        yield page


def _settle(station: Station, job: BulkJob, bulk: Bulk, results: dict[str, WriteResult]) -> None:
    """Settle what went well in one transaction, and the others one by one, as write-back does."""
    with station.store.write() as tx:
        found = bulk_jobs.find(tx, job.id, list(results))
        told = [(one, results.get(bulk.identity(one.change))) for one in found]
        known = [(one, result) for one, result in told if result is not None]
        bulk_jobs.let_go(tx, [one.claim.id for one, _ in known], station.settings.lease_seconds)
        changes.settle(tx, [(one.claim, one.version) for one, result in known if ends_well(result)])
    for one, result in known:
        if not ends_well(result):
            with working(station, one.claim, attempts=ATTEMPTS):
                refuse(station, one.claim, result)


def _end(
    station: Station, claim: Claim, job: BulkJob, state: str, reason: str = "", sentence: str = ""
) -> None:
    """Give back what is left of a job, and let it be over."""
    wait = FAILED_WAIT if reason else 0.0
    page = [""] * BACK
    while len(page) == BACK:
        with station.store.write() as tx:
            page = bulk_jobs.give_back(tx, job.id, BACK, reason, sentence, wait)
    with station.store.write() as tx:
        # closed first, so that nothing more is set aside for it
        bulk_jobs.close(tx, job.id, state)
        bulk_jobs.give_back(tx, job.id, None, reason, sentence, wait)
        leases.finish(tx, claim)
    log.info("bulk job over", id=job.id, state=state, reason=reason, count=job.count)
    # whatever is due at the connection is written by the one that is rung for
    station.doorbell.ring("write_back", [job.id])


def _given_up(tx: Connection, claim: Claim, reason: str, sentence: str) -> None:
    """Give back the changes of a job that becomes a dead letter."""
    bulk_jobs.close(tx, claim.id, FAILED)
    bulk_jobs.give_back(tx, claim.id, None, reason, sentence, FAILED_WAIT)
