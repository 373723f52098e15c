"""
The nouns that travel along the road, in the words of the design.

All are frozen. Times are aware datetimes in UTC. A *word* is one of our field names
(`contact.first_name`, `cart.total`); what a CRM calls it stands in `mappings/crm/<crm>.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

JSON = Any


class VideoStatus(StrEnum):
    """Where a video stands; `minted` has a link and renders on first open."""

    MINTED = "minted"
    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    READY_WITH_FALLBACK = "ready_with_fallback"
    NEEDS_REVIEW = "needs_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    FAILED = "failed"
    STALE = "stale"
    EXPIRED = "expired"
    ERASED = "erased"


PLAYABLE = frozenset({VideoStatus.READY, VideoStatus.READY_WITH_FALLBACK, VideoStatus.APPROVED})


class Outcome(StrEnum):
    """What was decided for one trigger and step."""

    SEND = "send"
    BLOCKED_SUPPRESSED = "blocked_suppressed"
    BLOCKED_CONSENT = "blocked_consent"
    BLOCKED_CAP = "blocked_cap"
    BLOCKED_REPEAT = "blocked_repeat"
    BLOCKED_VALIDATION = "blocked_validation"
    DELAYED = "delayed"
    HOLDOUT = "holdout"


class Consent(StrEnum):
    """What the CRM says of a contact's consent; `unreadable` is never taken for a yes."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Subject:
    """The record that a video is about: kind is `contact`, `cart`, `account` or another."""

    kind: str
    id: str


@dataclass(frozen=True)
class Delivery:
    """One HTTP request from a CRM, as raw as it came; header names are lower case."""

    connection_id: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True)
class Trigger:
    """
    Something that happened to a subject; *key* makes a repeat recognisable within a connection.

    With *campaign*, only that one answers. Where the CRM waits for us to say how it went, the fact
    `callback` is what it is to be told under.
    """

    key: str
    kind: str
    subject: Subject
    occurred_at: datetime
    facts: Mapping[str, JSON] = field(default_factory=dict)
    campaign: str = ""


@dataclass(frozen=True)
class Answer:
    """The CRM's own kind of answer, sent only after the commit."""

    status: int = 202
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True)
class Intake:
    """What one verified delivery holds; *key* is the delivery's own identity."""

    key: str
    triggers: tuple[Trigger, ...]
    answer: Answer = Answer()


@dataclass(frozen=True)
class Record:
    """The mapped fields of one subject by our words, and the contact who is to watch."""

    subject: Subject
    contact_id: str | None
    fields: Mapping[str, JSON]


@dataclass(frozen=True)
class Decision:
    """Send, or a reason not to: *reason* is a code, *sentence* what an admin reads."""

    outcome: Outcome
    reason: str
    sentence: str
    retry_at: datetime | None = None


@dataclass(frozen=True)
class Change:
    """
    A write to a CRM that we owe.

    *kind* is `property` (values by our words go on the contact), `video_row` or `view_row` (one row
    each in the second layer, identified by *key*), `callback` (a CRM waits under *key* for how it
    went: `state` is `done` or `failed`, and `video_url thumbnail_url video_status reason sentence`),
    `note` or `task` (`subject`, `body` as HTML, `due_at`, `owner_id`; on the contact, *key* keeps it
    one), `list_member` (`list`: the contact is put on it).
    """

    id: str
    kind: str
    contact_id: str
    key: str
    values: Mapping[str, JSON]


class Written(StrEnum):
    """How the write of one change went."""

    DONE = "done"
    RETRY = "retry"
    REFUSED = "refused"
    GONE = "gone"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class WriteResult:
    """
    The CRM's word on one change; *after* seconds where it asked us to wait.

    *alone*: what is waited for concerns this record, and holds up no other.
    """

    change_id: str
    written: Written
    reason: str = ""
    sentence: str = ""
    after: float | None = None
    alone: bool = False


@dataclass(frozen=True)
class Happening:
    """An outcome read from the CRM: a deal stage, an amount, a ticket, a meeting, a form."""

    key: str
    kind: str
    contact_id: str | None
    occurred_at: datetime
    amount: float | None = None
    currency: str | None = None
    facts: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One line of a check: *level* is `ok`, `warning` or `error`; the sentence says what to do."""

    level: str
    subject: str
    sentence: str


@dataclass(frozen=True)
class InstallReport:
    """Which of our fields an install made, found there already, or had to leave out and why."""

    made: tuple[str, ...]
    present: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
