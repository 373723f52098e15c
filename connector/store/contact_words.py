"""
The words by which a contact is found: of names, company, e-mail address and id, in small letters
without accents.

They are taken from the local CRM's records and from what videos say of their viewers, and follow
those in the same transaction. A search reads the beginnings of words from an index, so it takes no
longer with a hundred thousand contacts than with a hundred.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, select

from connector.store.tables import records, videos
from connector.store.tables_around import contact_words as table
from connector.store.upsert import insert

LONGEST, MOST = 40, 24
LAST = "\U0010ffff"  # comes after every letter
CONTACT = "contact"
CHUNK = 500
SEARCHED = ("first_name", "last_name", "email", "name", "title", "company")
NAMED = ("first_name", "last_name", "company")  # slots by which a person is looked for


def words_of(*texts: str) -> list[str]:
    """Return the words of some texts, each once, as they are stored and looked for."""
    plain = unicodedata.normalize("NFKD", " ".join(texts).casefold())
    spaced = "".join(
        letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " "
        for letter in plain
        if not unicodedata.combining(letter)
    )
    return list(dict.fromkeys(word[:LONGEST] for word in spaced.split()))[:MOST]


def learn(
    tx: Connection,
    connection_id: str,
    contact_id: str,
    slots: Mapping[str, Any],
    fallbacks: Collection[str],
) -> None:
    """Add what a video says of its viewer, without what only stood in for it."""
    words = words_of(contact_id, *_said(slots, fallbacks))
    _add(tx, connection_id, {contact_id: words})


def renew(tx: Connection, connection_id: str, contact_ids: Iterable[str]) -> None:
    """Take the words of these contacts anew from what there is of them, be it nothing any more."""
    wanted = sorted(set(contact_ids))
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        forget(tx, connection_id, chunk)
        _add(tx, connection_id, _present(tx, connection_id, chunk))


def forget(tx: Connection, connection_id: str, contact_ids: Sequence[str]) -> None:
    """Delete the words of these contacts."""
    own = and_(table.c.connection_id == connection_id, table.c.contact_id.in_(contact_ids))
    tx.execute(delete(table).where(own))


def named(fields: Mapping[str, Any]) -> list[str]:
    """Return the texts of a record by which its contact is found."""
    return [text for name in SEARCHED if isinstance(text := fields.get(name), str)]


def holding(
    tx: Connection, connection_id: str, words: Sequence[str], most: int
) -> list[str] | None:
    """Return the contacts in whom each of *words* begins a word; None where they are more than *most*."""
    first, *others = sorted(words, key=len, reverse=True)  # a long word is a rare one
    rows = tx.execute(
        select(table.c.contact_id)
        .where(
            table.c.connection_id == connection_id,
            *_begins(table, first),
            *(has_word(connection_id, table.c.contact_id, word) for word in others),
        )
        # a contact has the beginning twice at times
        .limit(2 * most)
    )
    every = list(rows.scalars())
    found = list(dict.fromkeys(every))
    return found if len(found) <= most and len(every) < 2 * most else None


def has_word(connection_id: str, contact_id: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    """Match contacts in whom *word* begins a word."""
    own = table.alias()
    return exists().where(
        own.c.connection_id == connection_id, own.c.contact_id == contact_id, *_begins(own, word)
    )


def _begins(where: Any, word: str) -> Iterator[ColumnElement[bool]]:
    yield where.c.word >= word
    yield where.c.word < word + LAST


def _present(tx: Connection, connection_id: str, ids: Sequence[str]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {}
    own = and_(
        records.c.connection_id == connection_id, records.c.kind == CONTACT, records.c.id.in_(ids)
    )
    for row in tx.execute(select(records.c.id, records.c.fields).where(own)):
        texts.setdefault(row.id, []).extend(named(row.fields))
    of = videos.c
    viewers = and_(of.connection_id == connection_id, of.contact_id.in_(ids))
    said = select(of.contact_id, of.slots, of.fallback_slots).where(viewers)
    for contact_id, slots, fallbacks in tx.execute(said):
        texts.setdefault(contact_id, []).extend(_said(slots, fallbacks))
    return {contact_id: words_of(contact_id, *found) for contact_id, found in texts.items()}


def _said(slots: Mapping[str, Any], fallbacks: Collection[str]) -> Iterator[str]:
    for name in NAMED:
        slot = None if name in fallbacks else slots.get(name)
        if isinstance(slot, Mapping):
            yield str(slot.get("text") or slot.get("value") or "")


def _add(tx: Connection, connection_id: str, words: Mapping[str, Iterable[str]]) -> None:
    rows = [
        {"connection_id": connection_id, "contact_id": contact_id, "word": word}
        for contact_id, found in words.items()
        for word in found
    ]
    # always in one order, so that two that add the same never wait for each other
    rows.sort(key=lambda row: (row["contact_id"], row["word"]))
    if rows:
        tx.execute(insert(tx, table).on_conflict_do_nothing(), rows)
