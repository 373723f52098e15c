"""Which records a query means, and in which order: by look-up where an index allows it, else by test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.schema import Field
from tests.fakes.salesforce.soql_literals import literal
from tests.fakes.salesforce.soql_paths import Reader, reader, source
from tests.fakes.salesforce.soql_text import Condition, Group, Query, invalid, malformed
from tests.fakes.salesforce.values import Values, key_of

Test = Callable[[Values], bool]


def matching(
    org: FakeOrg,
    query: Query,
    name: str,
    *,
    deleted: bool = False,
    among: Iterable[Values] | None = None,
) -> list[Values]:
    """Return the values of the records that a query finds, in its order."""
    test = _test(org, query, name, query.where, top=True)
    sorts = [(reader(org, query, name, path)[1], down, last) for path, down, last in query.order]
    candidates = _candidates(org, query, name, deleted=deleted) if among is None else among
    found = [values for values in candidates if test(values)]
    for read_, down, last in reversed(sorts):
        found.sort(key=partial(_rank, read_), reverse=down)
        empty = [values for values in found if read_(values) is None]
        if empty:
            full = [values for values in found if read_(values) is not None]
            found = full + empty if last else empty + full
    end = None if query.limit is None else query.offset + query.limit
    return found[query.offset : end]


def _candidates(org: FakeOrg, query: Query, name: str, *, deleted: bool) -> Iterable[Values]:
    """Return the records to test: those that an index names, where a condition allows it."""
    live, gone = org.records[name], org.deleted[name] if deleted else {}
    parts = query.where.parts if isinstance(query.where, Group) and query.where.word == "AND" else [query.where]  # fmt: skip
    for part in parts:
        ids = _looked_up(org, query, name, part) if isinstance(part, Condition) else None
        if ids is not None and not (gone and part.path.text.lower() != "id"):
            held = (live.get(one) or gone.get(one) for one in sorted(ids))
            return [values for values in held if values is not None]
    return [*live.values(), *gone.values()]


def _looked_up(org: FakeOrg, query: Query, name: str, part: Condition) -> set[str] | None:
    one = org.field(name, part.path.text)
    if one is None or part.sign not in ("=", "IN") or not (one.indexed or one.name == "Id"):
        return None
    values = _values(org, query, name, part, one)
    if None in values:
        return None
    if one.name == "Id":
        return values
    return {record for value in values for record in org.index[name, one.name].of(value)}


def _test(org: FakeOrg, query: Query, name: str, where: Any, *, top: bool) -> Test:
    if where is None:
        return lambda values: True
    if isinstance(where, Group):
        tests = [
            _test(org, query, name, one, top=top and where.word == "AND") for one in where.parts
        ]
        if where.word == "NOT":
            return lambda values: not tests[0](values)
        joined = all if where.word == "AND" else any
        return lambda values: joined(test(values) for test in tests)
    if isinstance(where.value, Query) and not top:
        told = "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE expressions."  # fmt: skip
        raise malformed(query.text, where.path.at, told)
    return _compared(org, query, name, where)


def _compared(org: FakeOrg, query: Query, name: str, part: Condition) -> Test:
    one, read_ = reader(org, query, name, part.path)
    if not one.filterable:
        told = f"field '{part.path.text}' can not be filtered in a query call"
        raise invalid(query, part.path.at, told)
    if part.sign == "LIKE":
        return _like(read_, literal(query, one, part.value))
    values = _values(org, query, name, part, one)
    keyed = partial(key_of, one)
    if part.sign in ("=", "IN"):
        return lambda row: keyed(read_(row)) in values
    if part.sign in ("!=", "NOT IN"):
        return lambda row: keyed(read_(row)) not in values
    return _ordered(part.sign, lambda row: keyed(read_(row)), next(iter(values)))


def _values(org: FakeOrg, query: Query, name: str, part: Condition, one: Field) -> set[Any]:
    """Return what a condition compares with, as an index would hold it."""
    if isinstance(part.value, Query):
        inner = source(org, part.value)
        readers = [reader(org, part.value, inner, path)[1] for path in part.value.fields]
        rows = matching(org, part.value, inner)
        if len(readers) != 1:
            told = "Semi join sub-selects must have one field"
            raise malformed(query.text, part.path.at, told)
        found = (readers[0](values) for values in rows)
        return {key_of(one, value) for value in found if value is not None}
    tokens = part.value if isinstance(part.value, list) else [part.value]
    return {key_of(one, literal(query, one, token)) for token in tokens}


def _ordered(sign: str, read_: Reader, bound: Any) -> Test:
    tests: Mapping[str, Callable[[Any], bool]] = {
        "<": lambda value: value < bound,
        "<=": lambda value: value <= bound,
        ">": lambda value: value > bound,
        ">=": lambda value: value >= bound,
    }
    test = tests[sign]

    def compare(values: Values) -> bool:
        value = read_(values)
        return value is not None and bound is not None and test(value)

    return compare


def _like(read_: Reader, pattern: str) -> Test:
    parts = [{"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern]
    found = re.compile("".join(parts), re.I | re.S)
    return lambda values: found.fullmatch(str(read_(values) or "")) is not None


def _rank(read_: Reader, values: Values) -> Any:
    value = read_(values)
    # what is empty is put in its place afterwards
    return (value is not None, value.casefold() if isinstance(value, str) else value or 0)
