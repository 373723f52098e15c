"""How records come, change and go, one by one, and what an org works out when they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.salesforce import rules
from tests.fakes.salesforce.lookups import resolve
from tests.fakes.salesforce.refusals import RecordError
from tests.fakes.salesforce.schema import Field, Sobject
from tests.fakes.salesforce.values import Values, key_of, normal

if TYPE_CHECKING:
    from tests.fakes.salesforce.org import FakeOrg


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
    _tell(org, name, record)


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
    _tell(org, name, record)


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
        values = (
            {} if operation == "delete" else rules.checked(org, name, given, new=record is None)
        )
        _spoil(org, name, {**(org.records[name].get(record or "") or {}), **values})
        if operation == "delete":
            assert record is not None
            remove(org, name, record, org.user_id)
            return Result(record, success=True)
        return _store(org, name, record, values)
    except RecordError as error:
        return Result(record, success=False, error=error)


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


def _tell(org: FakeOrg, name: str, record: str) -> None:
    for watch in org.watchers:
        watch(name, record)


def _store(org: FakeOrg, name: str, record: str | None, values: Values) -> Result:
    rules.unique(org, name, record, values)
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


def _spoil(org: FakeOrg, name: str, values: Values) -> None:
    for fault in org.record_faults:
        if fault.times != 0 and fault.name == name and fault.where(values):
            fault.times -= 1 if fault.times > 0 else 0
            raise fault.error
