"""The reason codes of decisions: a closed list, so that reports can count them and docs list them."""

from __future__ import annotations

from datetime import datetime

from connector.model import Decision, Outcome

REASONS: dict[str, tuple[Outcome, str]] = {
    "ok": (Outcome.SEND, "Every gate was passed; a video is made."),
    "erased": (Outcome.BLOCKED_SUPPRESSED, "The contact was erased; nothing is made or read."),
    "suppressed": (Outcome.BLOCKED_SUPPRESSED, "Somebody put the contact on the suppression list."),
    "opted_out": (Outcome.BLOCKED_CONSENT, "The contact opted out on a watch page."),
    "consent_denied": (Outcome.BLOCKED_CONSENT, "The CRM says that the contact said no."),
    "consent_unknown": (
        Outcome.BLOCKED_CONSENT,
        "The campaign needs an explicit yes, and the CRM has none.",
    ),
    "consent_unreadable": (
        Outcome.BLOCKED_CONSENT,
        "The CRM's consent could not be read; that is never taken for a yes.",
    ),
    "holdout": (Outcome.HOLDOUT, "Held out, so that the campaign's effect can be shown."),
    "cap_reached": (Outcome.BLOCKED_CAP, "The contact already got as many videos as is allowed."),
    "repeated": (
        Outcome.BLOCKED_REPEAT,
        "The campaign was already sent for this subject, too recently to repeat it.",
    ),
    "superseded": (
        Outcome.BLOCKED_REPEAT,
        "The same thing happened to the same subject again later; the later one is decided on.",
    ),
    "no_campaign": (Outcome.BLOCKED_VALIDATION, "No installed campaign answers the trigger."),
    "template_unusable": (
        Outcome.BLOCKED_VALIDATION,
        "The campaign's template is missing or has a mistake; `cuereel check` says which.",
    ),
    "subject_gone": (Outcome.BLOCKED_VALIDATION, "The record no longer exists in the CRM."),
    "no_viewer": (Outcome.BLOCKED_VALIDATION, "No contact belongs to the record."),
    "step_gone": (Outcome.BLOCKED_VALIDATION, "The campaign no longer has this step."),
    "condition_false": (Outcome.BLOCKED_VALIDATION, "The step's condition does not hold."),
    "condition_invalid": (Outcome.BLOCKED_VALIDATION, "The step's condition cannot be decided."),
    "slot_missing": (
        Outcome.BLOCKED_VALIDATION,
        "A required slot has no value and nothing to stand in for it.",
    ),
    "slot_invalid": (Outcome.BLOCKED_VALIDATION, "A required slot got a value of another kind."),
    "slot_too_long": (
        Outcome.BLOCKED_VALIDATION,
        "A value is so long that the mapping must be wrong.",
    ),
    "currency_missing": (
        Outcome.BLOCKED_VALIDATION,
        "An amount of money has no currency, so it cannot be shown.",
    ),
    "expression": (Outcome.BLOCKED_VALIDATION, "An expression of the campaign cannot be filled."),
    "quiet_hours": (Outcome.DELAYED, "It waits until the contact's quiet hours are over."),
}


def refused(reason: str, sentence: str, retry_at: datetime | None = None) -> Decision:
    """Make the decision that a reason leads to."""
    return Decision(REASONS[reason][0], reason, sentence, retry_at)
