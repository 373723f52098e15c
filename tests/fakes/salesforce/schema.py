"""What an object and a field of an org are, and how both are read from a few words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "id", "reference"})  # fmt: skip
NUMBERS = frozenset({"int", "double", "currency", "percent"})
LENGTHS = {"string": 255, "email": 80, "phone": 40, "url": 255, "picklist": 255, "textarea": 32_000, "id": 18, "reference": 18}  # fmt: skip
FLAGS: dict[str, dict[str, Any]] = {
    "required": {"required": True},
    "fixed": {"createable": False, "updateable": False},
    "once": {"updateable": False},
    "lookup": {"id_lookup": True},
    "external": {"external": True, "id_lookup": True, "unique": True},
    "cascade": {"cascade": True},
    "restricted": {"restricted": True},
}


@dataclass
class Field:
    """One field; *child* names the way back from what it refers to."""

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    createable: bool = True
    updateable: bool = True
    required: bool = False
    refers: tuple[str, ...] = ()
    relation: str = ""
    child: str = ""
    cascade: bool = False
    external: bool = False
    unique: bool = False
    id_lookup: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False

    def __post_init__(self) -> None:
        self.label = self.label or self.name.removesuffix("__c").replace("_", " ")
        self.length = self.length or LENGTHS.get(self.type, 0)
        self.refers = tuple(self.refers)
        if self.type == "reference" and not self.relation:
            self.relation = self.name.removesuffix("__c").removesuffix("Id")
            self.relation += "__r" if self.custom else ""

    @property
    def custom(self) -> bool:
        """Tell whether the field is the org's own."""
        return self.name.endswith("__c")

    @property
    def filterable(self) -> bool:
        """Tell whether a query may have a condition on it."""
        return not (self.type == "textarea" and self.length > 255)

    @property
    def indexed(self) -> bool:
        """Tell whether it is looked up instead of searched for."""
        return self.type == "reference" or self.external or self.id_lookup or self.unique


@dataclass
class Sobject:
    """One object with its fields by name; names are the same in capitals or not."""

    name: str
    prefix: str
    label: str = ""
    fields: dict[str, Field] = field(default_factory=dict)
    by_lower: dict[str, Field] = field(default_factory=dict)

    def add(self, one: Field) -> Field:
        """Give it a field, or change one."""
        self.fields[one.name] = self.by_lower[one.name.lower()] = one
        return one

    def drop(self, name: str) -> None:
        """Take a field away."""
        self.by_lower.pop(name.lower(), None)
        self.fields.pop(name, None)

    def find(self, name: str) -> Field | None:
        """Return a field, however its name is written."""
        return self.by_lower.get(name.lower())

    @property
    def custom(self) -> bool:
        """Tell whether the object is the org's own."""
        return self.name.endswith("__c")


def whole(fifteen: str) -> str:
    """Return an id with the three letters that say which of the fifteen are capitals."""
    first = fifteen[:15]
    places = (first[start : start + 5] for start in (0, 5, 10))
    return first + "".join(
        LETTERS[sum(1 << at for at, letter in enumerate(five) if letter.isupper())]
        for five in places
    )


def sobject(name: str, prefix: str, fields: Iterable[Field], label: str = "") -> Sobject:
    """Return an object with *fields* and those that all objects have."""
    made = Sobject(name, prefix, label or name.removesuffix("__c").replace("_", " "))
    for one in (*_system(custom=made.custom), *fields):
        made.add(one)
    return made


def definition(name: str, type: str = "string", **more: Any) -> Field:
    """Return a field that a test or a deployment makes."""
    if "values" in more:
        more["values"] = tuple(more["values"])
    return Field(name, type, **more)


def from_line(line: str) -> Field:
    """Read a line of a table: name, type with length, what it refers to, flags."""
    name, kind, *rest = line.split()
    kind, _, length = kind.partition(":")
    more: dict[str, Any] = {"length": int(length or 0)}
    for word in rest:
        if word.startswith(">"):
            refers, _, child = word[1:].partition("/")
            more |= {"refers": tuple(refers.split(",")), "child": child}
        elif word.startswith("="):
            more["values"] = tuple(word[1:].replace("_", " ").split("|"))
        else:
            more |= FLAGS[word]
    return Field(name, kind, **more)


def _system(*, custom: bool) -> list[Field]:
    kept = {"createable": False, "updateable": False}
    own = [
        Field("Name", "string", length=80, **kept),
        Field("OwnerId", "reference", refers=("Group", "User")),
    ]
    return [
        Field("Id", "id", id_lookup=True, **kept),
        Field("IsDeleted", "boolean", **kept),
        Field("CreatedDate", "datetime", **kept),
        Field("CreatedById", "reference", refers=("User",), **kept),
        Field("LastModifiedDate", "datetime", **kept),
        Field("LastModifiedById", "reference", refers=("User",), **kept),
        Field("SystemModstamp", "datetime", **kept),
        *(own if custom else []),
    ]
