"""However work ends, its row says so, and the neighbours go on."""

from __future__ import annotations

import threading
import time

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import Connection

from connector.errors import CRMBusyError, LeaseLostError, MediaError
from connector.jobs.station import Station
from connector.jobs.tries import renewing, take, working
from connector.store import leases
from connector.store.leases import Claim
from connector.store.tables import DEAD, DONE, DUE, RUNNING
from tests.queue.rows import add_webhooks, let_lease_run_out, row_of, state_of


def _finish(station: Station, claim: Claim) -> None:
    with station.store.write() as tx:
        leases.finish(tx, claim)


def test_work_that_ends_well_is_done(station: Station) -> None:
    """The job finishes its lease itself, with what it publishes."""
    (row_id,) = add_webhooks(station.store, 1)
    (claim,) = take(station, "webhooks", [row_id])

    with working(station, claim):
        _finish(station, claim)

    assert state_of(station.store, row_id) == DONE
    assert take(station, "webhooks", [row_id]) == []


def test_a_busy_crm_is_asked_again_when_it_said(station: Station) -> None:
    """A temporary error puts the row back for as long as the other side wants."""
    (row_id,) = add_webhooks(station.store, 1)
    (claim,) = take(station, "webhooks", [row_id])

    with working(station, claim):
        raise CRMBusyError("slow down", after=30)

    row = row_of(station.store, row_id)
    assert (row["work"], row["error_reason"]) == (DUE, "crm_busy")
    assert take(station, "webhooks", [row_id]) == []


def test_attempts_are_counted_and_end(station: Station) -> None:
    """After the last attempt the row is a dead letter with the last reason."""
    (row_id,) = add_webhooks(station.store, 1)

    for attempt in (1, 2, 3):
        (claim,) = take(station, "webhooks", [row_id])
        assert claim.attempt == attempt
        with working(station, claim):
            raise CRMBusyError("slow down", after=0)

    row = row_of(station.store, row_id)
    assert (row["work"], row["error_reason"]) == (DEAD, "crm_busy")


def test_what_cannot_succeed_is_given_up_at_once_and_told(station: Station) -> None:
    """A permanent error makes a dead letter, and the noun's own columns change with it."""
    (row_id,) = add_webhooks(station.store, 1)
    (claim,) = take(station, "webhooks", [row_id])
    told: list[tuple[str, str, str]] = []

    def buried(tx: Connection, held: Claim, reason: str, sentence: str) -> None:
        told.append((held.id, reason, sentence))

    with working(station, claim, buried=buried):
        raise MediaError("this is not a picture")

    assert state_of(station.store, row_id) == DEAD
    assert told == [(row_id, "media", "this is not a picture")]
    with station.store.read() as tx:
        (letter,) = leases.dead(tx)
    assert letter.sentence == "this is not a picture"


def test_a_bug_harms_no_neighbour_and_quotes_nobody(station: Station) -> None:
    """An unexpected error is retried; what it says may hold a name and stays in the log."""
    first, second = add_webhooks(station.store, 2)

    for claim in take(station, "webhooks", [first, second]):
        with working(station, claim):
            if claim.id == first:
                raise ZeroDivisionError("Fatima divided by zero")
            _finish(station, claim)

    assert state_of(station.store, second) == DONE
    row = row_of(station.store, first)
    assert (row["work"], row["error_reason"]) == (DUE, "unexpected")
    assert "ZeroDivisionError" in row["error_sentence"]
    assert "Fatima" not in row["error_sentence"]


def test_a_time_limit_is_passed_on_after_the_row_was_put_back(station: Station) -> None:
    """The queue must learn that its job ended, the row must be tried again."""
    (row_id,) = add_webhooks(station.store, 1)
    (claim,) = take(station, "webhooks", [row_id])

    with pytest.raises(JobTimeoutException), working(station, claim):
        raise JobTimeoutException("too slow")

    row = row_of(station.store, row_id)
    assert (row["work"], row["error_reason"]) == (DUE, "timeout")


def test_a_worker_that_is_stopped_hands_its_work_back_untried(station: Station) -> None:
    """A deploy costs no attempt and no waiting for the lease."""
    (row_id,) = add_webhooks(station.store, 1)
    (claim,) = take(station, "webhooks", [row_id])

    with pytest.raises(SystemExit), working(station, claim):
        raise SystemExit(143)

    (again,) = take(station, "webhooks", [row_id])
    assert (again.attempt, row_of(station.store, row_id)["crashes"]) == (1, 0)


def test_a_worker_that_is_stopped_hands_a_whole_batch_back(station: Station) -> None:
    """What was done stays done; the rest is due again at once and has lost nothing."""
    done, stopped, untouched = add_webhooks(station.store, 3)
    claims = take(station, "webhooks", [done, stopped, untouched])
    _finish(station, claims[0])

    with pytest.raises(SystemExit), renewing(station, *claims), working(station, claims[1]):
        raise SystemExit(143)

    assert state_of(station.store, done) == DONE
    again = take(station, "webhooks", [done, stopped, untouched])
    assert [(claim.id, claim.attempt) for claim in again] == [(stopped, 1), (untouched, 1)]
    assert row_of(station.store, untouched)["crashes"] == 0


def test_a_result_of_somebody_who_was_overtaken_is_thrown_away(station: Station) -> None:
    """The stale holder learns it, says nothing, and the new holder is not disturbed."""
    (row_id,) = add_webhooks(station.store, 1)
    (stale,) = take(station, "webhooks", [row_id])
    let_lease_run_out(station.store, [row_id])
    (fresh,) = take(station, "webhooks", [row_id])

    with working(station, stale):
        _finish(station, stale)

    assert state_of(station.store, row_id) == RUNNING
    _finish(station, fresh)
    assert state_of(station.store, row_id) == DONE


def test_an_error_after_the_end_does_not_undo_it(station: Station) -> None:
    """What is published stays published, whatever happens on the way out."""
    (row_id,) = add_webhooks(station.store, 1)
    (claim,) = take(station, "webhooks", [row_id])

    with working(station, claim):
        _finish(station, claim)
        raise CRMBusyError("could not be told")

    assert state_of(station.store, row_id) == DONE


def test_what_kills_its_worker_three_times_is_a_dead_letter(station: Station) -> None:
    """Poison is found without anybody having said a word."""
    (row_id,) = add_webhooks(station.store, 1)
    told: list[str] = []

    for _ in range(3):
        assert len(take(station, "webhooks", [row_id])) == 1
        let_lease_run_out(station.store, [row_id])
    left = take(
        station, "webhooks", [row_id], buried=lambda tx, held, reason, why: told.append(reason)
    )

    assert left == []
    row = row_of(station.store, row_id)
    assert (row["work"], row["error_reason"], told) == (DEAD, "crashed", ["crashed"])


def test_long_work_keeps_its_lease(station: Station) -> None:
    """Nobody else can claim a row while its holder is alive, however long it takes."""
    (row_id,) = add_webhooks(station.store, 1)
    (claim,) = take(station, "webhooks", [row_id])

    with renewing(station, claim) as lost:
        time.sleep(station.settings.lease_seconds * 1.5)
        assert take(station, "webhooks", [row_id]) == []
        assert not lost.is_set()

    _finish(station, claim)
    assert state_of(station.store, row_id) == DONE


def test_a_holder_learns_that_it_was_overtaken(station: Station) -> None:
    """Long work can stop early when its result will not be wanted."""
    first, second = add_webhooks(station.store, 2)
    claims = take(station, "webhooks", [first, second])

    with renewing(station, *claims) as lost:
        let_lease_run_out(station.store, [first])
        take(station, "webhooks", [first])
        assert lost.wait(2)
        time.sleep(station.settings.lease_seconds * 1.2)
        # the lease that was not lost is still kept
        assert take(station, "webhooks", [second]) == []


def test_no_thread_is_left_behind(sqlite_station: Station) -> None:
    """Renewal ends with the block, also when the block fails."""
    (row_id,) = add_webhooks(sqlite_station.store, 1)
    (claim,) = take(sqlite_station, "webhooks", [row_id])

    with pytest.raises(LeaseLostError), renewing(sqlite_station, claim):
        raise LeaseLostError("gone")

    assert "renewing" not in {thread.name for thread in threading.enumerate()}
