"""What was changed or deleted within a span of time, as the replication resources tell it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.refusals import RefusalError

UPDATED_DAYS, DELETED_DAYS = 30, 15
MOST = 600_000
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")
WRONG = "INVALID_REPLICATION_DATE"


def updated(call: Call, name: str) -> tuple[Any, int]:
    """Name the records that were made or changed."""
    start, end = _span(call, UPDATED_DAYS)
    held = call.org.records[_object(call, name)]
    ids = [id for id, one in held.items() if start <= one["SystemModstamp"] < end]
    if len(ids) > MOST:
        raise RefusalError(400, "EXCEEDED_ID_LIMIT", f"exceeded {MOST} ids")
    return {"ids": ids, "latestDateCovered": _text(end)}, 200


def deleted(call: Call, name: str) -> tuple[Any, int]:
    """Name the records that were deleted, and when."""
    start, end = _span(call, DELETED_DAYS)
    held = call.org.deleted[_object(call, name)]
    gone = [
        {"id": id, "deletedDate": _text(one["SystemModstamp"])}
        for id, one in held.items()
        if start <= one["SystemModstamp"] < end
    ]
    told = {
        "deletedRecords": gone,
        "earliestDateAvailable": _text(call.org.clock() - timedelta(days=DELETED_DAYS)),
        "latestDateCovered": _text(end),
    }
    return told, 200


ROUTES: tuple[Route, ...] = (
    ("GET", "/{V}/sobjects/<name>/updated", updated),
    ("GET", "/{V}/sobjects/<name>/deleted", deleted),
)


def _object(call: Call, name: str) -> str:
    found = call.org.object(name)
    if found is None:
        raise RefusalError(404, "NOT_FOUND", "The requested resource does not exist")
    return found.name


def _span(call: Call, days: int) -> tuple[datetime, datetime]:
    """Return start and end; seconds do not count, so an end within a minute is that minute's beginning."""
    start, end = (_minute(call, name) for name in ("start", "end"))
    if start >= end:
        raise RefusalError(400, WRONG, "startDate before org replication enabled date or not before endDate")  # fmt: skip
    if start < call.org.clock() - timedelta(days=days):
        raise RefusalError(400, WRONG, f"startDate cannot be more than {days} days ago")
    return start, end


def _minute(call: Call, name: str) -> datetime:
    text = call.query.get(name, "")
    if not TIME.fullmatch(text):
        raise RefusalError(400, "INVALID_FIELD", f"{name}: {text!r} is no date with a time zone")
    return datetime.fromisoformat(text).astimezone(UTC).replace(second=0, microsecond=0)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
