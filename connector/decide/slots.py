"""
Fills a template's slots from a record, by what the campaign says, in the viewer's language.

Values are data and are never evaluated. What is unusable is replaced by the campaign's
`otherwise`, then by the template's fallback; only a required slot without any is a problem.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from connector.decide.campaigns import nearest
from connector.decide.cleaning import is_name
from connector.decide.expressions import ExpressionError, holds
from connector.decide.facts import NOTHING, Facts, facts_of, has_expressions
from connector.decide.kinds import MISSING, Outcome, Read, Unusable, Writing, read_value
from connector.decide.rows import ListKind, read_rows
from connector.decide.schema import Source
from connector.decide.stored import from_json, to_json
from connector.errors import MappingError
from renderers.storyboard import SlotValue

__all__ = ["Filled", "Problem", "fill", "from_json", "plain_values", "to_json"]

NOTHING_SHOWN = SlotValue("", "")


class SlotKind(ListKind, Protocol):
    """What a template says of one slot."""

    @property
    def fallback(self) -> Any:
        """What is shown when there is no value."""


class HasSlots(Protocol):
    """A template, as far as its slots go."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def slots(self) -> Mapping[str, SlotKind]:
        """Its holes, by name."""


@dataclass(frozen=True)
class Problem:
    """A slot that cannot be filled, so that no video is made."""

    slot: str
    reason: str
    sentence: str


@dataclass(frozen=True)
class Filled:
    """
    The slots of one video.

    *fallbacks* are slots that do not show what the record says; *reasons* tells for each of them
    why: `otherwise`, `template` (its own fallback), `shortened`, or `left_out` (a value of another
    kind in a slot that may stay empty).
    """

    slots: Mapping[str, SlotValue]
    fallbacks: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def fill(
    campaign_slots: Mapping[str, Source],
    template_slots: Mapping[str, SlotKind],
    record_fields: Mapping[str, Any],
    *,
    locale: str,
    context: Mapping[str, Any] = NOTHING,
) -> Filled:
    """
    Fill the slots of a template for one record.

    *context* holds what expressions may use beside the record; see `connector.decide.names_for`.
    """
    facts = facts_of(record_fields, context, locale)
    slots: dict[str, SlotValue] = {}
    reasons: dict[str, str] = {}
    problems: list[Problem] = []
    for name, slot in template_slots.items():
        found, why = _slot(slot, campaign_slots.get(name), facts)
        if isinstance(found, Read):
            slots[name] = found.value
        elif slot.required or found.reason == "slot_too_long":
            problems.append(_problem(name, found))
        if why:
            reasons[name] = why
    return Filled(slots, tuple(reasons), tuple(problems), reasons)


def _slot(slot: SlotKind, source: Source | None, facts: Facts) -> tuple[Outcome, str]:
    if source is None or not _applies(source, facts):
        return _template(slot, facts), ""
    try:
        found = _read(slot, facts.raw(source), source.value, source, facts)
    except ExpressionError as error:
        found = Unusable("expression", f"cannot be filled: {error}")
    if isinstance(found, Read):
        return found, "shortened" if found.cut else ""
    # a huge value is a wrong mapping: to hide it behind a fallback would help nobody
    return (found, "") if found.reason == "slot_too_long" else _instead(slot, source, facts, found)


def _applies(source: Source, facts: Facts) -> bool:
    try:
        return source.when is None or holds(source.when, facts.names)
    except ExpressionError:
        return False


def _instead(slot: SlotKind, source: Source, facts: Facts, lost: Unusable) -> tuple[Outcome, str]:
    stand_in, why = _otherwise(slot, source, facts), "otherwise"
    if not isinstance(stand_in, Read):
        stand_in, why = _template(slot, facts), "template"
    if not isinstance(stand_in, Read):
        return lost, "" if slot.required or lost == MISSING else "left_out"
    # an empty stand-in shows nothing in place of the value, so there is nothing to point out
    return stand_in, why if stand_in.value != NOTHING_SHOWN else ""


def _otherwise(slot: SlotKind, source: Source, facts: Facts) -> Outcome:
    text = source.otherwise
    try:
        return _read(slot, facts.filled(text), text, source, facts)
    except ExpressionError:
        return MISSING


def _read(slot: SlotKind, raw: Any, written: Any, source: Source, facts: Facts) -> Outcome:
    currency = facts.currency(source)
    if slot.kind == "list":
        return read_rows(raw, slot, source, Writing(facts.locale, None, currency), facts.word)
    constant = written is not None and not has_expressions(written)
    writing = Writing(
        facts.locale, source.format, currency, name=is_name(source.from_), trusted=constant
    )
    return read_value(raw, slot, writing)


def _template(slot: SlotKind, facts: Facts) -> Outcome:
    if slot.fallback is None:
        return MISSING
    writing = Writing(facts.locale, trusted=True)
    if slot.kind == "list":
        return read_rows(slot.fallback, slot, None, writing, facts.word)
    # an empty fallback is an answer too: the author wants nothing to be shown
    if slot.fallback == "":
        return Read(NOTHING_SHOWN)
    return read_value(slot.fallback, slot, writing)


def _problem(name: str, found: Unusable) -> Problem:
    if found.reason == "missing":
        sentence = f"slot {name!r} has no usable value, and neither campaign nor template has one"
        return Problem(name, "slot_missing", sentence)
    return Problem(name, found.reason, f"slot {name!r} {found.sentence}")


def plain_values(template: HasSlots, raw: Mapping[str, Any], locale: str) -> dict[str, SlotValue]:
    """
    Read slots that a person wrote in a file; money is `{"amount": 12.5, "currency": "EUR"}`.

    Raises MappingError that names every unknown or unusable slot.
    """
    unknown = [
        f"{template.name} has no slot {name!r}; {nearest(name, template.slots)}"
        for name in raw
        if name not in template.slots
    ]
    if unknown:
        raise MappingError("\n".join(unknown))
    found = {name: _plain(slot, raw.get(name), locale) for name, slot in template.slots.items()}
    wrong = [
        _problem(name, read).sentence
        for name, read in found.items()
        if isinstance(read, Unusable)
        and (template.slots[name].required or read.reason != MISSING.reason)
    ]
    if wrong:
        raise MappingError("\n".join(wrong))
    return {name: read.value for name, read in found.items() if isinstance(read, Read)}


def _plain(slot: SlotKind, raw: Any, locale: str) -> Outcome:
    facts = facts_of({}, {}, locale)
    # whoever writes the file writes for the template, so its own pictures may be named
    writing = Writing(locale, trusted=True)
    if raw is None or raw == "":
        return _template(slot, facts)
    if slot.kind == "list":
        return read_rows(raw, slot, None, writing, facts.word)
    return read_value(raw, slot, writing)
