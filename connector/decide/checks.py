"""
Finds every mistake of a campaign at once, before a contact does.

Each finding names file, line and slot, and what would have been right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from connector.decide.campaigns import Campaign, nearest, place
from connector.decide.delivery import MOST_ACTIONS
from connector.decide.dictionary import Dictionary
from connector.decide.expressions import names_in_condition
from connector.decide.facts import has_expressions
from connector.decide.kinds import FieldKind, Unusable, Writing, read_value
from connector.decide.schema import GIVEN, Source
from connector.decide.slots import HasSlots, SlotKind
from connector.decide.spans import written
from connector.model import Finding

# which formats may be written for which kind of slot; a text slot takes them all
FITTING: Mapping[str, frozenset[str]] = {
    "number": frozenset({"number"}),
    "money": frozenset({"money"}),
    "percent": frozenset({"percent", "fraction"}),
    "date": frozenset({"date"}),
    "url": frozenset({"url"}),
}
SAMPLE = "EUR"
Path = tuple[str | int, ...]


class HasName(Protocol):
    """A scene, as far as a campaign depends on it."""

    @property
    def name(self) -> str:
        """What it is called."""


class HasScenes(HasSlots, Protocol):
    """A template, as far as a campaign depends on it."""

    @property
    def formats(self) -> Sequence[str]:
        """The shapes that it is laid out for."""

    @property
    def scenes(self) -> Sequence[HasName]:
        """What it shows, in order."""


@dataclass(frozen=True)
class _Check:
    campaign: Campaign
    templates: Mapping[str, HasScenes]
    dictionary: Dictionary

    def wrong(self, sentence: str, *path: str | int, level: str = "error") -> Finding:
        """Write a finding about a part of the campaign file."""
        slot = str(path[1]) if len(path) > 1 and path[0] == "slots" else None
        where = place(f"{self.campaign.name}.toml", self.campaign.line(*path), slot)
        return Finding(level, f"campaign {self.campaign.name}", f"{where}: {sentence}")


def check_campaign(
    campaign: Campaign, templates: Mapping[str, HasScenes], dictionary: Dictionary
) -> list[Finding]:
    """
    Check a campaign against its templates and a CRM's dictionary.

    *templates* holds, by name, those that exist; errors stop the campaign, warnings do not, and
    what is merely good to know is `ok`.
    """
    check = _Check(campaign, templates, dictionary)
    return [
        *_steps(check),
        *_slot_names(check),
        *_slot_words(check),
        *_other_words(check),
        *_required(check),
        *_fits(check),
        *_button(check),
        *_actions(check),
        *_experiment(check),
        *_caps(check),
    ]


def _used(check: _Check) -> Iterator[tuple[int, HasScenes]]:
    for index, step in enumerate(check.campaign.steps):
        if step.template in check.templates:
            yield index, check.templates[step.template]


def _slots(check: _Check) -> dict[str, SlotKind]:
    return {name: slot for _, template in _used(check) for name, slot in template.slots.items()}


def _steps(check: _Check) -> Iterator[Finding]:
    known = check.templates
    for index, step in enumerate(check.campaign.steps):
        path: Path = ("steps", index, "template")
        if step.template not in known:
            hint = f"; {nearest(step.template, known)}" if known else "."
            sentence = f"template {step.template!r} is missing or has a mistake{hint}"
            yield check.wrong(sentence, *path)
        if step.when:
            names = names_in_condition(step.when)
            yield from _unknown(check, names, ("steps", index, "when"), slots=True)
    for _, template in _used(check):
        for shape in check.campaign.deliver.formats:
            if shape not in template.formats:
                has = ", ".join(template.formats)
                sentence = f"template {template.name!r} has no format {shape}; it has {has}."
                yield check.wrong(sentence, "deliver", "formats")


def _slot_names(check: _Check) -> Iterator[Finding]:
    slots = _slots(check)
    for name in check.campaign.slots:
        if slots and name not in slots:
            sentence = f"the template has no slot {name!r}; {nearest(name, slots)}"
            yield check.wrong(sentence, "slots", name)


def _slot_words(check: _Check) -> Iterator[Finding]:
    for name, source in check.campaign.slots.items():
        yield from _unknown(check, source.words(), ("slots", name))


def _other_words(check: _Check) -> Iterator[Finding]:
    deliver, button = check.campaign.deliver, check.campaign.call_to_action
    yield from _unknown(check, deliver.locale.words(), ("deliver", "locale"))
    if button:
        yield from _unknown(check, button.url.words(), ("call_to_action", "url"))
    for index, action in enumerate(check.campaign.actions):
        yield from _unknown(check, action.text.words(), ("actions", index, "text"))
        yield from _unknown(check, action.url.words(), ("actions", index, "url"))
        if action.when:
            names = names_in_condition(action.when)
            yield from _unknown(check, names, ("actions", index, "when"), slots=True)


def _unknown(
    check: _Check, words: Iterable[str], path: Path, *, slots: bool = False
) -> Iterator[Finding]:
    for word in sorted(set(words)):
        kind, _, name = word.partition(".")
        if kind == "slots" and slots and name not in _slots(check):
            yield check.wrong(f"there is no slot {name!r}; {nearest(name, _slots(check))}", *path)
        elif not _is_word(check, word) and not (kind == "slots" and slots):
            known = check.dictionary.words | {"variant", "subject.id", "subject.kind"}
            sentence = f"{check.dictionary.crm} has no word {word!r}; {nearest(word, known)}"
            yield check.wrong(sentence, *path)


def _is_word(check: _Check, word: str) -> bool:
    kind = word.partition(".")[0]
    if kind == "slots":
        return False
    if kind in GIVEN:
        return word in ("variant", "subject.id", "subject.kind") or kind == "trigger"
    return check.dictionary.field(word) is not None


def _required(check: _Check) -> Iterator[Finding]:
    for index, template in _used(check):
        for name, slot in template.slots.items():
            source = check.campaign.slots.get(name)
            if not slot.required or slot.fallback is not None:
                continue
            if source is None:
                sentence = f"template {template.name!r} needs slot {name!r}; say where it is from."
                yield check.wrong(sentence, "steps", index, "template")
            elif source.otherwise is None and (source.from_ or has_expressions(source.value)):
                sentence = "nothing is sent while the record has no value for it."
                yield check.wrong(sentence, "slots", name, level="ok")


def _fits(check: _Check) -> Iterator[Finding]:
    slots = _slots(check)
    for name, source in check.campaign.slots.items():
        if slot := slots.get(name):
            for sentence in _misfits(source, slot):
                yield check.wrong(sentence, "slots", name)
            for sentence in _rows(source, slot):
                yield check.wrong(sentence, "slots", name, "items")


def _misfits(source: Source, slot: FieldKind) -> Iterator[str]:
    fitting = FITTING.get(slot.kind, frozenset())
    if source.format and slot.kind != "text" and source.format not in fitting:
        wanted = f"leave it out or write {sorted(fitting)[0]!r}" if fitting else "leave it out"
        yield f"format {source.format!r} does not fit a slot of kind {slot.kind}; {wanted}."
    for word, constant in (("value", source.value), ("otherwise", source.otherwise)):
        if constant in (None, "") or has_expressions(constant) or slot.kind == "list":
            continue
        read = read_value(constant, slot, Writing("en", source.format, SAMPLE, trusted=True))
        if isinstance(read, Unusable):
            wrong = read.sentence.replace("but the record says", "not") or "is not usable"
            yield f"{word} {wrong}."


def _rows(source: Source, slot: SlotKind) -> Iterator[str]:
    if slot.kind != "list":
        if source.items:
            yield f"items are for lists; this slot is of kind {slot.kind}."
        return
    for name, cell in source.items.items():
        if name not in slot.item:
            yield f"its rows have no field {name!r}; {nearest(name, slot.item)}"
            continue
        yield from (f"{name}: {sentence}" for sentence in _misfits(cell, slot.item[name]))
        if cell.when or has_expressions(cell.value) or has_expressions(cell.otherwise):
            yield f"{name}: rows take from, format and otherwise, no expressions."
    for name, field in slot.item.items():
        if source.items and field.required and name not in source.items:
            yield f"its rows need {name!r}; say where it is from."


def _button(check: _Check) -> Iterator[Finding]:
    action = check.campaign.call_to_action
    slots = _slots(check)
    if action and slots and action.label_slot not in slots:
        sentence = f"the template has no slot {action.label_slot!r} for the label of the button."
        yield check.wrong(sentence, "call_to_action", "label_slot")
    if action and action.url.from_ and action.url.otherwise is None:
        sentence = "there is no button where the record has no address; write otherwise."
        yield check.wrong(sentence, "call_to_action", "url", level="warning")


def _actions(check: _Check) -> Iterator[Finding]:
    scenes = {scene.name for _, template in _used(check) for scene in template.scenes}
    names: set[str] = set()
    taken: set[str] = set()
    for index, action in enumerate(check.campaign.actions):
        for scene in action.scenes:
            if scenes and scene not in scenes:
                sentence = f"the template has no scene {scene!r}; {nearest(scene, scenes)}"
                yield check.wrong(sentence, "actions", index, "scenes")
        if action.name in taken:
            sentence = f"it is never shown: {action.name!r} stands above it without a `when`."
            yield check.wrong(sentence, "actions", index, "name", level="warning")
        if action.name not in names and len(names) == MOST_ACTIONS:
            sentence = f"a video has at most {MOST_ACTIONS} further calls to action."
            yield check.wrong(sentence, "actions", index, "name")
        names.add(action.name)
        taken |= set() if action.when else {action.name}


def _experiment(check: _Check) -> Iterator[Finding]:
    variants = check.campaign.experiment.variants
    if len(variants) > 1 and "variant" not in check.campaign.names():
        sentence = "nothing differs between the variants: no slot or condition uses `variant`."
        yield check.wrong(sentence, "experiment", "variants", level="warning")


def _caps(check: _Check) -> Iterator[Finding]:
    steps = check.campaign.steps
    for cap in check.campaign.limits.per_contact:
        together = sum((step.after for step in steps[1:]), timedelta(0))
        if len(steps) > cap.count and together < cap.window:
            sentence = (
                f"{len(steps)} steps within {written(together)} exceed the limit of {cap}, "
                "so the later ones are never sent."
            )
            yield check.wrong(sentence, "limits", "per_contact", level="warning")
