"""Evaluates what template authors write between `{{ }}` and in `when`, and nothing more.

Authors write expressions, records never do: a slot's value only ever enters as data. Statements,
calls, and the operators that can blow a small text up are refused when the template is read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError as JinjaError
from jinja2 import nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

FSI, PDI = "\u2068", "\u2069"
FILTERS = ("upper", "lower", "trim", "length", "first", "last")
_SIGNS = dict.fromkeys(map(ord, "+-\u2212\u200e\u200f"))  # the signs that locales write
_REFUSED: tuple[tuple[type[nodes.Node], str], ...] = (
    (nodes.Stmt, "only expressions are allowed"),
    (nodes.Call, "calls are not allowed"),
    (nodes.Mul, "* is not allowed"),
    (nodes.Pow, "** is not allowed"),
    (nodes.Mod, "% is not allowed"),
)


class ExpressionError(ValueError):
    """Say what is wrong with an expression, in words for its author."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A slot's value inside an expression: prints its text, compares and counts by its value."""

    _value: Any
    _text: str
    _isolated: bool = False

    def __str__(self) -> str:
        return f"{FSI}{self._text}{PDI}" if self._isolated and self._text else self._text

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return bool(self._value == _plain(other))

    def __hash__(self) -> int:
        return hash(self._text)

    def __lt__(self, other: Any) -> bool:
        return self._value is not None and bool(self._value < _plain(other))

    def __gt__(self, other: Any) -> bool:
        return self._value is not None and bool(self._value > _plain(other))

    def __le__(self, other: Any) -> bool:
        return self._value is not None and bool(self._value <= _plain(other))

    def __ge__(self, other: Any) -> bool:
        return self._value is not None and bool(self._value >= _plain(other))

    def __add__(self, other: Any) -> Any:
        return self._value + _plain(other)

    def __sub__(self, other: Any) -> Any:
        return self._value - _plain(other)

    def __truediv__(self, other: Any) -> Any:
        return self._value / _plain(other)

    def __abs__(self) -> Any:
        return abs(self._value)

    def __neg__(self) -> Any:
        return -self._value

    def __len__(self) -> int:
        return len(self._value or ())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._value or ())

    def __getitem__(self, key: Any) -> Any:
        return self._value[key]

    def __contains__(self, item: object) -> bool:
        return _plain(item) in (self._value or ())


def _plain(value: Any) -> Any:
    return value._value if isinstance(value, Seen) else value


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    env = ImmutableSandboxedEnvironment(
        autoescape=False, finalize=lambda v: "" if v is None else v, keep_trailing_newline=True
    )
    env.globals.clear()
    env.filters = {name: env.filters[name] for name in FILTERS}
    env.filters["default"] = lambda value, otherwise="": value or otherwise
    env.filters["abs"] = abs
    env.filters["title"] = lambda value: str(value).title()
    env.filters["unsigned"] = lambda value: str(value).translate(_SIGNS)
    env.filters["round"] = lambda value, digits=0: round(_plain(value), digits or None)
    return env


def check_text(source: str) -> frozenset[str]:
    """Return the names that a text uses, or raise ExpressionError for what is not allowed."""
    return _names(source)


def check_condition(source: str) -> frozenset[str]:
    """Return the names that a condition uses, or raise ExpressionError for what is not allowed."""
    if "{{" in source or "}}" in source:
        raise ExpressionError("a condition is written without {{ }}")
    return _names("{{ " + source + " }}")


@lru_cache(maxsize=4096)
def _names(source: str) -> frozenset[str]:
    try:
        tree = _environment().parse(source)
        refused = [why for node in _walk(tree) for kind, why in _REFUSED if isinstance(node, kind)]
        refused += ["private names are not allowed" for _ in _private(tree)]
        if refused:
            raise ExpressionError(refused[0])
        _environment().compile(source)
        return frozenset(find_undeclared_variables(tree))
    except JinjaError as error:
        raise ExpressionError(str(error.message or error)) from error


def _walk(tree: nodes.Template) -> Iterator[nodes.Node]:
    for child in tree.body:
        if not isinstance(child, nodes.Output):
            yield child
        yield from child.find_all(nodes.Node)


def _private(tree: nodes.Template) -> Iterator[nodes.Node]:
    yield from (node for node in tree.find_all(nodes.Getattr) if node.attr.startswith("_"))
    yield from (node for node in tree.find_all(nodes.Name) if node.name.startswith("_"))


def fill(source: str, slots: Mapping[str, Seen], bound: int) -> str:
    """Fill a checked text with slots; the outcome is never longer than `bound` characters."""
    if "{{" not in source:
        return source[:bound]
    try:
        return str(_compiled(source).render(slots))[:bound]
    except (JinjaError, ArithmeticError, TypeError, LookupError) as error:
        raise ExpressionError(f"{source!r} cannot be filled: {error}") from error


def holds(source: str, slots: Mapping[str, Seen]) -> bool:
    """Decide a checked condition; a slot without a value counts as false."""
    try:
        return bool(_condition(source)(slots))
    except (JinjaError, ArithmeticError, TypeError, LookupError) as error:
        raise ExpressionError(f"{source!r} cannot be decided: {error}") from error


@lru_cache(maxsize=4096)
def _compiled(source: str) -> Any:
    check_text(source)
    return _environment().from_string(source)


@lru_cache(maxsize=4096)
def _condition(source: str) -> Any:
    check_condition(source)
    return _environment().compile_expression(source)
