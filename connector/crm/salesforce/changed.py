"""
What flows should have told us, read from the org, and what none tells: deletions and idle carts.

A flow's message and what is found here have different keys, for a message tells neither when nor why.
Where both tell of the same, the message came later than what it tells of, so what is found here gives
way to it as superseded; what is left of doubt is for the campaign's `limits.repeat`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice

from connector.crm.salesforce.deletions import gone
from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.histories import Moment, history_of, moments
from connector.crm.salesforce.kept import described, readable
from connector.crm.salesforce.recent import (
    found,
    id_of,
    in_order,
    since_then,
    time_of,
    while_allowed,
)
from connector.crm.salesforce.rules import PEOPLE, Rule, read_rules
from connector.crm.salesforce.soql import IDS_AT_ONCE, moment, select
from connector.decide.dictionary import Dictionary
from connector.model import Subject, Trigger

CREATED_AT, CHANGED_AT, STAMP = "CreatedDate", "LastModifiedDate", "SystemModstamp"
OWN_PREFIX = "cuereel_"


def changed(gateway: Gateway, dictionary: Dictionary, since: datetime) -> Iterator[Trigger]:
    """
    Yield a trigger for each person who went since, and for all that the dictionary has a rule for.

    MappingError where one of its rules is none. What the org has not, or lets us not see, is left out.
    """
    rules = [rule for rule in read_rules(dictionary.events) if not _ours(rule, dictionary)]
    since = since.replace(microsecond=0)  # Salesforce's times have none
    # all of them, before anything is asked for
    about = [(rule, rule.object(dictionary.objects)) for rule in rules]
    yield from gone(gateway, since)
    for rule, name in about:
        if described(gateway, name).known:
            yield from while_allowed(rule.name, _of_rule(gateway, rule, name, since))


def _ours(rule: Rule, dictionary: Dictionary) -> bool:
    # a rule about a field that we write would make a circle
    name = rule.field.rpartition(".")[2]
    return name.lower().startswith(OWN_PREFIX) or dictionary.write_word(name) is not None


def _of_rule(gateway: Gateway, rule: Rule, name: str, since: datetime) -> Iterator[Trigger]:
    if not rule.field:
        return _made(gateway, rule, name, since)
    if not readable(gateway, name, [rule.field]):
        return iter(())
    condition = rule.condition(_type(gateway, name, rule.field))
    if rule.idle is not None:
        return _idle(gateway, rule, name, condition, since, rule.idle)
    return _came_to(gateway, rule, name, condition, since)


def _made(gateway: Gateway, rule: Rule, name: str, since: datetime) -> Iterator[Trigger]:
    soql = select(["Id", CREATED_AT], name, since_then(CREATED_AT, since), in_order(CREATED_AT))
    for row in gateway.query(soql):
        yield found(rule.trigger, _subject(rule, name, row), time_of(row.get(CREATED_AT)))


def _idle(
    gateway: Gateway, rule: Rule, name: str, condition: str, since: datetime, idle: timedelta
) -> Iterator[Trigger]:
    """Find what was last touched so long ago; touched again, it is idle anew."""
    until = datetime.now(UTC) - idle
    where = f"{since_then(CHANGED_AT, since - idle)} AND {CHANGED_AT} <= {moment(until)}"
    soql = select(["Id", CHANGED_AT], name, f"{where} AND {condition}", in_order(CHANGED_AT))
    for row in gateway.query(soql):
        touched = time_of(row.get(CHANGED_AT))
        subject = _subject(rule, name, row)
        yield found(rule.trigger, subject, touched + idle, rule.field, touched.isoformat())


def _came_to(
    gateway: Gateway, rule: Rule, name: str, condition: str, since: datetime
) -> Iterator[Trigger]:
    """Find what has a value now and came to it since; a value that was left again is passed over."""
    history = history_of(gateway, name, rule.field)
    fields = ["Id", rule.field, CREATED_AT, STAMP]
    where = f"{since_then(STAMP, since)} AND {condition}"
    rows = gateway.query(select(fields, name, where, in_order(STAMP)))
    while batch := list(islice(rows, IDS_AT_ONCE)):
        ids = [id_of(row.get("Id")) for row in batch]
        held = moments(gateway, history, ids) if history else {}
        for row in batch:
            yield from _since(rule, name, row, held, since)


def _since(
    rule: Rule, name: str, row: Row, held: Mapping[str, Moment], since: datetime
) -> Iterator[Trigger]:
    subject, known = _subject(rule, name, row), held.get(id_of(row.get("Id")))
    if known is not None:
        if known.at >= since:
            yield found(rule.trigger, subject, known.at, rule.field, known.entry)
        return
    # Without a history any change of the record may have been this one, so it counts once for a record
    # and value, and never again: the same value found twice is one event more likely than two. Of people
    # only new ones count, since what we write on them ourselves changes their time as well.
    at = time_of(row.get(CREATED_AT if name in PEOPLE else STAMP))
    if at >= since:
        yield found(rule.trigger, subject, at, rule.field, _value(row, rule.field))


def _subject(rule: Rule, name: str, row: Row) -> Subject:
    return Subject("contact" if name in PEOPLE else rule.kind, id_of(row.get("Id")))


def _value(row: Row, field: str) -> str:
    """Return what stands in a row behind relations, as `{"Account": {"Type": "Partner"}}`."""
    value: object = row
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return str(value).casefold()


def _type(gateway: Gateway, name: str, path: str) -> str:
    """Return Salesforce's type of a field, behind relations; text where several objects may be meant."""
    first, dot, rest = path.partition(".")
    here = described(gateway, name).fields
    if not dot:
        return here[first].type if first in here else "string"
    leads = next((one.leads_to for one in here.values() if one.relation == first), ())
    return _type(gateway, leads[0], rest) if len(leads) == 1 else "string"
