"""
What is new in an org: times as Salesforce writes them, and triggers for what was found by asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from connector.crm.salesforce.ids import is_id, whole
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import moment
from connector.errors import CRMDownError
from connector.model import JSON, Subject, Trigger

T = TypeVar("T")
log = structlog.get_logger(__name__)


def since_then(field: str, since: datetime) -> str:
    """Return the condition that a time is not before *since*."""
    return f"{field} >= {moment(since)}"


def in_order(field: str) -> str:
    """Return the order of *field*, the oldest first, that is the same each time."""
    return f"ORDER BY {field}, Id"


def time_of(value: JSON) -> datetime:
    """Return a time such as `2026-11-21T12:00:00.000+0000`; CRMDownError where it is none."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CRMDownError("Salesforce told a time that is none; trying again is safe")
    return at.astimezone(UTC)


def id_of(value: JSON) -> str:
    """Return an id with all its characters; CRMDownError where it is none."""
    if not is_id(value):
        raise CRMDownError("Salesforce named a record without an id; trying again is safe")
    return whole(str(value))


def found(
    kind: str,
    subject: Subject,
    at: datetime,
    *identity: str,
    facts: Mapping[str, JSON] | None = None,
) -> Trigger:
    """Return the trigger for what happened to *subject*; *identity* tells one time from another."""
    whole = "\0".join((kind, subject.kind, subject.id, *identity))
    key = "found:" + hashlib.sha256(whole.encode()).hexdigest()
    # Salesforce's clock is its own: what is said to come later has happened by now
    return Trigger(key, kind, subject, min(at, datetime.now(UTC)), facts or {})


def while_allowed(what: str, rows: Iterator[T]) -> Iterator[T]:
    """Yield what is found; where the org refuses to be asked, end with a line in the log instead."""
    try:
        yield from rows
    except RefusedError as error:
        log.warning("the org does not let us read this", name=what, reason=error.reason)
