"""Batches of a hundred: every input gets its own answer, however little HubSpot says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.crm.hubspot.batches import TRACE, Considerate, Input, cut, result, send_all
from connector.crm.hubspot.complaints import Complaint
from connector.crm.hubspot.refusals import RefusedError
from connector.errors import CRMBusyError, CRMDownError
from connector.model import JSON, Written

BAD, MISSING = "bad", "missing"


@dataclass
class FarSide:
    """A portal that refuses some contacts, whole batches or single inputs, and says as much as it likes."""

    faults: dict[str, str] = field(default_factory=dict)
    hint: str = "trace"
    whole: bool = False
    results_tell: bool = True
    written: list[str] = field(default_factory=list)
    calls: int = 0

    def update(self, batch: Sequence[Input]) -> JSON:
        """Take a batch as HubSpot does."""
        self.calls += 1
        assert 0 < len(batch) <= 100
        assert len({one["id"] for one in batch}) == len(batch)
        errors = [self.error(one) for one in batch if one["id"] in self.faults]
        if errors and self.whole:
            raise RefusedError(400, {"category": "VALIDATION_ERROR", "errors": errors})
        good = [one["id"] for one in batch if one["id"] not in self.faults]
        self.written += good
        results = [{"id": one} for one in good] if self.results_tell else []
        return {
            "status": "COMPLETE",
            "results": results,
            "numErrors": len(errors),
            "errors": errors,
        }

    def error(self, one: Input) -> dict[str, JSON]:
        """Return the error of one input with the hint that this portal gives."""
        missing = self.faults[one["id"]] == MISSING
        context = {"trace": {TRACE: [one[TRACE]]}, "ids": {"ids": [one["id"]]}, "none": {}}
        return {
            "status": "error",
            "category": "OBJECT_NOT_FOUND" if missing else "VALIDATION_ERROR",
            "message": "Could not get some objects" if missing else "The value is not a number",
            "context": context[self.hint],
        }


def inputs(count: int) -> list[Input]:
    return [
        {"id": str(n), TRACE: f"change-{n}", "properties": {"cuereel_views": str(n)}}
        for n in range(count)
    ]


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 230),
    faults=st.dictionaries(st.integers(0, 229), st.sampled_from([BAD, MISSING]), max_size=12),
    hint=st.sampled_from(["trace", "ids", "none"]),
    whole=st.booleans(),
    results_tell=st.booleans(),
)
def test_every_input_gets_its_own_right_answer(
    count: int, faults: dict[int, str], hint: str, whole: bool, results_tell: bool
) -> None:
    """In any mixture the good are written, the bad refused and the missing gone."""
    here = {str(n): fault for n, fault in faults.items() if n < count}
    far = FarSide(here, hint, whole, results_tell)

    words = send_all(inputs(count), far.update)

    told = {trace: result(trace, word).written for trace, word in words.items()}
    names = {None: Written.DONE, BAD: Written.REFUSED, MISSING: Written.GONE}
    assert {f"change-{n}": names[here.get(str(n))] for n in range(count)} == told
    assert {str(n) for n in range(count)} - set(here) == set(far.written)


@settings(max_examples=50, deadline=None)
@given(culprit=st.integers(0, 99))
def test_one_culprit_is_found_in_few_calls(culprit: int) -> None:
    """Where HubSpot refuses a hundred for one and does not say for which, it is found by halving."""
    far = FarSide({str(culprit): BAD}, hint="none", whole=True)

    words = send_all(inputs(100), far.update)

    assert [f"change-{culprit}"] == [t for t, w in words.items() if isinstance(w, Complaint)]
    assert far.calls <= 2 * math.log2(100) + 1
    assert len(set(far.written)) == 99


def test_a_hint_spares_the_halving() -> None:
    """Where HubSpot names the culprit, the other ninety-nine are sent once more and no one else."""
    far = FarSide({"42": BAD}, hint="trace", whole=True)
    send_all(inputs(100), far.update)

    assert far.calls == 2


def test_a_record_never_stands_twice_in_a_batch() -> None:
    """Two writes of one contact go in two calls, in their order."""
    first, second = (
        {"id": "7", TRACE: trace, "properties": {"cuereel_views": trace}} for trace in ("a", "b")
    )
    batches = cut([first, *inputs(3), second])

    assert [[first, *inputs(3)], [second]] == batches


def test_a_batch_that_was_not_answered_is_tried_again_and_the_others_are_not() -> None:
    """What one call did not get through leaves the results of the others alone."""
    calls: list[int] = []

    def flaky(batch: Sequence[Input]) -> JSON:
        calls.append(len(batch))
        if len(calls) == 1:
            raise CRMDownError("HubSpot did not answer", after=3)
        return None

    words = send_all(inputs(150), flaky)

    assert calls == [100, 50]
    results = [result(trace, word) for trace, word in words.items()]
    assert [one.written for one in results] == [Written.RETRY] * 100 + [Written.DONE] * 50
    assert results[0].after == 3


def test_new_records_are_not_made_twice_to_find_a_culprit() -> None:
    """Where it is unclear which of several new records was made, nothing is made again blindly."""
    made: list[int] = []

    def create(batch: Sequence[Input]) -> JSON:
        made.append(len(batch))
        return {"results": [{"id": "900"}, {"id": "901", TRACE: "change-2"}],
                "errors": [{"category": "VALIDATION_ERROR", "message": "no"}]}  # fmt: skip

    new = [{TRACE: f"change-{n}", "properties": {"hs_note_body": "x"}} for n in range(3)]
    words = send_all(new, create)

    assert made == [3]
    assert [result(trace, word).written for trace, word in words.items()] == [
        Written.RETRY,
        Written.RETRY,
        Written.DONE,
    ]


def test_after_busy_nobody_is_asked_any_more() -> None:
    """Once HubSpot says that it is busy, what is left to do is not even tried."""

    class Busy:
        client = None
        asked = 0

        def ask(self, *_: object, **__: object) -> JSON:
            self.asked += 1
            raise CRMBusyError("slow down", after=10)

        call = ask

    door = Busy()
    once = Considerate(door)
    words = send_all(inputs(250), lambda batch: once.ask(print, {"inputs": batch}))

    assert door.asked == 1
    assert {10} == {result(trace, word).after for trace, word in words.items()}
