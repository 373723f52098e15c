"""
Erasure of a contact: every row that is about them goes, and a tombstone stays.

Videos keep an empty row with status `erased`, so that their links answer 410 instead of 404; it
holds no personal value. Decisions, triggers and events of the contact are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, or_, select, update

from connector.model import Subject, VideoStatus
from connector.store import changes, contact_words, subjects
from connector.store.recount import withdraw
from connector.store.tables import (
    DONE,
    assignments,
    attempts,
    decisions,
    events,
    measures,
    outcomes,
    sessions,
    triggers,
    videos,
    webhooks,
)
from connector.store.tables import changes as change_table


@dataclass(frozen=True)
class Erased:
    """What an erasure found: the videos whose files must go, and how many rows went."""

    video_ids: tuple[str, ...]
    rows: int


def erase(tx: Connection, connection_id: str, contact_id: str) -> Erased:
    """Delete what we hold about a contact; running it again does nothing more."""
    subject = Subject("contact", contact_id)
    rows = tx.execute(
        select(videos.c.id, videos.c.trigger_id)
        .where(videos.c.connection_id == connection_id, videos.c.contact_id == contact_id)
        # beacons that are being stored are waited for, so that none stays
        .order_by(videos.c.id)
        .with_for_update()
    ).all()
    video_ids = [row.id for row in rows]
    count = _delete_watching(tx, video_ids)
    _delete_attempts(tx, connection_id, contact_id)
    changes.drop(tx, connection_id, contact_id)
    count += _delete_decisions(tx, connection_id, contact_id)
    _empty_videos(tx, video_ids)
    count += _delete_triggers(tx, connection_id, contact_id, [row.trigger_id for row in rows])
    for table in (outcomes, webhooks):
        count += tx.execute(
            delete(table).where(
                table.c.connection_id == connection_id, table.c.contact_id == contact_id
            )
        ).rowcount
    tx.execute(
        delete(assignments).where(
            assignments.c.connection_id == connection_id, assignments.c.unit == contact_id
        )
    )
    contact_words.forget(tx, connection_id, [contact_id])
    subjects.entomb(tx, connection_id, subject)
    return Erased(tuple(video_ids), count)


def _delete_watching(tx: Connection, video_ids: list[str]) -> int:
    # who is erased leaves the sums too, but for what is settled, which is nobody's any more
    withdraw(tx, video_ids)
    count = 0
    for table in (events, sessions):
        count += tx.execute(delete(table).where(table.c.video_id.in_(video_ids))).rowcount
    tx.execute(delete(measures).where(measures.c.id.in_(video_ids)))
    return count


def _delete_attempts(tx: Connection, connection_id: str, contact_id: str) -> None:
    """Forget what went wrong for this contact: a CRM's words may quote the record."""
    for table in (videos, change_table, webhooks):
        own = select(table.c.id).where(
            table.c.connection_id == connection_id, table.c.contact_id == contact_id
        )
        tx.execute(delete(attempts).where(attempts.c.row_id.in_(own)))
    of_triggers = select(triggers.c.id).where(
        triggers.c.connection_id == connection_id, _names(contact_id)
    )
    tx.execute(delete(attempts).where(attempts.c.row_id.in_(of_triggers)))


def _names(contact_id: str) -> ColumnElement[bool]:
    """Match triggers that are about a contact, or that name one in their facts."""
    return or_(
        (triggers.c.subject_kind == "contact") & (triggers.c.subject_id == contact_id),
        triggers.c.facts["contact_id"].as_string() == contact_id,
    )


def _delete_decisions(tx: Connection, connection_id: str, contact_id: str) -> int:
    return tx.execute(
        delete(decisions).where(
            decisions.c.connection_id == connection_id, decisions.c.contact_id == contact_id
        )
    ).rowcount


def _empty_videos(tx: Connection, video_ids: list[str]) -> None:
    tx.execute(
        update(videos)
        .where(videos.c.id.in_(video_ids))
        .values(
            contact_id=None,
            subject_kind="erased",
            subject_id="",
            slots={},
            fallback_slots=[],
            call_to_action=None,
            actions=None,
            receipt=None,
            earlier=None,
            status=VideoStatus.ERASED,
            reason="erased",
            sentence="",
            token_sealed="",
            error_sentence=None,
            work=DONE,
            # whoever renders it right now loses the right to publish
            fence=videos.c.fence + 1,
        )
    )


def _delete_triggers(tx: Connection, connection_id: str, contact_id: str, used: list[str]) -> int:
    """Empty the triggers that videos point to, delete the others of this contact."""
    tx.execute(
        update(triggers)
        .where(triggers.c.id.in_(used))
        .values(
            subject_kind="erased",
            subject_id="",
            facts={},
            work=DONE,
            fence=triggers.c.fence + 1,
            key="erased:" + triggers.c.id,
        )
    )
    return tx.execute(
        delete(triggers).where(
            triggers.c.connection_id == connection_id,
            _names(contact_id),
            triggers.c.id.not_in(select(decisions.c.trigger_id)),
            triggers.c.kind != "contact_deleted",
        )
    ).rowcount
