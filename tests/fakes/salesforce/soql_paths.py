"""How a query's way to a value is followed: an object's own field, or one behind relations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from tests.fakes.salesforce.lookups import relation
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RefusalError
from tests.fakes.salesforce.schema import Field
from tests.fakes.salesforce.soql_text import Path, Query, invalid, marked
from tests.fakes.salesforce.values import Values

CUSTOM = "If you are attempting to use a custom {what}, be sure to append the '__{suffix}' after the custom {named} name. Please reference your WSDL or the describe call for the appropriate names."  # fmt: skip
# what a relation has that leads to one of several objects
OF_ANY = frozenset({"Id", "Name", "Email", "FirstName", "LastName", "Title", "Type", "Alias",
                    "Phone", "Username", "IsActive"})  # fmt: skip
MOST_RELATIONS = 5
Reader = Callable[[Values], Any]


def source(org: FakeOrg, query: Query) -> str:
    """Return the name of the object that a query asks; INVALID_TYPE where there is none for us."""
    what = org.object(query.source)
    if what is None:
        told = f"sObject type '{query.source}' is not supported. "
        raise unknown_source(query, told, what="object", suffix="c", named="entity")
    return what.name


def unknown_source(query: Query, told: str, **words: str) -> RefusalError:
    """Return the refusal of what stands behind FROM."""
    told = marked(query.text, query.source_at) + told + CUSTOM.format(**words)
    return RefusalError(400, "INVALID_TYPE", told)


def reader(org: FakeOrg, query: Query, name: str, path: Path) -> tuple[Field, Reader]:
    """Return the field at the end of a path, and what reads it; INVALID_FIELD where there is none."""
    first, dot, rest = path.text.partition(".")
    if first.lower() == name.lower() and dot:
        return reader(org, query, name, Path(rest, path.at))
    if not dot:
        one = org.field(name, first)
        if one is None:
            raise _no_column(query, path, first, name)
        return one, plain(one)
    link = relation(org, name, first)
    if link is None or path.text.count(".") > MOST_RELATIONS:
        told = f"Didn't understand relationship '{first}' in field path. "
        raise invalid(query, path.at, told + CUSTOM.format(what="relationship", suffix="r", named="relationship"))  # fmt: skip
    if len(link.refers) > 1:
        return _of_any(org, query, link, Path(rest, path.at))
    target = link.refers[0]
    one, further = reader(org, query, target, Path(rest, path.at))
    return one, partial(_through, org.records[target], link.name, further)


def names_of(org: FakeOrg, query: Query, name: str, path: Path) -> list[str]:
    """Return a path as the answer writes it, with the object's own name taken off."""
    names = path.text.split(".")
    if len(names) > 1 and names[0].lower() == name.lower():
        names = names[1:]
    one, _ = reader(org, query, name, path)
    return [*names[:-1], one.name]


def kind_of(org: FakeOrg, link: Field, values: Values) -> str | None:
    """Return the object that a relation leads to from one record; None where it leads nowhere."""
    start = str(values.get(link.name, ""))[:3]
    return next((kind for kind in link.refers if org.objects[kind].prefix == start), None)


def plain(one: Field) -> Reader:
    """Return what reads a field of the record itself."""
    name = one.name
    if one.type == "boolean":
        return lambda values: values.get(name, False)
    return lambda values: values.get(name)


def _no_column(query: Query, path: Path, column: str, name: str) -> RefusalError:
    told = f"No such column '{column}' on entity '{name}'. "
    return invalid(query, path.at, told + CUSTOM.format(what="field", suffix="c", named="field"))


def _through(records: Mapping[str, Values], link: str, further: Reader, values: Values) -> Any:
    other = records.get(values.get(link, ""))
    return None if other is None else further(other)


def _of_any(org: FakeOrg, query: Query, link: Field, path: Path) -> tuple[Field, Reader]:
    if path.text not in OF_ANY:
        raise _no_column(query, path, path.text, "Name")

    def read_(values: Values) -> Any:
        if path.text == "Type":
            return kind_of(org, link, values)
        return (org.records[kind_of(org, link, values) or "User"].get(values.get(link.name, "")) or {}).get(path.text)  # fmt: skip

    return Field(path.text, "string"), read_
