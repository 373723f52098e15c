"""Leases: at most one holder at a time, and only the newest may publish."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from connector.errors import LeaseLostError
from connector.store import Store, leases
from connector.store.leases import Claim
from connector.store.tables import DEAD, DONE, DUE, RUNNING
from tests.queue.rows import add_webhooks, let_lease_run_out, row_of

LONG = 3600


class Holders(RuleBasedStateMachine):
    """
    Workers that claim, die, come back late, finish, give up, in any order.

    The model knows who holds the newest claim of each row and what that holder may expect.
    """

    store: Store
    claims = Bundle("claims")

    @initialize()
    def rows(self) -> None:
        """Begin with three rows that are due."""
        self.ids = add_webhooks(self.store, 3)
        self.holder: dict[str, Claim | None] = dict.fromkeys(self.ids)
        self.state = dict.fromkeys(self.ids, DUE)
        self.crashes = Counter[str]()
        self.published = Counter[str]()

    @rule(target=claims, which=st.sets(st.integers(0, 2), min_size=1))
    def claim(self, which: set[int]) -> object:
        """Somebody asks for some rows and gets the free ones; what killed a worker only alone."""
        wanted = [self.ids[number] for number in sorted(which)]
        with self.store.write() as tx:
            got = leases.claim(tx, "webhooks", wanted, LONG)
        free = [i for i in wanted if self.state[i] in (DUE, RUNNING) and self.holder[i] is None]
        if len(wanted) > 1:
            free = [i for i in free if self.state[i] == DUE and not self.crashes[i]]
        assert [claim.id for claim in got] == free
        for claim in got:
            self.crashes[claim.id] += self.state[claim.id] == RUNNING
            self.holder[claim.id], self.state[claim.id] = claim, RUNNING
        return multiple(*got)

    @rule(claim=claims)
    def die(self, claim: Claim) -> None:
        """The holder is killed: its lease runs out, the row stays as it was."""
        if self.holder[claim.id] == claim:
            let_lease_run_out(self.store, [claim.id])
            self.holder[claim.id] = None

    @rule(claim=consumes(claims))
    def publish(self, claim: Claim) -> None:
        """Somebody finishes; it counts only if nobody has claimed the row since."""
        newest = self._newest(claim)
        with self.store.write() as tx:
            if newest:
                leases.finish(tx, claim)
                self.published[claim.id] += 1
                self.holder[claim.id], self.state[claim.id] = None, DONE
            else:
                with pytest.raises(LeaseLostError):
                    leases.finish(tx, claim)

    @rule(claim=consumes(claims), dead=st.booleans())
    def fail(self, claim: Claim, dead: bool) -> None:
        """Somebody fails and puts the row back or gives it up; a stale one changes nothing."""
        newest = self._newest(claim)
        with self.store.write() as tx:
            if not newest:
                with pytest.raises(LeaseLostError):
                    leases.put_back(tx, claim, "test", "again", 0)
            elif dead:
                leases.bury(tx, claim, "test", "never")
            else:
                leases.put_back(tx, claim, "test", "again", 0)
        if newest:
            self.holder[claim.id], self.state[claim.id] = None, DEAD if dead else DUE

    def _newest(self, claim: Claim) -> bool:
        # a lease that ran out but that nobody took over is still good
        row = row_of(self.store, claim.id)
        return bool(row["fence"] == claim.fence and self.state[claim.id] == RUNNING)

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        """State and crash count of each row match."""
        for row_id in getattr(self, "ids", ()):
            row = row_of(self.store, row_id)
            assert (row["work"], row["crashes"]) == (self.state[row_id], self.crashes[row_id])
            assert self.published[row_id] <= 1


def test_any_order_of_claims_deaths_and_endings_is_safe(store: Store) -> None:
    """Two holders never publish the same row, a stale fence changes nothing, crashes are counted."""
    machine = type("Machine", (Holders,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_claimers_at_the_same_moment_share_rows_out(store: Store) -> None:
    """Eight workers grab at forty rows; every row is held once."""
    ids = add_webhooks(store, 40)
    start = threading.Barrier(8)

    def grab(_: int) -> list[str]:
        start.wait()
        with store.write() as tx:
            return [claim.id for claim in leases.claim(tx, "webhooks", ids, LONG)]

    with ThreadPoolExecutor(8) as pool:
        held = [row_id for got in pool.map(grab, range(8)) for row_id in got]

    assert sorted(held) == sorted(ids)


def test_what_killed_its_worker_is_claimed_only_alone(store: Store) -> None:
    """However often a whole batch is rung for again, neighbours of a poisoned row are spared."""
    ids = add_webhooks(store, 3)
    with store.write() as tx:
        leases.claim(tx, "webhooks", ids[:2], LONG)
    let_lease_run_out(store, ids[:2])

    with store.write() as tx:
        together = leases.claim(tx, "webhooks", ids, LONG)
        alone = [leases.claim(tx, "webhooks", [row_id], LONG) for row_id in ids]

    assert [claim.id for claim in together] == [ids[2]]
    assert [len(claims) for claims in alone] == [1, 1, 0]


def test_fences_grow_and_never_repeat(store: Store) -> None:
    """Each claim of a row has a higher fence than all before."""
    (row_id,) = add_webhooks(store, 1)
    fences = []
    for _ in range(5):
        with store.write() as tx:
            (claim,) = leases.claim(tx, "webhooks", [row_id], LONG)
        fences.append(claim.fence)
        let_lease_run_out(store, [row_id])

    assert fences == sorted(set(fences))


def test_a_revived_dead_letter_starts_with_a_clean_record(store: Store) -> None:
    """`cuereel retry` gives all attempts again, and crashes of old do not count."""
    (row_id,) = add_webhooks(store, 1)
    with store.write() as tx:
        (claim,) = leases.claim(tx, "webhooks", [row_id], LONG)
        leases.bury(tx, claim, "crashed", "it died")

    with store.write() as tx:
        assert leases.revive(tx, "webhooks", [row_id]) == [row_id]
        (again,) = leases.claim(tx, "webhooks", [row_id], LONG)

    assert (again.attempt, row_of(store, row_id)["crashes"]) == (1, 0)
