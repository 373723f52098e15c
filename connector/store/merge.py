"""
One contact where there were several: what we hold about the others becomes the winner's.

Nothing is lost and nothing is loosened: an opt-out of any of them holds for all. A contact that was
erased gets nothing back. Running it again finds nothing more to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, update

from connector.model import Subject
from connector.store import contact_words, tracking
from connector.store import decisions as holding
from connector.store.awaited import CALLBACK
from connector.store.subjects import is_erased
from connector.store.tables import (
    assignments,
    changes,
    decisions,
    outcomes,
    subjects,
    triggers,
    videos,
    webhooks,
)
from connector.store.upsert import insert

CONTACT = "contact"
# what says that one of them is gone must not come to mean the winner
ABOUT_ONE = ("contact_deleted", "contact_merged")


def merge(tx: Connection, connection_id: str, losers: Sequence[str], winner: str) -> list[str]:
    """
    Make *winner* the contact of everything that *losers* had.

    Returns the videos that came to it, newest first: its record is now to tell of them.
    """
    others = sorted({loser for loser in losers if loser != winner})
    if not others or is_erased(tx, connection_id, Subject(CONTACT, winner)):
        return []
    for contact in sorted({winner, *others}):
        holding.hold(tx, connection_id, contact)
    moved = _move_videos(tx, connection_id, others, winner)
    for table in (decisions, outcomes, webhooks):
        _move(tx, table, _of(table, connection_id, others), winner)
    _move_triggers(tx, connection_id, others, winner)
    _move_changes(tx, connection_id, others, winner)
    _move_assignments(tx, connection_id, others, winner)
    _move_standing(tx, connection_id, others, winner)
    contact_words.renew(tx, connection_id, [winner, *others])
    if tracking.refused(tx, connection_id, Subject(CONTACT, winner)):
        tracking.blur(tx, connection_id, Subject(CONTACT, winner))
    return moved


def _of(table: Table, connection_id: str, contacts: Sequence[str]) -> ColumnElement[bool]:
    return (table.c.connection_id == connection_id) & table.c.contact_id.in_(contacts)


def _move(tx: Connection, table: Table, chosen: ColumnElement[bool], winner: str) -> None:
    tx.execute(update(table).where(chosen).values(contact_id=winner))


def _move_videos(
    tx: Connection, connection_id: str, losers: Sequence[str], winner: str
) -> list[str]:
    own = _of(videos, connection_id, losers)
    newest = select(videos.c.id).where(own).order_by(videos.c.minted_at.desc(), videos.c.id.desc())
    ids = list(tx.execute(newest).scalars())
    _rename_subject(tx, videos, connection_id, losers, winner)
    _move(tx, videos, own, winner)
    return ids


def _rename_subject(
    tx: Connection, table: Table, connection_id: str, losers: Sequence[str], winner: str
) -> None:
    chosen = [
        table.c.connection_id == connection_id,
        table.c.subject_kind == CONTACT,
        table.c.subject_id.in_(losers),
    ]
    if "kind" in table.c:
        chosen.append(table.c.kind.not_in(ABOUT_ONE))
    tx.execute(update(table).where(*chosen).values(subject_id=winner))


def _move_triggers(tx: Connection, connection_id: str, losers: Sequence[str], winner: str) -> None:
    _rename_subject(tx, triggers, connection_id, losers, winner)
    naming = select(triggers.c.id, triggers.c.facts).where(
        triggers.c.connection_id == connection_id,
        triggers.c.facts["contact_id"].as_string().in_(losers),
    )
    for row in tx.execute(naming).all():
        facts = {**row.facts, "contact_id": winner}
        tx.execute(update(triggers).where(triggers.c.id == row.id).values(facts=facts))


def _move_changes(tx: Connection, connection_id: str, losers: Sequence[str], winner: str) -> None:
    own = _of(changes, connection_id, losers)
    # a workflow goes on waiting, whoever its contact has become
    _move(tx, changes, own & (changes.c.kind == CALLBACK), winner)
    # a record that is gone cannot be written to; the winner's is told anew
    tx.execute(delete(changes).where(own, changes.c.kind != CALLBACK))


def _move_assignments(
    tx: Connection, connection_id: str, losers: Sequence[str], winner: str
) -> None:
    """Let the winner's own assignments hold, and else the earliest one of the others."""
    own = (assignments.c.connection_id == connection_id) & assignments.c.unit.in_(losers)
    earliest = select(assignments).where(own).order_by(assignments.c.assigned_at)
    for row in tx.execute(earliest).mappings().all():
        kept = insert(tx, assignments).values(**{**row, "unit": winner})
        tx.execute(kept.on_conflict_do_nothing())
    tx.execute(delete(assignments).where(own))


def _move_standing(tx: Connection, connection_id: str, losers: Sequence[str], winner: str) -> None:
    """Let what keeps any of them from getting videos keep the winner from it, since the first time."""
    own = (
        (subjects.c.connection_id == connection_id)
        & (subjects.c.kind == CONTACT)
        & subjects.c.subject_id.in_(losers)
    )
    for row in tx.execute(select(subjects).where(own)).mappings().all():
        _be_stricter(tx, {**row, "subject_id": winner})
    tx.execute(delete(subjects).where(own))


def _be_stricter(tx: Connection, row: dict[str, Any]) -> None:
    words = (
        "suppressed_at", "suppression_reason", "opted_out_at", "opt_out_source", "tracking",
        "tracking_at",
    )  # fmt: skip
    firmer = {name: func.coalesce(subjects.c[name], row[name]) for name in words}
    kept = insert(tx, subjects).values(**row)
    tx.execute(
        kept.on_conflict_do_update(
            index_elements=["connection_id", "kind", "subject_id"], set_=firmer
        )
    )
