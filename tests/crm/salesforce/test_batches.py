"""Collections of two hundred: every record gets its own word, however the org answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.crm.salesforce.batches import Input, rounds, send_all
from connector.crm.salesforce.considerate import Considerate
from connector.crm.salesforce.refusals import Complaint, RefusedError, Said, result
from connector.errors import CRMBusyError, CRMDownError, NotFoundError
from connector.model import JSON, Written

# what the org says against one record, and what that means
ERRORS = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": Written.REFUSED,
    "DUPLICATES_DETECTED": Written.REFUSED,
    "STRING_TOO_LONG": Written.REFUSED,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": Written.REFUSED,
    "REQUIRED_FIELD_MISSING": Written.REFUSED,
    "A_CODE_OF_TOMORROW": Written.REFUSED,
    "ENTITY_IS_DELETED": Written.GONE,
    "INVALID_CROSS_REFERENCE_KEY": Written.GONE,
    "NOT_FOUND": Written.GONE,
    "MALFORMED_ID": Written.GONE,
    "UNABLE_TO_LOCK_ROW": Written.RETRY,
    "SERVER_UNAVAILABLE": Written.RETRY,
    "PROCESSING_HALTED": Written.RETRY,
    "INSUFFICIENT_ACCESS_OR_READONLY": Written.RETRY,
    "CANNOT_UPDATE_CONVERTED_LEAD": Written.RETRY,
    "INVALID_TYPE": Written.RETRY,
}


def person(number: int) -> str:
    return f"0035e{number:013d}"


def inputs(count: int, name: str = "Contact") -> list[Input]:
    return [Input(f"change-{n}", name, {"Views__c": n}, person(n)) for n in range(count)]


@dataclass
class FarSide:
    """An org that refuses some records, each by itself or the whole call for them."""

    faults: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    lacks: frozenset[tuple[str, str]] = frozenset()
    written: list[Input] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)

    def take(self, batch: Sequence[Input]) -> JSON:
        """Take a collection as Salesforce does."""
        self.calls.append(len(batch))
        assert 0 < len(batch) <= 200
        assert len({one.id for one in batch}) == len(batch)
        assert len(list(itertools.groupby(batch, lambda one: one.object))) <= 10
        for name in (
            name for one in batch for name in one.fields if (one.object, name) in self.lacks
        ):
            raise RefusedError(400, Said("INVALID_FIELD", "No such column", (name,)))
        if self.whole and any(one.id in self.faults for one in batch):
            raise RefusedError(400, Said("JSON_PARSER_ERROR", "a value of the wrong form"))
        self.written += [one for one in batch if one.id not in self.faults]
        return [self.answer(one) for one in batch]

    def answer(self, one: Input) -> JSON:
        """Return what is said of one record."""
        code = self.faults.get(one.id)
        if code is None:
            return {"id": one.id, "success": True, "errors": []}
        error = {"statusCode": code, "message": "prepared by a test", "fields": []}
        return {"success": False, "errors": [error]}


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 450),
    faults=st.dictionaries(st.integers(0, 449), st.sampled_from(sorted(ERRORS)), max_size=20),
)
def test_every_record_gets_its_own_right_word(count: int, faults: dict[int, str]) -> None:
    """In any mixture the good are written, and of the others each is told what it was told for."""
    here = {person(n): code for n, code in faults.items() if n < count}
    far = FarSide(here)

    outcome = send_all(inputs(count), far.take)

    told = {trace: result(trace, word).written for trace, word in outcome.words.items()}
    assert told == {
        f"change-{n}": ERRORS[here[person(n)]] if person(n) in here else Written.DONE
        for n in range(count)
    }
    assert {one.id for one in far.written} == {person(n) for n in range(count)} - set(here)


@settings(max_examples=40, deadline=None)
@given(culprit=st.integers(0, 199))
def test_one_culprit_is_found_in_few_calls(culprit: int) -> None:
    """Where two hundred are refused for one and nobody is named, it is found by halving."""
    far = FarSide({person(culprit): "x"}, whole=True)

    outcome = send_all(inputs(200), far.take)

    assert [t for t, w in outcome.words.items() if w is not None] == [f"change-{culprit}"]
    assert len(far.calls) <= 2 * math.log2(200) + 1
    assert len({one.id for one in far.written}) == 199


@pytest.mark.parametrize(
    "error",
    [
        RefusedError(403, Said("API_DISABLED_FOR_ORG")),
        RefusedError(403, Said("FUNCTIONALITY_NOT_ENABLED")),
        RefusedError(400, Said("INVALID_TYPE")),
        NotFoundError("Salesforce has no such record or address"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.reason}",
)
def test_what_is_about_all_is_not_looked_for_in_halves(error: Exception) -> None:
    """A missing permission or object refuses every part alike, and nobody is gone because of it."""
    calls: list[int] = []

    def refuse(batch: Sequence[Input]) -> JSON:
        calls.append(len(batch))
        raise error

    outcome = send_all(inputs(200), refuse)

    assert calls == [200]
    results = [result(trace, word) for trace, word in outcome.words.items()]
    assert {one.written for one in results} <= {Written.RETRY, Written.REFUSED}
    assert all(one.sentence for one in results)


def test_an_object_that_is_missing_does_not_keep_back_the_others() -> None:
    """Where Salesforce refuses a mixed call, each object is written by itself."""

    def no_leads(batch: Sequence[Input]) -> JSON:
        if any(one.object == "Lead" for one in batch):
            raise RefusedError(400, Said("INVALID_TYPE"))
        return far.take(batch)

    far = FarSide()
    mixed = [*inputs(3), Input("lead-1", "Lead", {"Views__c": 1}, "00Q5e0000000000001")]
    words = send_all(mixed, no_leads).words

    assert len(far.written) == 3
    assert result("lead-1", words["lead-1"]).written is Written.RETRY


def test_a_field_that_one_object_lacks_is_left_out_there_only() -> None:
    """The rest of the lead, and all of the contacts, is written; the lead knows what is lacking."""
    far = FarSide(lacks=frozenset({("Lead", "Views__c"), ("Lead", "Score__c")}))
    both = {"Views__c": 1, "Score__c": 2, "Url__c": "https://v/1"}
    mixed = [
        Input("contact", "Contact", both, person(1)),
        Input("lead", "Lead", both, "00Q5e0000000000001"),
    ]

    outcome = send_all(mixed, far.take)

    assert outcome.words == {"contact": None, "lead": None}
    assert outcome.lacking == {"lead": {"Views__c", "Score__c"}}
    assert {one.object: dict(one.fields) for one in far.written} == {
        "Contact": both,
        "Lead": {"Url__c": "https://v/1"},
    }


def test_what_is_lacking_is_asked_for_once() -> None:
    """The second two hundred know what the first have learnt."""
    far = FarSide(lacks=frozenset({("Contact", "Score__c")}))
    many = [
        Input(f"change-{n}", "Contact", {"Score__c": 1, "Views__c": n}, person(n))
        for n in range(600)
    ]

    outcome = send_all(many, far.take)

    assert len(outcome.lacking) == 600
    assert len(far.written) == 600
    assert len(far.calls) <= 4 + 1


def test_a_record_without_what_it_needs_is_not_written() -> None:
    """What could not be found again by its person is not written without it."""
    far = FarSide(lacks=frozenset({("Row__c", "Contact__c")}))
    row = Input("row", "Row__c", {"Contact__c": "x", "Url__c": "y"}, "k", needed=frozenset({"Contact__c"}))  # fmt: skip

    outcome = send_all([row], far.take)

    told = result("row", outcome.words["row"])
    assert far.written == []
    assert (told.written, told.reason, told.after) == (Written.RETRY, "field_missing", 600)
    assert "Contact__c" in told.sentence


def test_a_field_that_nobody_sent_ends_the_trying() -> None:
    """A complaint about a field that is not in the call is not tried for ever."""
    calls: list[int] = []

    def refuse(batch: Sequence[Input]) -> JSON:
        calls.append(len(batch))
        raise RefusedError(400, Said("INVALID_FIELD", fields=("Else__c",)))

    outcome = send_all(inputs(5), refuse)

    assert calls == [5]
    assert {result(t, w).written for t, w in outcome.words.items()} == {Written.RETRY}


def test_a_record_never_stands_twice_in_a_call() -> None:
    """Two writes of one record go in two rounds, in their order."""
    first, second = (Input(t, "Contact", {"Views__c": t}, person(7)) for t in "ab")

    cut = rounds([first, Input("c", "Contact", {}, person(8)), second])

    assert [[one.trace for one in round_] for round_ in cut] == [["a", "c"], ["b"]]


def test_new_records_are_not_taken_for_one_another() -> None:
    """What has no id yet stands in one call, however many there are."""
    new = [Input(f"task-{n}", "Task", {"Subject": "x"}) for n in range(5)]

    assert [len(round_) for round_ in rounds(new)] == [5]


def test_records_of_one_account_stand_next_to_one_another() -> None:
    """Objects are not mixed, nor are accounts, so that few calls wait for one lock."""
    mixed = [
        Input(f"{n}", ("Contact", "Lead")[n % 2], {}, person(n), f"001-{n % 3}") for n in range(30)
    ]

    [sorted_] = rounds(mixed)

    assert len(list(itertools.groupby(sorted_, lambda one: one.object))) == 2
    pairs = [(one.object, one.neighbourhood) for one in sorted_]
    assert len(list(itertools.groupby(pairs))) == len(set(pairs))


def test_what_was_locked_is_tried_once_more_after_the_rest() -> None:
    """A lock is usually gone by then; only those that were locked are sent again."""
    locked = {person(3), person(250)}
    far = FarSide(dict.fromkeys(locked, "UNABLE_TO_LOCK_ROW"))

    def free_later(batch: Sequence[Input]) -> JSON:
        answer = far.take(batch)
        if len(far.calls) == 2:
            far.faults.clear()
        return answer

    outcome = send_all(inputs(300), free_later)

    assert far.calls == [200, 100, 2]
    assert set(outcome.words.values()) == {None}


def test_a_lock_that_stays_is_told_with_its_wait() -> None:
    """After two tries the change is to be tried again later, and says when."""
    far = FarSide({person(0): "UNABLE_TO_LOCK_ROW"})

    word = send_all(inputs(2), far.take).words["change-0"]

    told = result("change-0", word)
    assert (told.written, told.reason) == (Written.RETRY, "locked")
    assert told.after
    assert len(far.calls) == 2


def test_a_call_that_was_not_answered_leaves_the_others_alone() -> None:
    """Of three calls the middle one ends in trouble: its two hundred are tried again, no one else."""
    calls: list[int] = []
    far = FarSide()

    def flaky(batch: Sequence[Input]) -> JSON:
        calls.append(len(batch))
        if len(calls) == 2:
            raise CRMDownError("Salesforce has trouble of its own")
        return far.take(batch)

    words = send_all(inputs(500), flaky).words

    assert calls == [200, 200, 100]
    told = [result(trace, word).written for trace, word in words.items()]
    assert (told.count(Written.DONE), told.count(Written.RETRY)) == (300, 200)
    assert len(far.written) == 300


@pytest.mark.parametrize("answer", [None, {}, [], [{"success": True}], "html"])
def test_an_answer_about_fewer_records_says_nothing_is_done(answer: JSON) -> None:
    """Where results and records do not match, nobody can tell whose is whose."""
    words = send_all(inputs(3), lambda batch: answer).words

    told = [result(trace, word) for trace, word in words.items()]
    assert {(one.written, one.reason) for one in told} == {(Written.RETRY, "unclear_answer")}


@pytest.mark.parametrize("part", [None, {}, {"success": None}, {"success": "true"}, {"errors": 3}])
def test_only_a_plain_yes_is_a_yes(part: JSON) -> None:
    """A result that does not say that it went well did not."""
    word = send_all(inputs(1), lambda batch: [part]).words["change-0"]

    assert isinstance(word, Complaint)


class Door:
    """A gateway of which every call ends as prepared."""

    def __init__(self, ends: Iterator[Exception | None]) -> None:
        self.ends, self.calls = ends, 0

    def call(self, *args: object, **options: object) -> JSON:
        """Make one call."""
        self.calls += 1
        if (end := next(self.ends)) is not None:
            raise end

    query = together = call


BUSY = CRMBusyError("no more calls", after=900)
LOCKED = CRMBusyError("locked", reason="locked", after=3)
DOWN = CRMDownError("no answer")


@pytest.mark.parametrize(
    ("ends", "calls"),
    [
        ([BUSY, None], 1),
        ([LOCKED, None], 2),
        ([DOWN, None], 2),
        ([DOWN, DOWN, None], 2),
        ([DOWN, None, DOWN, None], 4),
    ],
    ids=["busy", "locked", "down once", "down twice", "down now and then"],
)
def test_an_org_that_is_busy_or_away_is_left_alone(
    ends: list[Exception | None], calls: int
) -> None:
    """After a limit, or two silences in a row, no further call is made; a lock stops nobody."""
    door = Door(iter(ends))
    once = Considerate(door)  # type: ignore[arg-type]

    failed = [_fails(lambda: once.call("GET", "limits")) for _ in ends]

    assert door.calls == calls
    assert failed[calls:] == [True] * (len(ends) - calls)


def _fails(make: Callable[[], JSON]) -> bool:
    try:
        make()
    except (CRMBusyError, CRMDownError):
        return True
    return False
