"""Writing back to an org: all kinds of change together, each with its own result, within the budget."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.crm.salesforce import write as writing
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.write import write
from connector.errors import CredentialError
from connector.model import Change, WriteResult, Written
from tests.crm.salesforce.orgs import dictionary, owed
from tests.fakes.salesforce import FakeOrg

WORK = r"composite/sobjects"
HOLDS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def ours(org: FakeOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    """The org has what is ours and two contacts, one lead; nobody remembers what was used up."""
    monkeypatch.setattr(writing, "_heard", {})
    org.install_ours()
    org.add("Contact", {"FirstName": "Ana", "LastName": "Prieto"}, id="101")
    org.add("Contact", {"FirstName": "Ben", "LastName": "Ito"}, id="102")
    org.add("Lead", {"LastName": "Lund", "Company": "Norr"}, id="201")


def contact(org: FakeOrg, number: str) -> dict[str, Any]:
    return org.records["Contact"][org.id("Contact", number)]


def crowd(org: FakeOrg, count: int) -> list[Change]:
    """Make contacts 1000… and return a change of each."""
    return [
        owed(org.add("Contact", {"LastName": f"L{n}"}, id=str(1000 + n)), n, views=n)
        for n in range(count)
    ]


def written(results: list[WriteResult]) -> list[Written]:
    return [result.written for result in results]


def calls(org: FakeOrg, part: str = WORK) -> list[tuple[str, str]]:
    return [call for call in org.calls if part in call[1]]


# what arrives


def test_values_arrive_as_salesforce_wants_them(gateway: Gateway, org: FakeOrg) -> None:
    """Texts are cut, times are UTC, lists become text, and what is None becomes empty."""
    ana = org.id("Contact", "101")
    write(gateway, dictionary(), [owed(ana, video_url="https://v/0", last_cta="Book")])
    change = owed(
        ana,
        video_url="https://v/1",
        video_status="ready",
        views=3,
        last_viewed_at="2026-11-21T19:42:11Z",
        video_fallback_slots=["offer", "name"],
        video_variant="x" * 300,
        last_cta=None,
    )

    [result] = write(gateway, dictionary(), [change])

    held = contact(org, "101")
    assert result.written is Written.DONE
    assert held["Cuereel_Video_Url__c"] == "https://v/1"
    assert held["Cuereel_Views__c"] == 3
    assert held["Cuereel_Video_Fallback_Slots__c"] == "offer, name"
    assert held["Cuereel_Video_Variant__c"] == "x" * 255
    assert "Cuereel_Last_Cta__c" not in held
    assert held["FirstName"] == "Ana"


def test_a_lead_gets_the_same_fields(gateway: Gateway, org: FakeOrg) -> None:
    """A lead is written as a contact is, in the same call."""
    lead, ana = org.id("Lead", "201"), org.id("Contact", "101")

    results = write(gateway, dictionary(), [owed(lead, 1, views=1), owed(ana, 2, views=2)])

    assert written(results) == [Written.DONE, Written.DONE]
    assert org.records["Lead"][lead]["Cuereel_Views__c"] == 1
    assert contact(org, "101")["Cuereel_Views__c"] == 2
    assert len(calls(org)) == 1


def test_an_id_of_fifteen_characters_is_the_same_contact(gateway: Gateway, org: FakeOrg) -> None:
    """Two changes of one contact under both of its ids go one after the other."""
    ana = org.id("Contact", "101")

    results = write(gateway, dictionary(), [owed(ana, 1, views=1), owed(ana[:15], 2, views=2)])

    assert written(results) == [Written.DONE, Written.DONE]
    assert contact(org, "101")["Cuereel_Views__c"] == 2


def test_owners_and_other_records_are_not_shuffled_by_our_write(
    gateway: Gateway, org: FakeOrg
) -> None:
    """An update asks for no assignment rules, and asks not to be all or nothing."""
    write(gateway, dictionary(), [owed(org.id("Lead", "201"), views=1)])

    [asked] = [one for one in org.requests if WORK in one.path]
    assert {name.lower(): value for name, value in asked.headers.items()}["sforce-auto-assign"] == "FALSE"  # fmt: skip
    assert b'"allOrNone": false' in asked.body


def test_many_are_written_two_hundred_at_a_time_by_account(gateway: Gateway, org: FakeOrg) -> None:
    """Contacts of one account stand next to one another, so that few calls wait for its lock."""
    accounts = [org.add("Account", {"Name": f"Casa {n}"}, id=str(n)) for n in range(3)]
    changes = crowd(org, 450)
    for n, change in enumerate(changes):
        org.add("Contact", {"AccountId": accounts[n % 3]}, id=change.contact_id)
    random.Random(7).shuffle(changes)

    results = write(gateway, dictionary(), changes)

    assert set(written(results)) == {Written.DONE}
    assert [result.change_id for result in results] == [change.id for change in changes]
    assert len(calls(org)) == 3
    assert len([path for _, path in org.calls if path.endswith("/composite")]) == 1
    order = [
        org.records["Contact"][one]["AccountId"]
        for asked in org.requests
        if WORK in asked.path
        for one in _ids(asked.body)
    ]
    assert sum(a != b for a, b in itertools.pairwise(order)) == 2


def test_accounts_that_cannot_be_asked_for_hold_up_nobody(gateway: Gateway, org: FakeOrg) -> None:
    """To sort by account makes locks rarer and nothing else."""
    changes = crowd(org, 201)
    org.fail(500, path="/composite$")

    assert set(written(write(gateway, dictionary(), changes))) == {Written.DONE}


def _ids(body: bytes) -> list[str]:
    return [record["id"] for record in json.loads(body)["records"]]


# what is refused


@pytest.mark.parametrize(
    ("code", "expected", "reason"),
    [
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Written.REFUSED, "field_custom_validation_exception"),
        ("DUPLICATES_DETECTED", Written.REFUSED, "duplicates_detected"),
        ("STRING_TOO_LONG", Written.REFUSED, "string_too_long"),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", Written.REFUSED, "invalid_or_null_for_restricted_picklist"),
        ("INSUFFICIENT_ACCESS_OR_READONLY", Written.RETRY, "insufficient_access_or_readonly"),
        ("CANNOT_UPDATE_CONVERTED_LEAD", Written.RETRY, "lead_converted"),
        ("ENTITY_IS_DELETED", Written.GONE, "contact_gone"),
    ],
)  # fmt: skip
def test_one_of_two_hundred_does_not_stop_the_others(
    gateway: Gateway, org: FakeOrg, code: str, expected: Written, reason: str
) -> None:
    """What the org has against one record is told of that one, in a sentence without its values."""
    changes = crowd(org, 200)
    bad = changes[77].contact_id
    org.fail_record(
        code, "Secret is bad value: Ana", ("Cuereel_Views__c",),
        where=lambda values: values.get("Cuereel_Views__c") == 77, times=-1,
    )  # fmt: skip

    results = write(gateway, dictionary(), changes)

    told = results.pop(77)
    assert (told.written, told.reason) == (expected, reason)
    assert told.sentence
    assert "Ana" not in told.sentence
    assert set(written(results)) == {Written.DONE}
    assert "Cuereel_Views__c" not in org.records["Contact"][bad]


def test_a_contact_that_is_gone_is_told_so(gateway: Gateway, org: FakeOrg) -> None:
    """Deleted, unknown, or no id at all: there is nothing to write to, and the others are written."""
    deleted = org.id("Contact", "102")
    org.remove("Contact", "102")
    people = [org.id("Contact", "101"), deleted, org.id("Contact", "999"), "no id", ""]

    results = write(gateway, dictionary(), [owed(p, n, views=n) for n, p in enumerate(people)])

    assert written(results) == [Written.DONE, *[Written.GONE] * 4]


def test_a_lock_that_passes_costs_nothing(gateway: Gateway, org: FakeOrg) -> None:
    """A record that somebody else held is tried once more when the others are through."""
    org.fail_record("UNABLE_TO_LOCK_ROW", times=1)
    ana, ben = (org.id("Contact", n) for n in ("101", "102"))

    results = write(gateway, dictionary(), [owed(ana, 1, views=1), owed(ben, 2, views=2)])

    assert written(results) == [Written.DONE, Written.DONE]
    assert contact(org, "101")["Cuereel_Views__c"] == 1


@pytest.mark.parametrize("answer", ["request", "record"])
def test_a_field_that_is_missing_is_left_out_and_told(
    gateway: Gateway, org: FakeOrg, answer: str
) -> None:
    """The rest arrives; the change waits until somebody has installed the field."""
    org.field_errors = answer
    org.hide("Contact", "Cuereel_Views__c")
    ana, ben, lead = org.id("Contact", "101"), org.id("Contact", "102"), org.id("Lead", "201")
    changes = [
        owed(ana, 1, views=1, video_status="ready"),
        owed(ben, 2, video_status="ready"),
        owed(lead, 3, views=3),
    ]

    results = write(gateway, dictionary(), changes)

    assert written(results) == [Written.RETRY, Written.DONE, Written.DONE]
    assert (results[0].reason, results[0].after) == ("field_missing", 600)
    assert "Cuereel_Views__c" in results[0].sentence
    assert contact(org, "101")["Cuereel_Video_Status__c"] == "ready"
    assert contact(org, "102")["Cuereel_Video_Status__c"] == "ready"
    assert org.records["Lead"][lead]["Cuereel_Views__c"] == 3


def test_what_has_no_place_is_called_unsupported(gateway: Gateway, org: FakeOrg) -> None:
    """A strange kind, or words that we do not write, are answered with a sentence and no call."""
    ana = org.id("Contact", "101")
    changes = [Change("change-1", "fax", ana, "k", {}), owed(ana, 2, shoe_size=44)]

    results = write(gateway, dictionary(), changes)

    assert written(results) == [Written.UNSUPPORTED] * 2
    assert all(result.sentence for result in results)
    assert calls(org) == []


# what goes wrong on the way


def test_trouble_in_the_middle_is_about_those_in_it(gateway: Gateway, org: FakeOrg) -> None:
    """Of three calls the second ends in a 500: its two hundred are tried again, and no one else."""
    changes = crowd(org, 450)
    seen: list[int] = []
    original = gateway.call

    def second_fails(method: str, path: str, *args: Any, **options: Any) -> Any:
        if method == "PATCH":
            seen.append(1)
            if len(seen) == 2:
                org.fail(500, path=WORK)
        return original(method, path, *args, **options)

    gateway.call = second_fails  # type: ignore[method-assign]
    results = write(gateway, dictionary(), changes)

    told = written(results)
    assert (told.count(Written.DONE), told.count(Written.RETRY)) == (250, 200)
    held = ["Cuereel_Views__c" in org.records["Contact"][change.contact_id] for change in changes]
    assert held == [one is Written.DONE for one in told]


def test_an_answer_that_is_lost_is_no_success(gateway: Gateway, org: FakeOrg) -> None:
    """Done but not told is to be tried again, which changes nothing more."""
    org.drop(path=WORK, after_work=True)
    change = owed(org.id("Contact", "101"), views=1)

    assert written(write(gateway, dictionary(), [change])) == [Written.RETRY]
    assert contact(org, "101")["Cuereel_Views__c"] == 1
    assert written(write(gateway, dictionary(), [change])) == [Written.DONE]


def test_a_page_instead_of_an_answer_is_no_success(gateway: Gateway, org: FakeOrg) -> None:
    """A page of HTML with 200, as proxies give, says nothing about what was written."""
    org.nonsense(path=WORK)

    [result] = write(gateway, dictionary(), [owed(org.id("Contact", "101"), views=1)])

    assert (result.written, result.reason) == (Written.RETRY, "crm_down")
    assert "Cuereel_Views__c" not in contact(org, "101")


def test_an_org_that_is_busy_is_not_asked_again(gateway: Gateway, org: FakeOrg) -> None:
    """After the first refusal for too many calls, all others wait as long, without a call."""
    changes = [
        *crowd(org, 450),
        Change("note", "note", org.id("Contact", "101"), "n", {"body": "x"}),
    ]
    org.fail(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}], path="composite", times=-1)  # fmt: skip

    results = write(gateway, dictionary(), changes)

    assert set(written(results)) == {Written.RETRY}
    assert {result.after for result in results} == {900}
    assert len(org.calls) == 1


def test_an_org_that_is_away_is_asked_twice(gateway: Gateway, org: FakeOrg) -> None:
    """Ten time-outs of minutes each would keep all others of this connection waiting."""
    changes = crowd(org, 1000)
    org.fail(503, "", path="composite", times=-1)

    results = write(gateway, dictionary(), changes)

    assert set(written(results)) == {Written.RETRY}
    assert len(org.calls) == 2


def test_an_org_that_locks_us_out_is_told_to_whoever_asked(gateway: Gateway, org: FakeOrg) -> None:
    """Nothing is lost: the caller parks all of it until an admin connects the org again."""
    org.revoke()

    with pytest.raises(CredentialError):
        write(gateway, dictionary(), [owed(org.id("Contact", "101"), views=1)])


@HOLDS
@given(data=st.data())
def test_any_mixture_keeps_order_and_one_result_each(
    gateway: Gateway, org: FakeOrg, data: st.DataObject
) -> None:
    """Whatever is owed and whatever goes wrong, each change is answered once, in its place."""
    org.heal()
    people = [org.id("Contact", "101"), org.id("Contact", "102"), org.id("Lead", "201")]
    people += [org.id("Contact", "999"), "no id"]
    kinds = ("property", "video_row", "view_row", "note", "task", "list_member", "callback", "fax")
    drawn = data.draw(
        st.lists(st.tuples(st.sampled_from(kinds), st.sampled_from(people)), max_size=12)
    )
    changes = [
        Change(
            f"c{n}", kind, who, f"key-{n % 4}", {"views": n, "video_status": "ready", "body": "x"}
        )
        for n, (kind, who) in enumerate(drawn)
    ]
    for code in data.draw(st.lists(st.sampled_from(["UNABLE_TO_LOCK_ROW", "ENTITY_IS_DELETED", "STRING_TOO_LONG"]), max_size=2)):  # fmt: skip
        org.fail_record(code, object=data.draw(st.sampled_from(["Contact", "Task", "Cuereel_Video__c"])))  # fmt: skip
    if data.draw(st.booleans()):
        org.fail(500, path=WORK)

    results = write(gateway, dictionary(), changes)

    assert [result.change_id for result in results] == [change.id for change in changes]
    assert all(result.sentence for result in results if result.written is not Written.DONE)


# the budget of the day


def budgeted(org: FakeOrg) -> list[Change]:
    ana, ben = org.id("Contact", "101"), org.id("Contact", "102")
    request = org.add("Cuereel_Request__c", {"Contact__c": ana})
    return [
        owed(ana, 1, views=1),
        owed(ben, 2, video_url="https://v/2"),
        Change("row", "video_row", ana, "video-1", {"video_status": "ready"}),
        Change("task", "task", ana, "task-1", {"subject": "Call Ana"}),
        Change("told", "callback", ana, request, {"state": "done"}),
    ]


def test_when_calls_run_short_only_what_is_waited_for_is_written(
    gateway: Gateway, org: FakeOrg
) -> None:
    """Links, tasks and answers go on; metrics and rows wait, with the reason."""
    changes = budgeted(org)
    org.api_used, org.api_limit = 81_000, 100_000
    gateway.call("GET", "limits")

    results = write(gateway, dictionary(), changes)

    later, done = Written.RETRY, Written.DONE
    assert written(results) == [later, done, later, done, done]
    assert {(one.reason, one.after) for one in results if one.written is later} == {("api_budget", 900)}  # fmt: skip
    assert "Cuereel_Views__c" not in contact(org, "101")


def test_while_calls_are_plenty_all_is_written(gateway: Gateway, org: FakeOrg) -> None:
    """Below the share that the operator allows nothing waits."""
    changes = budgeted(org)
    org.api_used, org.api_limit = 50_000, 100_000
    gateway.call("GET", "limits")

    assert set(written(write(gateway, dictionary(), changes))) == {Written.DONE}


def test_after_a_while_somebody_looks_whether_it_goes_on(gateway: Gateway, org: FakeOrg) -> None:
    """What waits makes no calls, so after a quarter of an hour one write finds out for all."""
    change = owed(org.id("Contact", "101"), views=1)
    org.api_used, org.api_limit = 81_000, 100_000
    gateway.call("GET", "limits")
    before = len(org.calls)
    first = write(gateway, dictionary(), [change])
    [(org_key, heard)] = writing._heard.items()
    writing._heard[org_key] = writing._Heard(heard.used, heard.at - 901, heard.call)
    org.api_used = 10

    second = write(gateway, dictionary(), [change])

    assert (written(first), written(second)) == ([Written.RETRY], [Written.DONE])
    assert len(org.calls) == before + 1
