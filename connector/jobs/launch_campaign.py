"""
Launches a campaign: one trigger for each member of a segment, on the queue that waits for others.

A member is launched once for each version of a campaign, so a launch that broke off, or is run again
after the segment has grown, adds only who is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from connector.decide.campaigns import Campaign, parse_campaign
from connector.errors import NotFoundError
from connector.jobs.sources import open_source
from connector.jobs.station import Station
from connector.model import Subject, Trigger
from connector.store import campaigns, triggers

BATCH = 500
LONGEST_KEY = 128
QUEUE = "render-bulk"
EXAMPLES = 3


@dataclass(frozen=True)
class Launched:
    """How many contacts a launch started, and how many it found started before."""

    count: int = 0
    repeated: int = 0

    @property
    def seen(self) -> int:
        """How many members were looked at."""
        return self.count + self.repeated


@dataclass(frozen=True)
class Outlook:
    """What a launch would come to: members, some of them by id, and the most videos to render."""

    members: int
    examples: tuple[str, ...]
    renders: int
    on_open: bool


Progress = Callable[[Launched], object]


def launch_campaign(
    station: Station, connection_id: str, campaign: str, segment: str, progress: Progress
) -> Launched:
    """
    Start *campaign* for each contact of *segment*; *progress* is told after each batch.

    Raises NotFoundError where there is no such campaign, connection or segment.
    """
    chosen = find_campaign(station, campaign)
    crm, _ = open_source(station, connection_id)
    done = Launched()
    for contacts in _batches(crm.members(segment)):
        made = [_trigger(chosen, segment, contact) for contact in contacts]
        ids = _store(station, connection_id, chosen, made)
        done = Launched(done.count + len(ids), done.repeated + len(made) - len(ids))
        station.doorbell.ring("plan_video", ids)
        progress(done)
    return done


def look_ahead(station: Station, connection_id: str, campaign: str, segment: str) -> Outlook:
    """Say what launching *campaign* for *segment* would come to; nothing is started."""
    chosen = find_campaign(station, campaign)
    crm, _ = open_source(station, connection_id)
    count, examples = 0, []
    for contact in crm.members(segment):
        count += 1
        if count <= EXAMPLES:
            examples.append(contact)
    on_open = chosen.deliver.render == "on_open"
    renders = 0 if on_open else count * len(chosen.steps)
    return Outlook(count, tuple(examples), renders, on_open)


def find_campaign(station: Station, name: str) -> Campaign:
    """Return an installed campaign; NotFoundError says which there are."""
    with station.store.read() as tx:
        installed = {row.name: row for row in campaigns.active(tx)}
    if name not in installed:
        known = ", ".join(installed) or "none yet; `cuereel campaign install` installs them"
        raise NotFoundError(f"there is no installed campaign {name!r}; there are: {known}")
    return parse_campaign(installed[name].body, name)


def _batches(contacts: Iterator[str]) -> Iterator[Sequence[str]]:
    while batch := list(islice(contacts, BATCH)):
        yield batch


def _trigger(campaign: Campaign, segment: str, contact: str) -> Trigger:
    return Trigger(
        key=_key(campaign, segment, contact),
        kind=campaign.trigger,
        subject=Subject("contact", contact),
        occurred_at=datetime.now(UTC),
        facts={"segment": segment},
        campaign=campaign.name,
    )


def _key(campaign: Campaign, segment: str, contact: str) -> str:
    key = f"launch:{campaign.name}:{campaign.version}:{segment}:{contact}"
    if len(key) <= LONGEST_KEY:
        return key
    return f"launch:{hashlib.sha256(key.encode()).hexdigest()}"


def _store(
    station: Station, connection_id: str, campaign: Campaign, made: Sequence[Trigger]
) -> list[str]:
    """Store a batch in one transaction; return the rows of those that are new."""
    with station.store.write() as tx:
        rows = [
            triggers.add(tx, connection_id, one, campaign=campaign.name, queue=QUEUE)
            for one in made
        ]
    return [row for row in rows if row is not None]
