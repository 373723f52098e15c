"""
Notes and tasks on a person's timeline: tasks both, and each stands there once, however often written.

A task has no field of ours, and its text cannot be searched. So the text ends with a short reference;
the person's tasks are looked through for it, what is found is updated, else one is made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial

from connector.crm.salesforce.batches import Input, create, send_all, update
from connector.crm.salesforce.considerate import Door
from connector.crm.salesforce.ids import CONTACT, LEAD, is_id, person_object, whole
from connector.crm.salesforce.properties import NO_PERSON
from connector.crm.salesforce.refusals import Complaint, RefusedError, Said, Word, result, word_of
from connector.crm.salesforce.soql import any_of, chunks, select
from connector.crm.salesforce.text import plain
from connector.errors import NotFoundError, TemporaryError
from connector.model import JSON, Change, WriteResult

TASK = "Task"
MARK = re.compile(r"Ref cuereel:([0-9a-f]{16})")
LONGEST_SUBJECT, LONGEST_TEXT = 255, 32_000
NEWEST, PEOPLE_AT_ONCE = 2000, 200
USER = "005"
# without these it could not be found again, or would say nothing to nobody
NEEDED = frozenset({"WhoId", "Subject", "Description"})
# a note is a task that is done; what is new stays as colleagues leave it
NEW = {
    "note": {"Status": "Completed", "Priority": "Normal", "TaskSubtype": "Task"},
    "task": {"Status": "Not Started", "Priority": "Normal", "TaskSubtype": "Task"},
}
# an owner who left, or is none, must not keep the task from being there
NO_OWNER = frozenset(
    {"inactive_owner_or_user", "operation_with_invalid_user_type_exception", "contact_gone",
     "transfer_requires_read", "insufficient_access_on_cross_reference_entity"}
)  # fmt: skip
GONE = Complaint("contact_gone", "The person no longer exists in Salesforce.", gone=True)


def write(gateway: Door, changes: Sequence[Change]) -> list[WriteResult]:
    """Put each note or task on its person, or update the one that stands there."""
    words: dict[str, Word] = {c.id: NO_PERSON for c in changes if not is_id(c.contact_id)}
    known = [
        replace(change, contact_id=whole(change.contact_id))
        for change in changes
        if is_id(change.contact_id)
    ]
    for name in (CONTACT, LEAD):
        words |= _put(gateway, name, [c for c in known if person_object(c.contact_id) == name])
    return [result(change.id, words[change.id]) for change in changes]


def mark_of(change: Change) -> str:
    """Return the reference by which this note or task is found again."""
    return hashlib.sha256(f"{change.kind}:{change.key}".encode()).hexdigest()[:16]


def find_marked(gateway: Door, people: Sequence[str]) -> dict[tuple[str, str], str]:
    """Find the notes and tasks that we made for *people*: the id of each by person and reference."""
    found: dict[tuple[str, str], str] = {}
    for some in chunks(people, PEOPLE_AT_ONCE):
        for row in _tasks(gateway, some):
            mark = MARK.search(str(row.get("Description") or ""))
            if mark is not None:
                # the newest come first; of two it is the older one that was there before
                found[str(row.get("WhoId")), mark[1]] = str(row.get("Id"))
    return found


def all_marked(gateway: Door, person: str) -> list[str]:
    """Return the ids of all notes and tasks that we ever made for *person*, archived ones too."""
    where = f"{any_of('WhoId', [person])} AND IsDeleted = false"
    rows = gateway.query(select(("Id", "Description"), TASK, where), deleted=True)
    return [str(row.get("Id")) for row in rows if MARK.search(str(row.get("Description") or ""))]


def _tasks(gateway: Door, people: Sequence[str]) -> list[Mapping[str, JSON]]:
    """Return the newest tasks of *people*; where there are more than fit, those of fewer at once."""
    soql = select(
        ("Id", "WhoId", "Description"),
        TASK,
        any_of("WhoId", people),
        f"ORDER BY CreatedDate DESC LIMIT {NEWEST}",
    )
    rows = list(gateway.query(soql))
    if len(rows) < NEWEST or len(people) == 1:
        return rows
    middle = len(people) // 2
    return _tasks(gateway, people[:middle]) + _tasks(gateway, people[middle:])


def _put(gateway: Door, name: str, changes: Sequence[Change]) -> dict[str, Word]:
    if not changes:
        return {}
    people = list(dict.fromkeys(change.contact_id for change in changes))
    try:
        owners = _owners(gateway, name, people)
        found = find_marked(gateway, list(owners))
    except TemporaryError as error:
        return dict.fromkeys((change.id for change in changes), error)
    except (RefusedError, NotFoundError) as error:
        return dict.fromkeys((change.id for change in changes), _not_asked(error))
    words: dict[str, Word] = {c.id: GONE for c in changes if c.contact_id not in owners}
    present = [change for change in changes if change.contact_id in owners]
    # of two under one key the later one counts, and both are done when it is
    last = {(change.contact_id, mark_of(change)): change for change in present}
    told = _send(gateway, list(last.values()), owners, found)
    return words | {c.id: told[last[c.contact_id, mark_of(c)].id] for c in present}


def _send(
    gateway: Door,
    changes: Sequence[Change],
    owners: Mapping[str, str],
    found: Mapping[tuple[str, str], str],
) -> dict[str, Word]:
    made: list[Input] = []
    updated: list[Input] = []
    for change in changes:
        known = found.get((change.contact_id, mark_of(change)), "")
        if known:
            updated.append(Input(change.id, TASK, _told(change), known, change.contact_id, NEEDED))
        else:
            fields = _new(change, owners[change.contact_id])
            made.append(Input(change.id, TASK, fields, "", change.contact_id, NEEDED))
    words = send_all(updated, partial(update, gateway)).words
    return {trace: _not_the_person(word) for trace, word in words.items()} | _make(gateway, made)


def _make(gateway: Door, inputs: Sequence[Input]) -> dict[str, Word]:
    """Make tasks; one that its owner cannot have becomes that of Cuereel's own user."""
    words = send_all(inputs, partial(create, gateway)).words
    unowned = [
        replace(one, fields={n: value for n, value in one.fields.items() if n != "OwnerId"})
        for one in inputs
        if "OwnerId" in one.fields and _is_about_owner(words[one.trace])
    ]
    return words | send_all(unowned, partial(create, gateway)).words


def _is_about_owner(word: Word) -> bool:
    return isinstance(word, Complaint) and word.reason in NO_OWNER


def _not_asked(error: RefusedError | NotFoundError) -> Word:
    if isinstance(error, NotFoundError):
        return Complaint(error.reason, error.sentence)
    return word_of(Said(error.code))


def _not_the_person(word: Word) -> Word:
    if isinstance(word, Complaint) and word.gone:
        return TemporaryError(
            "Somebody deleted it in Salesforce just now; it is made again.", reason="activity_gone"
        )
    return word


def _new(change: Change, owner: str) -> dict[str, JSON]:
    fields: dict[str, JSON] = {
        "ActivityDate": datetime.now(UTC).date().isoformat(),
        **NEW[change.kind],
        **_told(change),
        "WhoId": change.contact_id,
    }
    owner = str(change.values.get("owner_id") or owner)
    # a queue, as leads may have, cannot have a task
    return fields | ({"OwnerId": owner} if owner.startswith(USER) and is_id(owner) else {})


def _told(change: Change) -> dict[str, JSON]:
    reference = f"Ref cuereel:{mark_of(change)}"
    text = plain(str(change.values.get("body") or ""))[: LONGEST_TEXT - len(reference) - 2]
    fields: dict[str, JSON] = {
        "Subject": plain(str(change.values.get("subject") or ""))[:LONGEST_SUBJECT] or None,
        "Description": f"{text}\n\n{reference}" if text else reference,
    }
    due = _day(change.values.get("due_at"))
    return fields | ({"ActivityDate": due} if due else {})


def _day(value: JSON) -> str:
    """Return the day of a time, in UTC, or of a date; empty where it is neither."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return ""
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC).date()
    return value.isoformat()[:10] if isinstance(value, date) else ""


def _owners(gateway: Door, name: str, people: Sequence[str]) -> dict[str, str]:
    """Return the owner of each of *people* who exists."""
    return {
        str(row.get("Id")): str(row.get("OwnerId") or "")
        for ids in chunks(people)
        for row in gateway.query(select(("Id", "OwnerId"), name, any_of("Id", ids)))
    }
