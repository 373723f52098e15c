"""
Records of the local CRM: read by our words, and written back under the dictionary's names.

Nothing but mapped fields leaves a record, so a campaign can show no more of a person than its
mapping says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from connector.decide.dictionary import Dictionary
from connector.errors import DatabaseBusyError, PayloadError
from connector.model import (
    JSON,
    Change,
    Consent,
    Happening,
    Record,
    Subject,
    WriteResult,
    Written,
)
from connector.store import Store, record_rows, records
from connector.store.clock import milliseconds
from connector.store.records import StoredRecord

CONTACT, COMPANY = "contact", "company"
ROWS = {"video_row": "video", "view_row": "view"}
OUTCOMES = ("deal", "meeting", "ticket", "form")
YES = frozenset({"true", "yes", "y", "1", "t"})
NO = frozenset({"false", "no", "n", "0", "f"})
EVERYBODY = "all"

Found = Mapping[Subject, StoredRecord]


def read(
    tx: Connection,
    connection_id: str,
    dictionary: Dictionary,
    subjects: Sequence[Subject],
    words: Collection[str],
) -> dict[Subject, Record]:
    """Return *words* of each subject, its contact and the contact's company; absent where gone."""
    found = _fetch(tx, connection_id, subjects)
    owners = {one: _link(record, dictionary, CONTACT) for one, record in found.items()}
    found |= _fetch(tx, connection_id, _links(CONTACT, owners.values()))
    chains = {one: _chain(one, owners[one], found, dictionary) for one in subjects if one in found}
    companies = [company for _, company in chains.values() if company is not None]
    found |= _fetch(tx, connection_id, companies)
    return {
        one: _answer(one, contact, company, found, dictionary, words)
        for one, (contact, company) in chains.items()
    }


def consent(
    tx: Connection, connection_id: str, dictionary: Dictionary, contacts: Sequence[str]
) -> dict[str, Consent]:
    """Return what the opt-out field of each contact says; a value that is no answer is no yes."""
    name = dictionary.field("contact.email_opt_out")
    found = records.many(tx, connection_id, CONTACT, list(contacts))
    return {
        contact: _consent(found[contact].fields.get(name) if name and contact in found else None)
        for contact in contacts
    }


def members(store: Store, connection_id: str, segment: str) -> Iterator[str]:
    """Yield contact ids: of `all`, or of those whose field has a value, as `plan=team`."""
    name, sign, value = (part.strip() for part in segment.partition("="))
    if not name or (not sign and name != EVERYBODY):
        raise PayloadError(f"the segment {segment!r} must read `all` or `field=value`")
    with store.read() as tx:
        for record in records.each(tx, connection_id, CONTACT):
            if not sign or _plain(record.fields.get(name)) == value.casefold():
                yield record.id


def outcomes(store: Store, connection_id: str, since: datetime) -> Iterator[Happening]:
    """Yield deals, meetings, tickets and forms that changed since."""
    with store.read() as tx:
        for record in records.changed_since(tx, connection_id, OUTCOMES, milliseconds(since)):
            yield _happening(record)


def write(
    store: Store, connection_id: str, dictionary: Dictionary, changes: Sequence[Change]
) -> list[WriteResult]:
    """Write all changes in one transaction; a busy database asks for all of them again."""
    try:
        with store.write() as tx:
            ids = sorted({change.contact_id for change in changes})
            present = records.many(tx, connection_id, CONTACT, ids)
            return [_write(tx, connection_id, dictionary, change, present) for change in changes]
    except DatabaseBusyError as error:
        return [
            WriteResult(change.id, Written.RETRY, error.reason, error.sentence, error.after)
            for change in changes
        ]


def erase(tx: Connection, connection_id: str, dictionary: Dictionary, contact: str) -> None:
    """Empty our fields of a contact and delete its rows."""
    record_rows.forget(tx, connection_id, contact)
    if records.get(tx, connection_id, CONTACT, contact) is not None:
        ours = {spec.name: None for spec in dictionary.write_fields.values()}
        records.put(tx, connection_id, CONTACT, contact, ours)


def _fetch(
    tx: Connection, connection_id: str, subjects: Iterable[Subject]
) -> dict[Subject, StoredRecord]:
    kinds: dict[str, list[str]] = {}
    for one in dict.fromkeys(subjects):
        kinds.setdefault(one.kind, []).append(one.id)
    return {
        Subject(kind, record_id): record
        for kind, ids in kinds.items()
        for record_id, record in records.many(tx, connection_id, kind, ids).items()
    }


def _link(record: StoredRecord, dictionary: Dictionary, target: str) -> str | None:
    if record.kind == target:
        return record.id
    name = dictionary.field(f"{record.kind}.{target}_id") or f"{target}_id"
    value = record.fields.get(name)
    return None if value in (None, "") else str(value)


def _links(kind: str, ids: Iterable[str | None]) -> list[Subject]:
    return [Subject(kind, record_id) for record_id in ids if record_id is not None]


def _chain(
    one: Subject, owner: str | None, found: Found, dictionary: Dictionary
) -> tuple[Subject | None, Subject | None]:
    contact = Subject(CONTACT, owner) if owner is not None else None
    if contact not in found:
        contact = None
    # a record's own company comes before that of its contact
    for source in (one, contact):
        company = _link(found[source], dictionary, COMPANY) if source is not None else None
        if company is not None:
            return contact, Subject(COMPANY, company)
    return contact, None


def _answer(
    one: Subject,
    contact: Subject | None,
    company: Subject | None,
    found: Found,
    dictionary: Dictionary,
    words: Collection[str],
) -> Record:
    sources = {COMPANY: company, CONTACT: contact, one.kind: one}
    fields: dict[str, JSON] = {}
    for word in words:
        source = sources.get(word.partition(".")[0])
        name = dictionary.field(word)
        record = found.get(source) if source is not None else None
        if record is not None and name is not None and name in record.fields:
            fields[word] = record.fields[name]
    return Record(one, contact.id if contact else None, fields)


def _consent(value: JSON) -> Consent:
    text = _plain(value)
    if text == "":
        return Consent.UNKNOWN
    if text in YES:
        return Consent.DENIED
    return Consent.GRANTED if text in NO else Consent.UNREADABLE


def _plain(value: JSON) -> str:
    return "" if value is None else str(value).strip().casefold()


def _happening(record: StoredRecord) -> Happening:
    fields = record.fields
    stage = str(fields.get("stage") or fields.get("status") or "")
    contact = fields.get("contact_id")
    currency = str(fields.get("currency") or "")
    return Happening(
        key=f"{record.kind}:{record.id}:{stage}"[:128],
        kind=record.kind,
        contact_id=str(contact) if contact else None,
        occurred_at=_time(fields.get("occurred_at")) or record.updated_at,
        amount=_number(fields.get("amount")),
        currency=currency if len(currency) == 3 else None,
        facts={"id": record.id, "stage": stage},
    )


def _time(value: JSON) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _number(value: JSON) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _write(
    tx: Connection,
    connection_id: str,
    dictionary: Dictionary,
    change: Change,
    present: Mapping[str, StoredRecord],
) -> WriteResult:
    if change.contact_id not in present:
        return WriteResult(
            change.id, Written.GONE, "contact_gone", "The contact no longer exists in the CRM."
        )
    if change.kind in ROWS:
        return _write_row(tx, connection_id, change)
    if change.kind == "property":
        return _write_fields(tx, connection_id, dictionary, change)
    return WriteResult(
        change.id,
        Written.UNSUPPORTED,
        "unsupported_kind",
        f"The local CRM has no place for a change of kind {change.kind}.",
    )


def _write_row(tx: Connection, connection_id: str, change: Change) -> WriteResult:
    record_rows.put(
        tx,
        connection_id,
        kind=ROWS[change.kind],
        key=change.key,
        contact_id=change.contact_id,
        values=change.values,
    )
    return WriteResult(change.id, Written.DONE)


def _write_fields(
    tx: Connection, connection_id: str, dictionary: Dictionary, change: Change
) -> WriteResult:
    known = dictionary.write_fields
    fields = {known[word].name: value for word, value in change.values.items() if word in known}
    if not fields:
        return WriteResult(
            change.id,
            Written.UNSUPPORTED,
            "unmapped",
            "The dictionary of the local CRM has no field for any of these values.",
        )
    try:
        records.put(tx, connection_id, CONTACT, change.contact_id, fields)
    except PayloadError as error:
        return WriteResult(change.id, Written.REFUSED, error.reason, error.sentence)
    return WriteResult(change.id, Written.DONE)
