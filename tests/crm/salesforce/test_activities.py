"""Notes and tasks for the owner: each stands on the person once, however often it is written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from connector.crm.salesforce import activities
from connector.crm.salesforce.activities import mark_of
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.write import write
from connector.model import Change, Written
from tests.crm.salesforce.orgs import dictionary
from tests.fakes.salesforce import FakeOrg

WORK = "composite/sobjects"


@pytest.fixture(autouse=True)
def people(org: FakeOrg) -> None:
    """A contact and a lead that have owners, and a lead that waits in a queue."""
    org.add("User", {"Username": "bo@casa-verde.example", "LastName": "Ruiz"}, id="41")
    org.add("Contact", {"LastName": "Prieto", "OwnerId": org.id("User", "41")}, id="101")
    org.add("Contact", {"LastName": "Ito", "OwnerId": org.id("User", "41")}, id="102")
    org.add(
        "Lead", {"LastName": "Lund", "Company": "Norr", "OwnerId": org.id("User", "41")}, id="201"
    )


def activity(
    org: FakeOrg, kind: str, who: str = "101", key: str = "video-1", **values: Any
) -> Change:
    told = {"subject": "Ana watched", "body": "<p>80 % of it</p>", **values}
    name = "Lead" if who.startswith("2") else "Contact"
    return Change(f"{kind}-{who}-{key}", kind, org.id(name, who), key, told)


def tasks(org: FakeOrg) -> list[dict[str, Any]]:
    return list(org.records["Task"].values())


def test_a_task_is_made_for_the_contacts_owner(gateway: Gateway, org: FakeOrg) -> None:
    """It is open, due when we say, tied to the contact, and says where it comes from."""
    change = activity(org, "task", due_at="2026-11-23T00:30:00+01:00")

    [result] = write(gateway, dictionary(), [change])

    [held] = tasks(org)
    assert result.written is Written.DONE
    assert held["WhoId"] == org.id("Contact", "101")
    assert held["OwnerId"] == org.id("User", "41")
    assert held["Subject"] == "Ana watched"
    assert held["Description"] == f"80 % of it\n\nRef cuereel:{mark_of(change)}"
    assert (held["Status"], held["Priority"]) == ("Not Started", "Normal")
    assert str(held["ActivityDate"]) == "2026-11-22"


def test_a_note_is_a_task_that_is_done(gateway: Gateway, org: FakeOrg) -> None:
    """It stands on the timeline of today, nobody has to do anything, and links are kept."""
    body = '<p><a href="https://v.example/w/1?a=1&amp;b=2">Watch it</a></p>'
    with time_machine.travel(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), tick=True):
        write(gateway, dictionary(), [activity(org, "note", "201", body=body)])

    [held] = tasks(org)
    assert held["Status"] == "Completed"
    assert held["WhoId"] == org.id("Lead", "201")
    assert held["Description"].startswith("Watch it: https://v.example/w/1?a=1&b=2\n")
    assert str(held["ActivityDate"]) == "2026-11-22"


@pytest.mark.parametrize("kind", ["note", "task"])
def test_it_stands_there_once_however_often_it_is_written(
    gateway: Gateway, org: FakeOrg, kind: str
) -> None:
    """Writing it again brings its words up to date; another key is another one."""
    for body in ("first", "second", "third"):
        write(gateway, dictionary(), [activity(org, kind, body=body)])
    write(gateway, dictionary(), [activity(org, kind, key="video-2")])

    texts = sorted(held["Description"] for held in tasks(org))
    assert len(texts) == 2
    assert "third" in texts[1]


def test_two_under_one_key_are_one(gateway: Gateway, org: FakeOrg) -> None:
    """Of two in one write the later one counts, and both are done."""
    first, second = activity(org, "task", body="first"), activity(org, "task", body="second")
    second = Change("later", second.kind, second.contact_id, second.key, second.values)

    results = write(gateway, dictionary(), [first, second])

    assert [result.written for result in results] == [Written.DONE, Written.DONE]
    [held] = tasks(org)
    assert "second" in held["Description"]


def test_what_a_colleague_changed_stays(gateway: Gateway, org: FakeOrg) -> None:
    """Owner, state and day are theirs once it is there."""
    write(gateway, dictionary(), [activity(org, "task", due_at="2026-11-23T09:00:00Z")])
    [task] = org.records["Task"]
    org.add("Task", {"Status": "Completed", "OwnerId": org.admin_id}, id=task)

    write(gateway, dictionary(), [activity(org, "task", body="again")])

    held = org.records["Task"][task]
    assert (held["Status"], held["OwnerId"]) == ("Completed", org.admin_id)
    assert str(held["ActivityDate"]) == "2026-11-23"
    assert "again" in held["Description"]


def test_what_others_wrote_is_not_taken_for_ours(gateway: Gateway, org: FakeOrg) -> None:
    """A task with another text, or of another person, is left alone."""
    ana, ben = org.id("Contact", "101"), org.id("Contact", "102")
    mark = mark_of(activity(org, "task"))
    org.add("Task", {"WhoId": ana, "Subject": "Ana watched", "Description": "80 % of it"})
    org.add("Task", {"WhoId": ben, "Subject": "Ben", "Description": f"Ref cuereel:{mark}"})

    write(gateway, dictionary(), [activity(org, "task")])

    assert len(tasks(org)) == 3
    assert [held["Subject"] for held in tasks(org)].count("Ana watched") == 2


def test_an_owner_of_our_choice_wins(gateway: Gateway, org: FakeOrg) -> None:
    """The campaign's owner takes the place of the contact's; what is no user is not sent."""
    boss, queue = org.admin_id, "00G5e0000000001AAA"
    changes = [
        activity(org, "task", key="a", owner_id=boss),
        activity(org, "task", key="b", owner_id=queue),
    ]

    results = write(gateway, dictionary(), changes)

    assert {result.written for result in results} == {Written.DONE}
    assert sorted(held.get("OwnerId", "") for held in tasks(org)) == sorted([boss, org.user_id])


@pytest.mark.parametrize("code", ["INACTIVE_OWNER_OR_USER", "INVALID_CROSS_REFERENCE_KEY"])
def test_an_owner_who_left_does_not_keep_the_task_back(
    gateway: Gateway, org: FakeOrg, code: str
) -> None:
    """Then it is made for Cuereel's own user, rather than not at all."""
    org.fail_record(
        code, fields=("OwnerId",), object="Task", where=lambda v: "OwnerId" in v, times=1
    )

    [result] = write(gateway, dictionary(), [activity(org, "task")])

    assert result.written is Written.DONE
    [held] = tasks(org)
    assert held.get("OwnerId") != org.id("User", "41")


def test_nobody_who_is_gone_gets_a_task(gateway: Gateway, org: FakeOrg) -> None:
    """A contact that is gone is told so; the others get theirs."""
    org.remove("Contact", "102")
    changes = [
        activity(org, "task", "101"),
        activity(org, "task", "102"),
        activity(org, "note", "201"),
        Change("odd", "task", "no id", "k", {"subject": "x"}),
    ]

    results = write(gateway, dictionary(), changes)

    done, gone = Written.DONE, Written.GONE
    assert [result.written for result in results] == [done, gone, done, gone]
    assert len(tasks(org)) == 2


def test_a_task_that_was_deleted_meanwhile_is_made_again(gateway: Gateway, org: FakeOrg) -> None:
    """That the task is gone does not mean that the person is."""
    write(gateway, dictionary(), [activity(org, "task")])
    org.fail_record("ENTITY_IS_DELETED", object="Task", times=1)

    [result] = write(gateway, dictionary(), [activity(org, "task", body="again")])

    assert (result.written, result.reason) == (Written.RETRY, "activity_gone")


def test_an_answer_that_was_lost_makes_no_second_task(gateway: Gateway, org: FakeOrg) -> None:
    """What was made and not told is found when it is tried again."""
    org.drop(path=WORK, after_work=True)
    change = activity(org, "task")

    [first] = write(gateway, dictionary(), [change])
    [second] = write(gateway, dictionary(), [change])

    assert (first.written, second.written) == (Written.RETRY, Written.DONE)
    assert len(tasks(org)) == 1


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(500, "UNKNOWN_EXCEPTION", Written.RETRY), (400, "INVALID_TYPE", Written.REFUSED),
     (403, "INSUFFICIENT_ACCESS", Written.RETRY)],
)  # fmt: skip
def test_where_it_cannot_be_looked_for_none_is_made(
    gateway: Gateway, org: FakeOrg, status: int, code: str, expected: Written
) -> None:
    """Without knowing what stands there a second one could come to be."""
    org.fail(status, [{"errorCode": code, "message": "prepared"}], path="query", times=-1)

    [result] = write(gateway, dictionary(), [activity(org, "task")])

    assert result.written is expected
    assert result.sentence
    assert tasks(org) == []


def test_leads_that_cannot_be_seen_do_not_hold_up_contacts(gateway: Gateway, org: FakeOrg) -> None:
    """Each object is asked for by itself."""
    org.hide("Lead")

    results = write(gateway, dictionary(), [activity(org, "task", "201"), activity(org, "task")])

    assert results[0].written is not Written.DONE
    assert results[1].written is Written.DONE


def test_ours_is_found_behind_many_others(
    gateway: Gateway, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the newest tasks of all do not fit, fewer people are asked for at once."""
    monkeypatch.setattr(activities, "NEWEST", 4)
    change = activity(org, "task", "101")
    write(gateway, dictionary(), [change])
    later = datetime.now(UTC) + timedelta(hours=1)
    for n in range(4):
        org.add("Task", {"WhoId": org.id("Contact", "102"), "Subject": f"Other {n}"}, at=later)

    write(gateway, dictionary(), [change, activity(org, "task", "102")])

    assert len(tasks(org)) == 6


def test_a_long_text_keeps_its_reference(gateway: Gateway, org: FakeOrg) -> None:
    """The text is cut so that it fits, and the reference still stands at its end."""
    change = activity(org, "note", body="x" * 40_000, subject="s" * 300)

    [result] = write(gateway, dictionary(), [change])

    [held] = tasks(org)
    assert result.written is Written.DONE
    assert len(held["Description"]) == 32_000
    assert held["Description"].endswith(f"Ref cuereel:{mark_of(change)}")
    assert len(held["Subject"]) == 255


@pytest.mark.parametrize("due", ["soon", 7, None, ""])
def test_a_day_that_is_none_is_today(gateway: Gateway, org: FakeOrg, due: Any) -> None:
    """A task without a day would not stand in anybody's list."""
    with time_machine.travel(datetime(2026, 11, 22, 12, 0, tzinfo=UTC), tick=True):
        write(gateway, dictionary(), [activity(org, "task", due_at=due)])

    [held] = tasks(org)
    assert str(held["ActivityDate"]) == "2026-11-22"


def test_a_task_without_its_reference_is_not_made(gateway: Gateway, org: FakeOrg) -> None:
    """Where the text may not be written nothing could be found again, so it waits for an admin."""
    org.fail_record(
        "INVALID_FIELD_FOR_INSERT_UPDATE", fields=("Description",), object="Task", times=1
    )

    [result] = write(gateway, dictionary(), [activity(org, "task")])

    assert (result.written, result.reason) == (Written.RETRY, "field_missing")
    assert tasks(org) == []
