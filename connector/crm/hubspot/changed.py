"""
What webhooks would have told us, read from the portal, to make up for those that were lost.

Records that were made, and values that a property came to: a trigger gets the key that its webhook
would have had where both tell the same time, so that nothing is planned twice. Deletions and merges
leave nothing to be found by; a contact that is gone is refused as gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from connector.crm.hubspot.events import (
    CHANGED,
    LONGEST_FACT,
    OWN_PREFIX,
    Rule,
    read_rules,
    trigger_key,
)
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.pages import Row
from connector.crm.hubspot.properties import OBJECTS, definitions
from connector.crm.hubspot.recent import (
    Filter,
    Moment,
    changed_at,
    created_at,
    filled,
    histories,
    pages,
    since_then,
    time_of,
    while_allowed,
)
from connector.decide.dictionary import Dictionary
from connector.model import JSON, Subject, Trigger

CREATION = "creation"
MOST_GROUPS = 5


def changed(gateway: Gateway, dictionary: Dictionary, since: datetime) -> Iterator[Trigger]:
    """Yield a trigger for all that happened since and that the dictionary has a rule for."""
    rules = [rule for rule in read_rules(dictionary.events) if not _ours(rule, dictionary)]
    for object_type in dict.fromkeys(OBJECTS[rule.kind] for rule in rules):
        own = [rule for rule in rules if OBJECTS[rule.kind] == object_type]
        yield from while_allowed(object_type, _of_type(gateway, object_type, own, since))


def _ours(rule: Rule, dictionary: Dictionary) -> bool:
    return rule.field.startswith(OWN_PREFIX) or dictionary.write_word(rule.field) is not None


def _of_type(
    gateway: Gateway, object_type: str, rules: Sequence[Rule], since: datetime
) -> Iterator[Trigger]:
    made = [rule for rule in rules if rule.happening == CREATION]
    if made:
        yield from _creations(gateway, object_type, made, since)
    valued = [rule for rule in rules if rule.happening == CHANGED]
    if valued:
        known = definitions(gateway, object_type)
        valued = [rule for rule in valued if rule.field in known]
    if valued:
        yield from _values(gateway, object_type, valued, since)


def _creations(
    gateway: Gateway, object_type: str, rules: Sequence[Rule], since: datetime
) -> Iterator[Trigger]:
    stamp = created_at(object_type)
    for page in pages(gateway, object_type, [[since_then(stamp, since)]], [stamp]):
        for row in page:
            at = time_of(row["properties"].get(stamp))
            if at is not None:
                yield from (_trigger(rule, row, Moment("", at)) for rule in rules)


def _values(
    gateway: Gateway, object_type: str, rules: Sequence[Rule], since: datetime
) -> Iterator[Trigger]:
    fields = sorted({rule.field for rule in rules})
    groups = _groups(since_then(changed_at(object_type), since), fields)
    for page in pages(gateway, object_type, groups, ["hs_object_id"]):
        ids = [str(row["id"]) for row in page]
        held = histories(gateway, object_type, ids, fields)
        for row in page:
            yield from _came_to(row, rules, held.get(str(row["id"]), {}), since)


def _groups(recently: Filter, fields: Collection[str]) -> list[list[Filter]]:
    """Return filters for records that have any of *fields*, where a search has room to ask for it."""
    if len(fields) > MOST_GROUPS:
        return [[recently]]
    return [[recently, filled(field)] for field in fields]


def _came_to(
    row: Row, rules: Sequence[Rule], held: Mapping[str, Sequence[Moment]], since: datetime
) -> Iterator[Trigger]:
    # a value that was left again counts as well: its webhook would have come
    for rule in rules:
        for moment in held.get(rule.field, ()):
            if moment.at >= since and rule.takes(moment.value):
                yield _trigger(rule, row, moment)


def _trigger(rule: Rule, row: Row, moment: Moment) -> Trigger:
    subject = Subject(rule.kind, str(row["id"]))
    facts: dict[str, JSON] = {}
    if rule.field:
        facts = {"property": rule.field, "value": moment.value[:LONGEST_FACT]}
    return Trigger(
        key=trigger_key(rule.trigger, subject, rule.field, moment.value, moment.at),
        kind=rule.trigger,
        subject=subject,
        # HubSpot's clock is its own: what is said to come later has happened by now
        occurred_at=min(moment.at, datetime.now(UTC)),
        facts=facts,
    )
