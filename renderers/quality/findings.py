"""What a look at a video can find: each finding has a reason a program can read, and a sentence."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

Severity = Literal["note", "review", "fail"]
Verdict = Literal["ready", "needs_review", "failed"]


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed: `note` is only kept, `review` asks a person, `fail` stops."""

    reason: str
    severity: Severity
    sentence: str
    scene: str | None = None
    slot: str | None = None


_FINDINGS = TypeAdapter(list[Finding])


def findings_to_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Turn findings into plain rows, for a receipt or for the cache of compiled scenes."""
    return [asdict(finding) for finding in findings]


def findings_from_json(rows: Iterable[dict[str, Any]]) -> list[Finding]:
    """Read findings back; what is no finding raises ValueError."""
    return _FINDINGS.validate_python(list(rows))


def verdict(findings: Iterable[Finding]) -> Verdict:
    """Decide what becomes of a video: the worst finding counts."""
    worst = {finding.severity for finding in findings}
    if "fail" in worst:
        return "failed"
    return "needs_review" if "review" in worst else "ready"
