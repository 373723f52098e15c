"""
The lines of `[events]`: what happens in an org, and which kind of trigger it is.

`record.created`, `record.Field=value|other`, or the latter with ` idle 60m` behind it. What the lines
mean stands in `mappings/crm/salesforce.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from connector.crm.salesforce.ids import CONTACT, LEAD
from connector.crm.salesforce.soql import quoted
from connector.errors import MappingError

LINE = re.compile(
    r"(?P<kind>[a-z][a-z0-9_]*)\.(?P<field>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*){0,4})"
    r"(?:=(?P<values>.+?)(?: +idle +(?P<count>[1-9][0-9]{0,3})(?P<unit>[mhd]))?)?"
)
CREATED, IDLE = "created", " idle "
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# deletions and merges are found by themselves, and a rule that says so by mistake would erase people
RESERVED = frozenset({"contact_deleted", "contact_merged"})
PEOPLE = frozenset({CONTACT, LEAD})
TRUTHS = frozenset({"true", "false"})
NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
TIMES = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
}
SEVERAL = "multipicklist"


@dataclass(frozen=True)
class Rule:
    """One line: no *field* means that a record was made; with *idle* it must rest for so long."""

    line: str
    kind: str
    field: str
    values: tuple[str, ...]
    idle: timedelta | None
    trigger: str

    @property
    def name(self) -> str:
        """What it is about, without a value, which a log must not hold."""
        return f"{self.kind}.{self.field or CREATED}"

    def object(self, objects: Mapping[str, str]) -> str:
        """Name the object that this is about; MappingError where a dictionary's [objects] have none."""
        name = objects.get(self.kind, "").partition(".")[0]
        if not name:
            raise MappingError(
                f"[events]: {self.line!r} is about {self.kind!r}, which [objects] does not know; "
                f'add a line such as {self.kind} = "My_Object__c" there'
            )
        if self.idle is not None and name in PEOPLE:
            raise MappingError(
                f"[events]: {self.line!r} waits for a person to be left alone, but Cuereel itself "
                "writes on contacts and leads; write a rule without `idle`"
            )
        return name

    def condition(self, type_: str) -> str:
        """Return when a field of Salesforce's *type_* has one of the values, as a query says it."""
        if type_ == SEVERAL:
            return f"{self.field} INCLUDES ({','.join(quoted(value) for value in self.values)})"
        parts = [f"{self.field} = {self._literal(value, type_)}" for value in self.values]
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    def _literal(self, value: str, type_: str) -> str:
        if type_ == "boolean" and value.lower() in TRUTHS:
            return value.lower()
        if type_ in NUMBERS and NUMBER.fullmatch(value):
            return value
        if type_ in TIMES and TIMES[type_].fullmatch(value):
            return value
        if type_ == "boolean" or type_ in NUMBERS or type_ in TIMES:
            raise MappingError(
                f"[events]: {self.line!r} compares a field of type {type_} with {value!r}; "
                f"write for example {EXAMPLES.get(type_, '12.5')}"
            )
        return quoted(value)


EXAMPLES = {"boolean": "true", "date": "2026-12-31", "datetime": "2026-12-31T00:00:00Z"}


def read_rules(events: Mapping[str, str]) -> tuple[Rule, ...]:
    """Read the rules of a dictionary; MappingError names the line that is none."""
    return _rules(tuple(events.items()))


@lru_cache(maxsize=16)
def _rules(lines: tuple[tuple[str, str], ...]) -> tuple[Rule, ...]:
    return tuple(_rule(line, trigger) for line, trigger in lines)


def _rule(line: str, trigger: str) -> Rule:
    found = LINE.fullmatch(line.strip())
    values = _values(found["values"]) if found else ()
    # `idle 60 min` must not pass for a part of the value, which nothing would ever have
    misread = any(IDLE in f"{value} " for value in values)
    if found is None or misread or bool(values) == (found["field"] == CREATED):
        raise MappingError(
            f"[events]: {line!r} is nothing that can be looked for; write for example "
            "contact.created, deal.IsWon=true, or cart.Status=Active idle 60m"
        )
    if trigger in RESERVED:
        raise MappingError(
            f"[events]: {line!r} cannot be {trigger!r}; who was deleted or merged is found without "
            "a rule"
        )
    field = "" if found["field"] == CREATED else found["field"]
    return Rule(line, found["kind"], field, values, _idle(found), trigger)


def _values(text: str | None) -> tuple[str, ...]:
    parts = (part.strip() for part in (text or "").split("|"))
    return tuple(dict.fromkeys(part for part in parts if part))


def _idle(found: re.Match[str]) -> timedelta | None:
    if found["count"] is None:
        return None
    return timedelta(**{UNITS[found["unit"]]: int(found["count"])})
