"""Bulk jobs: thousands of changes in one job of the CRM's own, through crashes, refusals and erasure."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from connector import crm
from connector.crm import CRM, BulkState, Connection, Surroundings
from connector.errors import CredentialError, CRMDownError, PermanentError, TemporaryError
from connector.jobs import bulk_write as job_module
from connector.jobs import write_back as writing
from connector.jobs.bulk_write import bulk_write
from connector.jobs.erase_contact import erase_contact
from connector.jobs.write_back import write_back
from connector.model import Change, WriteResult, Written
from connector.store import bulk_jobs, changes, connections, leases
from connector.store.tables import bulk_jobs as jobs_table
from connector.store.tables import changes as table
from tests.road.conftest import Road

DONE = WriteResult("", Written.DONE)
LEAST = 3


@dataclass
class Far:
    """A CRM that takes bulk jobs; a test says how they go."""

    most_at_once: int = 10
    least: int = LEAST
    most: int = 100
    state_of: BulkState = BulkState.RUNNING
    answer: Callable[[Change], WriteResult | None] = lambda change: DONE
    failures: dict[str, Exception] = field(default_factory=dict)
    after_send: Callable[[], None] = lambda: None
    calls: list[str] = field(default_factory=list)
    written: list[Change] = field(default_factory=list)
    jobs: dict[str, list[Change]] = field(default_factory=dict)
    abandoned: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)

    def bulk(self) -> Far:
        return self

    def write(self, owed: Sequence[Change]) -> list[WriteResult]:
        self._called("write")
        self.written += owed
        return [WriteResult(change.id, Written.DONE) for change in owed]

    def lot(self, change: Change) -> str:
        return {"property": "people", "video_row": "videos"}.get(change.kind, "")

    def identity(self, change: Change) -> str:
        return change.contact_id if change.kind == "property" else change.key

    def open(self, lot: str) -> str:
        self._called("open")
        ticket = f"{lot}-{len(self.jobs) + 1}"
        self.jobs[ticket] = []
        return ticket

    def send(self, ticket: str, lot: str, owed: Iterable[Change]) -> None:
        self.jobs[ticket] += owed
        self._called("send")
        self.after_send()

    def state(self, ticket: str) -> BulkState:
        self._called("state")
        return self.state_of

    def results(self, ticket: str, lot: str) -> Iterator[tuple[str, WriteResult]]:
        self._called("results")
        for change in self.jobs[ticket]:
            result = self.answer(change)
            if result is not None:
                yield self.identity(change), result

    def abandon(self, ticket: str) -> None:
        self._called("abandon")
        self.abandoned.append(ticket)

    def erase(self, contact: str) -> None:
        self.erased.append(contact)

    def sent(self) -> list[str]:
        return [self.identity(change) for job in self.jobs.values() for change in job]

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failures:
            raise self.failures[name]


here = Far()


def open_far(connection: Connection, surroundings: Surroundings) -> CRM:
    return here  # type: ignore[return-value]


@pytest.fixture
def far(any_road: Road, monkeypatch: pytest.MonkeyPatch) -> Far:
    """A connection to a CRM with bulk jobs, on each database."""
    monkeypatch.setitem(crm.CRMS, "far", f"{__name__}:open_far")
    monkeypatch.setitem(open_far.__globals__, "here", Far())
    # the module may be known under another name to whoever opens the CRM
    monkeypatch.setattr("connector.jobs.sources.open_crm", lambda *_: here)
    folder = any_road.settings.folder / "mappings" / "crm"
    folder.mkdir(parents=True)
    shutil.copy(Path(str(files("mappings"))) / "crm" / "local.toml", folder / "far.toml")
    with any_road.store.write() as tx:
        connections.add(
            tx, any_road.station.keyring, connection_id="far", crm="far", title="Far", secrets={}
        )
    return here


def owe(road: Road, *names: str, kind: str = "property", **values: Any) -> list[str]:
    with road.store.write() as tx:
        return [
            changes.owe(
                tx, connection_id="far", kind=kind, contact_id=name, key=name,
                values=values or {"views": 1},
            )
            for name in names
        ]  # fmt: skip


def people(count: int) -> list[str]:
    return [f"c{number:04d}" for number in range(count)]


def works(road: Road, kind: str = "property") -> dict[str, str]:
    with road.store.read() as tx:
        rows = tx.execute(select(table.c.key, table.c.work).where(table.c.kind == kind))
        return dict(rows.all())  # type: ignore[arg-type]


def rows(road: Road) -> dict[str, Any]:
    with road.store.read() as tx:
        return {row.key: row for row in tx.execute(select(table)).all()}


def jobs(road: Road) -> list[Any]:
    with road.store.read() as tx:
        return list(tx.execute(select(jobs_table).order_by(jobs_table.c.id)).all())


def look(road: Road) -> None:
    """Let the open jobs be due, and go on with each, as the sweep does."""
    with road.store.write() as tx:
        tx.execute(update(jobs_table).where(jobs_table.c.work == "due").values(due_at=1))
        ids = leases.due(tx, "bulk_jobs", ring_again=-1, limit=10)
    bulk_write(ids)


def dead_worker(road: Road) -> None:
    """Leave the jobs as a worker does that was killed: claimed, until the lease runs out."""
    with road.store.write() as tx:
        tx.execute(update(jobs_table).values(work="running", lease_until=1, due_at=1))


def test_thousands_go_in_one_job_and_are_settled_one_by_one(any_road: Road, far: Far) -> None:
    """The job is opened, sent, asked for, and what it took is owed no more; nothing goes twice."""
    owe(any_road, *people(8))
    write_back([])
    assert far.written == []
    assert set(works(any_road).values()) == {"running"}
    look(any_road)
    assert sorted(far.sent()) == people(8)
    far.state_of = BulkState.DONE
    look(any_road)
    write_back([])
    assert set(works(any_road).values()) == {"done"}
    assert far.calls == ["open", "send", "state", "results"]
    [job] = jobs(any_road)
    assert (job.state, job.work, job._mapping["count"]) == ("done", "done", 8)
    assert all(row.bulk_id is None for row in rows(any_road).values())


def test_few_changes_go_by_write(any_road: Road, far: Far) -> None:
    """A job costs more calls than a few changes do."""
    owe(any_road, *people(LEAST))
    write_back([])
    assert far.calls == ["write"]
    assert jobs(any_road) == []


def test_a_batch_is_as_large_as_the_crm_takes_best(any_road: Road, far: Far) -> None:
    """Each CRM says itself how many changes one write takes."""
    far.least = 1000
    owe(any_road, *people(25))
    write_back([])
    assert far.calls == ["write"] * 3
    assert len(far.written) == 25


def test_only_a_lot_that_is_large_is_gathered(any_road: Road, far: Far) -> None:
    """What goes by `write` alone, and a small lot, are written beside the job."""
    owe(any_road, *people(6))
    owe(any_road, "v1", "v2", kind="video_row")
    owe(any_road, "k1", kind="callback")
    write_back([])
    assert sorted(change.key for change in far.written) == ["k1", "v1", "v2"]
    assert [job.lot for job in jobs(any_road)] == ["people"]


def test_each_large_lot_has_a_job_of_its_own(any_road: Road, far: Far) -> None:
    """Fields and rows are written to different objects."""
    owe(any_road, *people(5))
    owe(any_road, *people(5), kind="video_row")
    write_back([])
    look(any_road)
    assert sorted(job.lot for job in jobs(any_road)) == ["people", "videos"]
    assert {ticket.partition("-")[0]: len(job) for ticket, job in far.jobs.items()} == {
        "people": 5, "videos": 5,
    }  # fmt: skip


def test_more_than_a_job_holds_waits_for_the_next_one(any_road: Road, far: Far) -> None:
    """The rest is set aside, and is due when the first job is over."""
    far.most = 5
    owe(any_road, *people(9))
    write_back([])
    look(any_road)
    assert len(far.sent()) == 5
    assert far.written == []
    far.state_of = BulkState.DONE
    look(any_road)
    assert sorted(works(any_road).values()) == ["done"] * 5 + ["due"] * 4
    write_back([])
    look(any_road)
    look(any_road)
    assert sorted(far.sent()) == people(9)
    assert set(works(any_road).values()) == {"done"}


def test_a_value_that_comes_while_the_job_runs_is_written_after_it(
    any_road: Road, far: Far
) -> None:
    """The version that was sent is settled, the newer one stays owed."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    owe(any_road, "c0002", views=7)
    write_back([])
    assert far.written == []
    assert far.jobs["people-1"][2].values == {"views": 1}
    far.state_of = BulkState.DONE
    look(any_road)
    assert works(any_road).pop("c0002") == "due"
    write_back([])
    assert [(one.key, one.values) for one in far.written] == [("c0002", {"views": 7})]
    assert set(works(any_road).values()) == {"done"}


def test_a_value_that_comes_before_sending_is_sent(any_road: Road, far: Far) -> None:
    """What is sent is what stands there at that moment, and settles just that."""
    owe(any_road, *people(5))
    write_back([])
    owe(any_road, "c0002", views=7)
    look(any_road)
    assert far.jobs["people-1"][2].values == {"views": 7}
    far.state_of = BulkState.DONE
    look(any_road)
    assert set(works(any_road).values()) == {"done"}


def test_a_change_of_the_same_lot_waits_for_the_job(any_road: Road, far: Far) -> None:
    """One writer to each object; what is of another lot goes at once."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    owe(any_road, "new")
    owe(any_road, "k1", kind="callback")
    write_back([])
    assert [change.key for change in far.written] == ["k1"]
    far.state_of = BulkState.DONE
    look(any_road)
    write_back([])
    assert [change.key for change in far.written] == ["k1", "new"]
    assert "new" not in far.sent()


def test_a_refused_change_is_told_why_and_blocks_nobody(any_road: Road, far: Far) -> None:
    """A refusal is a dead letter, a lock is tried again by itself, a gone record leaves nothing owed."""
    told = {
        "c0000": WriteResult("", Written.REFUSED, "string_too_long", "The text is too long."),
        "c0001": WriteResult("", Written.RETRY, "locked", "Somebody writes to it.", 30.0),
        "c0002": WriteResult("", Written.GONE, "contact_gone", "It is gone."),
    }
    far.answer = lambda change: told.get(change.key, DONE)
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.state_of = BulkState.DONE
    look(any_road)
    assert works(any_road) == {
        "c0000": "dead", "c0001": "due", "c0002": "done", "c0003": "done", "c0004": "done",
    }  # fmt: skip
    found = rows(any_road)
    assert (found["c0000"].error_reason, found["c0001"].error_reason) == (
        "string_too_long", "locked",
    )  # fmt: skip
    with any_road.store.read() as tx:
        wait = found["c0001"].due_at - leases.now(tx)
    assert 20_000 < wait <= 30_000


def test_a_change_of_which_the_job_says_nothing_is_due_again(any_road: Road, far: Far) -> None:
    """Silence is not success, and costs no attempt."""
    far.answer = lambda change: None if change.key == "c0003" else DONE
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.state_of = BulkState.DONE
    look(any_road)
    assert works(any_road)["c0003"] == "due"
    assert rows(any_road)["c0003"].attempt == 0


def test_a_job_that_takes_its_time_is_looked_at_ever_more_rarely(any_road: Road, far: Far) -> None:
    """First after five seconds, at last once a minute; to wait is no failed attempt."""
    owe(any_road, *people(5))
    write_back([])
    waits = []
    for age in (0, 30, 4000):
        with any_road.store.write() as tx:
            tx.execute(update(jobs_table).values(created_at=leases.now(tx) - age * 1000))
        look(any_road)
        with any_road.store.read() as tx:
            waits.append(round((jobs(any_road)[0].due_at - leases.now(tx)) / 1000))
    assert waits == [5, 15, 60]
    assert jobs(any_road)[0].attempt == 0


def test_a_job_that_the_crm_gave_up_is_written_without_one_for_an_hour(
    any_road: Road, far: Far
) -> None:
    """The changes carry the reason, and the next try tells each of its own."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.state_of = BulkState.FAILED
    look(any_road)
    found = rows(any_road).values()
    assert {(row.work, row.error_reason, row.attempt) for row in found} == {
        ("due", "bulk_failed", 0)
    }
    with any_road.store.write() as tx:
        tx.execute(update(table).values(due_at=1))
    write_back([])
    assert sorted(change.key for change in far.written) == people(5)
    assert len(jobs(any_road)) == 1
    with any_road.store.write() as tx:
        tx.execute(update(jobs_table).values(ended_at=jobs_table.c.ended_at - 3_600_001))
    owe(any_road, *people(5), views=2)
    write_back([])
    assert len(jobs(any_road)) == 2


def test_a_job_of_which_nothing_was_taken_has_failed(any_road: Road, far: Far) -> None:
    """Another job would fare no better, so `write` has its turn."""
    far.answer = lambda _: WriteResult("", Written.RETRY, "field_missing", "No such field.", 600.0)
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.state_of = BulkState.DONE
    look(any_road)
    assert [job.state for job in jobs(any_road)] == ["failed"]
    assert {row.error_reason for row in rows(any_road).values()} == {"field_missing"}


def test_a_crm_that_takes_no_such_job_is_written_to_in_the_usual_way(
    any_road: Road, far: Far
) -> None:
    """A lasting refusal to open one costs nothing but the hour."""
    far.failures["open"] = PermanentError("not in this edition", reason="api_disabled_for_org")
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    assert {row.error_reason for row in rows(any_road).values()} == {"api_disabled_for_org"}
    with any_road.store.write() as tx:
        tx.execute(update(table).values(due_at=1))
    write_back([])
    assert set(works(any_road).values()) == {"done"}
    assert far.calls == ["open", "write"]


def test_a_worker_that_dies_while_sending_loses_and_doubles_nothing(
    any_road: Road, far: Far
) -> None:
    """The unsent job is abandoned, its changes are due at once, and a new job takes them."""
    owe(any_road, *people(5))
    write_back([])
    far.failures["send"] = SystemExit()
    with pytest.raises(SystemExit):
        look(any_road)
    dead_worker(any_road)
    assert jobs(any_road)[0].ticket == "people-1"
    del far.failures["send"]
    far.state_of = BulkState.OPEN
    look(any_road)
    assert far.abandoned == ["people-1"]
    assert set(works(any_road).values()) == {"due"}
    far.state_of = BulkState.DONE
    write_back([])
    look(any_road)
    look(any_road)
    assert set(works(any_road).values()) == {"done"}
    assert sorted(change.key for change in far.jobs["people-2"]) == people(5)


def test_a_worker_that_dies_after_sending_is_succeeded(any_road: Road, far: Far) -> None:
    """The successor asks for the job under its ticket; nothing is sent a second time."""
    owe(any_road, *people(5))
    write_back([])

    def die() -> None:
        raise SystemExit

    far.after_send = die
    with pytest.raises(SystemExit):
        look(any_road)
    dead_worker(any_road)
    far.state_of = BulkState.DONE
    look(any_road)
    assert far.calls == ["open", "send", "state", "results"]
    assert set(works(any_road).values()) == {"done"}


def test_a_worker_that_dies_among_the_results_is_succeeded(
    any_road: Road, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was settled stays so; the successor settles the others."""
    monkeypatch.setattr(job_module, "PAGE", 2)
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.state_of = BulkState.DONE
    seen: list[str] = []

    def die_at_the_fourth(change: Change) -> WriteResult:
        seen.append(change.key)
        if len(seen) == 4:
            raise SystemExit
        return DONE

    far.answer = die_at_the_fourth
    with pytest.raises(SystemExit):
        look(any_road)
    dead_worker(any_road)
    assert sorted(works(any_road).values()) == ["done"] * 2 + ["running"] * 3
    look(any_road)
    assert set(works(any_road).values()) == {"done"}


def test_a_worker_that_dies_while_gathering_leaves_a_job_of_what_it_had(
    any_road: Road, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job goes on with the changes that it holds; the others are written as ever."""
    monkeypatch.setattr(writing, "GATHERED", 4)
    owe(any_road, *people(6))
    gather, times = bulk_jobs.gather, []

    def die_at_the_second(*given: Any) -> int | None:
        times.append(1)
        if len(times) == 2:
            raise SystemExit
        return gather(*given)

    monkeypatch.setattr(bulk_jobs, "gather", die_at_the_second)
    with pytest.raises(SystemExit):
        write_back([])
    monkeypatch.setattr(bulk_jobs, "gather", gather)
    look(any_road)
    far.state_of = BulkState.DONE
    look(any_road)
    write_back([])
    assert len(far.sent()) == 4
    assert sorted([*far.sent(), *(change.key for change in far.written)]) == people(6)
    assert set(works(any_road).values()) == {"done"}


def test_a_crm_that_is_away_is_asked_again(any_road: Road, far: Far) -> None:
    """The job keeps its changes and its ticket."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.failures["state"] = CRMDownError("away", after=20)
    look(any_road)
    [job] = jobs(any_road)
    assert (job.work, job.error_reason, job.state) == ("due", "crm_down", "sent")
    del far.failures["state"]
    far.state_of = BulkState.DONE
    look(any_road)
    assert set(works(any_road).values()) == {"done"}


def test_a_job_waits_with_a_connection_that_lets_us_in_no_more(any_road: Road, far: Far) -> None:
    """C6: parked, until an admin connects again; then it goes on where it was."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.failures["state"] = CredentialError("the token was revoked")
    look(any_road)
    with any_road.store.read() as tx:
        row = connections.get(tx, any_road.station.keyring, "far")
    assert row
    assert row.state == "needs_reauth"
    assert jobs(any_road)[0].error_reason == "needs_reauth"
    far.failures.clear()
    far.state_of = BulkState.DONE
    with any_road.store.write() as tx:
        connections.set_state(tx, "far", "active")
        assert leases.wake(tx, "far") == 1
    look(any_road)
    assert set(works(any_road).values()) == {"done"}


def test_a_job_that_is_given_up_gives_its_changes_back(any_road: Road, far: Far) -> None:
    """A dead letter never keeps what we owe."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    far.failures["state"] = CRMDownError("away")
    with any_road.store.write() as tx:
        tx.execute(update(jobs_table).values(attempt=writing.ATTEMPTS))
    look(any_road)
    assert [job.work for job in jobs(any_road)] == ["dead"]
    assert set(works(any_road).values()) == {"due"}


def test_what_is_erased_meanwhile_is_no_mistake(any_road: Road, far: Far) -> None:
    """The change is gone when its result comes; the others are settled."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    with any_road.store.write() as tx:
        changes.drop(tx, "far", "c0001")
    far.state_of = BulkState.DONE
    look(any_road)
    assert set(works(any_road).values()) == {"done"}
    assert len(works(any_road)) == 4


def test_an_erasure_waits_for_the_job_that_holds_the_contact(any_road: Road, far: Far) -> None:
    """Else the job would bring back what was erased; after it, all is gone as ever."""
    owe(any_road, *people(5))
    write_back([])
    look(any_road)
    with pytest.raises(TemporaryError, match="bulk job"):
        erase_contact(any_road.station, "far", "c0001", "test")
    assert far.erased == []
    far.state_of = BulkState.DONE
    look(any_road)
    erase_contact(any_road.station, "far", "c0001", "test")
    assert far.erased == ["c0001"]
    assert "c0001" not in works(any_road)


def test_a_change_that_may_have_killed_a_worker_is_in_no_job(any_road: Road, far: Far) -> None:
    """It is looked at alone, after the job of its lot."""
    *_, poison = owe(any_road, *people(5), "poison")
    with any_road.store.write() as tx:
        tx.execute(update(table).where(table.c.key == "poison").values(crashes=1))
    write_back([])
    look(any_road)
    assert sorted(far.sent()) == people(5)
    far.state_of = BulkState.DONE
    look(any_road)
    write_back([poison])
    assert [change.key for change in far.written] == ["poison"]
