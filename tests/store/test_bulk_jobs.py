"""Bulk jobs as rows: who holds a change, what is settled, and what a job that ends gives back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from connector.errors import LeaseLostError
from connector.secrets import Keyring
from connector.store import Store, bulk_jobs, changes, connections, leases
from connector.store.leases import Claim
from connector.store.tables import bulk_jobs as jobs_table
from connector.store.tables import changes as table


@pytest.fixture
def road(store: Store, keyring: Keyring) -> Store:
    """A store with one connected CRM."""
    with store.write() as tx:
        connections.add(tx, keyring, connection_id="far", crm="far", title="Far", secrets={})
    return store


def owe(store: Store, *names: str, **values: Any) -> list[str]:
    with store.write() as tx:
        return [
            changes.owe(
                tx, connection_id="far", kind="property", contact_id=name, key=name,
                values=values or {"views": 1},
            )
            for name in names
        ]  # fmt: skip


def job_of(store: Store, ids: list[str]) -> str:
    """Return a job that holds these changes."""
    with store.write() as tx:
        job = bulk_jobs.begin(tx, "far", "people")
        assert bulk_jobs.gather(tx, job, ids) == len(ids)
        bulk_jobs.gathered(tx, job)
    return job


def claimed(store: Store, job: str) -> Claim:
    with store.write() as tx:
        [claim] = leases.claim(tx, "bulk_jobs", [job], 60)
    return claim


def row_of(store: Store, key: str) -> Any:
    with store.read() as tx:
        return tx.execute(select(table).where(table.c.key == key)).one()


def test_nobody_else_gets_a_change_that_a_job_holds(road: Store) -> None:
    """Neither a batch, nor one alone, nor another job."""
    ids = owe(road, "a", "b")
    job_of(road, ids)
    with road.write() as tx:
        assert changes.due_ids(tx, "far") == []
        assert leases.claim(tx, "changes", ids[:1], 60) == []
        assert leases.due(tx, "changes", ring_again=-1, limit=10) == []
        other = bulk_jobs.begin(tx, "far", "people")
        assert bulk_jobs.gather(tx, other, ids) == 0


def test_new_values_do_not_make_a_held_change_due(road: Store) -> None:
    """They are merged, and stay owed after the version that was sent is settled."""
    job = job_of(road, owe(road, "a", "b"))
    with road.write() as tx:
        sent = bulk_jobs.to_send(tx, job, "", 10)
    assert [change.key for change in sent] == ["a", "b"]
    owe(road, "a", seconds=9)
    with road.write() as tx:
        assert changes.due_ids(tx, "far") == []
        found = bulk_jobs.find(tx, job, ["a", "b"])
        bulk_jobs.let_go(tx, [one.claim.id for one in found], 60)
        changes.settle(tx, [(one.claim, one.version) for one in found])
    assert (row_of(road, "a").work, row_of(road, "b").work) == ("due", "done")
    assert row_of(road, "a").values == {"views": 1, "seconds": 9}


def test_what_was_not_sent_has_no_result(road: Store) -> None:
    """A change that came when the file was closed cannot be settled by it."""
    job = job_of(road, owe(road, "a"))
    with road.write() as tx:
        bulk_jobs.to_send(tx, job, "", 10)
    late = owe(road, "b")
    with road.write() as tx:
        assert bulk_jobs.set_aside(tx, job, late) == 1
        assert [one.change.key for one in bulk_jobs.find(tx, job, ["a", "b"])] == ["a"]


def test_pages_go_through_a_job_once(road: Store) -> None:
    """By key, each change in one page."""
    job = job_of(road, owe(road, *"edcba"))
    with road.write() as tx:
        first = bulk_jobs.to_send(tx, job, "", 3)
        second = bulk_jobs.to_send(tx, job, first[-1].key, 3)
    assert [change.key for change in [*first, *second]] == list("abcde")


def test_pages_go_through_what_is_due_once(road: Store) -> None:
    """Also where many became due in the same millisecond."""
    owe(road, *"abcde")
    with road.write() as tx:
        tx.execute(update(table).values(due_at=5))
    place, found = bulk_jobs.START, []
    with road.read() as tx:
        while page := bulk_jobs.due(tx, "far", place, 2)[0]:
            place = bulk_jobs.due(tx, "far", place, 2)[1]
            found += [change.key for change in page]
        assert bulk_jobs.more_due_than(tx, "far", 4)
        assert not bulk_jobs.more_due_than(tx, "far", 5)
    assert sorted(found) == list("abcde")


def test_a_job_that_ends_gives_back_the_rest_untried(road: Store) -> None:
    """With the reason where there is one, and after the wait."""
    job = job_of(road, owe(road, *"abc"))
    with road.write() as tx:
        assert len(bulk_jobs.give_back(tx, job, 2)) == 2
        assert len(bulk_jobs.give_back(tx, job, None, "bulk_failed", "It failed.", 60)) == 1
        due = changes.due_ids(tx, "far")
    assert len(due) == 2
    rows = [row_of(road, key) for key in "abc"]
    assert {(row.work, row.attempt, row.bulk_id) for row in rows} == {("due", 0, None)}
    assert [row.error_reason for row in rows] == [None, None, "bulk_failed"]


def test_a_job_that_is_over_takes_no_more(road: Store) -> None:
    """So nothing is kept back by a job that will never give it back."""
    job = job_of(road, owe(road, "a"))
    claim = claimed(road, job)
    with road.write() as tx:
        bulk_jobs.close(tx, job, bulk_jobs.ENDED)
        bulk_jobs.give_back(tx, job)
        leases.finish(tx, claim)
    late = owe(road, "b")
    with road.write() as tx:
        assert bulk_jobs.set_aside(tx, job, late) == 0
        assert bulk_jobs.gather(tx, job, late) is None
        assert bulk_jobs.open_lots(tx, "far") == {}
        assert len(changes.due_ids(tx, "far")) == 2


def test_only_whoever_has_the_job_says_how_far_it_is(road: Store) -> None:
    """A worker that was taken for dead writes nothing more."""
    job = job_of(road, owe(road, "a"))
    old = claimed(road, job)
    with road.write() as tx:
        tx.execute(update(jobs_table).values(lease_until=1))
    new = claimed(road, job)
    with pytest.raises(LeaseLostError), road.write() as tx:
        bulk_jobs.stands(tx, old, bulk_jobs.SENT)
    with road.write() as tx:
        bulk_jobs.stands(tx, new, bulk_jobs.SENDING, ticket="t-1")
    with road.read() as tx:
        found = bulk_jobs.get(tx, job)
    assert found
    assert (found.state, found.ticket, found.count) == ("sending", "t-1", 1)


@pytest.mark.parametrize(
    ("states", "trouble"),
    [(["failed"], True), (["abandoned"], False), (["abandoned"] * 3, True), (["done"] * 3, False)],
)
def test_a_lot_is_in_trouble_after_a_failure_or_three_unsent_jobs(
    sqlite_store: Store, keyring: Keyring, states: list[str], trouble: bool
) -> None:
    """For an hour; another lot is not."""
    with sqlite_store.write() as tx:
        connections.add(tx, keyring, connection_id="far", crm="far", title="Far", secrets={})
        for state in states:
            bulk_jobs.close(tx, bulk_jobs.begin(tx, "far", "people"), state)
        assert bulk_jobs.in_trouble(tx, "far", 3600) == ({"people"} if trouble else set())
        tx.execute(update(jobs_table).values(ended_at=jobs_table.c.ended_at - 3_600_001))
        assert bulk_jobs.in_trouble(tx, "far", 3600) == set()


def test_one_can_tell_whether_a_job_may_yet_write_about_a_contact(road: Store) -> None:
    """What an erasure must know; not once the change is settled or given back."""
    job = job_of(road, owe(road, "a"))
    owe(road, "b")
    with road.write() as tx:
        assert bulk_jobs.holds(tx, "far", "a")
        assert not bulk_jobs.holds(tx, "far", "b")
        assert not bulk_jobs.holds(tx, "near", "a")
        bulk_jobs.give_back(tx, job)
        assert not bulk_jobs.holds(tx, "far", "a")


def test_jobs_are_forgotten_after_a_month(road: Store) -> None:
    """Not before, and never one that is open."""
    over, still = job_of(road, owe(road, "a")), job_of(road, owe(road, "b"))
    claim = claimed(road, over)
    with road.write() as tx:
        bulk_jobs.close(tx, over, bulk_jobs.ENDED)
        leases.finish(tx, claim)
        assert bulk_jobs.forget_old(tx) == 0
        tx.execute(update(jobs_table).values(ended_at=1).where(jobs_table.c.id == over))
        assert bulk_jobs.forget_old(tx) == 1
        assert bulk_jobs.get(tx, over) is None
        assert bulk_jobs.get(tx, still) is not None
