"""The Tooling API, as far as it tells the versions of flows."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.refusals import RefusalError

QUERY = re.compile(
    r"SELECT VersionNumber, Definition\.DeveloperName FROM Flow"
    r"(?: WHERE Definition\.DeveloperName LIKE '(?P<like>[A-Za-z0-9_\\]*)%')?",
)


def query(call: Call) -> tuple[Any, int]:
    """Answer the one query about flows that is understood here."""
    asked = QUERY.fullmatch(call.query.get("q", ""))
    if asked is None:
        raise RefusalError(400, "MALFORMED_QUERY", "this query is not understood")
    prefix = (asked["like"] or "").replace("\\_", "_")
    rows = [
        {
            "attributes": {"type": "Flow"},
            "VersionNumber": version,
            "Definition": {"DeveloperName": name},
        }
        for name, flow in call.org.flows.items()
        for version in flow["versions"]
        if name.startswith(prefix)
    ]
    return {"totalSize": len(rows), "size": len(rows), "done": True, "records": rows}, 200


ROUTES: tuple[Route, ...] = (("GET", "/{V}/tooling/query", query),)
