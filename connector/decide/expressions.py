"""
Evaluates what admins write in `when`, between `{{ }}` in `value`, and in addresses.

Admins write expressions, records never do: a record's value only ever enters as data. Statements,
calls, and operators that can blow a small text up are refused when the campaign is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_OUTPUT = 2_000
FILTERS = (
    "abs", "capitalize", "count", "default", "first", "float", "int", "last", "length", "lower",
    "max", "min", "round", "sum", "title", "trim", "upper", "urlencode",
)  # fmt: skip
_REFUSED: tuple[tuple[type[nodes.Node], str], ...] = (
    (nodes.Call, "calls are not allowed"),
    (nodes.Mul, "* is not allowed"),
    (nodes.Pow, "** is not allowed"),
    (nodes.Mod, "% is not allowed"),
)
_SINGLE = re.compile(r"\s*\{\{((?:(?!\{\{|\}\}).)*)\}\}\s*", re.DOTALL)
_FAILURES = (TemplateError, ArithmeticError, TypeError, ValueError, LookupError)


class ExpressionError(ValueError):
    """Say what is wrong with an expression, in words for its author."""


class Known:
    """
    One value inside an expression, or the lack of one.

    CRMs send numbers as text, so comparing with a number compares as numbers; a missing value
    compares as false and prints as nothing. Fields of a record are reached as `cart.total`; there
    are no public attributes, so that a field may be called `items`.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value: Any = value._value if isinstance(value, Known) else value

    def __getitem__(self, key: Any) -> Known:
        if isinstance(self._value, Mapping):
            return Known(self._value.get(key))
        inside = isinstance(self._value, list) and isinstance(key, int)
        return Known(self._value[key] if inside and -len(self) <= key < len(self) else None)

    def __str__(self) -> str:
        return "" if self._value is None else str(self._value)

    def __bool__(self) -> bool:
        return bool(self._value.strip() if isinstance(self._value, str) else self._value)

    def __len__(self) -> int:
        return len(self._value) if isinstance(self._value, str | list | Mapping) else 0

    def __iter__(self) -> Iterator[Known]:
        rows = self._value if isinstance(self._value, list) else ()
        return (Known(row) for row in rows)

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        mine, theirs = _pair(self, other)
        return bool(mine == theirs)

    def __lt__(self, other: object) -> bool:
        return _compared(self, other) < 0

    def __gt__(self, other: object) -> bool:
        return _compared(self, other) > 0

    def __le__(self, other: object) -> bool:
        return _compared(self, other) < 0 or (self._value is not None and self == other)

    def __ge__(self, other: object) -> bool:
        return _compared(self, other) > 0 or (self._value is not None and self == other)

    def __contains__(self, item: object) -> bool:
        plain = item._value if isinstance(item, Known) else item
        return plain in self._value if isinstance(self._value, str | list) else False

    def __add__(self, other: object) -> Any:
        mine, theirs = _numbers(self, other)
        return mine + theirs

    def __radd__(self, other: object) -> Any:
        mine, theirs = _numbers(other, self)
        return mine + theirs

    def __sub__(self, other: object) -> Any:
        mine, theirs = _numbers(self, other)
        return mine - theirs

    def __rsub__(self, other: object) -> Any:
        mine, theirs = _numbers(other, self)
        return mine - theirs

    def __truediv__(self, other: object) -> Any:
        mine, theirs = _numbers(self, other)
        return mine / theirs

    def __abs__(self) -> Any:
        return abs(_number(self._value))

    def __neg__(self) -> Any:
        return -_number(self._value)

    def __round__(self, digits: int = 0) -> Any:
        return round(_number(self._value), digits)

    def __float__(self) -> float:
        return float(_number(self._value))

    def __int__(self) -> int:
        return int(_number(self._value))


def _defined(value: Any) -> bool:
    return _plain(value) is not None


def _missing(value: Any) -> bool:
    return not _defined(value)


def _plain(value: object) -> Any:
    return value._value if isinstance(value, Known) else value


def _number(value: Any) -> Decimal:
    try:
        return Decimal(str(_plain(value)).strip())
    except InvalidOperation:
        raise ExpressionError(f"{str(value)[:40]!r} is not a number") from None


def _numbers(one: object, other: object) -> tuple[Decimal, Decimal]:
    return _number(one), _number(other)


def _pair(one: Known, other: object) -> tuple[Any, Any]:
    mine, theirs = one._value, _plain(other)
    if isinstance(theirs, bool) and isinstance(mine, str):
        return mine.strip().lower(), str(theirs).lower()
    numeric = [isinstance(v, int | float | Decimal) and not isinstance(v, bool)
               for v in (mine, theirs)]  # fmt: skip
    if any(numeric) and mine is not None and theirs is not None:
        try:
            return _numbers(mine, theirs)
        except ExpressionError:
            return str(mine), str(theirs)
    return mine, theirs


def _compared(one: Known, other: object) -> int:
    mine, theirs = _pair(one, other)
    if mine is None or theirs is None:
        return 0
    return int(mine > theirs) - int(mine < theirs)


def _default(value: Any, otherwise: Any = "", *_: Any) -> Any:
    return value if value else otherwise


def _upright(value: Any) -> Any:
    return str(value) if isinstance(value, Known) else value


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    env = ImmutableSandboxedEnvironment(
        autoescape=False, finalize=lambda v: "" if v is None else v, keep_trailing_newline=True
    )
    env.globals.clear()
    env.tests = {"defined": _defined, "undefined": _missing, "none": _missing}
    urlencode = env.filters["urlencode"]
    env.filters = {name: env.filters[name] for name in FILTERS}
    env.filters["default"] = _default
    env.filters["urlencode"] = lambda value: urlencode(_upright(value)).replace("/", "%2F")
    return env


@lru_cache(maxsize=2048)
def names_in_text(source: str) -> frozenset[str]:
    """Return the words that a text with `{{ }}` uses; raise ExpressionError for what is refused."""
    try:
        tree = _environment().parse(source)
        _environment().compile(source)
    except TemplateError as error:
        raise ExpressionError(str(getattr(error, "message", None) or error)) from error
    if "{#" in source or any(not isinstance(child, nodes.Output) for child in tree.body):
        raise ExpressionError("only expressions between {{ }} are allowed")
    for kind, why in _REFUSED:
        if tree.find(kind):
            raise ExpressionError(why)
    return frozenset(_words(tree))


def names_in_condition(source: str) -> frozenset[str]:
    """Return the words that a condition uses; raise ExpressionError for what is refused."""
    if any(mark in source for mark in ("{{", "}}", "{%", "{#")):
        raise ExpressionError("a condition is written without {{ }}")
    return names_in_text("{{ " + source + " }}")


def _words(node: nodes.Node) -> Iterator[str]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Getattr) and isinstance(child.node, nodes.Name):
            yield f"{child.node.name}.{child.attr}"
        elif isinstance(child, nodes.Name):
            yield child.name
        else:
            yield from _words(child)


def evaluate(source: str, names: Mapping[str, Any]) -> Any:
    """Fill a checked text; a text that is one single `{{ }}` keeps the type of its value."""
    single = _SINGLE.fullmatch(source)
    try:
        if single:
            return _plain(_compiled(single[1].strip())(_known(names_in_text(source), names)))
        known = _known(names_in_text(source), names)
        return str(_text(source).render(known))[:LONGEST_OUTPUT]
    except _FAILURES as error:
        raise ExpressionError(f"{source!r} cannot be filled: {error}") from error


def holds(source: str, names: Mapping[str, Any]) -> bool:
    """Decide a checked condition; what has no value counts as false."""
    try:
        return bool(_compiled(source)(_known(names_in_condition(source), names)))
    except _FAILURES as error:
        raise ExpressionError(f"{source!r} cannot be decided: {error}") from error


@lru_cache(maxsize=2048)
def _compiled(source: str) -> Any:
    return _environment().compile_expression(source, undefined_to_none=True)


@lru_cache(maxsize=2048)
def _text(source: str) -> Any:
    return _environment().from_string(source)


def _known(used: frozenset[str], names: Mapping[str, Any]) -> dict[str, Known]:
    # a kind of record that this subject lacks is empty, not an error
    roots = {word.partition(".")[0] for word in used}
    return {root: Known(names.get(root)) for root in roots}


def nested(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Turn fields by word (`cart.total`) into records by kind, as expressions see them."""
    records: dict[str, dict[str, Any]] = {}
    for word, value in fields.items():
        kind, _, name = word.partition(".")
        records.setdefault(kind, {})[name] = value
    return records
