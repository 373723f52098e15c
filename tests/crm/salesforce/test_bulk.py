"""Bulk jobs of an org: the file that goes in, how a job is followed, and what comes out."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.crm import BulkState
from connector.crm.salesforce import bulk as module
from connector.crm.salesforce.bulk import SalesforceBulk
from connector.crm.salesforce.gateway import Gateway
from connector.errors import CRMDownError, PermanentError
from connector.model import Change, WriteResult, Written
from tests.crm.salesforce.orgs import dictionary
from tests.fakes.salesforce import FakeOrg

VIDEO, VIEW = "Cuereel_Video__c", "Cuereel_Video_View__c"
URL = "Cuereel_Video_Url__c"


@pytest.fixture
def bulk(org: FakeOrg, gateway: Gateway) -> SalesforceBulk:
    """The Bulk API of an org that has what is ours, five contacts and a lead."""
    org.install_ours()
    for number in range(101, 106):
        org.add("Contact", {"LastName": f"Prieto {number}"}, id=str(number))
    org.add("Lead", {"LastName": "Lund", "Company": "Norr"}, id="201")
    return SalesforceBulk(gateway, dictionary())


def fields(org: FakeOrg, number: int, **values: Any) -> Change:
    contact = org.id("Contact", str(number))
    return Change(f"change-{number}", "property", contact, contact, values)


def video(org: FakeOrg, number: int, **values: Any) -> Change:
    return Change(
        f"row-{number}", "video_row", org.id("Contact", str(number)), f"v{number}", values
    )


def run(bulk: SalesforceBulk, *changes: Change) -> dict[str, WriteResult]:
    """See one job through; return the result of each change by its identity."""
    lot = bulk.lot(changes[0])
    ticket = bulk.open(lot)
    bulk.send(ticket, lot, changes)
    states = [bulk.state(ticket) for _ in range(3)]
    assert states == [BulkState.RUNNING, BulkState.RUNNING, BulkState.DONE]
    return dict(bulk.results(ticket, lot))


def sent(org: FakeOrg) -> list[dict[str, str]]:
    """Return the rows of the last file."""
    content = list(org.jobs.values())[-1].content
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_fields_of_many_contacts_are_written_in_one_job(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """Each contact has its own values, and each its own result."""
    changes = [fields(org, n, video_url=f"https://v/{n}", views=n) for n in (101, 102, 103)]
    results = run(bulk, *changes)
    assert set(results) == {bulk.identity(change) for change in changes}
    assert {result.written for result in results.values()} == {Written.DONE}
    held = org.records["Contact"][org.id("Contact", "102")]
    assert (held[URL], held["Cuereel_Views__c"]) == ("https://v/102", 102)


def test_a_lot_is_the_object_that_is_written_to(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """Contacts, leads and rows do not mix; what needs more than fields goes by `write`."""
    lead = org.id("Lead", "201")
    assert bulk.lot(fields(org, 101)) == "Contact"
    assert bulk.lot(Change("1", "property", lead, lead, {})) == "Lead"
    assert bulk.lot(video(org, 101)) == VIDEO
    assert bulk.lot(Change("1", "view_row", lead, "s1", {})) == VIEW
    for kind in ("task", "note", "callback", "list_member"):
        assert bulk.lot(Change("1", kind, lead, "k", {})) == ""
    assert bulk.lot(Change("1", "property", "hubspot-17", "hubspot-17", {})) == ""


def test_empty_is_emptied_and_what_is_not_named_stays(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """A None empties the field; a field of another row's is left as it is."""
    org.add("Contact", {URL: "https://v/old", "Cuereel_Views__c": 4}, id="101")
    org.add("Contact", {URL: "https://v/old", "Cuereel_Views__c": 4}, id="102")
    run(bulk, fields(org, 101, video_url=None), fields(org, 102, views=5))
    first, second = (org.records["Contact"][org.id("Contact", n)] for n in ("101", "102"))
    assert (first.get(URL), first["Cuereel_Views__c"]) == (None, 4)
    assert (second[URL], second["Cuereel_Views__c"]) == ("https://v/old", 5)


def test_only_columns_that_somebody_needs_are_sent(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """A field that the org lacks does no harm where nothing is written to it."""
    org.hide("Contact", "Cuereel_Views__c")
    results = run(bulk, fields(org, 101, video_url="https://v/1"))
    assert [result.written for result in results.values()] == [Written.DONE]
    assert list(sent(org)[0]) == ["Id", URL]


def test_text_with_commas_quotes_and_lines_arrives_whole(
    bulk: SalesforceBulk, org: FakeOrg
) -> None:
    """CSV is quoted as it should be, in any script."""
    text = 'Ready, "at last"\nπρώτα 視頻'
    run(bulk, fields(org, 101, video_status_reason=text))
    held = org.records["Contact"][org.id("Contact", "101")]
    assert held["Cuereel_Video_Status_Reason__c"] == text


def test_rows_are_made_once_by_their_key(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """A second job updates the same records, and each belongs to its person."""
    changes = [video(org, n, video_status="minted") for n in (101, 102)]
    assert set(run(bulk, *changes)) == {"v101", "v102"}
    run(bulk, *(video(org, n, video_status="ready") for n in (101, 102)))
    held = {values["Key__c"]: values for values in org.records[VIDEO].values()}
    assert {key: one["Status__c"] for key, one in held.items()} == {
        "v101": "ready",
        "v102": "ready",
    }
    assert held["v101"]["Contact__c"] == org.id("Contact", "101")


def test_a_view_finds_its_video_by_key(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """One whose video is not there yet is tried again."""
    run(bulk, video(org, 101, video_status="ready"))
    contact = org.id("Contact", "101")
    good = Change("1", "view_row", contact, "s1", {"video_id": "v101", "percent_watched": 40})
    early = Change("2", "view_row", contact, "s2", {"video_id": "v999", "percent_watched": 40})
    results = run(bulk, good, early)
    assert results["s1"].written is Written.DONE
    assert (results["s2"].written, results["s2"].reason) == (Written.RETRY, "not_there_yet")
    [view] = org.records[VIEW].values()
    assert view["Video__c"] in org.records[VIDEO]


def test_each_refusal_is_said_in_our_terms(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """A lock passes, a rule stays, a deleted contact is gone; nobody else is held up."""

    def just(number: int) -> Callable[[dict[str, Any]], bool]:
        return lambda values: values.get("LastName") == f"Prieto {number}"

    org.fail_record("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", where=just(101))
    org.fail_record(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION", "No: canary", ("Plan__c",), where=just(102)
    )
    org.fail_record("CANNOT_UPDATE_CONVERTED_LEAD", "cannot update", where=just(103))
    org.remove("Contact", "104")
    results = run(bulk, *(fields(org, n, views=1) for n in range(101, 106)))
    found = {n: results[org.id("Contact", str(n))] for n in range(101, 106)}
    assert {n: one.written.value for n, one in found.items()} == {
        101: "retry", 102: "refused", 103: "retry", 104: "gone", 105: "done",
    }  # fmt: skip
    assert (found[101].reason, found[101].after) == ("locked", 3.0)
    assert "Plan__c" in found[102].sentence
    assert "canary" not in found[102].sentence


def test_a_record_that_a_field_keeps_back_goes_by_write(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """There the field is left out, and everything else is written."""
    org.fail_record("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to update", (URL,))
    [result] = run(bulk, fields(org, 101, video_url="https://v/1")).values()
    assert (result.written, result.reason, result.after) == (Written.RETRY, "field_missing", 600.0)


def test_a_job_with_a_field_that_the_org_has_not_fails(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """Salesforce refuses the file as a whole; `write` then finds out which field it is."""
    org.hide("Contact", URL)
    ticket = bulk.open("Contact")
    bulk.send(ticket, "Contact", [fields(org, 101, video_url="https://v/1")])
    assert [bulk.state(ticket) for _ in range(3)][-1] is BulkState.FAILED


def test_rows_that_had_no_turn_are_tried_again(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """What a job left alone is neither written nor refused."""
    ticket = bulk.open("Contact")
    bulk.send(ticket, "Contact", [fields(org, 101, views=1)])
    contact = org.id("Contact", "101")
    job = org.jobs[ticket]
    job.state, job.columns, job.rest = "JobComplete", ("Id", "Cuereel_Views__c"), [[contact, "1"]]
    [(identity, result)] = bulk.results(ticket, "Contact")
    assert (identity, result.written, result.reason) == (contact, Written.RETRY, "not_processed")


def test_contacts_of_one_account_stand_together(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """Two batches that wait for the lock of one account are rare; five queries are one call."""
    accounts = [org.add("Account", {"Name": name}, id=str(n)) for n, name in ((7, "A"), (8, "B"))]
    for number in range(101, 106):
        org.add("Contact", {"AccountId": accounts[number % 2]}, id=str(number))
    org.calls.clear()
    run(bulk, *(fields(org, n, views=1) for n in range(101, 106)))
    held = org.records["Contact"]
    order = [held[row["Id"]]["AccountId"] for row in sent(org)]
    assert order == sorted(order)
    assert sum("composite" in path for _, path in org.calls) == 1


def test_accounts_that_cannot_be_asked_for_keep_nothing_back(
    bulk: SalesforceBulk, org: FakeOrg
) -> None:
    """The order is only a courtesy."""
    org.fail(500, path=r"composite", times=-1)
    [result] = run(bulk, fields(org, 101, views=1)).values()
    assert result.written is Written.DONE


def test_no_more_is_sent_than_a_file_may_hold(
    bulk: SalesforceBulk, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest has no result, and so waits for the next job."""
    monkeypatch.setattr(module, "MOST_BYTES", 200)
    results = run(bulk, *(fields(org, n, video_url=f"https://v/{n}") for n in range(101, 106)))
    assert 0 < len(results) < 5
    assert len(org.jobs[next(iter(org.jobs))].content) <= 200


def test_changes_are_read_as_they_are_written(
    bulk: SalesforceBulk, org: FakeOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more than a group of them is held at once."""
    monkeypatch.setattr(module, "TOGETHER", 2)
    ahead: list[int] = []
    taken = 0
    cells = SalesforceBulk._cells

    def counted(self: SalesforceBulk, change: Change) -> dict[str, str]:
        nonlocal taken
        taken += 1
        return cells(self, change)

    def changes() -> Iterator[Change]:
        for number, n in enumerate((101, 102, 103, 104, 105)):
            ahead.append(number - taken)
            yield fields(org, n, views=1)

    monkeypatch.setattr(SalesforceBulk, "_cells", counted)
    assert len(_run_lazily(bulk, changes())) == 5
    assert ahead == [0, 0, 0, 0, 0]


def _run_lazily(bulk: SalesforceBulk, changes: Iterator[Change]) -> dict[str, WriteResult]:
    ticket = bulk.open("Contact")
    bulk.send(ticket, "Contact", changes)
    while bulk.state(ticket) is not BulkState.DONE:
        pass
    return dict(bulk.results(ticket, "Contact"))


def test_an_unsent_job_is_abandoned_once_or_twice(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """An open job is aborted; one that is over, or that the org has forgotten, is no mistake."""
    ticket = bulk.open("Contact")
    assert bulk.state(ticket) is BulkState.OPEN
    bulk.abandon(ticket)
    assert org.jobs[ticket].state == "Aborted"
    assert bulk.state(ticket) is BulkState.FAILED
    bulk.abandon(ticket)
    del org.jobs[ticket]
    bulk.abandon(ticket)
    assert bulk.state(ticket) is BulkState.FAILED


def test_an_upload_that_is_cut_off_leaves_the_job_open(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """Nothing was written, so the job can be given up and sent anew."""
    ticket = bulk.open("Contact")
    org.fail(503, [], path=r"batches$")
    with pytest.raises(CRMDownError):
        bulk.send(ticket, "Contact", [fields(org, 101, views=1)])
    assert bulk.state(ticket) is BulkState.OPEN


def test_an_org_without_our_objects_says_so(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """A lasting refusal, so that `write` has its turn."""
    org.hide(VIDEO)
    with pytest.raises(PermanentError):
        bulk.open(VIDEO)


def test_many_are_a_handful_of_calls(bulk: SalesforceBulk, org: FakeOrg) -> None:
    """Open, file, begin, three files of results, and one call for each 2,500 accounts."""
    changes = []
    for number in range(1000, 3600):
        org.add("Contact", {"LastName": "Prieto"}, id=str(number))
        changes.append(fields(org, number, video_url=f"https://v/{number}"))
    org.calls.clear()
    assert len(run(bulk, *changes)) == 2600
    polls = [
        path for method, path in org.calls if method == "GET" and path.endswith(tuple(org.jobs))
    ]
    assert len(org.calls) - len(polls) == 8


@pytest.mark.parametrize("number", [1, 2000])
def test_from_how_many_on_is_a_setting(gateway: Gateway, number: int) -> None:
    """CUEREEL_SALESFORCE_BULK_FROM."""
    gateway.settings = gateway.settings.model_copy(update={"salesforce_bulk_from": number})
    assert SalesforceBulk(gateway, dictionary()).least == number
