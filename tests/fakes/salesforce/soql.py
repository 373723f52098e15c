"""SOQL, as much of it as is asked here: read by a small parser, answered from the records by look-up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.fakes.salesforce import memory
from tests.fakes.salesforce.memory import RefusalError, Values
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.schema import NUMBERS, Field

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d(?![\dT]))"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?(?![\w]))"
    r"|(?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*(?::\d+)?)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),]))",
    re.S,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
CUSTOM = "If you are attempting to use a custom {what}, be sure to append the '__{suffix}' after the custom {named} name. Please reference your WSDL or the describe call for the appropriate names."  # fmt: skip
# what a relation has that leads to one of several objects
OF_ANY = frozenset({"Id", "Name", "Email", "FirstName", "LastName", "Title", "Type", "Alias",
                    "Phone", "Username", "IsActive"})  # fmt: skip
MOST_RELATIONS = 5
Test = Callable[[Values], bool]
Reader = Callable[[Values], Any]


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


@dataclass
class Rows:
    """What a query found; each row is made only when it is shown."""

    org: FakeOrg
    query: Query
    name: str
    version: str
    found: list[Values]
    readers: list[tuple[list[str], Reader]]
    inner: list[tuple[str, Callable[[Values], Any]]]

    def show(self, start: int, stop: int) -> list[Values]:
        """Return some of the rows as JSON."""
        return [self._row(values) for values in self.found[start:stop]]

    def _row(self, values: Values) -> Values:
        row = {"attributes": attributes(self.name, str(values["Id"]), self.version)}
        for names, reader in self.readers:
            _set(self.org, self.version, row, names, reader, values, self.name)
        for child, ask in self.inner:
            row[child] = ask(values)
        return row


def read(text: str) -> Query:
    """Read a query; RefusalError 400 where it is none."""
    return Reading(text).query()


def run(org: FakeOrg, query: Query, version: str, *, deleted: bool = False) -> Rows:
    """Find the rows of a query. RefusalError 400 where it asks for what is not there."""
    what = org.object(query.source)
    if what is None:
        told = f"sObject type '{query.source}' is not supported. "
        raise RefusalError(
            400, "INVALID_TYPE", _marked(query.text, query.source_at)
            + told + CUSTOM.format(what="object", suffix="c", named="entity")
        )  # fmt: skip
    name = what.name
    readers = [
        (_names(org, query, name, one), reader(org, query, name, one)[1]) for one in query.fields
    ]
    inner = [_inner(org, one, name, version) for one in query.inner]
    return Rows(
        org, query, name, version, matching(org, query, name, deleted=deleted), readers, inner
    )


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


def reader(org: FakeOrg, query: Query, name: str, path: Path) -> tuple[Field, Reader]:
    """Return the field at the end of a path, and what reads it; INVALID_FIELD where there is none."""
    first, dot, rest = path.text.partition(".")
    if first.lower() == name.lower() and dot:
        return reader(org, query, name, Path(rest, path.at))
    if not dot:
        one = org.field(name, first)
        if one is None:
            raise _no_column(query, path, first, name)
        return one, _plain(one)
    link = memory._relation(org, name, first)
    if link is None or path.text.count(".") > MOST_RELATIONS:
        told = f"Didn't understand relationship '{first}' in field path. "
        raise invalid(query, path.at, told + CUSTOM.format(what="relationship", suffix="r", named="relationship"))  # fmt: skip
    if len(link.refers) > 1:
        return _of_any(org, query, link, Path(rest, path.at))
    target = link.refers[0]
    one, further = reader(org, query, target, Path(rest, path.at))
    return one, partial(_through, org.records[target], link.name, further)


def attributes(name: str, record: str, version: str) -> Values:
    """Return what stands at the head of each row."""
    return {"type": name, "url": f"/services/data/v{version}/sobjects/{name}/{record}"}


def invalid(query: Query, at: int, told: str) -> RefusalError:
    """Return the refusal of a field or value."""
    return RefusalError(400, "INVALID_FIELD", _marked(query.text, at) + told)


def malformed(text: str, at: int, told: str) -> RefusalError:
    """Return the refusal of a query that is none."""
    return RefusalError(400, "MALFORMED_QUERY", _marked(text, at) + told)


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


def _marked(text: str, at: int) -> str:
    start = max(0, at - 40)
    around = text[start : at + 20].replace("\n", " ")
    return f"\n{around}\n{' ' * (at - start)}^\nERROR at Row:1:Column:{at + 1}\n"


def _no_column(query: Query, path: Path, column: str, name: str) -> RefusalError:
    told = f"No such column '{column}' on entity '{name}'. "
    return invalid(query, path.at, told + CUSTOM.format(what="field", suffix="c", named="field"))


def _plain(one: Field) -> Reader:
    name = one.name
    if one.type == "boolean":
        return lambda values: values.get(name, False)
    return lambda values: values.get(name)


def _through(records: Mapping[str, Values], link: str, further: Reader, values: Values) -> Any:
    other = records.get(values.get(link, ""))
    return None if other is None else further(other)


def _of_any(org: FakeOrg, query: Query, link: Field, path: Path) -> tuple[Field, Reader]:
    if path.text not in OF_ANY:
        raise _no_column(query, path, path.text, "Name")

    def read_(values: Values) -> Any:
        if path.text == "Type":
            return _kind(org, link, values)
        return (org.records[_kind(org, link, values) or "User"].get(values.get(link.name, "")) or {}).get(path.text)  # fmt: skip

    return Field(path.text, "string"), read_


def _kind(org: FakeOrg, link: Field, values: Values) -> str | None:
    start = str(values.get(link.name, ""))[:3]
    return next((kind for kind in link.refers if org.objects[kind].prefix == start), None)


def _names(org: FakeOrg, query: Query, name: str, path: Path) -> list[str]:
    """Return a path as the answer writes it, with the object's own name taken off."""
    names = path.text.split(".")
    if len(names) > 1 and names[0].lower() == name.lower():
        names = names[1:]
    one, _ = reader(org, query, name, path)
    return [*names[:-1], one.name]


def _set(org: FakeOrg, version: str, row: Values, names: list[str], read_: Reader, values: Values, name: str) -> None:  # fmt: skip
    if len(names) == 1:
        one = org.objects[name].find(names[0])
        row[names[0]] = memory.shown(one or Field(names[0]), read_(values))
        return
    # a relation that leads nowhere is null as a whole
    link = memory._relation(org, name, names[0])
    kind = _kind(org, link, values) if link else None
    other = org.records[kind].get(values[link.name]) if link and kind else None
    if kind is None or other is None:
        row.setdefault(names[0], None)
        return
    if row.get(names[0]) is None:
        row[names[0]] = {"attributes": attributes(kind, str(other["Id"]), version)}
    rest = names[1:]
    inner: Reader = (lambda found: found.get(rest[0])) if len(rest) == 1 else _plain(Field("Id"))
    _set(org, version, row[names[0]], rest, inner, other, kind)


def _inner(
    org: FakeOrg, query: Query, parent: str, version: str
) -> tuple[str, Callable[[Values], Any]]:
    """Return the name of a child relation and what answers it for one parent."""
    for other in org.objects.values():
        for one in other.fields.values():
            named = parent in one.refers and one.child.lower() == query.source.lower()
            if named and one.child and org.sees(other.name, one.name):
                return one.child, _children(org, query, other.name, one, version)
    told = f"Didn't understand relationship '{query.source}' in FROM part of query call. "
    raise RefusalError(400, "INVALID_TYPE", _marked(query.text, query.source_at) + told
                       + CUSTOM.format(what="relationship", suffix="r", named="relationship"))  # fmt: skip


def _children(
    org: FakeOrg, query: Query, name: str, link: Field, version: str
) -> Callable[[Values], Any]:
    readers = [
        (_names(org, query, name, one), reader(org, query, name, one)[1]) for one in query.fields
    ]
    matching(org, query, name, among=())  # tells what is wrong with it, even for no parent

    def ask(values: Values) -> Any:
        mine = [org.records[name][one] for one in org.index[name, link.name].of(values["Id"])]
        found = matching(org, query, name, among=mine)
        if not found:
            return None
        rows = Rows(org, query, name, version, found, readers, []).show(0, len(found))
        return {"totalSize": len(rows), "done": True, "records": rows}

    return ask


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
        return _like(read_, _literal(query, one, part.value))
    values = _values(org, query, name, part, one)
    keyed = partial(memory.key_of, one)
    if part.sign in ("=", "IN"):
        return lambda row: keyed(read_(row)) in values
    if part.sign in ("!=", "NOT IN"):
        return lambda row: keyed(read_(row)) not in values
    return _ordered(part.sign, lambda row: keyed(read_(row)), next(iter(values)))


def _values(org: FakeOrg, query: Query, name: str, part: Condition, one: Field) -> set[Any]:
    """Return what a condition compares with, as an index would hold it."""
    if isinstance(part.value, Query):
        rows = run(org, part.value, "")
        if len(rows.readers) != 1:
            told = "Semi join sub-selects must have one field"
            raise malformed(query.text, part.path.at, told)
        found = (rows.readers[0][1](values) for values in rows.found)
        return {memory.key_of(one, value) for value in found if value is not None}
    tokens = part.value if isinstance(part.value, list) else [part.value]
    return {memory.key_of(one, _literal(query, one, token)) for token in tokens}


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


def _literal(query: Query, one: Field, token: Token) -> Any:
    """Return the value of a literal; INVALID_FIELD where the field is of another type."""
    word = token.text.upper()
    if token.kind == "name" and word == "NULL":
        return None
    wanted = _wanted(one)
    kind = "boolean" if word in ("TRUE", "FALSE") and token.kind == "name" else token.kind
    if token.kind == "name" and word.partition(":")[0] in DAYS:
        return _relative(one, word)
    if kind != wanted:
        raise _mistyped(query, one, token, wanted)
    if wanted == "string":
        return _string(query, one, token)
    if wanted == "boolean":
        return word == "TRUE"
    return float(token.text) if wanted == "number" else memory.native(one, token.text)


def _wanted(one: Field) -> str:
    if one.type in NUMBERS:
        return "number"
    return one.type if one.type in ("boolean", "date", "datetime") else "string"


def _mistyped(query: Query, one: Field, token: Token, wanted: str) -> RefusalError:
    quotes = "should be" if wanted == "string" else "should not be"
    told = (f"value of filter criterion for field '{one.name}' must be of type "
            f"{'dateTime' if one.type == 'datetime' else one.type} and {quotes} enclosed in quotes")  # fmt: skip
    return invalid(query, token.at, told)


def _string(query: Query, one: Field, token: Token) -> str:
    text = re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), token.text[1:-1])
    if one.type in ("id", "reference") and not memory.normal(text):
        told = f"invalid ID field: {text}"
        raise RefusalError(
            400, "INVALID_QUERY_FILTER_OPERATOR", _marked(query.text, token.at) + told
        )
    return text


DAYS = ("TODAY", "YESTERDAY", "LAST_N_DAYS", "NEXT_N_DAYS", "TOMORROW")


def _relative(one: Field, word: str) -> Any:
    name, _, count = word.partition(":")
    days = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}.get(name)
    if days is None:
        days = -int(count) if name == "LAST_N_DAYS" else int(count)
    day = datetime.now(UTC).date() + timedelta(days=days)
    return day if one.type == "date" else datetime(day.year, day.month, day.day, tzinfo=UTC)


__all__ = ["Query", "Rows", "attributes", "read", "run"]
