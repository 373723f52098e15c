"""
Rings for everything that is due and that nobody looks at: a small loop in a process of its own.

It is what makes losing Redis, a worker or a whole machine a matter of seconds. It is not an RQ job,
because then it could get lost itself. It deletes no rows and several may run: ringing twice is
harmless, as a row is claimed only once.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Event

import structlog

from connector.errors import ConnectorError
from connector.jobs.station import Station
from connector.jobs.tidy import tidy
from connector.queues import JOBS, NOUNS, RENDER_QUEUES
from connector.store import leases
from connector.store.waiting import Waiting, fair, waiting

SAMPLE = 5000  # rows looked at per period and lane
GRACE = 1.0  # seconds for whoever made a row due to ring for it themselves
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
    if depth is None or depth >= job.deepest:
        return 0
    again = station.settings.ring_again_seconds
    grace = min(GRACE, station.settings.sweep_seconds)
    with station.store.read() as tx:
        rows = waiting(tx, noun, ring_again=again, grace=grace, limit=SAMPLE, queue=queue)
    return _ring(station, noun, fair(rows)[: (job.deepest - depth) * job.batch], queue)


def _ring(station: Station, noun: str, rows: Sequence[Waiting], queue: str | None) -> int:
    # what may have killed a worker is looked at alone, so that it takes no neighbours along
    crowd = [row.id for row in rows if not row.orphaned]
    orphans = [row.id for row in rows if row.orphaned]
    rung: list[str] = []
    for ids, alone in ((orphans, True), (crowd, False)):
        if not station.doorbell.ring(NOUNS[noun], ids, queue, alone=alone):
            break
        rung += ids
    if rung:
        with station.store.write() as tx:
            leases.rung(tx, noun, rung)
        log.debug("rang", noun=noun, count=len(rung))
    return len(rung)
