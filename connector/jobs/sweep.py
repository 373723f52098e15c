"""
Rings for everything that is due and that nobody looks at: a small loop in a process of its own.

It is what makes losing Redis, a worker or a whole machine a matter of seconds. It is not an RQ job,
because then it could get lost itself. It deletes no rows and several may run: ringing twice is
harmless, as a row is claimed only once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import chain, zip_longest
from threading import Event

import structlog

from connector.errors import ConnectorError
from connector.jobs.station import Station
from connector.jobs.tidy import tidy
from connector.queues import JOBS, NOUNS, RENDER_QUEUES
from connector.store import leases
from connector.store.waiting import Waiting, waiting

DEEPEST = 1000  # jobs on one queue; the rest waits in the database, where it is safe and fair
SAMPLE = 5000  # rows looked at per period and lane
GRACE = 1.0  # seconds for whoever made a row due to ring for it themselves
AT_WORK = 4  # jobs
PATIENCE = 4  # how many times longer to trust a queue that seems to hold what was rung
LONGEST_REST = 30.0
TIDY_SECONDS = 120.0

log = structlog.get_logger(__name__)


def sweep(station: Station, stop: Event) -> None:
    """Ring each period until *stop*; trouble with database or Redis only makes it rest longer."""
    period = station.settings.sweep_seconds
    troubles, tidied = 0, 0.0
    while True:
        try:
            sweep_once(station)
            if time.monotonic() - tidied > TIDY_SECONDS or not tidied:
                tidied = time.monotonic()
                tidy(station)
            troubles = 0
        except ConnectorError as error:
            troubles += 1
            log.warning("sweep rests", reason=error.reason, why=error.sentence)
        except Exception:
            # whatever it is, work must go on being rung for
            troubles += 1
            log.exception("sweep failed")
        if stop.wait(min(LONGEST_REST, period * 2**troubles) if troubles else period):
            return


def sweep_once(station: Station) -> dict[str, int]:
    """Ring once for all due work; return how many rows were rung for, by noun."""
    return {noun: sum(_lane(station, noun, queue) for queue in _lanes(noun)) for noun in NOUNS}


def _lanes(noun: str) -> Sequence[str | None]:
    # each queue of videos has room of its own, so that a campaign never holds up a trigger
    return sorted(RENDER_QUEUES) if noun == "videos" else (None,)


def _lane(station: Station, noun: str, queue: str | None) -> int:
    job = JOBS[NOUNS[noun]]
    depth = station.doorbell.waiting(queue or job.queue)
    if depth is None or depth >= DEEPEST:
        return 0
    again = station.settings.ring_again_seconds
    grace = min(GRACE, station.settings.sweep_seconds)
    with station.store.read() as tx:
        rows = waiting(tx, noun, ring_again=again, grace=grace, limit=SAMPLE, queue=queue)
    if job.spread > 1:
        # the jobs that workers are at are on no queue any more; an empty queue holds nothing back
        queued = (depth + AT_WORK) * job.batch if depth else 0
        rows = _unheard(rows, queued, again * PATIENCE)
    room = DEEPEST - depth
    chosen = fair(rows)[: job.most(room)]
    return _ring(station, noun, chosen, queue)


def _unheard(rows: list[Waiting], queued: int, patience: float) -> list[Waiting]:
    """Leave out rows that are still on the queue by the look of its length: it is only slow."""
    again = {row.id for row in rows if row.rung_ago is not None and not row.orphaned}
    if len(again) > queued:
        return rows
    return [row for row in rows if row.id not in again or (row.rung_ago or 0) > patience]


def fair(rows: Sequence[Waiting]) -> list[Waiting]:
    """Return the rows in turns of one per connection, the oldest of each first."""
    by_connection: dict[str, list[Waiting]] = {}
    for row in rows:
        by_connection.setdefault(row.connection_id, []).append(row)
    turns = zip_longest(*by_connection.values())
    return [row for row in chain.from_iterable(turns) if row is not None]


def _ring(station: Station, noun: str, rows: Sequence[Waiting], queue: str | None) -> int:
    # what may have killed a worker is looked at alone, so that it takes no neighbours along
    crowd = [row.id for row in rows if not row.orphaned]
    batches = [crowd, *([row.id] for row in rows if row.orphaned)]
    rung: list[str] = []
    for ids in batches:
        if not station.doorbell.ring(NOUNS[noun], ids, queue):
            break
        rung += ids
    if rung:
        with station.store.write() as tx:
            leases.rung(tx, noun, rung)
        log.debug("rang", noun=noun, count=len(rung))
    return len(rung)
