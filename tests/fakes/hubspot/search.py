"""Searching records: filters, order, pages, and the limits that a search has."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.hubspot import memory
from tests.fakes.hubspot.answers import Body, invalid
from tests.fakes.hubspot.call import Call, Route, kind_of
from tests.fakes.hubspot.portal import FakeHubSpot
from tests.fakes.hubspot.values import number_of

GROUPS, FILTERS, ALL_FILTERS = 5, 6, 18
LONGEST, LARGEST_PAGE, DEEPEST = 3000, 200, 10_000
NUMERIC = ("number", "date", "datetime")


def search(call: Call, kind: str) -> tuple[Any, int]:
    """Find records; at most 10,000 can be walked with one search."""
    kind, body = kind_of(kind), call.body()
    size, start = _bounds(call, body)
    groups = _groups(call.fake, kind, body)
    found = [record for record in call.fake.records[kind] if _fits(call.fake, kind, record, groups)]
    _sort(call.fake, kind, found, body.get("sorts") or [])
    shown = [
        memory.shown(call.fake, kind, record, body.get("properties"))
        for record in found[start : start + size]
    ]
    answer: Body = {"total": len(found), "results": shown}
    if start + size < len(found):
        answer["paging"] = {"next": {"after": str(start + size)}}
    return answer, 200


def _bounds(call: Call, body: Body) -> tuple[int, int]:
    size, after = body.get("limit", 10), str(body.get("after") or "0")
    if len(call.raw) > LONGEST:
        raise invalid(f"the body of a search has at most {LONGEST} characters")
    if not isinstance(size, int) or not 0 < size <= LARGEST_PAGE:
        raise invalid(f"a page has at most {LARGEST_PAGE} results")
    if not after.isdigit() or int(after) + size > DEEPEST:
        raise invalid(f"a search goes no further than {DEEPEST} results")
    return size, int(after)


def _groups(fake: FakeHubSpot, kind: str, body: Body) -> list[list[Body]]:
    groups = [group.get("filters", []) for group in body.get("filterGroups") or []]
    if len(groups) > GROUPS or any(len(group) > FILTERS for group in groups):
        raise invalid(f"at most {GROUPS} groups of {FILTERS} filters")
    every = [one for group in groups for one in group]
    if len(every) > ALL_FILTERS:
        raise invalid(f"at most {ALL_FILTERS} filters in all")
    for one in every:
        if one.get("operator") not in OPERATORS:
            raise invalid(f"unknown operator {one.get('operator')}")
        if one.get("propertyName") not in fake.properties[kind]:
            raise invalid(f"Property {one.get('propertyName')} does not exist")
    return groups


def _fits(fake: FakeHubSpot, kind: str, record: str, groups: list[list[Body]]) -> bool:
    return not groups or any(
        all(_passes(fake, kind, record, one) for one in group) for group in groups
    )


def _passes(fake: FakeHubSpot, kind: str, record: str, one: Body) -> bool:
    name = one["propertyName"]
    numeric = fake.properties[kind][name]["type"] in NUMERIC
    return OPERATORS[one["operator"]](one, memory.value(fake, kind, record, name), numeric)


def _key(text: Any, numeric: bool) -> Any:
    if not numeric:
        return str(text).lower()
    try:
        return (number_of(str(text)), "")
    except ValueError:
        # ids that tests make up need not be numbers
        return (float("inf"), str(text))


def _equal(one: Body, held: str | None, numeric: bool) -> bool:
    return held is not None and _key(held, numeric) == _key(one.get("value", ""), numeric)


def _compared(wanted: Callable[[Any, Any], bool]) -> Callable[[Body, str | None, bool], bool]:
    def compared(one: Body, held: str | None, numeric: bool) -> bool:
        return held is not None and wanted(_key(held, numeric), _key(one["value"], numeric))

    return compared


def _between(one: Body, held: str | None, numeric: bool) -> bool:
    low, high = _key(one["value"], numeric), _key(one["highValue"], numeric)
    return held is not None and bool(low <= _key(held, numeric) <= high)


def _among(one: Body, held: str | None, numeric: bool) -> bool:
    # a text that is not in lower case finds nothing, as in HubSpot
    wanted = one.get("values") or []
    if not numeric:
        return held is not None and held.lower() in wanted
    return held is not None and _key(held, True) in [_key(value, True) for value in wanted]


def _has_token(one: Body, held: str | None, _numeric: bool) -> bool:
    pattern = re.escape(str(one["value"]).lower()).replace(r"\*", ".*")
    words = re.split(r"[^\w@.+-]+", (held or "").lower())
    return any(re.fullmatch(pattern, word) for word in words)


Passes = Callable[[Body, str | None, bool], bool]
OPERATORS: dict[Any, Passes] = {
    "EQ": _equal,
    "NEQ": lambda one, held, numeric: not _equal(one, held, numeric),
    "LT": _compared(lambda held, value: bool(held < value)),
    "LTE": _compared(lambda held, value: bool(held <= value)),
    "GT": _compared(lambda held, value: bool(held > value)),
    "GTE": _compared(lambda held, value: bool(held >= value)),
    "BETWEEN": _between,
    "IN": _among,
    "NOT_IN": lambda one, held, numeric: not _among(one, held, numeric),
    "HAS_PROPERTY": lambda _one, held, _numeric: held is not None,
    "NOT_HAS_PROPERTY": lambda _one, held, _numeric: held is None,
    "CONTAINS_TOKEN": _has_token,
    "NOT_CONTAINS_TOKEN": lambda one, held, numeric: not _has_token(one, held, numeric),
}


def _sort(fake: FakeHubSpot, kind: str, found: list[str], sorts: list[Any]) -> None:
    # the first one counts most, so it is applied last
    for sort in reversed(sorts[:3]):
        name = sort if isinstance(sort, str) else sort["propertyName"]
        down = not isinstance(sort, str) and sort.get("direction") == "DESCENDING"
        definition = fake.properties[kind].get(name)
        if definition is None:
            raise invalid(f"Property {name} does not exist")
        numeric = definition["type"] in NUMERIC
        found.sort(key=lambda one: _place(fake, kind, one, name, numeric), reverse=down)


def _place(fake: FakeHubSpot, kind: str, record: str, name: str, numeric: bool) -> Any:
    held = memory.value(fake, kind, record, name)
    return (held is None, _key(held, numeric) if held is not None else None)


ROUTES: tuple[Route, ...] = (("POST", "/crm/objects/{V}/<kind>/search", search),)
