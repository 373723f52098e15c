"""How records are found by the value of a field, and fields by the relation that they lead along."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.salesforce.schema import Field
from tests.fakes.salesforce.values import key_of, normal

if TYPE_CHECKING:
    from tests.fakes.salesforce.org import FakeOrg


@dataclass
class Index:
    """Records by the value of one field."""

    found: dict[Any, dict[str, None]] = field(default_factory=dict)

    def move(self, record: str, old: Any, new: Any) -> None:
        """Note that a record has another value."""
        if old is not None and old in self.found:
            self.found[old].pop(record, None)
        if new is not None:
            self.found.setdefault(new, {})[record] = None

    def of(self, value: Any) -> list[str]:
        """Return the ids of the records with this value."""
        return list(self.found.get(value, ()))


def resolve(org: FakeOrg, name: str, external: str, value: Any) -> list[str]:
    """Return the ids of the records with this value of an external id or other lookup field."""
    one = org.field(name, external)
    if one is None:
        return []
    if one.name == "Id":
        found = normal(str(value))
        return [found] if found and found in org.records[name] else []
    return org.index[name, one.name].of(key_of(one, value))


def relation(org: FakeOrg, name: str, key: str) -> Field | None:
    """Return the field that leads along a relation, as far as our user sees it."""
    lower = key.lower()
    return next(
        (
            one
            for one in org.objects[name].fields.values()
            if one.relation.lower() == lower and one.relation and org.sees(name, one.name)
        ),
        None,
    )
