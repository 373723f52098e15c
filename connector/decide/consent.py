"""The gates of permission: suppression, a person's own opt-out, and what the CRM knows of consent."""

from __future__ import annotations

from dataclasses import dataclass

from connector.decide.campaigns import Campaign
from connector.decide.reasons import refused
from connector.model import Consent, Decision


@dataclass(frozen=True)
class SubjectState:
    """What we ourselves remember about a contact's wishes."""

    suppressed_reason: str | None = None
    opted_out: bool = False
    erased: bool = False


def suppression(state: SubjectState, who: str) -> Decision | None:
    """Refuse who was erased, suppressed, or opted out."""
    if state.erased:
        return refused("erased", "Not sent: this contact was erased.")
    if state.suppressed_reason is not None:
        why = f" ({state.suppressed_reason})" if state.suppressed_reason else ""
        return refused("suppressed", f"Not sent: {who} is on the suppression list{why}.")
    if state.opted_out:
        return refused("opted_out", f"Not sent: {who} opted out of personal videos.")
    return None


def permission(campaign: Campaign, consent: Consent, who: str) -> Decision | None:
    """Refuse what the CRM's consent does not cover."""
    if consent is Consent.DENIED:
        return refused("consent_denied", f"Not sent: {who} has not agreed to this, says the CRM.")
    if consent is Consent.UNREADABLE:
        return refused(
            "consent_unreadable", f"Not sent: the CRM's consent for {who} could not be read."
        )
    if consent is Consent.UNKNOWN and needs_a_yes(campaign):
        return refused(
            "consent_unknown",
            f"Not sent: this campaign needs an explicit yes, and {who} has given none.",
        )
    return None


def needs_a_yes(campaign: Campaign) -> bool:
    """Tell whether unknown consent refuses: for marketing yes, for service no, unless it says so."""
    wanted = campaign.limits.consent
    return wanted == "explicit" or (wanted is None and campaign.purpose == "video_marketing")
