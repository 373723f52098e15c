"""The rules by which an org refuses values: those of a request's columns, and those of one record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.fakes.salesforce.lookups import relation, resolve
from tests.fakes.salesforce.refusals import RecordError, RefusalError
from tests.fakes.salesforce.schema import TEXTS, Field, Sobject
from tests.fakes.salesforce.values import Values, native, normal

if TYPE_CHECKING:
    from tests.fakes.salesforce.org import FakeOrg


def columns(org: FakeOrg, name: str, body: Mapping[str, Any]) -> None:
    """RefusalError 400 for the whole request, where it names a field that is not there for us."""
    for key, value in body.items():
        if key.lower() in ("attributes", "id"):
            continue
        if org.field(name, key) is None and relation(org, name, key) is None:
            message = f"No such column '{key}' on sobject of type {name}"
            raise RefusalError(400, "INVALID_FIELD", message)
        _parsed(org.field(name, key), value)


def checked(org: FakeOrg, name: str, given: Mapping[str, Any], *, new: bool) -> Values:
    """Return the values in Python's types, relations resolved; RecordError by the first rule broken."""
    values: Values = {}
    for key, value in given.items():
        link = relation(org, name, key)
        if link is not None and isinstance(value, Mapping):
            values[link.name] = _related(org, link, value)
            continue
        one = org.field(name, key)
        if one is None or not (one.createable if new else one.updateable):
            raise _not_ours(one.name if one else key)
        values[one.name] = _valid(org, one, native(one, value))
    if new:
        _complete(org.objects[name], values)
    return values


def unique(org: FakeOrg, name: str, record: str | None, values: Values) -> None:
    """RecordError where another record has a value that only one may have, or the same membership."""
    for one in org.objects[name].fields.values():
        if not one.unique or values.get(one.name) is None:
            continue
        others = [
            found for found in resolve(org, name, one.name, values[one.name]) if found != record
        ]
        if others:
            message = (
                f"duplicate value found: {one.name} duplicates value on record with id: {others[0]}"
            )
            raise RecordError("DUPLICATE_VALUE", message)
    if name == "CampaignMember" and record is None:
        _new_member(org, values)


def _parsed(one: Field | None, value: Any) -> None:
    """RefusalError where JSON has another type than the field; the parser then gives up on all."""
    if one is None or value is None:
        return
    found = _json_type(value)
    wrong = found in ("START_OBJECT", "START_ARRAY")
    wrong |= one.type in TEXTS and found != "VALUE_STRING"
    if not wrong and one.type not in TEXTS:
        try:
            native(one, value)
        except RecordError:
            wrong = True
    if wrong:
        message = (
            f"Cannot deserialize instance of {one.type} from {found} value {value} "
            "or request may be missing a required field at [line:1, column:1]"
        )
        raise RefusalError(400, "JSON_PARSER_ERROR", message)


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    if isinstance(value, int | float):
        return "VALUE_NUMBER_INT" if isinstance(value, int) else "VALUE_NUMBER_FLOAT"
    if isinstance(value, str):
        return "VALUE_STRING"
    return "START_OBJECT" if isinstance(value, Mapping) else "START_ARRAY"


def _complete(what: Sobject, values: Values) -> None:
    lacking = [
        one.name for one in what.fields.values() if one.required and values.get(one.name) is None
    ]
    if lacking:
        message = f"Required fields are missing: [{', '.join(lacking)}]"
        raise RecordError("REQUIRED_FIELD_MISSING", message, tuple(lacking))


def _valid(org: FakeOrg, one: Field, value: Any) -> Any:
    if value is None:
        if one.required:
            message = f"Required fields are missing: [{one.name}]"
            raise RecordError("REQUIRED_FIELD_MISSING", message, (one.name,))
        return None
    if one.type == "reference":
        return _reference(org, one, str(value))
    if one.type in TEXTS and len(value) > one.length:
        message = f"{one.label}: data value too large: {value[:255]} (max length={one.length})"
        raise RecordError("STRING_TOO_LONG", message, (one.name,))
    if one.restricted and value not in one.values:
        message = f"{one.label}: bad value for restricted picklist field: {value}"
        raise RecordError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (one.name,))
    if one.type == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", value):
        message = f"{one.label}: invalid email address: {value}"
        raise RecordError("INVALID_EMAIL_ADDRESS", message, (one.name,))
    return value


def _reference(org: FakeOrg, one: Field, value: str) -> str:
    found = normal(value)
    kinds = [kind for kind in one.refers if found[:3] == org.objects[kind].prefix]
    if not kinds:
        message = f"{one.label}: id value of incorrect type: {value}"
        raise RecordError("MALFORMED_ID", message, (one.name,))
    if found in org.deleted[kinds[0]]:
        raise RecordError("ENTITY_IS_DELETED", "entity is deleted", (one.name,))
    if found not in org.records[kinds[0]]:
        raise RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (one.name,))
    return found


def _related(org: FakeOrg, one: Field, told: Mapping[str, Any]) -> str:
    pairs = [(key, value) for key, value in told.items() if key != "attributes"]
    if len(pairs) != 1:
        message = f"{one.relation} must name just one external id"
        raise RecordError("INVALID_FIELD", message, (one.name,))
    (key, value), other = pairs[0], one.refers[0]
    found = resolve(org, other, key, value)
    if len(found) != 1:
        message = f"Foreign key external ID: {str(value).lower()} not found for field {key} in entity {other}"  # fmt: skip
        raise RecordError("INVALID_FIELD", message)
    return found[0]


def _not_ours(name: str) -> RecordError:
    message = (
        f"Unable to create/update fields: {name}. Please check the security settings of this field "
        "and verify that it is read/write for your profile or permission set."
    )
    return RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", message, (name,))


def _new_member(org: FakeOrg, values: Values) -> None:
    person = "ContactId" if values.get("ContactId") else "LeadId"
    if not values.get(person):
        raise RecordError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId or ContactId]", ("LeadId", "ContactId"))  # fmt: skip
    members = org.records["CampaignMember"]
    for found in org.index["CampaignMember", person].of(values[person]):
        if members[found]["CampaignId"] == values["CampaignId"]:
            raise RecordError("DUPLICATE_VALUE", "Already a campaign member.")
