"""The text of a SOQL query, read by a small parser into what it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.salesforce.refusals import RefusalError

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d(?![\dT]))"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?(?![\w]))"
    r"|(?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*(?::\d+)?)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),]))",
    re.S,
)
DAYS = ("TODAY", "YESTERDAY", "LAST_N_DAYS", "NEXT_N_DAYS", "TOMORROW")


@dataclass
class Token:
    """A piece of the query, and where it stands."""

    kind: str
    text: str
    at: int


@dataclass
class Path:
    """A field with the relations before it."""

    text: str
    at: int


@dataclass
class Condition:
    """`field operator value`; for IN, the value is a list or a query."""

    path: Path
    sign: str
    value: Any


@dataclass
class Group:
    """Conditions with one word between them, or one with NOT before it."""

    word: str
    parts: list[Any]


@dataclass
class Query:
    """A query as read."""

    text: str
    source: str = ""
    source_at: int = 0
    count: bool = False
    fields: list[Path] = field(default_factory=list)
    inner: list[Query] = field(default_factory=list)
    where: Any = None
    order: list[tuple[Path, bool, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0


class Reading:
    """Reads the text of a query once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0

    def query(self, *, inside: bool = False) -> Query:
        """Read a query to its end, or to the bracket that closes it."""
        made = Query(self.text)
        self.word("SELECT")
        while True:
            self._selected(made)
            if not self.taken(","):
                break
        self.word("FROM")
        source = self.next("name")
        made.source, made.source_at = source.text, source.at
        self._rest(made)
        if not inside and self.peek().kind != "end":
            raise self.odd()
        return made

    def peek(self) -> Token:
        """Return the next token and leave it."""
        return self.tokens[self.place]

    def next(self, kind: str = "") -> Token:
        """Take the next token; MALFORMED_QUERY where it is of another kind."""
        found = self.peek()
        if kind and found.kind != kind:
            raise self.odd()
        self.place += 1
        return found

    def taken(self, *words: str) -> bool:
        """Take these words where they are next."""
        ahead = [one.text.upper() for one in self.tokens[self.place : self.place + len(words)]]
        if ahead != list(words) or self.peek().kind == "string":
            return False
        self.place += len(words)
        return True

    def word(self, word: str) -> None:
        """Take this word; MALFORMED_QUERY where another one is next."""
        if not self.taken(word):
            raise self.odd()

    def odd(self) -> RefusalError:
        """Return the refusal of the next token."""
        found = self.peek()
        told = (
            "unexpected token: '<EOF>'"
            if found.kind == "end"
            else f"unexpected token: '{found.text}'"
        )
        return malformed(self.text, found.at, told)

    def _selected(self, made: Query) -> None:
        if self.taken("("):
            made.inner.append(self.query(inside=True))
            self.word(")")
        elif self.taken("COUNT", "(", ")"):
            made.count = True
        else:
            found = self.next("name")
            made.fields.append(Path(found.text, found.at))

    def _rest(self, made: Query) -> None:
        if self.taken("WHERE"):
            made.where = self.conditions()
        if self.taken("ORDER", "BY"):
            made.order.append(self._ordered())
            while self.taken(","):
                made.order.append(self._ordered())
        if self.taken("LIMIT"):
            made.limit = int(self.next("number").text)
        if self.taken("OFFSET"):
            made.offset = int(self.next("number").text)
        if self.taken("ALL", "ROWS"):
            raise malformed(self.text, self.peek().at, "ALL ROWS not allowed in this context")

    def _ordered(self) -> tuple[Path, bool, bool]:
        found = self.next("name")
        down = self.taken("DESC") or (self.taken("ASC") and False)
        last = self.taken("NULLS", "LAST")
        if not last:
            self.taken("NULLS", "FIRST")
        return Path(found.text, found.at), down, last

    def conditions(self) -> Any:
        """Read conditions; AND and OR may not be mixed without brackets."""
        parts, word = [self._condition()], ""
        while self.peek().text.upper() in ("AND", "OR") and self.peek().kind == "name":
            if word and self.peek().text.upper() != word:
                raise self.odd()
            word = self.next().text.upper()
            parts.append(self._condition())
        return Group(word, parts) if word else parts[0]

    def _condition(self) -> Any:
        if self.taken("NOT"):
            return Group("NOT", [self._condition()])
        if self.taken("("):
            found = self.conditions()
            self.word(")")
            return found
        named = self.next("name")
        path = Path(named.text, named.at)
        for words in (("NOT", "IN"), ("IN",)):
            if self.taken(*words):
                return Condition(path, " ".join(words), self._listed())
        if self.taken("LIKE"):
            return Condition(path, "LIKE", self._value())
        sign = self.next("sign").text
        if sign in ("(", ")", ","):
            self.place -= 1
            raise self.odd()
        return Condition(path, "!=" if sign == "<>" else sign, self._value())

    def _listed(self) -> Any:
        self.word("(")
        if self.peek().text.upper() == "SELECT":
            found: Any = self.query(inside=True)
        else:
            found = [self._value()]
            while self.taken(","):
                found.append(self._value())
        self.word(")")
        return found

    def _value(self) -> Token:
        found = self.next()
        word = found.text.upper().partition(":")[0]
        if found.kind == "name" and word not in ("TRUE", "FALSE", "NULL", *DAYS):
            self.place -= 1
            raise self.odd()
        if found.kind in ("sign", "end"):
            self.place -= 1
            raise self.odd()
        return found


def read(text: str) -> Query:
    """Read a query; RefusalError 400 where it is none."""
    return Reading(text).query()


def invalid(query: Query, at: int, told: str) -> RefusalError:
    """Return the refusal of a field or value."""
    return RefusalError(400, "INVALID_FIELD", marked(query.text, at) + told)


def malformed(text: str, at: int, told: str) -> RefusalError:
    """Return the refusal of a query that is none."""
    return RefusalError(400, "MALFORMED_QUERY", marked(text, at) + told)


def marked(text: str, at: int) -> str:
    """Return a piece of the query with a mark under the place where it is wrong."""
    start = max(0, at - 40)
    around = text[start : at + 20].replace("\n", " ")
    return f"\n{around}\n{' ' * (at - start)}^\nERROR at Row:1:Column:{at + 1}\n"


def _tokens(text: str) -> list[Token]:
    made, place = [], 0
    while text[place:].strip():
        found = TOKEN.match(text, place)
        if found is None:
            at = place + len(text[place:]) - len(text[place:].lstrip())
            raise malformed(text, at, f"unexpected token: '{text[at]}'")
        kind = str(found.lastgroup)
        made.append(Token(kind, found[kind], found.start(kind)))
        place = found.end()
    return [*made, Token("end", "", len(text))]
