"""How records come, change and go, and by which rules an org refuses them, one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.salesforce.schema import NUMBERS, TEXTS, Field, Sobject, whole

if TYPE_CHECKING:
    from tests.fakes.salesforce.org import FakeOrg

Values = dict[str, Any]
ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
SYSTEM = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
WRITTEN_BY_HAND = ("OpportunityHistory",)


class RefusalError(Exception):
    """A whole request is refused: status and Salesforce's list of errors, or another body."""

    def __init__(
        self, status: int, code: str, message: str, *, body: Any = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.code = status, code
        self.body = body if body is not None else [{"message": message, "errorCode": code, **more}]


class RecordError(Exception):
    """One record is refused."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, message, list(fields)


@dataclass
class RecordFault:
    """What a test lets go wrong with single records."""

    error: RecordError
    name: str
    where: Callable[[Values], bool]
    times: int


@dataclass
class Result:
    """What became of one record."""

    id: str | None
    success: bool
    created: bool = False
    error: RecordError | None = None

    def json(self, *, upsert: bool = False) -> Values:
        """Return it as collections tell it."""
        errors = [
            {"statusCode": one.code, "message": one.message, "fields": one.fields}
            for one in (self.error,)
            if one is not None
        ]
        told: Values = {"id": self.id} if self.id else {}
        told |= {"success": self.success, "errors": errors}
        return told | ({"created": self.created} if upsert and self.success else {})


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


def put(
    org: FakeOrg, name: str, record: str, values: Values, by: str, at: datetime | None = None
) -> None:
    """Make or change a record without asking whether that is allowed; None empties a field."""
    what = org.objects[name]
    old = org.records[name].get(record) or {}
    moment = (at or org.clock()).astimezone(UTC).replace(microsecond=0)
    made = old or _born(what, record, by, moment)
    new = {**made, "LastModifiedDate": moment, "LastModifiedById": by, "SystemModstamp": moment}
    new |= {key: value for key, value in values.items() if value is not None}
    for key in [key for key, value in values.items() if value is None]:
        new.pop(key, None)
    _derive(org, name, values, new, old)
    _reindex(org, what, record, old, new)
    org.records[name][record] = new
    if name == "Opportunity":
        _remember_stage(org, record, old, new, by, moment)
    for watch in org.watchers:
        watch(name, record)


def remove(
    org: FakeOrg, name: str, record: str, by: str, at: datetime | None = None, into: str = ""
) -> None:
    """Put a record into the recycle bin; what leads to it goes along, forgets it, or is led to *into*."""
    values = org.records[name].pop(record)
    moment = (at or org.clock()).astimezone(UTC).replace(microsecond=0)
    _reindex(org, org.objects[name], record, values, {})
    values = {**values, "IsDeleted": True, "SystemModstamp": moment, "LastModifiedDate": moment, "LastModifiedById": by}  # fmt: skip
    if into:
        values["MasterRecordId"] = into
    org.deleted[name][record] = values
    for other, one, referring in _referring(org, name, record):
        if referring not in org.records[other]:
            continue
        if one.cascade and not into:
            remove(org, other, referring, by, moment)
        else:
            put(org, other, referring, {one.name: into or None}, by, moment)


def restore(org: FakeOrg, name: str, record: str, by: str, at: datetime | None = None) -> None:
    """Take a record out of the recycle bin."""
    values = org.deleted[name].pop(record)
    kept = {key: value for key, value in values.items() if key != "MasterRecordId"}
    put(org, name, record, kept | {"IsDeleted": False}, by, at)
    stamps = {"SystemModstamp": (at or org.clock()).astimezone(UTC).replace(microsecond=0)}
    org.records[name][record] |= stamps


def apply(
    org: FakeOrg,
    operation: str,
    name: str,
    body: Mapping[str, Any],
    external: str = "",
) -> Result:
    """
    Do one insert, update, upsert or delete as an API would; the rules of a single record hold.

    *body* has fields by name (and `Id`), or relations as {"Video__r": {"Key__c": …}}.
    """
    given = {key: value for key, value in body.items() if key.lower() not in ("id", "attributes")}
    named = next((value for key, value in body.items() if key.lower() == "id"), None)
    record: str | None = None
    try:
        record = _meant(org, operation, name, named, given, external)
        values = {} if operation == "delete" else _checked(org, name, given, new=record is None)
        _spoil(org, name, {**(org.records[name].get(record or "") or {}), **values})
        if operation == "delete":
            assert record is not None
            remove(org, name, record, org.user_id)
            return Result(record, success=True)
        return _store(org, name, record, values)
    except RecordError as error:
        return Result(record, success=False, error=error)


def columns(org: FakeOrg, name: str, body: Mapping[str, Any]) -> None:
    """RefusalError 400 for the whole request, where it names a field that is not there for us."""
    for key, value in body.items():
        if key.lower() in ("attributes", "id"):
            continue
        if org.field(name, key) is None and _relation(org, name, key) is None:
            message = f"No such column '{key}' on sobject of type {name}"
            raise RefusalError(400, "INVALID_FIELD", message)
        _parsed(org.field(name, key), value)


def resolve(org: FakeOrg, name: str, external: str, value: Any) -> list[str]:
    """Return the ids of the records with this value of an external id or other lookup field."""
    one = org.field(name, external)
    if one is None:
        return []
    if one.name == "Id":
        found = normal(str(value))
        return [found] if found and found in org.records[name] else []
    return org.index[name, one.name].of(key_of(one, value))


def normal(text: str) -> str:
    """Return an id with eighteen characters; empty where it is none."""
    return whole(text) if isinstance(text, str) and ID.fullmatch(text) else ""


def key_of(one: Field, value: Any) -> Any:
    """Return a value as conditions compare it: capitals do not matter, except in ids."""
    if not isinstance(value, str):
        return value
    return (normal(value) or value) if one.type in ("id", "reference") else value.casefold()


def native(one: Field, value: Any) -> Any:
    """Return a value of JSON or of a cell in Python's own type; RecordError where it cannot be."""
    if value is None or value == "":
        return None
    try:
        return _native(one, value)
    except (ValueError, TypeError):
        message = f"{one.label}: value not of required type: {value}"
        raise RecordError("INVALID_TYPE_ON_FIELD_IN_RECORD", message, (one.name,)) from None


def shown(one: Field, value: Any) -> Any:
    """Return a value as JSON tells it."""
    if value is None:
        return False if one.type == "boolean" else None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return value.isoformat() if isinstance(value, date) else value


def _born(what: Sobject, record: str, by: str, moment: datetime) -> Values:
    switches = {one.name: False for one in what.fields.values() if one.type == "boolean"}
    made = {"Id": record, "CreatedDate": moment, "CreatedById": by, **switches}
    if "OwnerId" in what.fields:
        made["OwnerId"] = by
    if what.custom:
        made["Name"] = f"{what.prefix.upper()}-{record[10:15]}"
    return made


def _derive(org: FakeOrg, name: str, given: Values, new: Values, old: Values) -> None:
    """Fill what an org works out by itself."""
    what = org.objects[name]
    if "LastName" in what.fields and "Name" not in given:
        parts = (new.get("FirstName"), new.get("LastName"))
        new["Name"] = " ".join(part for part in parts if part)
    if name == "Opportunity" and "StageName" in given:
        stage = str(given["StageName"])
        new["IsWon"] = given.get("IsWon", stage == "Closed Won")
        new["IsClosed"] = given.get("IsClosed", stage in ("Closed Won", "Closed Lost"))
    if name in ("Case", "Task") and "Status" in given:
        new["IsClosed"] = given.get("IsClosed", given["Status"] in ("Closed", "Completed"))
    if name in ("Case", "Order") and not old:
        number = "CaseNumber" if name == "Case" else "OrderNumber"
        new.setdefault(number, new["Id"][7:15])
    if name == "CampaignMember":
        new.setdefault("Status", "Sent")
        new["HasResponded"] = given.get("HasResponded", new["Status"] == "Responded")
    if name in ("PermissionSetAssignment", "User") and not old:
        new["IsActive"] = given.get("IsActive", True)


def _remember_stage(
    org: FakeOrg, record: str, old: Values, new: Values, by: str, moment: datetime
) -> None:
    told = ("StageName", "Amount", "CloseDate", "Probability")
    if any(old.get(key) != new.get(key) for key in told):
        kept = {key: new[key] for key in told if key in new}
        history = org.new_id("OpportunityHistory")
        put(org, "OpportunityHistory", history, {"OpportunityId": record, **kept}, by, moment)


def _reindex(org: FakeOrg, what: Sobject, record: str, old: Values, new: Values) -> None:
    for name in org.indexed[what.name]:
        before, after = old.get(name), new.get(name)
        if before != after:
            one = what.fields[name]
            org.index[what.name, name].move(record, key_of(one, before), key_of(one, after))


def _referring(org: FakeOrg, name: str, record: str) -> list[tuple[str, Field, str]]:
    return [
        (other, what.fields[key], found)
        for other, what in org.objects.items()
        for key in org.indexed[other]
        if name in what.fields[key].refers
        for found in org.index[other, key].of(record)
    ]


def _store(org: FakeOrg, name: str, record: str | None, values: Values) -> Result:
    _unique(org, name, record, values)
    made = record or org.new_id(name)
    put(org, name, made, values, org.user_id)
    return Result(made, success=True, created=record is None)


def _meant(
    org: FakeOrg, operation: str, name: str, named: Any, given: Values, external: str
) -> str | None:
    """Return the id of the record that is meant; None where it is to be made."""
    if operation == "insert":
        return None
    if operation == "upsert" and external.lower() != "id":
        one = org.field(name, external)
        value = next((given[key] for key in given if key.lower() == external.lower()), None)
        if one is None or value in (None, ""):
            raise RecordError("MISSING_ARGUMENT", f"{external} not specified", (external,))
        found = resolve(org, name, external, value)
        if len(found) > 1:
            message = f"{external}: more than one record found for external id field: {found}"
            raise RecordError("DUPLICATE_EXTERNAL_ID", message, (external,))
        return found[0] if found else None
    if operation == "upsert" and not named:
        return None
    return _existing(org, name, named)


def _existing(org: FakeOrg, name: str, named: Any) -> str:
    if named in (None, ""):
        raise RecordError("MISSING_ARGUMENT", "Id not specified in an update call", ("Id",))
    record = normal(str(named))
    if not record or record[:3] != org.objects[name].prefix:
        what = f"{org.objects[name].label} ID: id value of incorrect type: {named}"
        raise RecordError("MALFORMED_ID", what, ("Id",))
    if record in org.deleted[name]:
        raise RecordError("ENTITY_IS_DELETED", "entity is deleted")
    if record not in org.records[name]:
        raise RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return record


def _checked(org: FakeOrg, name: str, given: Mapping[str, Any], *, new: bool) -> Values:
    """Return the values in Python's types, relations resolved; RecordError by the first rule broken."""
    values: Values = {}
    for key, value in given.items():
        link = _relation(org, name, key)
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


def _relation(org: FakeOrg, name: str, key: str) -> Field | None:
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


def _not_ours(name: str) -> RecordError:
    message = (
        f"Unable to create/update fields: {name}. Please check the security settings of this field "
        "and verify that it is read/write for your profile or permission set."
    )
    return RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", message, (name,))


def _unique(org: FakeOrg, name: str, record: str | None, values: Values) -> None:
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


def _new_member(org: FakeOrg, values: Values) -> None:
    person = "ContactId" if values.get("ContactId") else "LeadId"
    if not values.get(person):
        raise RecordError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId or ContactId]", ("LeadId", "ContactId"))  # fmt: skip
    members = org.records["CampaignMember"]
    for found in org.index["CampaignMember", person].of(values[person]):
        if members[found]["CampaignId"] == values["CampaignId"]:
            raise RecordError("DUPLICATE_VALUE", "Already a campaign member.")


def _spoil(org: FakeOrg, name: str, values: Values) -> None:
    for fault in org.record_faults:
        if fault.times != 0 and fault.name == name and fault.where(values):
            fault.times -= 1 if fault.times > 0 else 0
            raise fault.error


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


def _native(one: Field, value: Any) -> Any:
    if one.type == "boolean":
        return _switch(value)
    if one.type in NUMBERS:
        return _number(one, value)
    if one.type == "datetime":
        return _moment(value)
    if one.type == "date":
        return _day(value)
    return str(value).strip() or None


def _switch(value: Any) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    return value if isinstance(value, bool) else known.get(str(value).lower(), False)


def _number(one: Field, value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError(value)
    number = float(value)
    return int(number) if one.type == "int" else number


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        if not MOMENT.fullmatch(value):
            raise ValueError(value)
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(value)
    return value.astimezone(UTC).replace(microsecond=0)


def _day(value: Any) -> date:
    if isinstance(value, str):
        if not DAY.fullmatch(value):
            raise ValueError(value)
        return date.fromisoformat(value)
    if isinstance(value, datetime) or not isinstance(value, date):
        raise TypeError(value)
    return value
