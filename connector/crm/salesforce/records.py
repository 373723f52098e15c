"""
Reads records by our words, with the people, accounts and goods around them.

A hundred carts are two queries: one for the carts with their goods and accounts, one for those who
watch. Nothing but mapped fields is asked for, so a campaign can show no more than its mapping says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.items import (
    ITEMS,
    Askable,
    askable,
    at,
    beneath,
    items,
    subquery,
    values,
)
from connector.crm.salesforce.kept import described
from connector.crm.salesforce.people import (
    ACCOUNT,
    asked_again,
    company,
    fetch,
    ids,
    is_person,
    of_kind,
    people,
    shown,
)
from connector.crm.salesforce.soql import select
from connector.decide.dictionary import Dictionary
from connector.model import JSON, Record, Subject

PERSONS = frozenset({"contact", "lead"})
# an account that is a person has its contact at hand; nothing else has such a field
PERSON_ACCOUNT = "PersonContactId"
# where no way to the contact is given: who watches, from which relation, in which order
VIEWERS = {
    "Opportunity": ("OpportunityContactRoles", "ContactId", "ORDER BY IsPrimary DESC, CreatedDate LIMIT 1"),
    ACCOUNT: ("Contacts", "Id", "ORDER BY CreatedDate LIMIT 1"),
}  # fmt: skip

People = Mapping[str, Mapping[str, JSON]]


@dataclass(frozen=True)
class _Plan:
    """What to ask of one kind of record: word = path, the ways to who watches, and subqueries."""

    name: str
    own: Mapping[str, str]
    company: Mapping[str, str]
    ways: Sequence[str] = ()
    items: Mapping[str, str] = field(default_factory=dict)
    subqueries: Sequence[str] = ()

    def fields(self) -> list[str]:
        """Return all that the query names."""
        return [*self.own.values(), *self.company.values(), *self.ways, *self.subqueries]


@dataclass(frozen=True)
class _Found:
    """A record that exists, and who watches it."""

    row: Row
    viewer: str
    plan: _Plan


def read(
    gateway: Gateway, dictionary: Dictionary, subjects: Sequence[Subject], words: Collection[str]
) -> dict[Subject, Record]:
    """Return *words* of each subject, of who watches and of the company; absent where gone."""
    known = ids(one.id for one in subjects)
    asked = {one: known[one.id] for one in subjects if one.id in known}
    found = asked_again(
        gateway, lambda hidden: _read(gateway, askable(gateway, hidden), dictionary, asked, words)
    )
    said = {word: text for word in words if (text := constant(dictionary.field(word)))}
    return {one: replace(record, fields={**said, **record.fields}) for one, record in found.items()}


def constant(field: str | None) -> str:
    """Return what a dictionary says instead of naming a field (`=EUR`); empty where it names one."""
    return field[1:].strip() if field and field.startswith("=") else ""


def _read(
    gateway: Gateway,
    may: Askable,
    dictionary: Dictionary,
    asked: Mapping[Subject, str],
    words: Collection[str],
) -> dict[Subject, Record]:
    found: dict[Subject, _Found] = {}
    for kind in sorted({one.kind for one in asked} - PERSONS):
        of_it = {one: record for one, record in asked.items() if one.kind == kind}
        found |= _things(gateway, _plan(gateway, may, dictionary, kind, words), of_it)
    persons = {one: record for one, record in asked.items() if one.kind in PERSONS}
    viewers = {*persons.values(), *(one.viewer for one in found.values() if one.viewer)}
    known = people(gateway, may, dictionary, viewers, words)
    records = {
        one: Record(one, record, known[record])
        for one, record in persons.items()
        if record in known
    }
    return records | {one: _answer(one, thing, known, dictionary) for one, thing in found.items()}


def _plan(
    gateway: Gateway, may: Askable, dictionary: Dictionary, kind: str, words: Collection[str]
) -> _Plan | None:
    """Return what to ask of a kind of record; None where the org has no such object."""
    name, _, way = dictionary.objects.get(kind, "").partition(".")
    if not name or not described(gateway, name).known:
        return None
    own = of_kind(dictionary, kind, words)
    relation = own.pop(f"{kind}.{ITEMS}", "")
    goods = subquery(gateway, may, dictionary, name, relation) if relation else ""
    return _Plan(
        name=name,
        own=shown(may, name, own),
        company=shown(may, name, company(dictionary, name, words)),
        ways=may(name, [way or PERSON_ACCOUNT]),
        items={f"{kind}.{ITEMS}": relation} if goods else {},
        subqueries=[one for one in (goods, _watching(gateway, name, way)) if one],
    )


def _watching(gateway: Gateway, name: str, way: str) -> str:
    relation, contact, rest = VIEWERS.get(name, ("", "", ""))
    if way or relation not in described(gateway, name).children:
        return ""
    return f"({select([contact], relation, rest=rest)})"


def _things(
    gateway: Gateway, plan: _Plan | None, asked: Mapping[Subject, str]
) -> dict[Subject, _Found]:
    if plan is None:
        return {}
    rows = fetch(gateway, plan.name, asked.values(), plan.fields())
    return {
        one: _Found(rows[record], _viewer(rows[record], plan), plan)
        for one, record in asked.items()
        if record in rows
    }


def _viewer(row: Row, plan: _Plan) -> str:
    """Return who watches; empty where that is nobody whom we know how to reach."""
    relation, contact, _ = VIEWERS.get(plan.name, ("", "", ""))
    named = [at(row, way) for way in plan.ways]
    named += [at(one, contact) for one in beneath(row, relation)]
    viewers = ids(str(one) for one in named if one)
    return next((one for one in viewers.values() if is_person(one)), "")


def _answer(one: Subject, found: _Found, known: People, dictionary: Dictionary) -> Record:
    """Put together a record's own words, its viewer's, and those of its company before its viewer's."""
    row, plan = found.row, found.plan
    told = dict(known.get(found.viewer, {}))
    if plan.name == ACCOUNT or row.get(ACCOUNT):
        told = {word: said for word, said in told.items() if not word.startswith("company.")}
        told |= values(row, plan.company)
    told |= values(row, plan.own)
    for word, relation in plan.items.items():
        if goods := items(row, relation, dictionary):
            told[word] = goods
    return Record(one, found.viewer if found.viewer in known else None, told)
