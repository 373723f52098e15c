"""
What HubSpot's webhooks tell, in our words.

The dictionary's `[events]` say which of it matters, one rule a line: `contact.creation`, or
`cart.hs_external_status=abandoned|recovering`. All else is accepted and ignored.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from connector.decide.dictionary import Dictionary
from connector.errors import MappingError, PayloadError
from connector.model import JSON, Subject, Trigger
from connector.store.clock import milliseconds

MOST_EVENTS = 100
LONGEST_ID, LONGEST_FACT = 64, 200
OWN_PREFIX = "cuereel_"
# kinds of record that a rule may name, by HubSpot's numbers; an account is what it calls a company
OBJECTS = {
    "contact": "0-1", "company": "0-2", "account": "0-2", "deal": "0-3", "ticket": "0-5",
    "line_item": "0-8", "order": "0-123", "cart": "0-142",
}  # fmt: skip
HAPPENINGS = frozenset({"creation", "deletion", "privacyDeletion", "merge", "restore"})
CHANGED = "propertyChange"
RULE = re.compile(r"(?P<kind>\w+)\.(?P<name>\w+)(?:=(?P<values>.+))?", re.DOTALL)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 32_503_680_000_000  # the year 3000, in milliseconds


@dataclass(frozen=True)
class Rule:
    """One line of `[events]`: *values* in lower case, none for any; *trigger* is our kind."""

    kind: str
    happening: str
    field: str
    values: frozenset[str]
    trigger: str

    @property
    def object_type(self) -> str:
        """HubSpot's number of the kind of record."""
        return OBJECTS[self.kind]

    def takes(self, value: str) -> bool:
        """Tell whether a property's new value is one that this is about."""
        return not self.values or value.strip().casefold() in self.values


@dataclass(frozen=True)
class Event:
    """One webhook as far as rules ask; *raw* is all of it."""

    object_type: str
    happening: str
    field: str
    value: str
    raw: Mapping[str, JSON]


def read_rules(events: Mapping[str, str]) -> tuple[Rule, ...]:
    """Read the rules of a dictionary; MappingError names the line that is none."""
    return _rules(tuple(events.items()))


@lru_cache(maxsize=16)
def _rules(lines: tuple[tuple[str, str], ...]) -> tuple[Rule, ...]:
    return tuple(_rule(line, trigger) for line, trigger in lines)


def _rule(line: str, trigger: str) -> Rule:
    found = RULE.fullmatch(line)
    if found is None or found["kind"] not in OBJECTS:
        raise MappingError(
            f"[events]: {line!r} is nothing that HubSpot tells; "
            "write for example contact.creation, or deal.dealstage=closedwon"
        )
    kind, name, values = found["kind"], found["name"], found["values"]
    if name in HAPPENINGS and values is None:
        return Rule(kind, name, "", frozenset(), trigger)
    wanted = frozenset(part.strip().casefold() for part in (values or "").split("|")) - {""}
    return Rule(kind, CHANGED, name, wanted, trigger)


def read_events(
    payload: JSON, dictionary: Dictionary, received_at: datetime
) -> dict[str, tuple[Trigger, ...]]:
    """
    Return by portal the triggers in *payload*, each once; portals without any are named too.

    PayloadError where it is no list of 1 to 100 events, or where one that matters cannot be used.
    """
    found: dict[str, dict[str, Trigger]] = {}
    for place, raw in enumerate(_items(payload), 1):
        of_portal = found.setdefault(_portal(raw, place), {})
        for trigger in _triggers(_event(raw), dictionary, received_at):
            of_portal[trigger.key] = trigger
    return {portal: _in_order(triggers) for portal, triggers in found.items()}


def trigger_key(kind: str, subject: Subject, field: str, value: str, occurred_at: datetime) -> str:
    """Return what makes an event recognisable, by whatever way we learn of it."""
    at = str(milliseconds(occurred_at))
    identity = "\0".join((kind, subject.kind, subject.id, field, value, at))
    return hashlib.sha256(identity.encode()).hexdigest()


def identifier(value: JSON, name: str) -> str:
    """Return an id that came as a text or a whole number; PayloadError otherwise."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID:
        raise PayloadError(f"{name} is missing, or is no id")
    return value


def _in_order(triggers: Mapping[str, Trigger]) -> tuple[Trigger, ...]:
    # always in the order of keys, so that two deliveries of the same events, in whatever order, are
    # stored without waiting for one another in a circle
    return tuple(triggers[key] for key in sorted(triggers))


def _items(payload: JSON) -> list[Mapping[str, JSON]]:
    if not isinstance(payload, list) or not all(isinstance(item, dict) for item in payload):
        raise PayloadError("the body must be a list of events")
    if not 0 < len(payload) <= MOST_EVENTS:
        raise PayloadError(f"a delivery holds 1 to {MOST_EVENTS} events, not {len(payload)}")
    return payload


def _portal(raw: Mapping[str, JSON], place: int) -> str:
    if not isinstance(_type(raw), str):
        raise PayloadError(f"event {place}: subscriptionType is missing")
    return identifier(raw.get("portalId"), f"event {place}: portalId")


def _type(raw: Mapping[str, JSON]) -> JSON:
    # HubSpot's description says eventType, its deliveries say subscriptionType
    return raw.get("subscriptionType", raw.get("eventType"))


def _event(raw: Mapping[str, JSON]) -> Event:
    kind, _, happening = str(_type(raw)).partition(".")
    number = raw.get("objectTypeId") if kind == "object" else OBJECTS.get(kind)
    changed = happening == CHANGED
    return Event(
        object_type=str(number or ""),
        happening=happening,
        field=_text(raw.get("propertyName")) if changed else "",
        value=_text(raw.get("propertyValue")) if changed else "",
        raw=raw,
    )


def _text(value: JSON) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _triggers(event: Event, dictionary: Dictionary, received_at: datetime) -> Iterator[Trigger]:
    if _ours(event, dictionary):
        return
    for rule in read_rules(dictionary.events):
        if _matches(rule, event):
            yield _trigger(rule, event, received_at)


def _ours(event: Event, dictionary: Dictionary) -> bool:
    # our own write must not come back to us as something that happened
    if event.happening != CHANGED:
        return False
    name, app = event.field, event.raw.get("appId")
    by_us = event.raw.get("changeSource") == "INTEGRATION" and app is not None
    written = dictionary.write_word(name) is not None or name.startswith(OWN_PREFIX)
    return written or (by_us and str(event.raw.get("sourceId")) == str(app))


def _matches(rule: Rule, event: Event) -> bool:
    same = (rule.object_type, rule.happening, rule.field)
    return same == (event.object_type, event.happening, event.field) and rule.takes(event.value)


def _trigger(rule: Rule, event: Event, received_at: datetime) -> Trigger:
    said_at = _said_at(event.raw)
    subject_id, value, facts = (_merge if event.happening == "merge" else _plain)(event)
    subject = Subject(rule.kind, subject_id)
    key = trigger_key(rule.trigger, subject, event.field, value, said_at)
    # HubSpot's clock is its own: what is said to come later has happened by now
    return Trigger(key, rule.trigger, subject, min(said_at, received_at), facts)


def _plain(event: Event) -> tuple[str, str, dict[str, JSON]]:
    facts = {"property": event.field, "value": event.value[:LONGEST_FACT]} if event.field else {}
    return identifier(event.raw.get("objectId"), "objectId"), event.value, facts


def _merge(event: Event) -> tuple[str, str, dict[str, JSON]]:
    into, losers = _merged(event.raw)
    return into, ",".join(losers), {"from": losers, "into": into}


def _said_at(raw: Mapping[str, JSON]) -> datetime:
    text = str(raw.get("occurredAt"))
    if not re.fullmatch(r"[0-9]{1,14}", text) or int(text) > LATEST:
        raise PayloadError("occurredAt is missing, or is no time in milliseconds")
    return EPOCH + timedelta(milliseconds=int(text))


def _merged(raw: Mapping[str, JSON]) -> tuple[str, list[str]]:
    """Return the record that is left, and those that went into it."""
    into = next(
        (raw[name] for name in ("newObjectId", "primaryObjectId", "objectId") if raw.get(name)),
        None,
    )
    winner = identifier(into, "primaryObjectId")
    merged = raw.get("mergedObjectIds")
    ids = [*(merged if isinstance(merged, list) else []), raw.get("primaryObjectId") or winner]
    return winner, sorted({identifier(one, "mergedObjectIds") for one in ids} - {winner})
