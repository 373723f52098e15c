"""
Who is in a segment: all contacts, all leads, a campaign's members, or all with one value in a field.

Few come in pages; many as one job of the org's own, because a page holds two thousand and every page
is a call of those that the org has for a day.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.ids import CONTACT, LEAD, is_id, whole
from connector.crm.salesforce.items import moment
from connector.crm.salesforce.kept import described, readable
from connector.crm.salesforce.people import ACCOUNT
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import is_name, quoted, select
from connector.crm.salesforce.soql import moment as literal
from connector.decide.dictionary import Dictionary
from connector.errors import CRMDownError, NotFoundError, PayloadError
from connector.model import JSON

MANY = 10_000
PAGE = 50_000
JOBS = "jobs/query"
FIRST_NAP, LONGEST_NAP, PATIENCE = 1.0, 5.0, 1_800.0
EVERYBODY = {"all": CONTACT, "leads": LEAD}
CAMPAIGN = "701"
# the ids of reports and list views; the first are not for machines, the second follow who looks
LISTS = ("00O", "00B")
HOW = "write `all`, `leads`, `campaign:<id of a campaign>` or `field=value`"
OPEN_LEADS = "IsConverted = false"
YES, NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
NUMBERS = frozenset({"double", "currency", "percent", "int", "long"})


def members(gateway: Gateway, dictionary: Dictionary, segment: str) -> Iterator[str]:
    """
    Yield the ids of *segment*, each once: `all`, `leads`, `campaign:701…`, `plan=team`, `lead.plan=team`.

    NotFoundError where the org has no such campaign or field, PayloadError where it is none of these.
    """
    name, sign, value = (part.strip() for part in segment.partition("="))
    if sign and name:
        return _with_value(gateway, dictionary, name, value)
    if name in EVERYBODY:
        return _of_object(gateway, EVERYBODY[name])
    record = name.removeprefix("campaign:").strip()
    if is_id(record) and record.startswith(CAMPAIGN):
        return _of_campaign(gateway, whole(record))
    if name.partition(":")[0] in ("report", "list") or (is_id(name) and name.startswith(LISTS)):
        raise PayloadError(
            "reports and list views cannot be read as a segment; add their people to a campaign of "
            "the org (Add to Campaign) and write `campaign:<id of the campaign>`"
        )
    raise PayloadError(f"the segment {segment[:80]!r} cannot be read: {HOW}")


def _of_object(gateway: Gateway, name: str, where: str = "") -> Iterator[str]:
    conditions = [where, OPEN_LEADS if name == LEAD else ""]
    rows = _rows(gateway, ["Id"], name, " AND ".join(filter(None, conditions)))
    return (whole(str(row["Id"])) for row in rows)


def _of_campaign(gateway: Gateway, campaign: str) -> Iterator[str]:
    if not _count(gateway, "Campaign", f"Id = {quoted(campaign)}"):
        raise NotFoundError(
            f"the org has no campaign {campaign}, or Cuereel's user may not see it; the id stands in "
            "the address of the campaign's page"
        )
    where = f"CampaignId = {quoted(campaign)}"
    rows = _rows(gateway, ["ContactId", "LeadId"], "CampaignMember", where)
    # a lead that was converted is a member as both, and is a contact now
    return _once(str(row.get("ContactId") or row.get("LeadId") or "") for row in rows)


def _with_value(gateway: Gateway, dictionary: Dictionary, name: str, value: str) -> Iterator[str]:
    source, path = _field(gateway, dictionary, name)
    type_ = _type(gateway, source, path)
    try:
        return _of_object(gateway, source, f"{path} {_compared(type_, value)}")
    except RefusedError as error:
        if error.code not in ("INVALID_FIELD", "MALFORMED_QUERY"):
            raise
        raise PayloadError(
            f"the org cannot search by the field {path[:80]!r}; choose another"
        ) from None


def _field(gateway: Gateway, dictionary: Dictionary, name: str) -> tuple[str, str]:
    """Return the object and the path that a word, or the field's own name, stands for."""
    kind, dot, rest = name.partition(".")
    source = LEAD if dot and kind == "lead" else CONTACT
    word = name if dot else f"contact.{name}"
    path = dictionary.field(word) or (rest if kind in ("contact", "lead") and dot else name)
    if kind == "company" and dictionary.field(word):
        path = f"{ACCOUNT}.{path}"
    if not is_name(path) or not readable(gateway, source, [path]):
        raise NotFoundError(
            f"the org's object {source} has no field {path[:80]!r} to search by, or Cuereel's user may "
            "not see it"
        )
    return source, path


def _type(gateway: Gateway, source: str, path: str) -> str:
    first, dot, rest = path.partition(".")
    fields = described(gateway, source).fields
    if not dot:
        return fields[first].type if first in fields else "string"
    leads = next((one.leads_to for one in fields.values() if one.relation == first), ())
    return _type(gateway, leads[0], rest) if len(leads) == 1 else "string"


def _compared(type_: str, value: str) -> str:
    """Return how a field is compared with a value; PayloadError where it can hold no such value."""
    if not value:
        return "= null"
    if type_ == "multipicklist":
        return f"INCLUDES ({quoted(value)})"
    readers = {"boolean": _boolean, "date": _date, "datetime": _datetime}
    readers |= dict.fromkeys(NUMBERS, _number)
    return f"= {readers.get(type_, quoted)(value)}"


def _boolean(value: str) -> str:
    if value.casefold() not in YES | NO:
        raise PayloadError("this field is a checkbox: write `true` or `false` behind the =")
    return str(value.casefold() in YES).lower()


def _number(value: str) -> str:
    digits = value.removeprefix("-").replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise PayloadError("this field is a number: write digits behind the =, as in `seats=12`")
    return value if value[-1] != "." else value[:-1]


def _date(value: str) -> str:
    return _moment(value).date().isoformat()


def _datetime(value: str) -> str:
    return literal(_moment(value))


def _moment(value: str) -> datetime:
    found = moment(value)
    if found is None:
        raise PayloadError("this field is a date: write it as in `start_date=2026-12-01`")
    return found


def _rows(
    gateway: Gateway, fields: list[str], source: str, where: str
) -> Iterator[Mapping[str, JSON]]:
    soql = select(fields, source, where)
    if _count(gateway, source, where) <= MANY:
        return gateway.query(soql)
    try:
        job = _job(gateway, soql)
    except (RefusedError, NotFoundError):
        # an org without the Bulk API still has pages
        return gateway.query(soql)
    return _results(gateway, job)


def _count(gateway: Gateway, source: str, where: str) -> int:
    conditions = ["WHERE", where] if where else []
    return gateway.count(" ".join(["SELECT COUNT() FROM", source, *conditions]))


def _job(gateway: Gateway, soql: str) -> str:
    told = gateway.call("POST", JOBS, {"operation": "query", "query": soql})
    job = told.get("id") if isinstance(told, Mapping) else None
    if not is_id(job):
        raise CRMDownError("Salesforce began no job for this query; trying again is safe")
    return str(job)


def _results(gateway: Gateway, job: str) -> Iterator[Mapping[str, JSON]]:
    _wait(gateway, job)
    locator, last = "", ""
    while True:
        query = {"maxRecords": str(PAGE), **({"locator": locator} if locator else {})}
        rows, locator = gateway.locator(f"{JOBS}/{job}/results", query)
        yield from rows
        if not locator:
            return
        if locator == last:
            raise CRMDownError("Salesforce's pages lead in a circle; trying again is safe")
        last = locator


def _wait(gateway: Gateway, job: str) -> None:
    """Wait until the job is done; CRMDownError where it failed, or takes more than half an hour."""
    nap, until = FIRST_NAP, time.monotonic() + PATIENCE
    while time.monotonic() < until:
        told = gateway.call("GET", f"{JOBS}/{job}")
        state = told.get("state") if isinstance(told, Mapping) else ""
        if state == "JobComplete":
            return
        if state in ("Failed", "Aborted"):
            break
        time.sleep(nap)
        nap = min(nap * 1.5, LONGEST_NAP)
    raise CRMDownError("Salesforce did not finish the query for this segment; trying again is safe")


def _once(ids: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for one in ids:
        if is_id(one) and (record := whole(one)) not in seen:
            seen.add(record)
            yield record
