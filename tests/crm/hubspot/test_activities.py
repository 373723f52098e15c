"""Notes and tasks for the owner: each stands on the contact once, however often it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.crm.hubspot.activities import mark_of
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.write import write
from connector.model import Change, Written
from tests.crm.hubspot.portals import dictionary
from tests.fakes.hubspot import FakeHubSpot, serving


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal with a contact that has an owner, and one that has none."""
    with serving(FakeHubSpot()) as made:
        made.add_owner("41", "bo@casa-verde.example", "Bo", "Ruiz")
        made.add("contacts", {"firstname": "Ana", "hubspot_owner_id": "41"}, id="101")
        made.add("contacts", {"firstname": "Ben"}, id="102")
        yield made


def activity(kind: str, contact: str = "101", key: str = "video-1", **values: Any) -> Change:
    told = {"subject": "Ana watched", "body": "<p>80 % of it</p>", **values}
    return Change(f"{kind}-{contact}-{key}", kind, contact, key, told)


def posts(fake: FakeHubSpot, part: str) -> int:
    return sum(part in path for _, path in fake.calls)


def test_a_task_is_made_for_the_contacts_owner(gateway: Gateway, fake: FakeHubSpot) -> None:
    """It is open, of middling urgency, due when we say, and tied to the contact."""
    change = activity("task", due_at="2026-11-23T09:00:00+01:00")

    [result] = write(gateway, dictionary(), [change])

    [(task, held)] = fake.records["tasks"].items()
    assert result.written is Written.DONE
    assert held["hubspot_owner_id"] == "41"
    assert held["hs_task_subject"] == "Ana watched"
    assert held["hs_task_body"] == f"<p>80 % of it</p><p>Ref cuereel:{mark_of(change)}</p>"
    assert held["hs_timestamp"] == "2026-11-23T08:00:00Z"
    assert (held["hs_task_status"], held["hs_task_priority"], held["hs_task_type"]) == (
        "NOT_STARTED",
        "MEDIUM",
        "TODO",
    )
    assert task in fake.links["contacts", "101"]["tasks"]
    assert 204 in fake.links["tasks", task]["contacts"]["101"]


def test_a_note_begins_with_its_subject(gateway: Gateway, fake: FakeHubSpot) -> None:
    """A note has no subject of its own, and what stands in ours is no markup."""
    write(gateway, dictionary(), [activity("note", subject="Ana <3 & you", owner_id="77")])

    [(note, held)] = fake.records["notes"].items()
    assert held["hs_note_body"].startswith("<p><strong>Ana &lt;3 &amp; you</strong></p><p>80 %")
    assert held["hubspot_owner_id"] == "77"
    assert held["hs_timestamp"]
    assert 202 in fake.links["notes", note]["contacts"]["101"]


@pytest.mark.parametrize("kind", ["note", "task"])
def test_it_stands_there_once_however_often_it_is_written(
    gateway: Gateway, fake: FakeHubSpot, kind: str
) -> None:
    """Writing it again brings its words up to date; another key is another one."""
    for body in ("first", "second", "third"):
        write(gateway, dictionary(), [activity(kind, body=body)])
    write(gateway, dictionary(), [activity(kind, key="video-2")])

    bodies = sorted(held[f"hs_{kind}_body"] for held in fake.records[f"{kind}s"].values())
    assert len(bodies) == 2
    assert "third" in bodies[1]


def test_an_answer_that_was_lost_does_not_make_a_second_one(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """HubSpot made it and then the line broke: the second try finds it."""
    fake.drop(path="tasks/batch/create", after_work=True)

    first = write(gateway, dictionary(), [activity("task")])
    second = write(gateway, dictionary(), [activity("task")])

    assert [first[0].written, second[0].written] == [Written.RETRY, Written.DONE]
    assert len(fake.records["tasks"]) == 1


def test_two_under_one_key_in_one_write_are_one(gateway: Gateway, fake: FakeHubSpot) -> None:
    """The later one counts, and both changes are done."""
    one = activity("note", body="old")
    two = Change("note-later", "note", "101", "video-1", {"subject": "s", "body": "new"})

    results = write(gateway, dictionary(), [one, two])

    assert [result.written for result in results] == [Written.DONE, Written.DONE]
    [held] = fake.records["notes"].values()
    assert "new" in held["hs_note_body"]


def test_what_a_colleague_changed_stays_as_they_left_it(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """A task that is done and was handed on is not opened again or taken back."""
    write(gateway, dictionary(), [activity("task")])
    [task] = fake.records["tasks"]
    fake.change("tasks", task, {"hs_task_status": "COMPLETED", "hubspot_owner_id": "42"})

    write(gateway, dictionary(), [activity("task", body="more")])

    held = fake.records["tasks"][task]
    assert (held["hs_task_status"], held["hubspot_owner_id"]) == ("COMPLETED", "42")
    assert "more" in held["hs_task_body"]


def test_a_contact_that_is_gone_does_not_stop_the_others(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """Nobody's task is made for a contact that does not exist; one without owner gets its task."""
    fake.remove("contacts", "101")

    results = write(gateway, dictionary(), [activity("task", "101"), activity("task", "102")])

    assert [one.written for one in results] == [Written.GONE, Written.DONE]
    [held] = fake.records["tasks"].values()
    assert "hubspot_owner_id" not in held


def test_a_hundred_tasks_are_a_few_calls(gateway: Gateway, fake: FakeHubSpot) -> None:
    """Owners, what is there, and the tasks themselves: one call each."""
    for number in range(100):
        fake.add("contacts", {}, id=str(1000 + number))
    before = len(fake.calls)
    results = write(gateway, dictionary(), [activity("task", str(1000 + n)) for n in range(100)])

    assert {one.written for one in results} == {Written.DONE}
    assert len(fake.records["tasks"]) == 100
    assert len(fake.calls) - before == 3


def test_ours_is_found_among_many_pages_of_others(gateway: Gateway, fake: FakeHubSpot) -> None:
    """The newest hundred are looked through, though HubSpot lists associations page by page."""
    fake.association_page = 40
    for number in range(150):
        note = fake.add("notes", {"hs_note_body": f"call {number}"})
        fake.associate("contacts", "101", "notes", note)
    for _ in range(2):
        write(gateway, dictionary(), [activity("note")])

    assert len(fake.records["notes"]) == 151


def test_a_task_that_is_deleted_while_we_look_is_made_again(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """The contact is not thought gone because its task is."""
    write(gateway, dictionary(), [activity("task")])
    [task] = fake.records["tasks"]
    said = {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": [task]}}
    fake.fail(207, {"results": [], "numErrors": 1, "errors": [said]}, path="tasks/batch/update")

    [result] = write(gateway, dictionary(), [activity("task")])
    fake.remove("tasks", task)
    [again] = write(gateway, dictionary(), [activity("task")])

    assert (result.written, result.reason) == (Written.RETRY, "activity_gone")
    assert again.written is Written.DONE
    assert len(fake.records["tasks"]) == 1


def test_a_busy_portal_loses_nothing(gateway: Gateway, fake: FakeHubSpot) -> None:
    """Where even looking is refused, each is to be tried again, and nothing more is asked."""
    fake.fail(
        429, {"policyName": "TEN_SECONDLY_ROLLING"}, {"Retry-After": "5"}, path="associations"
    )

    results = write(gateway, dictionary(), [activity("note"), activity("task", "102")])

    assert {(one.written, one.after) for one in results} == {(Written.RETRY, 5.0)}
    assert posts(fake, "batch/create") == 0
    assert posts(fake, "tasks") == 0


def test_a_missing_scope_refuses_without_an_error(gateway: Gateway, fake: FakeHubSpot) -> None:
    """Where HubSpot does not let us read what is there, the change is refused with a sentence."""
    fake.fail(403, {"category": "MISSING_SCOPES", "message": "no"}, path="associations")

    [result] = write(gateway, dictionary(), [activity("note")])

    assert (result.written, result.reason) == (Written.REFUSED, "missing_scopes")


def test_a_text_without_end_is_cut_before_its_reference(
    gateway: Gateway, fake: FakeHubSpot
) -> None:
    """What makes it findable is never what is cut off."""
    for _ in range(2):
        write(gateway, dictionary(), [activity("note", body="x" * 70_000)])

    [held] = fake.records["notes"].values()
    assert len(held["hs_note_body"]) == 65_536
    assert held["hs_note_body"].endswith("</p>")
