"""
What the sweep does now and then: unfinished files go, links run out, old identities and visits are
forgotten, and once a day the sums of what was watched are counted anew.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import structlog

from connector.errors import ConnectorError
from connector.jobs.owed import owe_video
from connector.jobs.station import Station
from connector.publish import open_files
from connector.store import bulk_jobs, connections, curves, deliveries, logins, settling, videos
from connector.store import recount as counting
from connector.store.clock import now

STALE_SECONDS = 3600.0
REMEMBERED_DAYS = 30  # longer than any CRM we know sends again

_recounted: dict[str, str] = {}  # the day on which this process last counted, by database

log = structlog.get_logger(__name__)


def tidy(station: Station) -> None:
    """Do each of the chores; one that fails does not keep the others from being done."""
    for chore in CHORES:
        try:
            count = chore(station)
        except (ConnectorError, OSError) as error:
            log.warning("chore failed", name=chore.__name__, error=type(error).__name__)
        else:
            if count:
                log.info("tidied", name=chore.__name__, count=count)


def remove_leftovers(station: Station, older_than: float = STALE_SECONDS) -> int:
    """Delete unfinished files that a dead worker left behind; return how many."""
    gone = 0
    work = station.settings.folder / "work"
    for path in sorted(work.glob("*.tmp")) if work.is_dir() else ():
        if _age(path) > older_than:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            gone += 1
    return gone


def expire_links(station: Station) -> int:
    """Take videos whose link has run out off the records and off the disk; return how many."""
    with station.store.write() as tx:
        ids = videos.expire_old(tx)
        changes = [change for video_id in ids for change in owe_video(tx, station, video_id)]
        rows = [row for video_id in ids if (row := videos.get(tx, video_id))]
    files = open_files(station.settings)
    for row in rows:
        files.delete(f"{row.connection_id}/{row.id}")
    station.doorbell.ring("write_back", changes)
    return len(ids)


def forget(station: Station) -> int:
    """Forget deliveries that nobody can repeat any more, sign-ins that ran out, old bulk jobs."""
    with station.store.write() as tx:
        return (
            deliveries.forget_old(tx, REMEMBERED_DAYS)
            + logins.forget_old(tx)
            + bulk_jobs.forget_old(tx, REMEMBERED_DAYS)
        )


def ask_what_was_missed(station: Station) -> int:
    """Ring for connections that were not asked for a while; how many is no news."""
    seconds = station.settings.reconcile_seconds
    if seconds:
        with station.store.read() as tx:
            ids = connections.to_reconcile(tx, seconds)
        station.doorbell.ring("reconcile", ids)
    return 0


def forget_visits(station: Station) -> int:
    """Forget visits of which only sums may be kept, and how old ones went; return how many."""
    days = station.settings.segment_days
    dropped = settling.drop_stretches(station.store, days) if days else 0
    return settling.settle_passing(station.store) + dropped


def recount(station: Station) -> int:
    """Make sums of views right that differ from the sessions, once a day; return how many did."""
    with station.store.read() as tx:
        today = curves.day_of(now(tx))
    if _recounted.get(station.store.url) == today:
        return 0
    wrong = counting.recount(station.store, mend=True)
    _recounted[station.store.url] = today
    if wrong:
        log.warning("sums of views were wrong and are mended", differed=wrong)
    return wrong


CHORES = (remove_leftovers, expire_links, forget, forget_visits, ask_what_was_missed, recount)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        # another sweep was quicker
        return 0.0
