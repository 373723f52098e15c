"""What is kept of old sessions: the sums stay as they are, whatever is forgotten of single visits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from connector.jobs import tidy
from connector.jobs.station import Station
from connector.limits import Limits
from connector.measure.engagement import engagement
from connector.measure.tracking import MODES
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, curves, erase, settling, watching
from connector.store.ids import new_id
from connector.store.recount import recount
from connector.store.tables import curves as curve_table
from connector.store.tables import events, filtered_sums, scene_sums, sessions
from connector.web.recording import Heard, record
from connector.web.wire import Beacon, make_ticket, read_ticket
from tests.web.viewing import CHROME, CONNECTION, DURATION, HOUR, Reel, Viewing, make_viewing, state

DAY = 24 * HOUR
SUMS = (curve_table, scene_sums, filtered_sums)


@pytest.fixture
def viewing(settings: Settings, store: Store, keyring: Keyring) -> Viewing:
    """An installation with one connection, once on each database."""
    return make_viewing(settings, store, keyring)


@pytest.fixture
def viewing_sqlite(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Viewing:
    """The same on SQLite alone."""
    return make_viewing(settings, sqlite_store, keyring)


def watch(
    viewing: Viewing,
    reel: Reel,
    *played: tuple[float, float],
    mode: str = "identified",
    click: bool = False,
    **flags: int,
) -> str:
    """Watch parts of a video in a session of its own; return the session's id."""
    opened = read_ticket(viewing.keyring, viewing.ticket(reel, opened=300)).at
    ticket = make_ticket(viewing.keyring, reel.id, opened, tracking=mode)
    session = new_id()
    told = [{"i": new_id(), "n": "cta_click", "c": "main", "pos": 1.0, "at": 0}] if click else []
    beacon = state(ticket, session, 1, *played, e=told)
    beacon["f"] |= flags
    here = viewing.app.extensions["cuereel"]
    record(
        here, [Heard(Beacon.model_validate(beacon), read_ticket(viewing.keyring, ticket), CHROME)]
    )
    return session


def age(viewing: Viewing, milliseconds: int, *names: str) -> None:
    """Let time pass over sessions as if their last beacon had come so much earlier."""
    columns = {name: sessions.c[name] - milliseconds for name in names or ("last_at",)}
    with viewing.store.write() as tx:
        tx.execute(update(sessions).values(**columns))


def sums(viewing: Viewing) -> dict[str, list[str]]:
    """Return all sums that are not nothing."""
    with viewing.store.read() as tx:
        return {table.name: sorted(map(repr, tx.execute(select(table)).all())) for table in SUMS}


def kept(viewing: Viewing) -> int:
    """Count the sessions that are kept."""
    with viewing.store.read() as tx:
        return int(tx.execute(select(func.count()).select_from(sessions)).scalar_one())


def test_visits_of_which_only_sums_may_be_kept_go_after_a_day(viewing: Viewing) -> None:
    """With all that happened in them, and not a minute sooner; the sums do not move."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20), mode="aggregate", click=True)
    watch(viewing, reel, (0, 7), mode="aggregate", wd=1)
    watch(viewing, reel, (0, 10), mode="pseudonymous", click=True)
    before = sums(viewing)
    age(viewing, DAY - 60_000)
    assert settling.settle_passing(viewing.store) == 0
    age(viewing, 120_000)
    assert settling.settle_passing(viewing.store) == 2
    assert settling.settle_passing(viewing.store) == 0
    assert [row.tracking for row in viewing.sessions(reel)] == ["pseudonymous"]
    with viewing.store.read() as tx:
        assert tx.execute(select(func.count()).select_from(events)).scalar_one() == 1
    assert sums(viewing) == before
    assert recount(viewing.store) == 0


def test_pages_of_visits_are_settled_one_after_the_other(
    viewing_sqlite: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, none is left and none is counted twice."""
    monkeypatch.setattr(settling, "PAGE", 3)
    reel = viewing_sqlite.reel()
    for _ in range(7):
        watch(viewing_sqlite, reel, (0, 12), mode="aggregate")
    age(viewing_sqlite, 2 * DAY)
    assert settling.settle_passing(viewing_sqlite.store) == 7
    with viewing_sqlite.store.read() as tx:
        assert curves.of_campaign(tx, "onboarding").plays == 7
    assert recount(viewing_sqlite.store) == 0


def test_what_is_forgotten_half_way_is_not_forgotten(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that dies between deleting and settling has done neither."""
    watch(viewing, viewing.reel(), (0, 12), mode="aggregate")
    age(viewing, 2 * DAY)
    before = viewing.contents()

    def die(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(curves, "settle", die)
        with pytest.raises(RuntimeError):
            settling.settle_passing(viewing.store)
    assert viewing.contents() == before
    assert settling.settle_passing(viewing.store) == 1


def test_old_stretches_go_and_their_scenes_stay(viewing: Viewing) -> None:
    """What was played is then known to one part in a hundred, without order; no sum moves."""
    reel = viewing.reel()
    watch(viewing, reel, (12, 20), (0, 8.03), (6, 9))
    watch(viewing, reel, (0, 1.5), mode="pseudonymous")
    before, [full, _] = sums(viewing), viewing.sessions(reel)
    age(viewing, 90 * DAY, "first_at", "last_at")
    with viewing.store.write() as tx:
        for table in SUMS:
            tx.execute(update(table).values(day=curves.day_of(full.first_at - 90 * DAY)))
    aged = sums(viewing)
    assert settling.drop_stretches(viewing.store, 91) == 0
    assert settling.drop_stretches(viewing.store, 89) == 2
    assert settling.drop_stretches(viewing.store, 89) == 0
    row = viewing.sessions(reel)[0]
    assert (row.segments, row.counts) == ([], full.counts)
    assert engagement(row.played, DURATION).counts == full.counts
    assert engagement(row.played, DURATION).percent == engagement(full.segments, DURATION).percent
    assert len(before["scene_sums"]) == 3
    assert sums(viewing) == aged
    assert recount(viewing.store) == 0


def test_who_is_erased_takes_back_what_is_kept_of_them(viewing: Viewing) -> None:
    """What was settled before is nobody's any more, and stays."""
    ana, ben = viewing.reel(contact_id="ana"), viewing.reel(contact_id="ben")
    watch(viewing, ana, (0, 20), mode="aggregate")
    age(viewing, 2 * DAY)
    settling.settle_passing(viewing.store)
    watch(viewing, ana, (0, 20), click=True)
    watch(viewing, ana, (0, 20), wd=1)
    watch(viewing, ben, (0, 10))
    settling.drop_stretches(viewing.store, -1)
    with viewing.store.write() as tx:
        erase.erase(tx, CONNECTION, "ana")
    with viewing.store.read() as tx:
        [total] = watching.totals(tx, "onboarding")
        scenes = curves.scenes_of_campaign(tx, "onboarding")
        left_out = watching.filtered(tx, "onboarding")
    assert (total.plays, total.clicked, total.reached[95]) == (2, 0, 1)
    assert [(one.scene, one.plays, one.reached) for one in scenes] == [
        ("welcome", 2, 2),
        ("plan", 2, 2),
        ("farewell", 2, 1),
    ]
    assert left_out == []
    assert recount(viewing.store) == 0


def test_the_sweep_forgets_by_the_settings(
    viewing_sqlite: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to ask for it; zero days keep the stretches for ever."""
    here = viewing_sqlite
    reel = here.reel()
    watch(here, reel, (0, 12), mode="aggregate")
    watch(here, reel, (0, 12))
    age(here, 40 * DAY, "first_at", "last_at")
    monkeypatch.setattr(tidy, "_recounted", {here.store.url: "done"})
    monkeypatch.setattr(tidy, "recount", lambda station: 0)
    for days, segments in ((0, 1), (50, 1), (30, 0)):
        settings = here.settings.model_copy(update={"segment_days": days})
        tidy.tidy(Station(settings, here.store, here.keyring, here.bells, Limits(None)))
        [row] = here.sessions(reel)
        assert len(row.segments) == segments


stretch = st.tuples(st.floats(0, 20), st.floats(0, 20)).map(lambda ends: tuple(sorted(ends)))
visit = st.fixed_dictionaries({
    "played": st.lists(stretch, max_size=4),
    "mode": st.sampled_from(MODES[:3]),
    "click": st.booleans(),
    "wd": st.sampled_from([0, 0, 0, 1]),
    "inp": st.integers(0, 1),
    "variant": st.sampled_from("ab"),
})  # fmt: skip
steps = st.lists(
    st.one_of(visit, st.sampled_from(["settle", "drop", "erase", "recount"])),
    min_size=1,
    max_size=12,
)


@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_whatever_is_forgotten_a_recount_comes_to_the_same(
    viewing: Viewing, steps: list[Any]
) -> None:
    """Visits of all modes, in any order with settling, dropping, erasing and counting anew."""
    person = new_id()
    reels = {name: viewing.reel(contact_id=person, variant=name) for name in "ab"}
    for step in steps:
        if step == "settle":
            age(viewing, 2 * DAY)
            before = sums(viewing)
            settling.settle_passing(viewing.store)
            assert sums(viewing) == before
        elif step == "drop":
            before = sums(viewing)
            settling.drop_stretches(viewing.store, -1)
            assert sums(viewing) == before
        elif step == "erase":
            with viewing.store.write() as tx:
                erase.erase(tx, CONNECTION, person)
            person = new_id()
            reels = {name: viewing.reel(contact_id=person, variant=name) for name in "ab"}
        elif step != "recount":
            more = {name: step[name] for name in ("mode", "click", "wd", "inp")}
            watch(viewing, reels[step["variant"]], *step["played"], **more)
        assert recount(viewing.store) == 0
