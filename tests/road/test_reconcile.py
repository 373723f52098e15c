"""What a lost delivery should have told is asked for, once, and becomes the same video."""

from __future__ import annotations

import pytest

from connector.cli.prepare import LOCAL
from connector.crm.local import LocalCRM
from connector.errors import CRMDownError
from connector.jobs.reconcile import reconcile
from connector.jobs.tidy import tidy
from connector.model import Subject, Trigger
from connector.queues import Doorbell
from connector.store import connections
from connector.store.clock import moment, now
from connector.store.tables import connections as connection_table
from tests.road.conftest import Road


def asked_long_ago(road: Road) -> int:
    """Let the connection have been asked an hour ago; return when."""
    with road.store.write() as tx:
        then = now(tx) - 3_600_000
        tx.execute(connection_table.update().values(reconciled_at=then))
    return then


def when(road: Road) -> int:
    """Return up to when the connection was asked."""
    with road.store.read() as tx:
        return int(tx.execute(connection_table.select()).one().reconciled_at)


def missed(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CRM know of an onboarding of which it never told us."""
    with road.store.read() as tx:
        at = moment(now(tx))
    trigger = Trigger("lost-1", "contact_onboarding", Subject("contact", "c1"), at)
    monkeypatch.setattr(LocalCRM, "changed", lambda _self, since: [trigger] if since < at else [])


def test_what_was_lost_on_its_way_is_made_up_for_once(
    any_road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is asked, one video comes of it."""
    any_road.contact("c1")
    missed(any_road, monkeypatch)
    for _ in range(2):
        asked_long_ago(any_road)
        reconcile([LOCAL])
        any_road.travel()
    assert len(any_road.videos()) == 1


def test_two_workers_do_not_ask_the_same(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has just been asked is left alone; so is a connection's whole past at its beginning."""
    asked: list[object] = []
    monkeypatch.setattr(LocalCRM, "changed", lambda _self, since: asked.append(since) or [])
    reconcile([LOCAL])
    assert asked == []
    asked_long_ago(road)
    reconcile([LOCAL])
    reconcile([LOCAL])
    assert len(asked) == 1


def test_a_crm_that_is_away_is_asked_again_from_where_it_was(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing between the last answer and the next one is skipped."""

    def away(_self: LocalCRM, _since: object) -> list[Trigger]:
        raise CRMDownError("away")

    monkeypatch.setattr(LocalCRM, "changed", away)
    then = asked_long_ago(road)
    reconcile([LOCAL])
    assert when(road) == then


def test_the_sweep_rings_for_who_was_not_asked_for_a_while(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It only rings: a slow CRM does not hold up the sweep. A setting of 0 keeps it quiet."""
    rung: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(Doorbell, "ring", lambda _, job, ids, *more: rung.append((job, list(ids))))
    asked_long_ago(road)
    tidy(road.station)
    assert ("reconcile", [LOCAL]) in rung
    with road.store.write() as tx:
        connections.set_state(tx, LOCAL, "needs_reauth")
    rung.clear()
    tidy(road.station)
    assert ("reconcile", []) in rung
