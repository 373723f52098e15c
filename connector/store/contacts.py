"""
The contacts that we know: those of the built-in CRM, and those of any CRM for whom we made videos.

An outside CRM keeps its contacts to itself. Of those we know what their newest video says, which is
enough to find the one that a colleague is about to write to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, or_, select

from connector.model import JSON, VideoStatus
from connector.store import records, videos
from connector.store.clock import milliseconds
from connector.store.tables import connections
from connector.store.tables import videos as videos_table
from connector.store.videos import VideoRow

MOST_WORDS = 8
NAMED = ("first_name", "last_name", "company")  # slots by which a person is looked for

Key = tuple[str, str]  # connection and contact


@dataclass(frozen=True)
class KnownContact:
    """A contact with all that we have: the built-in CRM's fields, the newest video, or both."""

    connection_id: str
    id: str
    fields: Mapping[str, JSON]
    newest: VideoRow | None


def find(tx: Connection, text: str = "", limit: int = 20) -> list[KnownContact]:
    """Return contacts in whom each word of *text* occurs, those with whom something happened last first."""
    met = dict(_watchers(tx, text, limit))
    for key, at in _recorded(tx, text, limit):
        met[key] = max(at, met.get(key, 0))
    last = sorted(met, key=lambda key: (-met[key], key))[:limit]
    return [found for key in last if (found := known(tx, *key)) is not None]


def known(tx: Connection, connection_id: str, contact_id: str) -> KnownContact | None:
    """Return one contact; None for whom we have neither a record nor a video."""
    if "\0" in connection_id + contact_id:
        return None  # PostgreSQL takes no NUL
    record = records.get(tx, connection_id, "contact", contact_id)
    newest = videos.newest(tx, connection_id, contact_id)
    if record is None and newest is None:
        return None
    return KnownContact(connection_id, contact_id, record.fields if record else {}, newest)


def titles(tx: Connection) -> dict[str, str]:
    """Return what each connection is called."""
    rows = tx.execute(select(connections.c.id, connections.c.title))
    return {row.id: row.title for row in rows}


def _recorded(tx: Connection, text: str, limit: int) -> Iterator[tuple[Key, int]]:
    own = select(connections.c.id).where(connections.c.crm == "local")
    for connection_id in tx.execute(own).scalars().all():
        for row in records.search(tx, connection_id, "contact", text=text, limit=limit).rows:
            yield (connection_id, row.id), milliseconds(row.updated_at)


def _watchers(tx: Connection, text: str, limit: int) -> Iterator[tuple[Key, int]]:
    of = videos_table.c
    last = func.max(of.minted_at).label("last")
    rows = tx.execute(
        select(of.connection_id, of.contact_id, last)
        .where(of.contact_id.is_not(None), of.status != VideoStatus.ERASED, *_matches(text))
        .group_by(of.connection_id, of.contact_id)
        .order_by(last.desc(), of.connection_id, of.contact_id)
        .limit(limit)
    )
    for row in rows:
        yield (row.connection_id, row.contact_id), row.last


def _matches(text: str) -> Iterator[ColumnElement[bool]]:
    haystack: ColumnElement[str] = videos_table.c.contact_id
    for slot in NAMED:
        said = videos_table.c.slots[(slot, "text")].as_string()
        haystack = haystack + " " + func.coalesce(said, "")
    for word in text.replace("\0", "").split()[:MOST_WORDS]:
        yield or_(*(haystack.icontains(one, autoescape=True) for one in _spellings(word)))


def _spellings(word: str) -> set[str]:
    # SQLite ignores case in ASCII only
    return {word, word.lower(), word.capitalize(), word.upper()}
