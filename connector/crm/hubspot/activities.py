"""
Notes and tasks on a contact's timeline: each stands there once, however often it is written.

HubSpot keeps no key of ours on them and may strip what cannot be seen from their text, so the text
ends with a short reference. It is looked for first; what is found is updated, else one is made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape

from connector.crm.hubspot.batches import MOST, TRACE, Door, Input, Word, result, send_all
from connector.crm.hubspot.complaints import Complaint, told
from connector.crm.hubspot.refusals import RefusedError
from connector.crm.hubspot.values import MOST_TEXT, bounded, moment_of
from connector.errors import NotFoundError, TemporaryError
from connector.model import JSON, Change, WriteResult

NEWEST = 100  # of a contact's notes, so many are looked through
MOST_PAGES = 20
MARK = re.compile(r"Ref cuereel:([0-9a-f]{16})")
OWNER = "hubspot_owner_id"
FRESH_TASK = {
    "hs_task_status": "NOT_STARTED",
    "hs_task_priority": "MEDIUM",
    "hs_task_type": "TODO",
}


@dataclass(frozen=True)
class Kind:
    """What HubSpot calls one kind of activity: its records, its text, its tie to a contact."""

    records: str
    body: str
    association: int


KINDS = {
    "note": Kind("notes", "hs_note_body", 202),
    "task": Kind("tasks", "hs_task_body", 204),
}


def write(gateway: Door, changes: Sequence[Change]) -> list[WriteResult]:
    """Put each note or task on its contact, or update the one that stands there."""
    words: dict[str, Word] = {}
    for name in KINDS:
        owed = [change for change in changes if change.kind == name]
        for start in range(0, len(owed), MOST):
            words |= _put(gateway, KINDS[name], owed[start : start + MOST])
    return [result(change.id, words[change.id]) for change in changes]


def mark_of(change: Change) -> str:
    """Return the reference by which this note or task is found again."""
    return hashlib.sha256(f"{change.kind}:{change.key}".encode()).hexdigest()[:16]


def find_marked(
    gateway: Door, kind: Kind, contacts: Sequence[str], newest: int | None = NEWEST
) -> dict[str, list[tuple[str, str]]]:
    """Find our notes or tasks of *contacts*: reference and id of each, the oldest first."""
    linked = {
        contact: sorted(ids, key=_age)[-newest if newest else None :]
        for contact, ids in _linked(gateway, kind, contacts).items()
    }
    bodies = _bodies(gateway, kind, sorted({one for ids in linked.values() for one in ids}))
    return {
        contact: [
            (found[1], one)
            for one in ids
            if (found := MARK.search(bodies.get(one, ""))) is not None
        ]
        for contact, ids in linked.items()
    }


def _put(gateway: Door, kind: Kind, changes: Sequence[Change]) -> dict[str, Word]:
    try:
        owners = _owners(gateway, list(dict.fromkeys(change.contact_id for change in changes)))
        found = find_marked(gateway, kind, list(owners)) if owners else {}
    except TemporaryError as error:
        return dict.fromkeys((change.id for change in changes), error)
    except (RefusedError, NotFoundError) as error:
        return {change.id: Complaint(error.reason, told(error)) for change in changes}
    gone = Complaint("contact_gone", "", gone=True)
    words: dict[str, Word] = {c.id: gone for c in changes if c.contact_id not in owners}
    present = [change for change in changes if change.contact_id in owners]
    # of two under one key the later one counts, and both are done when it is
    last = {(change.contact_id, change.key): change for change in present}
    said = _send(gateway, kind, list(last.values()), owners, found)
    return words | {change.id: said[last[change.contact_id, change.key].id] for change in present}


def _send(
    gateway: Door,
    kind: Kind,
    changes: Sequence[Change],
    owners: Mapping[str, str],
    found: Mapping[str, Sequence[tuple[str, str]]],
) -> dict[str, Word]:
    made: list[Input] = []
    updated: list[Input] = []
    for change in changes:
        known = dict(found.get(change.contact_id, ())).get(mark_of(change))
        if known is None:
            made.append(_new(kind, change, owners[change.contact_id]))
        else:
            updated.append({"id": known, TRACE: change.id, "properties": _told(kind, change)})
    api = gateway.client.crm.objects.batch_api
    words = send_all(updated, partial(_ask, gateway, api.update, kind))
    words = {trace: _not_the_contact(word) for trace, word in words.items()}
    return words | send_all(made, partial(_ask, gateway, api.create, kind))


def _ask(gateway: Door, method: JSON, kind: Kind, batch: Sequence[Input]) -> JSON:
    return gateway.ask(method, kind.records, {"inputs": list(batch)})


def _not_the_contact(word: Word) -> Word:
    if isinstance(word, Complaint) and word.gone:
        return TemporaryError(
            "Somebody deleted it in HubSpot just now; it is made again.", reason="activity_gone"
        )
    return word


def _new(kind: Kind, change: Change, owner: str) -> Input:
    fields = {"hs_timestamp": moment_of(datetime.now(UTC)), **_told(kind, change)}
    if kind.records == "tasks":
        fields = {**FRESH_TASK, **fields}
    # what a colleague changes later, such as the owner or that it is done, stays as they leave it
    owner = str(change.values.get("owner_id") or owner)
    if owner:
        fields[OWNER] = owner
    tie = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind.association}
    return {
        TRACE: change.id,
        "properties": fields,
        "associations": [{"to": {"id": change.contact_id}, "types": [tie]}],
    }


def _told(kind: Kind, change: Change) -> dict[str, str]:
    subject, body = (str(change.values.get(word) or "") for word in ("subject", "body"))
    fields = {}
    if kind.records == "tasks":
        fields["hs_task_subject"] = bounded(subject, MOST)
    elif subject:
        # a note has no subject of its own
        body = f"<p><strong>{escape(subject)}</strong></p>{body}"
    reference = f"<p>Ref cuereel:{mark_of(change)}</p>"
    fields[kind.body] = bounded(body, MOST_TEXT - len(reference)) + reference
    if change.values.get("due_at"):
        fields["hs_timestamp"] = moment_of(change.values["due_at"])
    return fields


def _owners(gateway: Door, contacts: Sequence[str]) -> dict[str, str]:
    """Return the owner of each contact that exists, empty where nobody is."""
    owners = {}
    wanted = {"inputs": [{"id": contact} for contact in contacts], "properties": [OWNER]}
    body = gateway.ask(gateway.client.crm.contacts.batch_api.read, wanted)
    for one in _results(body):
        owners[str(one.get("id"))] = str((one.get("properties") or {}).get(OWNER) or "")
    return {contact: owners[contact] for contact in contacts if contact in owners}


def _linked(gateway: Door, kind: Kind, contacts: Sequence[str]) -> dict[str, set[str]]:
    linked: dict[str, set[str]] = {contact: set() for contact in contacts}
    inputs = [{"id": contact} for contact in contacts]
    method = gateway.client.crm.associations.v4.batch_api.get_page
    for _ in range(MOST_PAGES):
        if not inputs:
            break
        found = _results(gateway.ask(method, "contacts", kind.records, {"inputs": inputs}))
        for one in found:
            ids = {str(to["toObjectId"]) for to in one.get("to") or ()}
            linked.setdefault(_from(one), set()).update(ids)
        inputs = [{"id": _from(one), "after": _after(one)} for one in found if _after(one)]
    return linked


def _bodies(gateway: Door, kind: Kind, ids: Sequence[str]) -> dict[str, str]:
    bodies: dict[str, str] = {}
    method = gateway.client.crm.objects.batch_api.read
    for start in range(0, len(ids), MOST):
        inputs = [{"id": one} for one in ids[start : start + MOST]]
        wanted = {"inputs": inputs, "properties": [kind.body]}
        for one in _results(gateway.ask(method, kind.records, wanted)):
            bodies[str(one.get("id"))] = str((one.get("properties") or {}).get(kind.body) or "")
    return bodies


def _results(body: JSON) -> list[Mapping[str, JSON]]:
    results: Iterable[JSON] = body.get("results") or () if isinstance(body, Mapping) else ()
    return [one for one in results if isinstance(one, Mapping)]


def _from(one: Mapping[str, JSON]) -> str:
    return str(one["from"]["id"])


def _after(one: Mapping[str, JSON]) -> str:
    following = (one.get("paging") or {}).get("next") or {}
    return str(following.get("after") or "")


def _age(record_id: str) -> tuple[int, str]:
    # HubSpot's ids grow
    return len(record_id), record_id
