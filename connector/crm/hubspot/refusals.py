"""
What HubSpot's refusals mean for us: wait, ask an admin, or give up on this change.

Nothing of an answer but codes, names of properties and its correlation id gets into a sentence: the
messages quote the values that were refused. Sources: hubspot.md §7.1 and §7.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from connector.errors import (
    ConnectorError,
    CredentialError,
    CRMBusyError,
    CRMDownError,
    NotFoundError,
    PermanentError,
)
from connector.model import JSON

DAY = 86_400.0
LOCKED_SECONDS, MOVING_SECONDS, CROWDED_SECONDS = 2.0, 600.0, 1.0
CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
CORRELATION = re.compile(r"[0-9A-Fa-f\-]{8,36}")
MOST_NAMED = 3


class RefusedError(PermanentError):
    """HubSpot will not do this; *category* and *errors* say why, *reason* is the category."""

    reason = "refused"

    def __init__(self, status: int, told: Mapping[str, JSON]) -> None:
        self.status = status
        self.category = _code(told.get("category"))
        self.sub_category = _code(told.get("subCategory"))
        self.errors = _errors(told)
        self.correlation_id = _matching(CORRELATION, told.get("correlationId"))
        super().__init__(self._told(), reason=self.category.lower() or "refused")

    def _told(self) -> str:
        if self.category == "MISSING_SCOPES":
            what = (
                "HubSpot lets us in but not do this: scopes are missing; connect the portal again"
            )
        else:
            what = f"HubSpot refused this ({', '.join(filter(None, self._codes()))})"
        return f"{what}; correlation id {self.correlation_id}" if self.correlation_id else what

    def _codes(self) -> list[str]:
        named = [name for error in self.errors for name in _named(error)]
        return [str(self.status), self.category, self.sub_category, *dict.fromkeys(named)]


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, *, zone: tzinfo = UTC
) -> ConnectorError:
    """Return what an answer that is no success means; *zone* is the portal's."""
    told = read_told(body)
    lower = {name.lower(): value for name, value in headers.items()}
    if status in (423, 429, 477):
        return _busy(status, lower, told or {}, zone)
    if status == 401:
        return CredentialError(
            "HubSpot no longer accepts our access to this portal; connect it again"
        )
    if told is None or status == 408 or not 400 <= status < 500:
        return CRMDownError(
            f"HubSpot is not well (it answered {status}); trying again is safe",
            after=asked_seconds(lower),
        )
    if status == 404:
        return NotFoundError("HubSpot does not have this record, or no longer")
    return RefusedError(status, told)


def read_told(body: bytes) -> Mapping[str, JSON] | None:
    """Return what an answer tells of itself: empty where it says nothing, None where it is no JSON."""
    if not body.strip():
        return {}
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else {}


def asked_seconds(headers: Mapping[str, str]) -> float | None:
    """Return for how many seconds `retry-after` asks us to wait, a day at most; None where unsaid."""
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value) if value[:1].isdigit() else _until(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), DAY)


def _until(value: str) -> float:
    at = parsedate_to_datetime(value)
    return (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _busy(
    status: int, headers: Mapping[str, str], told: Mapping[str, JSON], zone: tzinfo
) -> CRMBusyError:
    asked = asked_seconds(headers)
    if status == 423:
        return CRMBusyError(
            "HubSpot has locked this for a moment; it goes on by itself",
            after=max(asked or 0.0, LOCKED_SECONDS),
        )
    if status == 477:
        return CRMBusyError(
            "HubSpot is moving this portal to another data centre; it goes on by itself",
            after=asked or MOVING_SECONDS,
        )
    if told.get("policyName") == "DAILY":
        return _spent(zone)
    return CRMBusyError(
        "HubSpot asks us to slow down; it goes on by itself", after=asked or CROWDED_SECONDS
    )


def _spent(zone: tzinfo) -> CRMBusyError:
    here = datetime.now(zone)
    midnight = datetime.combine(here.date() + timedelta(days=1), time.min, tzinfo=zone)
    after = (midnight.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return CRMBusyError(
        "the portal has used up its calls of today; they go on by themselves at "
        f"{midnight:%Y-%m-%d %H:%M} ({zone})",
        after=max(after, CROWDED_SECONDS),
    )


def _errors(told: Mapping[str, JSON]) -> tuple[Mapping[str, JSON], ...]:
    errors = told.get("errors")
    listed = errors if isinstance(errors, list) else []
    return tuple(error for error in listed if isinstance(error, dict))


def _named(error: Mapping[str, JSON]) -> list[str]:
    context = error.get("context")
    names = context.get("propertyName") if isinstance(context, dict) else None
    listed = names[:MOST_NAMED] if isinstance(names, list) else [names]
    return [_code(error.get("code")), *map(_code, listed)]


def _code(value: JSON) -> str:
    return _matching(CODE, value)


def _matching(shape: re.Pattern[str], value: JSON) -> str:
    # a code may be shown; anything of another shape may be somebody's e-mail address
    return value if isinstance(value, str) and shape.fullmatch(value) else ""
