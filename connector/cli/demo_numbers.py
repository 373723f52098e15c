"""
Where the demo stands, read from the store: nothing is counted that the rows do not say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from connector.cli.prepare import LOCAL
from connector.decide.dictionary import load_dictionary
from connector.jobs.owed import link_of
from connector.jobs.station import Station
from connector.model import PLAYABLE, VideoStatus
from connector.store import decisions, leases, records, videos
from connector.store.clock import now_ms
from connector.store.tables import changes, measures, record_rows, triggers, webhooks

UNDERWAY = frozenset({VideoStatus.QUEUED, VideoStatus.RENDERING})

# a look that is further off than this gathers nothing, it waits for scanners to show themselves
ALERT_MS = 20_000


@dataclass(frozen=True)
class Ready:
    """A video that can be watched."""

    id: str
    contact_id: str
    url: str
    duration: float


@dataclass(frozen=True)
class Numbers:
    """The demo's state at one moment."""

    contacts: int
    triggers: int
    decided: int
    statuses: dict[str, int]
    outcomes: dict[str, int]
    ready: tuple[Ready, ...]
    links_written: int
    metrics_written: int
    unwritten: int
    dead: int
    seconds: float

    def settled(self, expected: int) -> bool:
        """Tell whether every trigger is decided and all that follows is done."""
        underway = sum(self.statuses.get(status, 0) for status in UNDERWAY)
        return self.decided >= expected and not underway and not self.unwritten

    def headline(self) -> str:
        """Say in one line what was done."""
        refused = sum(n for outcome, n in self.outcomes.items() if outcome != "send")
        kept_back = self.statuses.get(VideoStatus.NEEDS_REVIEW, 0)
        waiting = f"{kept_back} to be looked at, " if kept_back else ""
        return (
            f"{self.triggers} triggers → {len(self.ready)} videos ready, {waiting}{refused} refused "
            f"with a reason, {self.links_written} links and {self.metrics_written} watch metrics on "
            f"records, in {self.seconds:.0f} s"
        )


def _unwritten(tx: Connection) -> int:
    """Count what is still to be done, but for looks at sessions that only alerts wait for."""
    later = (measures.c.work == "due") & (measures.c.due_at > now_ms() + ALERT_MS)
    counts = [
        select(func.count()).where(table.c.work.in_(("due", "running")))
        for table in (triggers, changes, webhooks)
    ]
    counts.append(select(func.count()).where(measures.c.work.in_(("due", "running")), ~later))
    return sum(int(tx.execute(query).scalar_one()) for query in counts)


def count(station: Station, seconds: float, contacts: int) -> Numbers:
    """Read where things stand."""
    with station.store.read() as tx:
        ready = tuple(_ready(tx, station))
        return Numbers(
            contacts=contacts,
            triggers=int(tx.execute(select(func.count()).select_from(triggers)).scalar_one()),
            decided=int(
                tx.execute(select(func.count()).where(triggers.c.work == "done")).scalar_one()
            ),
            statuses=videos.count_by_status(tx),
            outcomes=decisions.count_by_outcome(tx),
            ready=ready,
            links_written=_links_written(tx, ready),
            metrics_written=_metrics_written(tx, station),
            unwritten=_unwritten(tx),
            dead=sum(1 for _ in leases.dead(tx)),
            seconds=seconds,
        )


def summary(numbers: Numbers) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "contacts": numbers.contacts,
        "triggers": numbers.triggers,
        "videos": numbers.statuses,
        "decisions": numbers.outcomes,
        "links_written": numbers.links_written,
        "metrics_written": numbers.metrics_written,
        "dead_letters": numbers.dead,
        "seconds": round(numbers.seconds, 1),
        "watch_urls": [ready.url for ready in numbers.ready],
        "poster_urls": [f"{ready.url}/poster.jpg" for ready in numbers.ready],
    }


def _ready(tx: Connection, station: Station) -> list[Ready]:
    return [
        Ready(row.id, row.contact_id or "", link_of(station, row), float(row.receipt["duration"]))
        for row in reversed(videos.latest(tx, limit=1000))
        if row.status in PLAYABLE and row.receipt
    ]


def _links_written(tx: Connection, ready: tuple[Ready, ...]) -> int:
    """Count ready videos whose link stands in a row of their contact in the CRM."""
    rows = tx.execute(
        select(record_rows.c.key, record_rows.c["values"]).where(
            record_rows.c.connection_id == LOCAL, record_rows.c.kind == "video"
        )
    )
    links = {key: values.get("video_url") for key, values in rows}
    return sum(links.get(one.id) == one.url for one in ready)


def _metrics_written(tx: Connection, station: Station) -> int:
    """Count contacts whose record says how much they watched."""
    dictionary = load_dictionary("local", station.settings.mapping_folders)
    name = dictionary.write_fields["percent_watched"].name
    return sum(record.fields.get(name) is not None for record in records.each(tx, LOCAL, "contact"))
