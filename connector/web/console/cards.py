"""
What a contact's page says in plain words: statuses, percentages and times out of fields and rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connector.crm.local.watched import whole_percent
from connector.decide.dictionary import Dictionary
from connector.model import JSON, Outcome
from connector.store.clock import moment
from connector.store.decisions import DecisionRow
from connector.store.record_rows import RecordRow

# status or outcome: what it is called on a page, and how it looks
STATUSES: dict[str, tuple[str, str]] = {
    "minted": ("Made when opened", "quiet"),
    "queued": ("Waiting", "wait"),
    "rendering": ("Being made", "wait"),
    "ready": ("Ready", "good"),
    "approved": ("Approved", "good"),
    "ready_with_fallback": ("Ready, some defaults", "good"),
    "needs_review": ("Needs a look", "warn"),
    "rejected": ("Rejected", "bad"),
    "failed": ("Failed", "bad"),
    "stale": ("Being refreshed", "wait"),
    "expired": ("Expired", "quiet"),
    "erased": ("Erased", "quiet"),
    "delayed": ("Sent later", "wait"),
    "blocked_suppressed": ("Not sent: suppressed", "quiet"),
    "blocked_consent": ("Not sent: no consent", "quiet"),
    "blocked_cap": ("Not sent: enough for now", "quiet"),
    "blocked_repeat": ("Not sent: had it already", "quiet"),
    "blocked_validation": ("Not sent: data missing", "warn"),
    "holdout": ("Held out", "quiet"),
    "decided_send": ("Video made", "good"),
}
SHOWN = frozenset({"ready", "ready_with_fallback", "approved", "stale"})
WAITING = frozenset({"queued", "rendering", "stale"})


@dataclass(frozen=True)
class Chip:
    """A short label and its tone."""

    label: str
    tone: str


@dataclass(frozen=True)
class Card:
    """One video of a contact, or the newest one as its fields tell of it."""

    id: str
    title: str
    status: str
    chip: Chip
    sentence: str
    url: str
    thumbnail: str
    percent: int | None
    when: datetime | None


@dataclass(frozen=True)
class Line:
    """One contact in the list."""

    id: str
    name: str
    email: str
    initials: str
    chip: Chip | None
    percent: int | None
    last_viewed: datetime | None


def chip_of(status: str) -> Chip | None:
    """Return how a status looks; None where there is none."""
    label, tone = STATUSES.get(status, (status.replace("_", " ").capitalize(), "quiet"))
    return Chip(label, tone) if status else None


@dataclass(frozen=True)
class Decided:
    """One decision, as a line of the log that tells why a contact has a video or none."""

    when: datetime
    campaign: str
    chip: Chip | None
    sentence: str


def decided_of(row: DecisionRow) -> Decided:
    """Return a decision as it is shown."""
    status = "decided_send" if row.outcome == Outcome.SEND else row.outcome
    return Decided(
        moment(row.decided_at),
        row.campaign.replace("_", " ").capitalize() or "No campaign",
        chip_of(status),
        row.sentence,
    )


def line_of(record_id: str, fields: Mapping[str, JSON], dictionary: Dictionary) -> Line:
    """Return a contact as the list shows it."""
    ours = our_values(fields, dictionary)
    name = name_of(record_id, fields)
    return Line(
        id=record_id,
        name=name,
        email=str(fields.get("email") or ""),
        initials="".join(part[0] for part in name.split()[:2]).upper(),
        chip=chip_of(str(ours.get("video_status") or "")),
        percent=whole_percent(ours.get("percent_watched")),
        last_viewed=time_of(ours.get("last_viewed_at")),
    )


def our_values(fields: Mapping[str, JSON], dictionary: Dictionary) -> dict[str, JSON]:
    """Return what we wrote on a contact, by our words and in their order."""
    return {
        word: fields[spec.name]
        for word, spec in dictionary.write_fields.items()
        if fields.get(spec.name) not in (None, "")
    }


def name_of(record_id: str, fields: Mapping[str, JSON]) -> str:
    """Return what a person would call this record."""
    full = " ".join(str(fields.get(part) or "") for part in ("first_name", "last_name")).strip()
    return full or str(fields.get("name") or fields.get("email") or record_id)


def cards_of(rows: Sequence[RecordRow], watched: Mapping[str, int], base_url: str) -> list[Card]:
    """Return the videos of a contact, newest first, with how much of each was watched."""
    made = sorted(
        (row for row in rows if row.kind == "video"),
        key=lambda row: str(row.values.get("minted_at") or row.updated_at.isoformat()),
        reverse=True,
    )
    return [_card(row, watched.get(row.key), base_url) for row in made]


def time_of(value: JSON) -> datetime | None:
    """Return a stored time, or None where it is none."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def own_link(value: JSON, base_url: str) -> str:
    """Return an address if it is one of ours; a row is data, and others do not become links."""
    text = str(value or "")
    return text if text.startswith(f"{base_url}/") else ""


def _card(row: RecordRow, percent: int | None, base_url: str) -> Card:
    values = row.values
    status = str(values.get("video_status") or "")
    title = str(values.get("campaign") or values.get("video_template") or "Video")
    return Card(
        id=row.key,
        title=title.replace("_", " ").capitalize(),
        status=status,
        chip=chip_of(status) or Chip("Unknown", "quiet"),
        sentence=str(values.get("video_status_reason") or ""),
        url=own_link(values.get("video_url"), base_url),
        thumbnail=own_link(values.get("thumbnail_url"), base_url) if status in SHOWN else "",
        percent=percent,
        when=time_of(values.get("video_ready_at")) or row.updated_at,
    )
