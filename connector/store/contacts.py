"""
The contacts that we know: those of the built-in CRM, and those of any CRM for whom we made videos.

An outside CRM keeps its contacts to itself. Of those we know what their newest video says, which is
enough to find the one that a colleague is about to write to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from connector.model import JSON
from connector.store import contact_words, videos
from connector.store import records as known_records
from connector.store.contact_words import CONTACT
from connector.store.tables import connections, records
from connector.store.tables import videos as videos_table
from connector.store.videos import VideoRow

MOST_WORDS = 8
FEW = 500  # contacts that are looked up one by one

Key = tuple[str, str]  # connection and contact


@dataclass(frozen=True)
class KnownContact:
    """A contact with all that we have: the built-in CRM's fields, the newest video, or both."""

    connection_id: str
    id: str
    fields: Mapping[str, JSON]
    newest: VideoRow | None


def find(
    tx: Connection, text: str = "", limit: int = 20, *, only: str | None = None
) -> list[KnownContact]:
    """
    Return contacts in whom each word of *text* begins one, those with whom something happened last first.

    *only* names the one connection to look in.
    """
    words = contact_words.words_of(text.replace("\0", ""))[:MOST_WORDS]
    if text.strip() and not words:
        return []
    met: dict[Key, int] = {}
    for connection_id in [only] if only is not None else list(titles(tx)):
        for contact_id, at in _met(tx, connection_id, words, limit):
            key = (connection_id, contact_id)
            met[key] = max(at, met.get(key, 0))
    last = sorted(met, key=lambda key: (-met[key], key))[:limit]
    return [found for key in last if (found := known(tx, *key)) is not None]


def known(tx: Connection, connection_id: str, contact_id: str) -> KnownContact | None:
    """Return one contact; None for whom we have neither a record nor a video."""
    if "\0" in connection_id + contact_id:
        return None  # PostgreSQL takes no NUL
    record = known_records.get(tx, connection_id, CONTACT, contact_id)
    newest = videos.newest(tx, connection_id, contact_id)
    if record is None and newest is None:
        return None
    return KnownContact(connection_id, contact_id, record.fields if record else {}, newest)


def titles(tx: Connection) -> dict[str, str]:
    """Return what each connection is called."""
    rows = tx.execute(select(connections.c.id, connections.c.title))
    return {row.id: row.title for row in rows}


def _met(
    tx: Connection, connection_id: str, words: Sequence[str], limit: int
) -> Iterator[tuple[str, int]]:
    """Yield contacts with the time at which something happened with them, some of them twice."""
    if words:
        few = contact_words.holding(tx, connection_id, words, FEW)
        if few is not None:
            return _last_of(tx, connection_id, few)
    # whom many words lead to is soon found among the newest
    return _newest(tx, connection_id, words, limit)


def _last_of(
    tx: Connection, connection_id: str, contact_ids: Sequence[str]
) -> Iterator[tuple[str, int]]:
    own = (records.c.connection_id == connection_id) & (records.c.kind == CONTACT)
    changed = select(records.c.id, records.c.updated_at).where(own, records.c.id.in_(contact_ids))
    of = videos_table.c
    minted = (
        select(of.contact_id, func.max(of.minted_at))
        .where(of.connection_id == connection_id, of.contact_id.in_(contact_ids))
        .group_by(of.contact_id)
    )
    for query in (changed, minted):
        yield from ((str(row[0]), int(row[1])) for row in tx.execute(query))


def _newest(
    tx: Connection, connection_id: str, words: Sequence[str], limit: int
) -> Iterator[tuple[str, int]]:
    own = (records.c.connection_id == connection_id) & (records.c.kind == CONTACT)
    changed = (
        select(records.c.id, records.c.updated_at)
        .where(own, *_each(connection_id, records.c.id, words))
        .order_by(records.c.updated_at.desc())
        .limit(limit)
    )
    of, later = videos_table.c, videos_table.alias()
    again = exists().where(
        later.c.connection_id == of.connection_id,
        later.c.contact_id == of.contact_id,
        later.c.minted_at > of.minted_at,
    )
    minted = (
        select(of.contact_id, of.minted_at)
        .where(of.connection_id == connection_id, of.contact_id.is_not(None), ~again)
        .where(*_each(connection_id, of.contact_id, words))
        .order_by(of.minted_at.desc())
        .limit(limit)
    )
    for query in (changed, minted):
        yield from ((str(row[0]), int(row[1])) for row in tx.execute(query))


def _each(
    connection_id: str, contact_id: ColumnElement[Any], words: Sequence[str]
) -> list[ColumnElement[bool]]:
    return [contact_words.has_word(connection_id, contact_id, word) for word in words]
