"""
Erases a contact: CRM fields, files, queued work and rows, in an order that can be repeated.

The rows go last, because they are what a second try needs to find the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connector.errors import TemporaryError
from connector.jobs.callbacks import answer_erased
from connector.jobs.sources import open_source
from connector.jobs.station import Station
from connector.model import Subject
from connector.publish import open_files
from connector.store import audit, bulk_jobs, connections, opening, triggers, videos
from connector.store.awaited import awaited
from connector.store.erase import erase

PATIENCE_SECONDS = 20.0
BULK_SECONDS = 600.0


@dataclass(frozen=True)
class Erasure:
    """What was erased; backups still hold it until they are rotated out."""

    videos: int
    files: int
    rows: int


def erase_contact(station: Station, connection_id: str, contact_id: str, actor: str) -> Erasure:
    """Remove all that we hold about a contact and leave a tombstone."""
    subject = Subject("contact", contact_id)
    with station.store.write() as tx:
        triggers.cancel(tx, connection_id, subject)
        opening.cancel(tx, connection_id, contact_id)
        rows = videos.of_contact(tx, connection_id, contact_id)
    files = open_files(station.settings)
    gone = sum(files.delete(f"{connection_id}/{row.id}") for row in rows)
    crm, _ = open_source(station, connection_id)
    with _pen(station, connection_id):
        _await_bulk(station, connection_id, contact_id)
        crm.erase(contact_id)
        with station.store.write() as tx:
            waiting = awaited(tx, connection_id, contact_id)
            erased = erase(tx, connection_id, contact_id)
            answer_erased(tx, waiting)
            audit.record(tx, actor, "erase", connection_id, {"videos": len(erased.video_ids)})
    return Erasure(len(erased.video_ids), gone, erased.rows)


def _await_bulk(station: Station, connection_id: str, contact_id: str) -> None:
    """Wait for a bulk job that holds something about the contact, lest it brings that back."""
    with station.store.read() as tx:
        held = bulk_jobs.holds(tx, connection_id, contact_id)
    if held:
        raise TemporaryError(
            "a bulk job of the CRM may yet write to this contact; try again", after=BULK_SECONDS
        )


@contextmanager
def _pen(station: Station, connection_id: str) -> Iterator[None]:
    """Be the only writer of a connection, so that no write in flight brings a value back."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (pen := _take_pen(station, connection_id)) is None:
        if time.monotonic() > deadline:
            raise TemporaryError("the CRM is being written to just now; try again", after=10)
        time.sleep(0.2)
    try:
        yield
    finally:
        with station.store.write() as tx:
            connections.lay_down_pen(tx, connection_id, pen)


def _take_pen(station: Station, connection_id: str) -> int | None:
    with station.store.write() as tx:
        return connections.take_pen(tx, connection_id, station.settings.lease_seconds)
