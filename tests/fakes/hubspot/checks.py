"""What is wrong with the values that somebody wants to write to a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.hubspot.answers import Body, error
from tests.fakes.hubspot.kinds import REQUIRED
from tests.fakes.hubspot.portal import FakeHubSpot
from tests.fakes.hubspot.values import UnfitError, kept


def fitting(
    fake: FakeHubSpot, kind: str, properties: Mapping[str, Any]
) -> tuple[dict[str, str | None], list[Body]]:
    """Return the values as they would be kept, and one error for each that does not fit."""
    values: dict[str, str | None] = {}
    errors: list[Body] = []
    for name, value in properties.items():
        try:
            values[name] = _kept(fake, kind, name, value)
        except UnfitError as no:
            errors.append(_error(no.code, str(no), name))
    return values, errors


def trouble(
    fake: FakeHubSpot, kind: str, record: str, properties: Mapping[str, Any], *, new: bool = False
) -> Body | None:
    """Return the error of one record, or None where it can be written."""
    values, errors = fitting(fake, kind, properties)
    if new:
        errors += [
            _error("REQUIRED_FIELD", f"{name} is required", name)
            for name in REQUIRED.get(kind, ())
            if not values.get(name)
        ]
    if errors:
        names = [name for one in errors for name in one["context"]["propertyName"]]
        message = f"Property values were not valid: {[one['message'] for one in errors]}"
        return error("VALIDATION_ERROR", message, errors, context={"propertyName": names})
    for rule in fake.validation_rules:
        if said := rule(kind, record, values):
            return error("VALIDATION_ERROR", said, context={})
    return None


def gone(kind: str, record: str) -> Body:
    """Return the error of a record that is not there."""
    message = f"Could not get some {kind} records, they may be deleted or not exist."
    return error("OBJECT_NOT_FOUND", message, context={"ids": [record]})


def _kept(fake: FakeHubSpot, kind: str, name: str, value: Any) -> str | None:
    definition = fake.properties[kind].get(name)
    if definition is None or definition["archived"]:
        raise UnfitError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
    if definition["modificationMetadata"]["readOnlyValue"]:
        raise UnfitError("READ_ONLY_VALUE", f'"{name}" is a read only property')
    return kept(definition, value)


def _error(code: str, message: str, name: str) -> Body:
    return {"message": message, "code": code, "context": {"propertyName": [name]}}
