"""
What we know of subjects beyond their CRM record: suppression, opt-out, erasure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select, tuple_

from connector.measure.tracking import OFF
from connector.model import Subject
from connector.store.clock import now_ms
from connector.store.tables import subjects, tombstones
from connector.store.upsert import insert


@dataclass(frozen=True)
class Standing:
    """Whether anything keeps us from making a video for a subject."""

    suppression_reason: str | None = None
    opted_out: bool = False
    erased: bool = False


# built once: a campaign asks for every one of its subjects
STANDING = select(subjects.c.suppression_reason, subjects.c.opted_out_at).where(
    subjects.c.connection_id == bindparam("connection"),
    tuple_(subjects.c.kind, subjects.c.subject_id).in_(bindparam("these", expanding=True)),
)
ERASED = select(tombstones.c.erased_at).where(
    tombstones.c.connection_id == bindparam("connection"),
    tombstones.c.subject_hash.in_(bindparam("hashes", expanding=True)),
)


def standing(tx: Connection, connection_id: str, *these: Subject) -> Standing:
    """Return what holds for any of *these*, such as a cart and the contact it belongs to."""
    names = list(dict.fromkeys((subject.kind, subject.id) for subject in these))
    rows = tx.execute(STANDING, {"connection": connection_id, "these": names}).all()
    reasons = [row.suppression_reason for row in rows if row.suppression_reason]
    return Standing(
        suppression_reason=reasons[0] if reasons else None,
        opted_out=any(row.opted_out_at for row in rows),
        erased=_any_erased(tx, connection_id, these),
    )


def opt_out(tx: Connection, connection_id: str, contact_id: str, source: str) -> None:
    """Remember that a contact wants no more videos."""
    _set(
        tx,
        connection_id,
        Subject("contact", contact_id),
        opted_out_at=now_ms(),
        opt_out_source=source,
    )


def opt_in(tx: Connection, connection_id: str, contact_id: str) -> None:
    """Take an opt-out back."""
    _set(tx, connection_id, Subject("contact", contact_id), opted_out_at=None, opt_out_source=None)


def refuse_tracking(tx: Connection, connection_id: str, viewer: Subject) -> None:
    """Remember that a viewer wants not to be measured."""
    _set(tx, connection_id, viewer, tracking=OFF, tracking_at=now_ms())


def suppress(tx: Connection, connection_id: str, subject: Subject, reason: str) -> None:
    """Make no more videos for a subject, for *reason*."""
    _set(tx, connection_id, subject, suppressed_at=now_ms(), suppression_reason=reason)


def entomb(tx: Connection, connection_id: str, subject: Subject) -> None:
    """Leave only a hash of an erased subject, so that a replay does not bring it back."""
    tx.execute(
        insert(tx, tombstones)
        .values(
            connection_id=connection_id,
            subject_hash=_hash(connection_id, subject),
            erased_at=now_ms(),
        )
        .on_conflict_do_nothing()
    )
    tx.execute(
        delete(subjects).where(
            subjects.c.connection_id == connection_id,
            subjects.c.kind == subject.kind,
            subjects.c.subject_id == subject.id,
        )
    )


def is_erased(tx: Connection, connection_id: str, subject: Subject) -> bool:
    """Tell whether a subject was erased."""
    return _any_erased(tx, connection_id, [subject])


def _any_erased(tx: Connection, connection_id: str, these: Sequence[Subject]) -> bool:
    hashes = list(dict.fromkeys(_hash(connection_id, subject) for subject in these))
    return tx.execute(ERASED, {"connection": connection_id, "hashes": hashes}).first() is not None


def _set(tx: Connection, connection_id: str, subject: Subject, **values: object) -> None:
    tx.execute(
        insert(tx, subjects)
        .values(connection_id=connection_id, kind=subject.kind, subject_id=subject.id, **values)
        .on_conflict_do_update(index_elements=["connection_id", "kind", "subject_id"], set_=values)
    )


def _hash(connection_id: str, subject: Subject) -> str:
    return hashlib.sha256(f"{connection_id}\0{subject.kind}\0{subject.id}".encode()).hexdigest()
