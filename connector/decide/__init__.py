"""
Decides, for one trigger and step, whether a video is made, and says why.

Pure: campaigns, records, history and the time are arguments, so that a decision can be explained
and repeated. The gates stand in one order, cheapest and most binding first; the first that refuses
is the reason that goes on the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.decide.cadence import History, Send, capped, quiet, repeated
from connector.decide.campaigns import Campaign
from connector.decide.cleaning import LONGEST, shortened, usable_text
from connector.decide.consent import SubjectState, permission, suppression
from connector.decide.experiments import Assignment, assignment_of
from connector.decide.expressions import ExpressionError, holds, nested
from connector.decide.reasons import REASONS, refused
from connector.decide.slots import Filled
from connector.model import Consent, Decision, Outcome, Record, Trigger

__all__ = [
    "REASONS", "Filled", "History", "Send", "SubjectState", "decide", "names_for", "refused",
]  # fmt: skip


@dataclass(frozen=True)
class _Case:
    campaign: Campaign
    step: int
    trigger: Trigger
    record: Record
    consent: Consent
    state: SubjectState
    history: History
    filled: Filled | None
    assignment: Assignment
    now: datetime
    who: str


def decide(  # noqa: PLR0913 - one argument for each thing that a gate looks at
    campaign: Campaign,
    step: int,
    *,
    trigger: Trigger,
    record: Record | None,
    consent: Consent,
    state: SubjectState,
    history: History,
    filled: Filled | None,
    unit_salt: str,
    now: datetime,
    assignment: Assignment | None = None,
) -> Decision:
    """
    Decide on one step of a campaign for one trigger.

    *assignment* is the stored one, where there is one; else it is drawn from *unit_salt*.
    """
    if record is None:
        gone = "Not sent: the record no longer exists in the CRM."
        return suppression(state, "this contact") or refused("subject_gone", gone)
    drawn = assignment or assignment_of(campaign, record, unit_salt)
    case = _Case(
        campaign, step, trigger, record, consent, state, history, filled, drawn, now, _who(record)
    )
    for gate in _GATES:
        if decision := gate(case):
            return decision
    return Decision(Outcome.SEND, "ok", f"A video is made for {case.who}.")


def names_for(trigger: Trigger, assignment: Assignment | None) -> dict[str, Any]:
    """Name what expressions may use beside the record: `variant`, `subject.id`, `trigger.<fact>`."""
    return {
        "variant": assignment.variant if assignment else "",
        "subject": {"kind": trigger.subject.kind, "id": trigger.subject.id},
        "trigger": {**trigger.facts, "kind": trigger.kind},
    }


def _who(record: Record) -> str:
    raw = str(record.fields.get("contact.first_name") or "")[:LONGEST]
    name = usable_text(raw, name=True)
    return shortened(name, 40) if name else "this contact"


def _suppression(case: _Case) -> Decision | None:
    return suppression(case.state, case.who)


def _viewer(case: _Case) -> Decision | None:
    if case.record.contact_id:
        return None
    subject = case.record.subject
    return refused("no_viewer", f"Not sent: no contact belongs to {subject.kind} {subject.id}.")


def _permission(case: _Case) -> Decision | None:
    return permission(case.campaign, case.consent, case.who)


def _holdout(case: _Case) -> Decision | None:
    if not case.assignment.held_out:
        return None
    share = f"{case.campaign.experiment.holdout:.0%}"
    return refused("holdout", f"Held out: {share} get no video, so that the effect can be shown.")


def _cap(case: _Case) -> Decision | None:
    return capped(case.campaign, case.history, case.who, case.now)


def _repeat(case: _Case) -> Decision | None:
    return repeated(case.campaign, case.trigger, case.history, case.who, case.now)


def _condition(case: _Case) -> Decision | None:
    if not 0 <= case.step < len(case.campaign.steps):
        return refused("step_gone", f"Not sent: the campaign has no step {case.step + 1} any more.")
    when = case.campaign.steps[case.step].when
    try:
        if when is None or holds(when, _names(case)):
            return None
    except ExpressionError as error:
        return refused("condition_invalid", f"Not sent: {error}.")
    return refused("condition_false", f"Not sent: it only goes out when {when}.")


def _names(case: _Case) -> Mapping[str, Any]:
    slots = case.filled.slots if case.filled else {}
    given = names_for(case.trigger, case.assignment)
    shown = {name: slot.value for name, slot in slots.items()}
    return {**nested(case.record.fields), **given, "slots": shown}


def _data(case: _Case) -> Decision | None:
    if not case.filled or not case.filled.problems:
        return None
    problems = case.filled.problems
    return refused(problems[0].reason, f"Not sent: {'; '.join(p.sentence for p in problems)}.")


def _quiet(case: _Case) -> Decision | None:
    return quiet(case.campaign, case.record.fields.get("contact.time_zone"), case.who, case.now)


_GATES: tuple[Callable[[_Case], Decision | None], ...] = (
    _suppression, _viewer, _permission, _holdout, _cap, _repeat, _condition, _data, _quiet,
)  # fmt: skip
