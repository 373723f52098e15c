"""
Our fields on contacts and leads: updates in collections, those of one account next to one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import quote

from connector.crm.salesforce.batches import MOST, Input, Outcome, send_all, update
from connector.crm.salesforce.considerate import Door
from connector.crm.salesforce.ids import CONTACT, is_id, person_object, whole
from connector.crm.salesforce.refusals import MISSING_SECONDS, Complaint, RefusedError, Word, result
from connector.crm.salesforce.soql import any_of, chunks, select
from connector.crm.salesforce.values import property_fields
from connector.decide.dictionary import Dictionary
from connector.errors import NotFoundError, TemporaryError
from connector.model import JSON, Change, WriteResult, Written

QUERIES_AT_ONCE = 5
NO_PERSON = Complaint(
    "contact_gone", "This is no id of a contact or lead of Salesforce.", gone=True
)


def write(gateway: Door, dictionary: Dictionary, changes: Sequence[Change]) -> list[WriteResult]:
    """Put the fields of each change on its contact or lead; what the org lacks is left out."""
    plans = {change.id: property_fields(dictionary, change) for change in changes}
    outcome = put(gateway, [(change.id, change.contact_id, plans[change.id]) for change in changes])
    return [
        settled(change.id, outcome) if plans[change.id] else _unmapped(change) for change in changes
    ]


def put(gateway: Door, wanted: Sequence[tuple[str, str, Mapping[str, JSON]]]) -> Outcome:
    """Put fields on people: trace, contact or lead, and fields; those without fields are left out."""
    known = [one for one in wanted if one[2] and is_id(one[1])]
    people = {contact: whole(contact) for _, contact, _ in known}
    accounts = accounts_of(gateway, list(people.values())) if len(known) > MOST else {}
    inputs = [
        Input(trace, person_object(contact), fields, people[contact], accounts.get(people[contact], ""))
        for trace, contact, fields in known
    ]  # fmt: skip
    outcome = send_all(inputs, partial(update, gateway))
    strange: dict[str, Word] = {
        trace: NO_PERSON for trace, contact, fields in wanted if fields and not is_id(contact)
    }
    outcome.words |= strange
    return outcome


def settled(change_id: str, outcome: Outcome) -> WriteResult:
    """Say what became of a change; where fields were missing, the rest was written and it waits."""
    word, lacking = outcome.words[change_id], outcome.lacking.get(change_id)
    if word is not None or not lacking:
        return result(change_id, word)
    return WriteResult(
        change_id,
        Written.RETRY,
        "field_missing",
        f"The org has no field {', '.join(sorted(lacking))}, or Cuereel's user may not edit it; run "
        "`cuereel crm install salesforce`. Everything that can be without it was written.",
        MISSING_SECONDS,
        alone=True,
    )


def accounts_of(gateway: Door, people: Sequence[str]) -> dict[str, str]:
    """Return the account of each contact, as far as the org tells: it only makes locks rarer."""
    queries = [
        f"query/?q={quote(select(('Id', 'AccountId'), CONTACT, any_of('Id', ids)), safe='')}"
        for ids in chunks(one for one in people if person_object(one) == CONTACT)
    ]
    found: dict[str, str] = {}
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        calls = [("GET", path, None) for path in queries[start : start + QUERIES_AT_ONCE]]
        try:
            answers = gateway.together(calls)
        except (TemporaryError, RefusedError, NotFoundError):
            return found
        for status, body in answers:
            found |= _told(body) if status == 200 else {}
    return found


def _told(body: JSON) -> dict[str, str]:
    rows = body.get("records") or () if isinstance(body, Mapping) else ()
    return {str(row.get("Id")): str(row.get("AccountId") or "") for row in rows}


def _unmapped(change: Change) -> WriteResult:
    return WriteResult(
        change.id,
        Written.UNSUPPORTED,
        "unmapped",
        "The dictionary of Salesforce has no field for any of these values.",
    )
