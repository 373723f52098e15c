"""What our package brings to an org, read from the package's own source so that the two never differ."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lxml import etree

from connector.crm import salesforce
from tests.fakes.salesforce.metadata_fields import described
from tests.fakes.salesforce.packages import Component
from tests.fakes.salesforce.schema import Field, Sobject, definition, sobject

SOURCE = Path(salesforce.__file__).parent / "package/force-app/main/default/objects"


def objects() -> list[Sobject]:
    """Return the package's own objects, with prefixes in the order in which a deployment gives them."""
    own = [name for name in _components() if name.endswith("__c")]
    return [
        sobject(name, f"a{number:02d}", _fields(name), _label(name))
        for number, name in enumerate(own, 1)
    ]


def fields() -> dict[str, list[Field]]:
    """Return the fields that the package adds to standard objects."""
    return {name: _fields(name) for name in _components() if not name.endswith("__c")}


def _fields(name: str) -> list[Field]:
    return [definition(one.text("fullName"), **described(one)) for one in _components()[name]]


def _label(name: str) -> str:
    return _read(SOURCE / name / f"{name}.object-meta.xml", "CustomObject", name).text("label")


@cache
def _components() -> dict[str, list[Component]]:
    return {
        folder.name: [
            _read(file, "CustomField", folder.name)
            for file in sorted(folder.glob("fields/*.field-meta.xml"))
        ]
        for folder in sorted(SOURCE.iterdir())
    }


def _read(file: Path, kind: str, within: str) -> Component:
    return Component(
        kind, file.name.partition(".")[0], str(file), etree.parse(file).getroot(), within
    )
