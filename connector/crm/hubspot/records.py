"""
Reads records by our words, with the people and the goods around them.

A hundred carts are a handful of calls: each kind of record is read once for all subjects, and so is
each kind of association. Nothing but mapped properties is asked for, so a campaign can show no more
of a person than its mapping says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.crm.hubspot.associations import associated
from connector.crm.hubspot.consent import consent, opt_outs, remember
from connector.crm.hubspot.fetched import Fetched, allowed
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.goods import LINE_ITEM, LINE_ITEMS, Rows, goods, line_item_fields
from connector.crm.hubspot.owners import Owner, owners
from connector.crm.hubspot.properties import OBJECTS
from connector.decide.dictionary import Dictionary
from connector.model import JSON, Record, Subject

__all__ = ["consent", "read"]

CONTACT, COMPANY, DEAL = "contact", "company", "deal"
CONTACTS, COMPANIES, DEALS = OBJECTS[CONTACT], OBJECTS[COMPANY], OBJECTS[DEAL]
# a line item is part of something and is watched by nobody
SUBJECTS = frozenset(OBJECTS) - {LINE_ITEM}

Links = Mapping[Subject, str]


@dataclass(frozen=True)
class _Around:
    """What belongs to the subjects of one reading."""

    contacts: Links
    companies: Links
    goods: Mapping[Subject, Rows]
    owners: Mapping[str, Owner]


def read(
    gateway: Gateway,
    dictionary: Dictionary,
    subjects: Sequence[Subject],
    words: Collection[str],
    subscription: str = "",
) -> dict[Subject, Record]:
    """
    Return *words* of each subject, its contact and the contact's company; absent where gone.

    With *subscription*, the opt-out from it is read too, for the question of consent that follows.
    """
    fields = {word: name for word in words if (name := dictionary.field(word)) is not None}
    fetched = Fetched(gateway, _wanted(dictionary, fields, subscription))
    for object_type, ids in _by_type(one for one in subjects if one.kind in SUBJECTS).items():
        fetched.fetch(object_type, ids)
    alive = [one for one in dict.fromkeys(subjects) if _here(fetched, one)]
    around = _around(gateway, fetched, dictionary, alive, fields)
    return {one: _answer(one, fetched, around, fields) for one in alive}


def _wanted(
    dictionary: Dictionary, fields: Mapping[str, str], subscription: str
) -> dict[str, frozenset[str]]:
    wanted = {CONTACTS: set(opt_outs(dictionary, subscription))}
    for word, name in fields.items():
        object_type = OBJECTS.get(_kind(word))
        if object_type is not None and name != LINE_ITEMS:
            wanted.setdefault(object_type, set()).add(name.partition(".")[0])
    if LINE_ITEMS in fields.values():
        wanted[LINE_ITEMS] = set(line_item_fields(dictionary).values())
    return {object_type: frozenset(names) for object_type, names in wanted.items()}


def _around(
    gateway: Gateway,
    fetched: Fetched,
    dictionary: Dictionary,
    alive: Sequence[Subject],
    fields: Mapping[str, str],
) -> _Around:
    contacts = _contacts(gateway, fetched, alive)
    remember(gateway, fetched.all(CONTACTS))
    companies: Links = {}
    if any(_kind(word) == COMPANY for word in fields):
        companies = allowed(COMPANIES, lambda: _companies(gateway, fetched, alive, contacts)) or {}
    items: dict[Subject, Rows] = {}
    for kind in {_kind(word) for word, name in fields.items() if name == LINE_ITEMS}:
        ids = [one.id for one in alive if one.kind == kind]
        if ids:
            rows = goods(gateway, fetched, dictionary, OBJECTS[kind], ids)
            items |= {Subject(kind, record): listed for record, listed in rows.items()}
    named = any("." in name for name in fields.values())
    people = allowed("owners", lambda: owners(gateway)) if named and alive else None
    return _Around(contacts, companies, items, people or {})


def _contacts(gateway: Gateway, fetched: Fetched, alive: Sequence[Subject]) -> Links:
    """Return who is to watch: the contact itself, else the first one that belongs to the record."""
    links = {one: one.id for one in alive if one.kind == CONTACT}
    for object_type in sorted({OBJECTS[one.kind] for one in alive} - {CONTACTS}):
        links |= _first(gateway, object_type, CONTACTS, {
            one: one.id for one in alive if OBJECTS[one.kind] == object_type
        })  # fmt: skip
    fetched.fetch(CONTACTS, links.values())
    here = fetched.all(CONTACTS)
    return {one: contact for one, contact in links.items() if contact in here}


def _companies(
    gateway: Gateway, fetched: Fetched, alive: Sequence[Subject], contacts: Links
) -> Links:
    """Return the company of each: its own comes before that of its contact."""
    links = {one: one.id for one in alive if OBJECTS[one.kind] == COMPANIES}
    deals = {one: one.id for one in alive if one.kind == DEAL}
    links |= _first(gateway, DEALS, COMPANIES, deals)
    rest = {one: contact for one, contact in contacts.items() if one not in links}
    links |= _first(gateway, CONTACTS, COMPANIES, rest)
    fetched.fetch(COMPANIES, links.values())
    return links


def _first(gateway: Gateway, from_type: str, to_type: str, sources: Links) -> dict[Subject, str]:
    if not sources:
        return {}
    found = associated(gateway, from_type, to_type, sources.values())
    return {one: found[record][0] for one, record in sources.items() if found.get(record)}


def _answer(one: Subject, fetched: Fetched, around: _Around, fields: Mapping[str, str]) -> Record:
    contact, company = around.contacts.get(one), around.companies.get(one)
    sources = {COMPANY: company, CONTACT: contact, one.kind: one.id}
    found: dict[str, JSON] = {}
    for word, name in fields.items():
        source = sources.get(_kind(word))
        value = (
            None if source is None else _value(Subject(_kind(word), source), name, fetched, around)
        )
        # what is empty is left out, so that the campaign's `otherwise` stands in
        if value is not None:
            found[word] = value
    return Record(one, contact, found)


def _value(source: Subject, name: str, fetched: Fetched, around: _Around) -> JSON:
    if name == LINE_ITEMS:
        return around.goods.get(source) or None
    base, _, attribute = name.partition(".")
    if attribute:
        owner = fetched.text(OBJECTS[source.kind], source.id, base)
        return around.owners.get(owner, {}).get(attribute) or None
    return fetched.value(OBJECTS[source.kind], source.id, name)


def _by_type(subjects: Iterable[Subject]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in dict.fromkeys(subjects):
        found.setdefault(OBJECTS[one.kind], []).append(one.id)
    return found


def _here(fetched: Fetched, one: Subject) -> bool:
    return one.kind in SUBJECTS and one.id in fetched.all(OBJECTS[one.kind])


def _kind(word: str) -> str:
    return word.partition(".")[0]
