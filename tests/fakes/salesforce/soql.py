"""SOQL, as much of it as is asked here: a query's rows, made only when they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.salesforce.lookups import relation
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.schema import Field
from tests.fakes.salesforce.soql_conditions import matching
from tests.fakes.salesforce.soql_paths import (
    Reader,
    kind_of,
    names_of,
    plain,
    reader,
    source,
    unknown_source,
)
from tests.fakes.salesforce.soql_text import Query, read
from tests.fakes.salesforce.values import Values, shown


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
        for names, read_ in self.readers:
            _set(self.org, self.version, row, names, read_, values, self.name)
        for child, ask in self.inner:
            row[child] = ask(values)
        return row


def run(org: FakeOrg, query: Query, version: str, *, deleted: bool = False) -> Rows:
    """Find the rows of a query. RefusalError 400 where it asks for what is not there."""
    name = source(org, query)
    readers = [
        (names_of(org, query, name, one), reader(org, query, name, one)[1]) for one in query.fields
    ]
    inner = [_inner(org, one, name, version) for one in query.inner]
    return Rows(
        org, query, name, version, matching(org, query, name, deleted=deleted), readers, inner
    )


def attributes(name: str, record: str, version: str) -> Values:
    """Return what stands at the head of each row."""
    return {"type": name, "url": f"/services/data/v{version}/sobjects/{name}/{record}"}


def _set(org: FakeOrg, version: str, row: Values, names: list[str], read_: Reader, values: Values, name: str) -> None:  # fmt: skip
    if len(names) == 1:
        one = org.objects[name].find(names[0])
        row[names[0]] = shown(one or Field(names[0]), read_(values))
        return
    # a relation that leads nowhere is null as a whole
    link = relation(org, name, names[0])
    kind = kind_of(org, link, values) if link else None
    other = org.records[kind].get(values[link.name]) if link and kind else None
    if kind is None or other is None:
        row.setdefault(names[0], None)
        return
    if row.get(names[0]) is None:
        row[names[0]] = {"attributes": attributes(kind, str(other["Id"]), version)}
    rest = names[1:]
    inner: Reader = (lambda found: found.get(rest[0])) if len(rest) == 1 else plain(Field("Id"))
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
    raise unknown_source(query, told, what="relationship", suffix="r", named="relationship")


def _children(
    org: FakeOrg, query: Query, name: str, link: Field, version: str
) -> Callable[[Values], Any]:
    readers = [
        (names_of(org, query, name, one), reader(org, query, name, one)[1]) for one in query.fields
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


__all__ = ["Query", "Rows", "attributes", "read", "run"]
