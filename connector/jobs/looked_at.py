"""
What a look at a finished video comes to: it is shown, kept back for a person, or has failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.errors import PermanentError
from connector.model import VideoStatus
from connector.store.videos import fallback_note
from renderers.quality.findings import Finding, findings_to_json, verdict

GRAVITY = {"fail": 0, "review": 1, "note": 2}


@dataclass(frozen=True)
class Standing:
    """The status that a finished video gets, and why."""

    status: VideoStatus
    reason: str = ""
    sentence: str = ""


def standing_of(findings: Sequence[Finding], fallback_slots: Sequence[str]) -> Standing:
    """
    Decide how a finished video stands: the worst finding counts.

    Raises PermanentError where it must not be shown to anybody.
    """
    judged = verdict(findings)
    if judged == "ready":
        status = VideoStatus.READY_WITH_FALLBACK if fallback_slots else VideoStatus.READY
        return Standing(status, *fallback_note(fallback_slots))
    worst = worst_first(findings)[0]
    if judged == "failed":
        raise PermanentError(worst.sentence, reason=worst.reason)
    return Standing(VideoStatus.NEEDS_REVIEW, worst.reason, worst.sentence)


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings in the order of their gravity."""
    return sorted(findings, key=lambda finding: GRAVITY[finding.severity])


def kept(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as a receipt keeps them, the worst first."""
    return findings_to_json(worst_first(findings))
