"""How many calls the org has left for 24 hours."""

from __future__ import annotations

from typing import Any

from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RefusalError

SPENT = "TotalRequests Limit exceeded."


def spend(org: FakeOrg) -> None:
    """Count one call; RefusalError 403 where none is left."""
    if org.api_used >= org.api_limit:
        raise RefusalError(403, "REQUEST_LIMIT_EXCEEDED", SPENT)
    org.api_used += 1


def headers(org: FakeOrg) -> dict[str, str]:
    """Return what every answer says of the limit."""
    return {"Sforce-Limit-Info": f"api-usage={org.api_used}/{org.api_limit}"}


def show(call: Call) -> tuple[Any, int]:
    """Tell the limits that we know of."""
    org = call.org
    left = max(0, org.api_limit - org.api_used)
    return {
        "DailyApiRequests": {"Max": org.api_limit, "Remaining": left},
        "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000 - len(org.jobs)},
        "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
        "DataStorageMB": {"Max": 1024, "Remaining": 1000},
    }, 200


ROUTES: tuple[Route, ...] = (("GET", "/{V}/limits", show),)
