"""
Writing back: what we owe goes on contacts, as fields of ours, notes, tasks, list places and callbacks.

No contact is ever made, and no field but ours is touched. Every change gets its own result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from connector.crm.hubspot import activities, callbacks, membership
from connector.crm.hubspot.batches import (
    TRACE,
    Considerate,
    Door,
    Input,
    Word,
    result,
    send_all,
)
from connector.crm.hubspot.complaints import Complaint
from connector.crm.hubspot.values import text_of
from connector.decide.dictionary import Dictionary, FieldSpec
from connector.model import JSON, Change, WriteResult, Written

FIELD_MISSING_SECONDS = 600.0


def write(
    gateway: Door,
    dictionary: Dictionary,
    changes: Sequence[Change],
    left_out: Collection[str] = (),
) -> list[WriteResult]:
    """
    Write each change; one result per change, in order. *left_out* are fields that had no room here.

    Raises CredentialError where HubSpot no longer lets us in.
    """
    once = Considerate(gateway)
    # a workflow that waits goes on when its callback comes, and then reads what stands on the contact
    kinds: dict[str, Callable[[Sequence[Change]], list[WriteResult]]] = {
        "property": partial(_write_fields, once, dictionary, left_out),
        "note": partial(activities.write, once),
        "task": partial(activities.write, once),
        "list_member": partial(membership.write, once),
        "callback": partial(callbacks.write, once),
    }
    results = {change.id: _unsupported(change) for change in changes if change.kind not in kinds}
    for kind, write_kind in kinds.items():
        owed = [change for change in changes if change.kind == kind]
        if owed:
            results |= {one.change_id: one for one in write_kind(owed)}
    return [results[change.id] for change in changes]


def put_fields(
    gateway: Door, inputs: Sequence[Input]
) -> tuple[dict[str, Word], dict[str, frozenset[str]]]:
    """
    Put fields on contacts; what the portal does not have is left out of a second try.

    Returns the word on each input by its trace id, and the fields that are missing for it.
    """
    words: dict[str, Word] = {}
    lacking: dict[str, frozenset[str]] = {}
    while inputs:
        words |= send_all(inputs, partial(_update, gateway))
        again = []
        for one in inputs:
            word = words[one[TRACE]]
            if isinstance(word, Complaint) and word.missing:
                lacking[one[TRACE]] = lacking.get(one[TRACE], frozenset()) | word.missing
                words[one[TRACE]] = None
                again.append(_without(one, word.missing))
        inputs = [one for one in again if one["properties"]]
    return words, lacking


def _write_fields(
    gateway: Door, dictionary: Dictionary, left_out: Collection[str], changes: Sequence[Change]
) -> list[WriteResult]:
    plans = {change.id: _fields(dictionary, change) for change in changes}
    inputs = []
    for change in changes:
        fields = {name: text for name, text in plans[change.id].items() if name not in left_out}
        if fields:
            inputs.append({"id": change.contact_id, TRACE: change.id, "properties": fields})
    words, lacking = put_fields(gateway, inputs)
    return [
        _settled(change.id, words[change.id], lacking.get(change.id, frozenset()))
        if change.id in words
        else _nowhere(change, plans[change.id])
        for change in changes
    ]


def _fields(dictionary: Dictionary, change: Change) -> dict[str, str]:
    known: Mapping[str, FieldSpec] = dictionary.write_fields
    return {
        known[word].name: text_of(value, known[word].type)
        for word, value in change.values.items()
        if word in known
    }


def _update(gateway: Door, batch: Sequence[Input]) -> JSON:
    return gateway.ask(gateway.client.crm.contacts.batch_api.update, {"inputs": list(batch)})


def _without(one: Input, names: Collection[str]) -> Input:
    kept = {name: text for name, text in one["properties"].items() if name not in names}
    return {**one, "properties": kept}


def _settled(change_id: str, word: Word, lacking: frozenset[str]) -> WriteResult:
    if word is not None or not lacking:
        return result(change_id, word)
    names = ", ".join(sorted(lacking))
    return WriteResult(
        change_id,
        Written.RETRY,
        "field_missing",
        f"HubSpot has no contact property {names}; run `cuereel crm install hubspot` to make it again. "
        "Everything else was written.",
        FIELD_MISSING_SECONDS,
        alone=True,
    )


def _nowhere(change: Change, fields: Mapping[str, str]) -> WriteResult:
    if fields:
        return WriteResult(
            change.id,
            Written.UNSUPPORTED,
            "left_out",
            "This HubSpot account had no room for any of these properties.",
        )
    return WriteResult(
        change.id,
        Written.UNSUPPORTED,
        "unmapped",
        "The dictionary of HubSpot has no property for any of these values.",
    )


def _unsupported(change: Change) -> WriteResult:
    return WriteResult(
        change.id,
        Written.UNSUPPORTED,
        "unsupported_kind",
        f"HubSpot has no place for a change of kind {change.kind}.",
    )
