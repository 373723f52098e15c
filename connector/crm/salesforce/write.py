"""
Writing back: what we owe goes on people, as fields of ours, records, tasks, places in campaigns, answers.

No contact or lead is ever made, and no field but ours is touched. Every change gets its own result.
When the org's calls of the day run short, only what somebody waits for is written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from connector.crm.salesforce import activities, membership, properties, requests, rows
from connector.crm.salesforce.considerate import Considerate
from connector.crm.salesforce.gateway import Gateway
from connector.decide.dictionary import Dictionary
from connector.model import Change, WriteResult, Written

BUDGET_SECONDS = 900.0
URGENT_KINDS = frozenset({"callback", "task"})
URGENT_WORDS = frozenset({"video_url", "video_status"})


@dataclass(frozen=True)
class _Heard:
    """How much of the day was used up, when we heard it, and in which call."""

    used: float
    at: float
    call: tuple[int, int]


# a gateway lives for one job at most, and what an org said holds for the next one too
_heard: dict[tuple[str, str], _Heard] = {}


def write(gateway: Gateway, dictionary: Dictionary, changes: Sequence[Change]) -> list[WriteResult]:
    """
    Write each change; one result per change, in order.

    Raises CredentialError where Salesforce no longer lets us in.
    """
    once = Considerate(gateway)
    # a row of a view names that of its video, and whoever waits for an answer then reads the record
    kinds: dict[str, Callable[[Sequence[Change]], list[WriteResult]]] = {
        "property": partial(properties.write, once, dictionary),
        "video_row": partial(rows.write, once, dictionary, "video_row"),
        "view_row": partial(rows.write, once, dictionary, "view_row"),
        "note": partial(activities.write, once),
        "task": partial(activities.write, once),
        "list_member": partial(membership.write, once),
        "callback": partial(requests.write, once),
    }
    results = {change.id: _unsupported(change) for change in changes if change.kind not in kinds}
    if _spent(gateway) >= gateway.settings.salesforce_share:
        results |= {c.id: _later(c) for c in changes if c.kind in kinds and not _is_urgent(c)}
    for kind, write_kind in kinds.items():
        owed = [one for one in changes if one.kind == kind and one.id not in results]
        if owed:
            results |= {one.change_id: one for one in write_kind(owed)}
    _listen(gateway)
    return [results[change.id] for change in changes]


def _is_urgent(change: Change) -> bool:
    if change.kind == "property":
        return bool(URGENT_WORDS & change.values.keys())
    return change.kind in URGENT_KINDS


def _spent(gateway: Gateway) -> float:
    """Return how much of the day is used up; nothing where that was not heard for a while."""
    _listen(gateway)
    heard = _heard.get(_org(gateway))
    # what waits makes no calls, so without an end to this nobody would ever hear that it can go on
    if heard is None or time.monotonic() - heard.at >= BUDGET_SECONDS:
        return 0.0
    return heard.used


def _listen(gateway: Gateway) -> None:
    call, org = (id(gateway), gateway.calls), _org(gateway)
    known = _heard.get(org)
    if gateway.used > 0 and (known is None or known.call != call):
        _heard[org] = _Heard(gateway.used, time.monotonic(), call)


def _org(gateway: Gateway) -> tuple[str, str]:
    return gateway.settings.salesforce_api, gateway.org


def _later(change: Change) -> WriteResult:
    return WriteResult(
        change.id,
        Written.RETRY,
        "api_budget",
        "The org has used up so many of its calls of 24 hours that only links are written now; this "
        "follows when some are free again (CUEREEL_SALESFORCE_SHARE).",
        BUDGET_SECONDS,
        alone=True,
    )


def _unsupported(change: Change) -> WriteResult:
    return WriteResult(
        change.id,
        Written.UNSUPPORTED,
        "unsupported_kind",
        f"Salesforce has no place for a change of kind {change.kind}.",
    )
