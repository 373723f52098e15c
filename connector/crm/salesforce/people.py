"""
Records by their ids, hundreds to a query, and among them those who watch: contacts and leads.

A lead's fields stand in words of its own, `lead.*`, and so does what it says of its company. To the
rest of Cuereel both are contacts, so they answer to the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote_plus

import structlog

from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.ids import CONTACT, LEAD, is_id, object_of, whole
from connector.crm.salesforce.items import Askable, values
from connector.crm.salesforce.kept import described, forget
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import IDS_AT_ONCE, any_of, chunks, select
from connector.decide.dictionary import Dictionary
from connector.errors import CRMDownError
from connector.model import JSON

PEOPLE = frozenset({CONTACT, LEAD})
COMPANY, ACCOUNT = "company", "Account"
# a lead has no account; it says in a field of its own who it works for
COMPANY_OF_LEAD = {"company.name": "lead.company"}
CONVERTED = "IsConverted"
HIDDEN = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
# the address of a call with its headers may be 16 KB long (salesforce.md §4.2): so much for the
# query, and so much of it for an id with quotes and comma, encoded
ROOM, ROOM_OF_ID = 15_000, 27

T = TypeVar("T")

log = structlog.get_logger(__name__)


def ids(asked: Iterable[str]) -> dict[str, str]:
    """Return those of *asked* that are ids, each with its eighteen characters."""
    return {one: whole(one) for one in asked if is_id(one)}


def is_person(record_id: str) -> bool:
    """Tell whether the id is a contact's or a lead's."""
    return object_of(record_id) in PEOPLE


def fetch(
    gateway: Gateway, name: str, records: Iterable[str], fields: Sequence[str]
) -> dict[str, Row]:
    """Return the rows of an object by id, with *fields*; what is gone is absent."""
    fields = ["Id", *fields]
    size = (ROOM - len(quote_plus(select(fields, name, any_of("Id", []))))) // ROOM_OF_ID
    found: dict[str, Row] = {}
    for some in chunks(records, max(1, min(IDS_AT_ONCE, size))):
        for row in gateway.query(select(fields, name, any_of("Id", some))):
            found[_id(row)] = row
    return found


def people(
    gateway: Gateway,
    may: Askable,
    dictionary: Dictionary,
    persons: Collection[str],
    words: Collection[str],
) -> dict[str, dict[str, JSON]]:
    """Return what *words* say of each contact and lead that exists, and of its company."""
    found: dict[str, dict[str, JSON]] = {}
    for name in sorted(PEOPLE):
        asked = [one for one in persons if object_of(one) == name]
        if not asked or not described(gateway, name).known:
            continue
        paths = shown(may, name, _person(dictionary, name, words))
        rows = fetch(gateway, name, asked, [*paths.values(), *may(name, [CONVERTED])])
        # a lead that became a contact is no longer there to be written to
        alive = {one: row for one, row in rows.items() if row.get(CONVERTED) is not True}
        found |= {one: values(row, paths) for one, row in alive.items()}
    return found


def shown(may: Askable, name: str, paths: Mapping[str, str]) -> dict[str, str]:
    """Return those of word = path that the org shows us."""
    allowed = set(may(name, paths.values()))
    return {word: path for word, path in paths.items() if path in allowed}


def company(dictionary: Dictionary, name: str, words: Collection[str]) -> dict[str, str]:
    """Return the paths of `company.*` from an object: its account's, or its own where it is one."""
    way = "" if name == ACCOUNT else f"{ACCOUNT}."
    return {word: way + path for word, path in of_kind(dictionary, COMPANY, words).items()}


def of_kind(dictionary: Dictionary, kind: str, words: Collection[str]) -> dict[str, str]:
    """Return the fields of those *words* that are of a kind of record."""
    return {
        word: path
        for word in words
        if word.partition(".")[0] == kind and (path := dictionary.field(word)) is not None
    }


def asked_again(gateway: Gateway, ask: Callable[[frozenset[str]], T]) -> T:
    """
    Return what *ask* answers, which is told of fields that it must not name.

    A field may be hidden from us after the org described it; then once more without it.
    """
    try:
        return ask(frozenset())
    except RefusedError as error:
        if error.code not in HIDDEN:
            raise
        log.warning("a field of the org is hidden since", crm="salesforce", reason=error.reason)
        forget(gateway)
        return ask(frozenset(error.fields))


def _person(dictionary: Dictionary, name: str, words: Collection[str]) -> dict[str, str]:
    if name == CONTACT:
        return of_kind(dictionary, "contact", words) | company(dictionary, CONTACT, words)
    own = {word: dictionary.field(_word_of_lead(word)) for word in words}
    return {word: path for word, path in own.items() if path is not None}


def _word_of_lead(word: str) -> str:
    """Return the word of [lead] that stands for one of [contact] or [company]; empty for others."""
    kind, _, name = word.partition(".")
    if kind not in ("contact", "lead", COMPANY):
        return ""
    return COMPANY_OF_LEAD.get(word, f"lead.{name}")


def _id(row: JSON) -> str:
    found = row.get("Id") if isinstance(row, Mapping) else None
    if not is_id(found):
        raise CRMDownError("Salesforce answered a query without rows; trying again is safe")
    return whole(str(found))
