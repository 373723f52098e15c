"""
Writes in collections: at most two hundred records to a call, and one word on every record.

Salesforce answers in the order of the records, or refuses a call as a whole; then the part that is at
fault is looked for. What was locked is tried once more when the others are through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.crm.salesforce.considerate import Door
from connector.crm.salesforce.refusals import (
    MISSING_SECONDS,
    NO_FIELD,
    NOT_ALLOWED,
    Complaint,
    RefusedError,
    Said,
    Word,
    said,
    word_of,
)
from connector.errors import CRMBusyError, CRMDownError, NotFoundError, TemporaryError
from connector.model import JSON

MOST = 200
PATH = "composite/sobjects"
# a rule that only finds duplicates must not keep back what we owe; and whose record it is stays so
CREATING = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
UPDATING = {"Sforce-Auto-Assign": "FALSE"}
# these are about whoever calls or what is written to, so that every part would be refused alike
ABOUT_ALL = NOT_ALLOWED | {"INVALID_TYPE", "API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"}
NO_OBJECT = "INVALID_TYPE"
CONVERTED = "CANNOT_UPDATE_CONVERTED_LEAD"


@dataclass(frozen=True)
class Input:
    """
    One record to be written for the change *trace*; *id* is its id or key, empty where it is new.

    Those of one *neighbourhood* (an account) are written next to one another. Without its *needed*
    fields a record is not written at all.
    """

    trace: str
    object: str
    fields: Mapping[str, JSON] = field(repr=False)
    id: str = ""
    neighbourhood: str = ""
    needed: frozenset[str] = frozenset()


@dataclass
class Outcome:
    """What became of each input, by its trace, and which of its fields the org did not take."""

    words: dict[str, Word] = field(default_factory=dict)
    lacking: dict[str, frozenset[str]] = field(default_factory=dict)


Send = Callable[[Sequence[Input]], JSON]


def update(gateway: Door, batch: Sequence[Input]) -> JSON:
    """Update records by their ids."""
    return gateway.call("PATCH", PATH, _body(batch, named=True), headers=UPDATING)


def create(gateway: Door, batch: Sequence[Input]) -> JSON:
    """Make records."""
    return gateway.call("POST", PATH, _body(batch, named=False), headers=CREATING)


def upsert(gateway: Door, name: str, key: str, batch: Sequence[Input]) -> JSON:
    """Make or update records of the object *name* by their *key* field, which is among the fields."""
    path = f"{PATH}/{name}/{key}"
    return gateway.call("PATCH", path, _body(batch, named=False), headers={**CREATING, **UPDATING})


def delete(gateway: Door, batch: Sequence[Input]) -> JSON:
    """Delete records by their ids."""
    ids = ",".join(one.id for one in batch)
    return gateway.call("DELETE", PATH, query={"ids": ids, "allOrNone": "false"})


def send_all(inputs: Sequence[Input], send: Send) -> Outcome:
    """
    Send *inputs*, each with its own trace; return the word on each.

    Fields that the org has not, or that we may not edit, are left out of what is sent after.
    """
    outcome = Outcome()
    without: dict[str, frozenset[str]] = {}
    for round_ in rounds(inputs):
        _send_round(round_, send, outcome, without)
        locked = [one for one in round_ if _is_locked(outcome.words[one.trace])]
        _send_round(locked, send, outcome, without)
    return outcome


def rounds(inputs: Sequence[Input]) -> list[list[Input]]:
    """Cut into rounds in which no record stands twice, which Salesforce refuses, each well sorted."""
    seen: Counter[tuple[str, str]] = Counter()
    cut: dict[int, list[Input]] = {}
    for one in inputs:
        turn = seen[one.object, one.id] if one.id else 0
        cut.setdefault(turn, []).append(one)
        seen[one.object, one.id] += 1
    return [sorted(round_, key=_place) for _, round_ in sorted(cut.items())]


def _place(one: Input) -> tuple[str, str, str]:
    # few changes of type, and two calls that wait for one account's lock are rare (salesforce.md §4.4)
    return one.object, one.neighbourhood, one.id


def _send_round(
    inputs: Sequence[Input], send: Send, outcome: Outcome, without: dict[str, frozenset[str]]
) -> None:
    while inputs:
        again: list[Input] = []
        for start in range(0, len(inputs), MOST):
            batch = [_less(one, without, outcome) for one in inputs[start : start + MOST]]
            again += _settle(batch, send, outcome, without)
        inputs = again


def _settle(
    batch: Sequence[Input], send: Send, outcome: Outcome, without: dict[str, frozenset[str]]
) -> list[Input]:
    """Send a batch and note the words; return those that are to be sent anew with fewer fields."""
    sendable = [one for one in batch if _is_whole(one, outcome)]
    words = _send(sendable, send)
    again = []
    for one in sendable:
        word = words[one.trace]
        missing = word.missing & one.fields.keys() if isinstance(word, Complaint) else frozenset()
        if missing:
            without[one.object] = without.get(one.object, frozenset()) | missing
            again.append(one)
        else:
            outcome.words[one.trace] = word
    return again


def _less(one: Input, without: Mapping[str, frozenset[str]], outcome: Outcome) -> Input:
    """Return the input without the fields that its object is known to lack."""
    missing = without.get(one.object, frozenset()) & one.fields.keys()
    if not missing:
        return one
    outcome.lacking[one.trace] = outcome.lacking.get(one.trace, frozenset()) | missing
    kept = {name: value for name, value in one.fields.items() if name not in missing}
    return replace(one, fields=kept)


def _is_whole(one: Input, outcome: Outcome) -> bool:
    """Tell whether enough is left of an input to be sent; note what is missing if not."""
    lacking = outcome.lacking.get(one.trace, frozenset())
    if (one.fields or not lacking) and not one.needed & lacking:
        return True
    outcome.words[one.trace] = _complaint(Said("INVALID_FIELD", fields=tuple(sorted(lacking))))
    return False


def _is_locked(word: Word) -> bool:
    return isinstance(word, CRMBusyError) and word.reason == "locked"


def _send(batch: Sequence[Input], send: Send) -> dict[str, Word]:
    if not batch:
        return {}
    try:
        answer = send(batch)
    except TemporaryError as error:
        return _all(batch, error)
    except NotFoundError:
        # single records are never told of in this way
        return _all(batch, _no_object())
    except RefusedError as error:
        return _refused(batch, send, error)
    return _answered(batch, answer)


def _answered(batch: Sequence[Input], answer: JSON) -> dict[str, Word]:
    if not isinstance(answer, list) or len(answer) != len(batch):
        return _all(
            batch,
            CRMDownError(
                "Salesforce did not say what became of each record; trying again is safe",
                reason="unclear_answer",
            ),
        )
    return {one.trace: _word(part) for one, part in zip(batch, answer, strict=True)}


def _word(part: JSON) -> Word:
    part = part if isinstance(part, Mapping) else {}
    if part.get("success") is True:
        return None
    errors = part.get("errors") or [{}]
    first = errors[0] if isinstance(errors, Sequence) and isinstance(errors[0], Mapping) else {}
    code = str(first.get("statusCode") or first.get("errorCode") or "")
    return _complaint(said(code, str(first.get("message") or ""), first.get("fields")))


def _complaint(error: Said) -> Word:
    if error.code == CONVERTED:
        return Complaint(
            "lead_converted",
            "This lead is a contact now; it is written there as soon as Cuereel has learnt of it.",
            waits=MISSING_SECONDS,
        )
    word = _no_object() if error.code == NO_OBJECT else word_of(error)
    if isinstance(word, Complaint) and word.missing:
        return replace(word, waits=MISSING_SECONDS)
    return word


def _refused(batch: Sequence[Input], send: Send, error: RefusedError) -> dict[str, Word]:
    """Nothing of *batch* was written; find whom that is about, and send the others again."""
    objects = {one.object for one in batch}
    complaint = _complaint(Said(error.code, fields=error.fields))
    if len(objects) > 1:
        # what one object lacks another may have
        parts = [[one for one in batch if one.object == name] for name in sorted(objects)]
        return {trace: word for part in parts for trace, word in _send(part, send).items()}
    if error.code.upper() in NO_FIELD and error.fields:
        about = [one for one in batch if one.fields.keys() & set(error.fields)]
        others = [one for one in batch if one not in about] if about else []
        return _all(about or batch, complaint) | _send(others, send)
    if len(batch) == 1 or error.code in ABOUT_ALL or error.status == 403:
        return _all(batch, complaint)
    middle = len(batch) // 2
    first, rest = _send(batch[:middle], send), batch[middle:]
    # where the first is fine the fault is in the second, which need not be asked as one
    if len(rest) > 1 and all(word is None for word in first.values()):
        middle = len(rest) // 2
        return first | _send(rest[:middle], send) | _send(rest[middle:], send)
    return first | _send(rest, send)


def _all(batch: Sequence[Input], word: Word) -> dict[str, Word]:
    return dict.fromkeys((one.trace for one in batch), word)


def _no_object() -> Complaint:
    return Complaint(
        "field_missing",
        "The org has no such object, or Cuereel's user may not see it; run `cuereel crm install "
        "salesforce`.",
        waits=MISSING_SECONDS,
    )


def _body(batch: Sequence[Input], *, named: bool) -> JSON:
    records = [
        {
            "attributes": {"type": one.object},
            **({"id": one.id} if named else {}),
            **one.fields,
        }
        for one in batch
    ]
    return {"allOrNone": False, "records": records}
