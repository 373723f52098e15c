"""
Batches of writes: at most a hundred inputs to a call, and one answer for every input.

HubSpot tells of single inputs by the trace id that we send, by record id, or not at all; then the
batch is halved until the one that spoils it stands alone. Both API versions are read by their body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from hubspot import HubSpot  # type: ignore[import-untyped]

from connector.crm.hubspot.complaints import (
    NOT_ABOUT_INPUTS,
    Complaint,
    complain,
    concerned,
    particulars,
)
from connector.crm.hubspot.refusals import RefusedError
from connector.errors import CRMBusyError, CRMDownError, NotFoundError, TemporaryError
from connector.model import JSON, WriteResult, Written

# HubSpot's limit; the specification does not say it, so nothing but we would notice
MOST = 100
TRACE = "objectWriteTraceId"
# these wait for something about one record
ALONE = frozenset({"unclear_answer", "activity_gone"})

Input = Mapping[str, JSON]
Send = Callable[[Sequence[Input]], JSON]
# what became of one input; nothing to say where it was written
Word = Complaint | TemporaryError | None


class Door(Protocol):
    """What writing needs of a gateway."""

    @property
    def client(self) -> HubSpot:
        """The generated API classes."""

    def ask(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> JSON:
        """Call a generated method and return the parsed body."""

    def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, Any] | None = None
    ) -> JSON:
        """Call what the client lacks."""


class Considerate:
    """A gateway that makes no further call once HubSpot has said that it is busy."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._busy: CRMBusyError | None = None

    @property
    def client(self) -> HubSpot:
        """The generated API classes."""
        return self._door.client

    def ask(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> JSON:
        """Call a generated method, or raise again what HubSpot said before."""
        return self._unless_busy(lambda: self._door.ask(method, *args, **kwargs))

    def call(
        self, method: str, path: str, body: JSON = None, query: Mapping[str, Any] | None = None
    ) -> JSON:
        """Call a path, or raise again what HubSpot said before."""
        return self._unless_busy(lambda: self._door.call(method, path, body, query))

    def _unless_busy(self, make: Callable[[], JSON]) -> JSON:
        if self._busy is not None:
            raise self._busy
        try:
            return make()
        except CRMBusyError as error:
            self._busy = error
            raise


def send_all(inputs: Sequence[Input], send: Send) -> dict[str, Word]:
    """Send *inputs*, each with its own trace id; return the word on each by that id."""
    words: dict[str, Word] = {}
    for batch in cut(inputs):
        words |= _send(batch, send)
    return words


def cut(inputs: Sequence[Input]) -> list[list[Input]]:
    """Cut into batches of a hundred in which no record stands twice, which HubSpot refuses."""
    seen: Counter[str] = Counter()
    rounds: dict[int, list[Input]] = {}
    for one in inputs:
        turn = seen[one["id"]] if "id" in one else 0
        rounds.setdefault(turn, []).append(one)
        if "id" in one:
            seen[one["id"]] += 1
    return [
        batch[start : start + MOST]
        for _, batch in sorted(rounds.items())
        for start in range(0, len(batch), MOST)
    ]


def result(change_id: str, word: Word) -> WriteResult:
    """Say in our own terms what became of a change."""
    if word is None:
        return WriteResult(change_id, Written.DONE)
    if isinstance(word, TemporaryError):
        alone = word.reason in ALONE
        return WriteResult(
            change_id, Written.RETRY, word.reason, word.sentence, word.after, alone=alone
        )
    if word.gone:
        return WriteResult(
            change_id, Written.GONE, "contact_gone", "The contact no longer exists in HubSpot."
        )
    return WriteResult(change_id, Written.REFUSED, word.reason, word.sentence)


def _send(batch: Sequence[Input], send: Send) -> dict[str, Word]:
    if not batch:
        return {}
    try:
        body = send(batch)
    except TemporaryError as error:
        return {one[TRACE]: error for one in batch}
    except (RefusedError, NotFoundError) as error:
        return _refused(batch, send, error)
    return _answered(batch, send, body)


def _refused(
    batch: Sequence[Input], send: Send, error: RefusedError | NotFoundError
) -> dict[str, Word]:
    """Nothing of *batch* was written; find whom that is about, and send the others again."""
    if len(batch) == 1 or getattr(error, "status", 0) in NOT_ABOUT_INPUTS:
        return {one[TRACE]: complain(error, one) for one in batch}
    blamed: dict[str, Word] = {}
    for part in particulars(error):
        for one in concerned(part, batch):
            blamed.setdefault(one[TRACE], complain(part, one))
    if not blamed:
        return _halve(batch, send)
    return blamed | _send([one for one in batch if one[TRACE] not in blamed], send)


def _answered(batch: Sequence[Input], send: Send, body: JSON) -> dict[str, Word]:
    """Read a body of 200 or 207, whose `errors` may be about some of *batch*."""
    words: dict[str, Word] = {one[TRACE]: None for one in batch}
    body = body if isinstance(body, Mapping) else {}
    blamed: dict[str, Word] = {}
    unclear: list[Mapping[str, JSON]] = []
    for part in body.get("errors") or []:
        found = concerned(part, batch)
        blamed |= {one[TRACE]: complain(part, one) for one in found}
        unclear += [] if found else [part]
    words |= blamed
    if unclear:
        written = _written(body)
        suspects = [
            one
            for one in batch
            if one[TRACE] not in blamed and not {one[TRACE], one.get("id")} & written
        ]
        words |= _suspected(suspects, send, unclear[0], whole=len(suspects) == len(batch))
    return words


def _written(body: Mapping[str, JSON]) -> set[JSON]:
    records = body.get("results") or []
    return {name for one in records for name in (one.get(TRACE), one.get("id")) if name}


def _suspected(
    suspects: Sequence[Input], send: Send, error: Mapping[str, JSON], *, whole: bool
) -> dict[str, Word]:
    """Find who is meant by an *error* that names nobody; a record may be updated twice, not made."""
    if len(suspects) == 1:
        return {suspects[0][TRACE]: complain(error, suspects[0])}
    if not whole and any("id" not in one for one in suspects):
        puzzle = CRMDownError(
            "HubSpot did not say which of several records it made; it is looked up and tried again.",
            reason="unclear_answer",
        )
        return {one[TRACE]: puzzle for one in suspects}
    return _halve(suspects, send) if suspects else {}


def _halve(batch: Sequence[Input], send: Send) -> dict[str, Word]:
    """Send both halves of what was refused as one."""
    middle = len(batch) // 2
    first, rest = _send(batch[:middle], send), batch[middle:]
    # where the first is fine the fault is in the second, which need not be asked as one
    if len(rest) > 1 and all(word is None for word in first.values()):
        return first | _halve(rest, send)
    return first | _send(rest, send)
