"""
One decision in one transaction: the assignment, the decision, the video with its link, what the CRM
is owed, and the next step of the journey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from connector.decide import (
    Filled,
    History,
    Send,
    SubjectState,
    decide,
    names_for,
    refused,
)
from connector.decide.campaigns import Campaign
from connector.decide.experiments import Assignment, assignment_of, unit_of
from connector.jobs.filled import fill_template
from connector.jobs.minted import Bells, Case, mint
from connector.jobs.owed import owe_decision
from connector.jobs.station import Station
from connector.model import Decision, Outcome, Subject
from connector.notify.events import tell_refusal
from connector.store import decisions, subjects, triggers
from connector.store.clock import moment, now
from connector.store.triggers import TriggerRow
from renderers.errors import RenderError
from renderers.template import Template, find_template

GOES_ON = frozenset({Outcome.SEND, Outcome.BLOCKED_CAP})
SALT = "cuereel"


@dataclass(frozen=True)
class Decided:
    """What came of one campaign's turn; *again*: it must be decided anew in so many seconds."""

    bells: Bells = field(default_factory=Bells)
    again: float | None = None
    refusal: Decision | None = None


def refuse(
    tx: Connection,
    row: TriggerRow,
    reason: str,
    campaign: Campaign | None = None,
    contact_id: str | None = None,
) -> Decided:
    """
    Record a refusal that needs no look at the record, and tell programs outside of it.

    The record itself is not written to: it tells of the trigger that is decided on.
    """
    decision, concerned = _plain_refusal(row, reason), contact_id or _concerned(row)
    decisions.record(
        tx,
        connection_id=row.connection_id,
        trigger_id=row.id,
        campaign=campaign.name if campaign else row.campaign,
        campaign_version=campaign.version if campaign else "",
        step=row.step,
        contact_id=concerned,
        decision=decision,
    )
    if concerned is None or subjects.is_erased(
        tx, row.connection_id, Subject("contact", concerned)
    ):
        return Decided(refusal=decision)
    told = tell_refusal(tx, row.connection_id, concerned, decision)
    return Decided(Bells(webhooks=told), refusal=decision)


def _concerned(row: TriggerRow) -> str | None:
    """Name the contact that a trigger itself names, also where the record is gone."""
    if row.trigger.subject.kind == "contact":
        return row.trigger.subject.id
    named = row.trigger.facts.get("contact_id")
    return str(named) if named else None


def decide_case(tx: Connection, station: Station, case: Case) -> Decided:
    """Decide and store; what was decided before, or waits for its day, comes to nothing now."""
    row, campaign = case.row, case.campaign
    if decisions.made(tx, row.id, campaign.name, row.step):
        return Decided()
    if _wait_for_first_step(tx, case):
        return Decided()
    if triggers.newer_exists(tx, row):
        return refuse(tx, row, "superseded", campaign, case.contact_id)
    if case.contact_id:
        decisions.hold(tx, row.connection_id, case.contact_id)
    assignment = _assign(tx, case)
    template, filled = _fill(station, case, assignment)
    decision = _decide(tx, case, assignment, filled)
    if decision.outcome is Outcome.DELAYED and decision.retry_at:
        seconds = (decision.retry_at - moment(now(tx))).total_seconds()
        return Decided(again=max(1.0, seconds))
    return _store(tx, station, case, decision, assignment, template, filled)


def _wait_for_first_step(tx: Connection, case: Case) -> bool:
    """Put a first step that waits on the calendar instead of deciding now."""
    row, step = case.row, case.campaign.steps[0]
    if row.campaign or not step.after:
        return False
    triggers.add(
        tx,
        row.connection_id,
        row.trigger,
        campaign=case.campaign.name,
        delay=step.after.total_seconds(),
        queue=row.queue,
    )
    return True


def _assign(tx: Connection, case: Case) -> Assignment | None:
    if case.record is None:
        return None
    drawn = assignment_of(case.campaign, case.record, SALT)
    if not case.campaign.experiment.holdout and not case.campaign.experiment.variants:
        return drawn
    held = decisions.assign(
        tx,
        connection_id=case.row.connection_id,
        unit=unit_of(case.record),
        experiment=case.campaign.name,
        variant=drawn.variant,
        probability=drawn.probability,
    )
    return Assignment(held, drawn.probability, drawn.bucket)


def _fill(
    station: Station, case: Case, assignment: Assignment | None
) -> tuple[Template | None, Filled | None]:
    step = case.row.step
    if case.record is None or step >= len(case.campaign.steps):
        return None, None
    try:
        name = case.campaign.steps[step].template
        template = find_template(name, station.settings.template_folders)
    except RenderError:
        return None, None
    context = names_for(case.row.trigger, assignment)
    return template, fill_template(case.campaign, template, case.record.fields, context)


def _decide(
    tx: Connection, case: Case, assignment: Assignment | None, filled: Filled | None
) -> Decision:
    row = case.row
    decision = decide(
        case.campaign,
        row.step,
        trigger=row.trigger,
        record=case.record,
        consent=case.consent,
        state=_state(tx, case),
        history=_history(tx, case),
        filled=filled,
        unit_salt=SALT,
        now=moment(now(tx)),
        assignment=assignment,
    )
    if decision.outcome is Outcome.SEND and filled is None:
        return _plain_refusal(row, "template_unusable")
    return decision


def _state(tx: Connection, case: Case) -> SubjectState:
    concerned: Sequence[Subject] = [case.row.trigger.subject]
    if case.contact_id:
        concerned = [*concerned, Subject("contact", case.contact_id)]
    found = subjects.standing(tx, case.row.connection_id, *concerned)
    return SubjectState(found.suppression_reason, found.opted_out, found.erased)


def _history(tx: Connection, case: Case) -> History:
    if not case.contact_id:
        return History()
    past = decisions.sends(tx, case.row.connection_id, case.contact_id)
    return History(
        tuple(
            Send(
                one.campaign,
                Subject(one.subject_kind, one.subject_id),
                moment(one.minted_at),
                one.trigger_key,
                _purpose(case.campaigns.get(one.campaign)),
            )
            for one in past
        )
    )


def _purpose(campaign: Campaign | None) -> str:
    return campaign.purpose if campaign else ""


def _store(
    tx: Connection,
    station: Station,
    case: Case,
    decision: Decision,
    assignment: Assignment | None,
    template: Template | None,
    filled: Filled | None,
) -> Decided:
    row = case.row
    decisions.record(
        tx,
        connection_id=row.connection_id,
        trigger_id=row.id,
        campaign=case.campaign.name,
        campaign_version=case.campaign.version,
        step=row.step,
        contact_id=case.contact_id or _concerned(row),
        decision=decision,
    )
    if decision.outcome in GOES_ON:
        _next_step(tx, case)
    if decision.outcome is not Outcome.SEND or template is None or filled is None:
        owed = owe_decision(tx, row.connection_id, case.contact_id, decision)
        return Decided(Bells(changes=owed.changes, webhooks=owed.webhooks), refusal=decision)
    return Decided(mint(tx, station, case, assignment, template, filled))


def _next_step(tx: Connection, case: Case) -> None:
    row, following = case.row, case.row.step + 1
    if following < len(case.campaign.steps):
        triggers.add(
            tx,
            row.connection_id,
            row.trigger,
            campaign=case.campaign.name,
            step=following,
            delay=case.campaign.steps[following].after.total_seconds(),
            queue=row.queue,
        )


def _plain_refusal(row: TriggerRow, reason: str) -> Decision:
    sentences = {
        "no_campaign": f"Not sent: no installed campaign answers {row.trigger.kind}.",
        "superseded": "Not sent: the same thing happened again later, and that is decided on.",
        "template_unusable": "Not sent: the campaign's template is missing or has a mistake; "
        "`cuereel check` says which.",
    }
    return refused(reason, sentences[reason])
