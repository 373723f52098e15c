"""Erasing takes everything of ours off one person, and nothing else."""

from __future__ import annotations

import pytest

from connector.crm.salesforce.erasing import erase
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.kept import described
from connector.crm.salesforce.write import write
from connector.errors import CredentialError, PermanentError, TemporaryError
from connector.model import Change
from tests.crm.salesforce.orgs import dictionary, owed
from tests.fakes.salesforce import FakeOrg

VIDEO, VIEW, REQUEST = "Cuereel_Video__c", "Cuereel_Video_View__c", "Cuereel_Request__c"


def fill(gateway: Gateway, org: FakeOrg, person: str) -> None:
    """Write everything that we ever write about a person."""
    lookup = "Lead__c" if person.startswith("00Q") else "Contact__c"
    org.add(REQUEST, {lookup: person, "Campaign__c": "onboarding"})
    changes = [
        owed(person, 1, views=1, video_url="https://v/1", tracking_consent="granted"),
        Change("c2", "video_row", person, f"video-{person}", {"video_status": "ready"}),
        Change("c3", "view_row", person, f"view-{person}", {"video_id": f"video-{person}"}),
        Change("c4", "note", person, "n", {"body": "A note"}),
        Change("c5", "task", person, "t", {"body": "A task"}),
    ]
    assert {str(result.written) for result in write(gateway, dictionary(), changes)} == {"done"}


def ours(org: FakeOrg, person: str) -> dict[str, int]:
    """Count what is ours about a person."""
    name = "Lead" if person.startswith("00Q") else "Contact"
    fields = sum(key.startswith("Cuereel_") for key in org.records[name].get(person, {}))
    held = {
        one: sum(person in values.values() for values in org.records[one].values())
        for one in (VIDEO, VIEW, REQUEST)
        if one in org.objects
    }
    texts = [
        str(values.get("Description"))
        for values in org.records["Task"].values()
        if values.get("WhoId") == person
    ]
    return {"fields": fields, **held, "tasks": sum("Ref cuereel:" in text for text in texts)}


@pytest.fixture
def people(org: FakeOrg, gateway: Gateway) -> tuple[str, str, str]:
    """Two contacts and a lead, about all of whom everything was written."""
    org.install_ours()
    found = (
        org.add("Contact", {"FirstName": "Ana", "LastName": "Prieto"}, id="101"),
        org.add("Contact", {"LastName": "Ito"}, id="102"),
        org.add("Lead", {"LastName": "Lund", "Company": "Norr"}, id="201"),
    )
    for person in found:
        fill(gateway, org, person)
    return found


@pytest.mark.parametrize("place", [0, 2], ids=["contact", "lead"])
def test_everything_of_ours_goes_and_nothing_else(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str], place: int
) -> None:
    """Fields, rows, requests, notes and tasks go; the person, others' tasks and others stay."""
    person, other = people[place], people[1]
    org.add("Task", {"WhoId": person, "Subject": "Theirs", "Description": "Call her"})
    before = ours(org, other)
    assert all(ours(org, person).values())

    erase(gateway, dictionary(), person)

    assert set(ours(org, person).values()) == {0}
    assert ours(org, other) == before
    assert [v["Subject"] for v in org.records["Task"].values() if v.get("WhoId") == person] == ["Theirs"]  # fmt: skip
    assert "LastName" in org.records["Lead" if place else "Contact"][person]


def test_erasing_twice_is_no_mistake(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """What is gone is as good as erased, under either form of the id."""
    erase(gateway, dictionary(), people[0][:15])
    erase(gateway, dictionary(), people[0])

    assert set(ours(org, people[0]).values()) == {0}


def test_a_person_who_is_gone_leaves_no_rows(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """The org lets rows of a deleted contact point to nobody; they still say in text whom they are about."""
    for name in (VIDEO, VIEW, REQUEST):
        for key, values in list(org.records[name].items()):
            if values.get("Contact__c"):
                org.add(name, {"Person_Id__c": values["Contact__c"]}, id=key)
    merged = {"Key__c": "merged", "Contact__c": people[1], "Person_Id__c": people[0]}
    kept = org.add(VIDEO, merged)
    org.remove("Contact", people[0])

    erase(gateway, dictionary(), people[0])

    for name in (VIDEO, VIEW, REQUEST):
        left = {k for k, v in org.records[name].items() if v.get("Person_Id__c") == people[0]}
        assert left == ({kept} if name == VIDEO else set())


@pytest.mark.parametrize("person", ["0035e0000000999AAA", "42", ""])
def test_somebody_unknown_is_no_mistake(gateway: Gateway, org: FakeOrg, person: str) -> None:
    """There is nothing of ours about whom the org does not know, package or not."""
    erase(gateway, dictionary(), person)
    org.install_ours()
    erase(gateway, dictionary(), person)


def test_what_is_not_installed_is_skipped(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """An org without the second layer, or without some of our fields, is erased all the same."""
    for name in (VIEW, VIDEO, REQUEST):
        org.undefine(name)
    org.undefine("Contact", "Cuereel_Views__c")

    erase(gateway, dictionary(), people[0])

    assert set(ours(org, people[0]).values()) == {0}


def test_what_was_installed_just_now_is_erased_too(gateway: Gateway, org: FakeOrg) -> None:
    """What the org had ten minutes ago is not what counts."""
    assert not described(gateway, VIDEO).known
    ana = org.add("Contact", {"LastName": "Prieto"}, id="101")
    described(gateway, "Contact")
    org.install_ours()
    fill(gateway, org, ana)

    erase(gateway, dictionary(), ana)

    assert set(ours(org, ana).values()) == {0}


def test_more_rows_than_fit_one_call_go(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """Two hundred go at a time."""
    for n in range(450):
        org.add(VIEW, {"Key__c": f"many-{n}", "Contact__c": people[0]})

    erase(gateway, dictionary(), people[0])

    assert ours(org, people[0])[VIEW] == 0
    assert len([1 for method, _ in org.calls if method == "DELETE"]) >= 3


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "GET"])
def test_what_did_not_work_is_tried_again(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str], method: str
) -> None:
    """An erasure that was cut short is not said to be done, and a second one ends it."""
    org.fail(500, path="composite/sobjects|query", method=method)

    with pytest.raises(TemporaryError):
        erase(gateway, dictionary(), people[0])

    org.heal()
    erase(gateway, dictionary(), people[0])
    assert set(ours(org, people[0]).values()) == {0}


def test_a_row_that_may_not_be_deleted_is_told(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """All else goes, and the admin reads what to do."""
    org.fail_record("INSUFFICIENT_ACCESS_OR_READONLY", object=VIDEO, times=-1)

    with pytest.raises(PermanentError, match="permission set"):
        erase(gateway, dictionary(), people[0])

    left = ours(org, people[0])
    assert left.pop(VIDEO) == 1
    assert set(left.values()) == {0}


def test_fields_that_cannot_be_emptied_do_not_keep_the_rest(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """A validation rule that refuses the contact does not keep its rows and tasks."""
    org.fail_record("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Ana must have a video", times=-1)

    with pytest.raises(PermanentError) as caught:
        erase(gateway, dictionary(), people[0])

    assert "Ana" not in caught.value.sentence
    left = ours(org, people[0])
    assert left.pop("fields")
    assert set(left.values()) == {0}


def test_a_field_that_we_may_not_edit_is_told(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """A value that stays on the contact is never passed over in silence."""
    org.fail_record(
        "INVALID_FIELD_FOR_INSERT_UPDATE", fields=("Cuereel_Views__c",),
        where=lambda values: "Cuereel_Views__c" in values, times=1,
    )  # fmt: skip

    with pytest.raises(PermanentError, match="Cuereel_Views__c"):
        erase(gateway, dictionary(), people[0])

    assert ours(org, people[0])["fields"] == 1


def test_an_org_that_locked_us_out_is_not_erased(
    gateway: Gateway, org: FakeOrg, people: tuple[str, str, str]
) -> None:
    """Whoever asked for it learns that the org must be connected again."""
    org.revoke()

    with pytest.raises(CredentialError):
        erase(gateway, dictionary(), people[0])
