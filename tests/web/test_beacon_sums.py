"""Beacons and the sums of views: whatever arrives, the sums are what the sessions add up to."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from connector.limits import Limits
from connector.store import Store, curves
from connector.store.curves import Curve
from connector.store.ids import new_id
from connector.store.recount import recount
from connector.store.tables import sessions
from connector.web.desk import NAME, Desk
from connector.web.recording import Heard, record
from connector.web.wire import Beacon, read_ticket
from tests.web.viewing import CHROME, Viewing, post, state

WEBDRIVER = {"g": 1, "m": 0, "fs": 0, "cc": 1, "vis": 1, "wd": 1, "inp": 1, "dnt": 0}
NO_GESTURE = {"g": 0, "m": 1, "fs": 0, "cc": 1, "vis": 1, "wd": 0, "inp": 0, "dnt": 0}


def curve(viewing: Viewing) -> Curve:
    """Return the curve of the videos of a test."""
    with viewing.store.read() as tx:
        return curves.of_campaign(tx, "onboarding")


def desk(viewing: Viewing) -> Desk:
    """Return what the web application works with."""
    found = viewing.app.extensions[NAME]
    assert isinstance(found, Desk)
    return found


def heard(viewing: Viewing, beacon: dict[str, Any]) -> Heard:
    """Read a beacon as the route does."""
    ticket = read_ticket(viewing.keyring, beacon["t"])
    return Heard(Beacon.model_validate(beacon), ticket, CHROME)


def test_a_view_is_in_the_sums_when_its_beacon_is_answered(viewing: Viewing) -> None:
    """Curve and scenes are committed together with the session."""
    reel = viewing.reel()
    beacon = state(viewing.ticket(reel), new_id(), 3, (0, 10), (4, 6))
    assert post(viewing.client, beacon) == 204
    found = curve(viewing)
    assert found.plays == 1
    assert found.reach == (1,) * 50 + (0,) * 50
    assert found.hits == (1,) * 20 + (2,) * 10 + (1,) * 20 + (0,) * 50
    assert found.rewatched == (0,) * 20 + (1,) * 10 + (0,) * 70
    assert found.dropped == (0,) * 30 + (1,) + (0,) * 69
    with viewing.store.read() as tx:
        scenes = curves.scenes_of_campaign(tx, "onboarding")
    assert [(one.scene, one.reached, one.watched_ms, one.completed) for one in scenes] == [
        ("welcome", 1, 6000, 1),
        ("plan", 1, 6000, 0),
        ("farewell", 0, 0, 0),
    ]


def test_a_session_that_grows_is_one_view(viewing: Viewing) -> None:
    """Each beacon moves the sums by what is new in it; a repeat or an old one by nothing."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    for number in (1, 3, 5, 5, 2, 8):
        post(viewing.client, state(ticket, session, number, (0, number * 2)))
    found = curve(viewing)
    assert found.plays == 1
    assert found.hits == (1,) * 80 + (0,) * 20
    assert [at for at, count in enumerate(found.dropped) if count] == [80]


def test_a_verdict_that_changes_moves_the_sums(viewing: Viewing) -> None:
    """What turns out to be a machine is taken back; what turns out to be a person is added."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    post(viewing.client, state(ticket, session, 1, (0, 12)))
    counted = curve(viewing)
    post(viewing.client, state(ticket, session, 2, (0, 12), f=WEBDRIVER))
    taken_back = curve(viewing)
    post(viewing.client, state(ticket, session, 3, (0, 12)))
    assert counted.plays == 1
    assert taken_back == Curve(0, *[(0,) * 100] * 4)
    assert curve(viewing) == counted


@pytest.mark.parametrize(
    ("own", "more"),
    [(True, {}), (False, {"f": WEBDRIVER}), (False, {"f": NO_GESTURE})],
    ids=["ourselves", "a machine", "without a gesture"],
)
def test_who_is_no_verified_viewer_moves_no_sum(
    viewing: Viewing, own: bool, more: dict[str, Any]
) -> None:
    """The session is stored, and nothing is added up."""
    reel = viewing.reel()
    ticket = viewing.ticket(reel, own=own)
    assert post(viewing.client, state(ticket, new_id(), 1, (0, 12), **more)) == 204
    assert len(viewing.sessions(reel)) == 1
    assert curve(viewing).plays == 0


def test_a_click_alone_is_no_view(viewing: Viewing) -> None:
    """It opens a session in which nothing is watched; watching it then counts once."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    with viewing.app.test_client() as client:
        client.post(f"{reel.path}/cta", data={"t": ticket, "s": session})
    assert [row.id for row in viewing.sessions(reel)] == [session]
    before = curve(viewing).plays
    post(viewing.client, state(ticket, session, 1, (0, 12)))
    assert (before, curve(viewing).plays) == (0, 1)
    assert recount(viewing.store) == 0


def test_views_of_a_variant_count_for_it(viewing: Viewing) -> None:
    """Sums are kept by campaign, variant and template."""
    for variant, seconds in (("a", 10), ("b", 20), ("b", 20)):
        reel = viewing.reel(variant=variant)
        post(viewing.client, state(viewing.ticket(reel), new_id(), 1, (0, seconds)))
    with viewing.store.read() as tx:
        found = {name: curves.of_campaign(tx, "onboarding", variant=name) for name in "ab"}
    assert {name: (one.plays, one.reach[99]) for name, one in found.items()} == {
        "a": (1, 0),
        "b": (2, 2),
    }


def test_a_group_that_is_not_stored_moves_no_sum(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions and sums are one transaction: all of it, or nothing."""
    reel = viewing.reel()
    beacon = state(viewing.ticket(reel), new_id(), 1, (0, 12))

    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(curves, "_sharing", fail)
        with pytest.raises(RuntimeError):
            record(desk(viewing), [heard(viewing, beacon)])
    assert viewing.sessions(reel) == []
    assert curve(viewing).plays == 0
    record(desk(viewing), [heard(viewing, beacon)])
    assert curve(viewing).plays == 1


def test_two_processes_with_states_of_one_session_count_it_once(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither takes a session for new that the other is just storing."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    groups = [
        [heard(viewing, state(ticket, session, number, (0, number)))] for number in range(2, 20)
    ]
    with Store(viewing.store.engine.url.render_as_string(hide_password=False)) as another:
        here = desk(viewing)
        there = Desk(here.settings, another, here.keyring, here.doorbell, Limits(None))
        together = threading.Barrier(2)

        def run(place: Desk, mine: list[list[Heard]]) -> None:
            together.wait(5)
            for group in mine:
                record(place, group)

        with ThreadPoolExecutor(2) as pool:
            for done in [
                pool.submit(run, here, groups[::2]),
                pool.submit(run, there, groups[1::2]),
            ]:
                done.result(20)
    assert curve(viewing).plays == 1
    assert curve(viewing).hits == (1,) * 95 + (0,) * 5
    assert recount(viewing.store) == 0


def test_a_recount_amid_beacons_takes_nothing_for_wrong(viewing: Viewing) -> None:
    """It waits for views that are just being stored, and they for it."""
    reels = [viewing.reel(contact_id=f"c{number}") for number in range(4)]
    beacons = [
        heard(viewing, state(viewing.ticket(reel), new_id(), 1, (0, seconds)))
        for reel in reels
        for seconds in range(3, 13)
    ]
    with ThreadPoolExecutor(5) as pool:
        storing = [pool.submit(record, desk(viewing), [beacon]) for beacon in beacons]
        mended = [recount(viewing.store, mend=True) for _ in range(5)]
        for done in storing:
            done.result(20)
    assert mended == [0] * 5
    assert curve(viewing).plays == len(beacons)
    assert recount(viewing.store) == 0


def views(viewing: Viewing) -> int:
    """Count the sessions of all videos that are a person's view."""
    with viewing.store.read() as tx:
        rows = tx.execute(select(sessions.c.viewed, sessions.c.viewer)).all()
    return sum(row.viewed and row.viewer == "human" for row in rows)


stretch = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda ends: tuple(sorted(ends)))
moment = st.tuples(
    st.lists(stretch, max_size=4),
    st.sampled_from([{}, {}, {"f": WEBDRIVER}, {"f": NO_GESTURE}]),
)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_order_loss_and_repetition_gives_the_sums_of_a_recount(
    viewing_sqlite: Viewing, data: Any
) -> None:
    """Beacons of several sessions of two videos, in groups of any size, with verdicts that flip."""
    tickets = [viewing_sqlite.ticket(viewing_sqlite.reel(variant=name)) for name in "ab"]
    told = [
        heard(viewing_sqlite, state(tickets[place % 2], session, number, *played, **more))
        for place, session in enumerate(new_id() for _ in range(3))
        for number, (played, more) in enumerate(data.draw(st.lists(moment, max_size=4)), 1)
    ]
    arrived = data.draw(st.lists(st.sampled_from(told), max_size=16)) if told else []
    while arrived:
        size = data.draw(st.integers(1, len(arrived)))
        record(desk(viewing_sqlite), arrived[:size])
        arrived = arrived[size:]
    assert recount(viewing_sqlite.store) == 0
    assert curve(viewing_sqlite).plays == views(viewing_sqlite)
