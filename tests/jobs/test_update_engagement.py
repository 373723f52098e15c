"""What was watched, on its way to the contact's record."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from connector.jobs import update_engagement as job
from connector.jobs.station import Station
from connector.jobs.update_engagement import update_engagement
from connector.limits import Limits
from connector.measure import alerts
from connector.model import VideoStatus
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import (
    Store,
    changes,
    connections,
    curves,
    erase,
    sessions,
    settling,
    videos,
    watching,
)
from connector.store.clock import now, now_ms
from connector.store.ids import new_id
from connector.store.recount import recount
from connector.store.sessions import measure_version
from connector.store.tables import changes as changes_table
from connector.store.tables import measures
from connector.store.tables import sessions as session_table
from connector.web.wire import make_ticket
from tests.web.viewing import CONNECTION, Reel, Viewing, make_viewing, post, state


@pytest.fixture
def viewing(
    settings: Settings, store: Store, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> Viewing:
    """An installation whose jobs run here, and whose news are measured and told without delay."""
    quick = settings.model_copy(update={"coalesce_seconds": 0})
    here = make_viewing(quick, store, keyring)
    use(here, monkeypatch, quick)
    # when alerts are told has tests of its own
    monkeypatch.setattr(alerts, "ALERT_SECONDS", 0.0)
    return here


def use(here: Viewing, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Let the job work on this installation."""
    station = Station(settings, here.store, here.keyring, here.bells, Limits(None))
    monkeypatch.setattr(job, "open_station", lambda: station)


def watch(here: Viewing, reel: Reel, *played: tuple[float, float], **flags: int) -> str:
    """Watch parts of a video in a session of its own; return the session's id."""
    session = new_id()
    beacon = state(here.ticket(reel, opened=300), session, 1, *played)
    beacon["f"] |= flags
    assert post(here.client, beacon) == 204
    return session


def click(here: Viewing, reel: Reel, session: str, key: str = "main") -> None:
    """Press a call to action in a session."""
    form = {"s": session, "t": here.ticket(reel), "c": key}
    assert here.client.post(f"{reel.path}/cta", data=form).status_code == 303


def owed(here: Viewing, kind: str = "property") -> dict[str, dict[str, Any]]:
    """Return what is owed to the CRM, by key."""
    with here.store.read() as tx:
        rows = tx.execute(
            select(changes_table.c.key, changes_table.c["values"]).where(
                changes_table.c.kind == kind
            )
        )
        return {str(key): values for key, values in rows}


def work_of(here: Viewing, reel: Reel) -> str:
    """Return how the measuring of a video stands."""
    with here.store.read() as tx:
        return str(tx.execute(select(measures.c.work).where(measures.c.id == reel.id)).scalar_one())


def days_until_next_look(here: Viewing, reel: Reel) -> int:
    """Return in how many whole days a video is measured again by itself."""
    with here.store.read() as tx:
        query = select(measures.c.work, measures.c.due_at - now_ms()).where(
            measures.c.id == reel.id
        )
        work, left = tx.execute(query).one()
    assert work == "due"
    return round(left / 86_400_000)


def test_watching_reaches_the_contacts_record(viewing: Viewing) -> None:
    """Sixty percent, a rewatch and a click become the words that the CRM keeps."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 12), (5, 9))
    click(viewing, reel, session)
    update_engagement([reel.id])
    words = owed(viewing)["c1"]
    assert words["percent_watched"] == 60
    assert words["furthest_percent"] == 60
    assert words["seconds_watched"] == 16
    assert words["rewatches"] == 1
    assert words["views"] == 1
    assert words["cta_clicks"] == 1
    assert words["last_cta"] == "main"
    assert words["drop_off_scene"] == "plan"
    assert words["engagement_tier"] == "hot"
    assert words["last_viewed_at"].endswith("Z")
    assert "tracking_consent" not in words
    # 23 points are hot, and no longer hot after eight days
    assert days_until_next_look(viewing, reel) == 8
    assert "write_back" in [job for job, _, _ in viewing.bells.rung]


def test_a_score_fades_on_the_record_by_itself(viewing: Viewing) -> None:
    """Nobody comes again, and some days later the record says less, until it says nothing."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 20))
    update_engagement([reel.id])
    before = owed(viewing)["c1"]
    assert (before["engagement_score"], before["engagement_tier"]) == (10, "warm")
    for days, points, tier in ((12, 8, "warm"), (18, 7, "cold"), (200, 0, "cold")):
        let_pass(viewing, session, days)
        update_engagement([reel.id])
        after = owed(viewing)["c1"]
        assert (after["engagement_score"], after["engagement_tier"]) == (points, tier)
        assert after["percent_watched"] == 100
    assert work_of(viewing, reel) == "done"


def let_pass(here: Viewing, session: str, days: int) -> None:
    """Let a session be so old, and its video due."""
    with here.store.write() as tx:
        ago = now_ms() - days * 86_400_000
        row = tx.execute(
            update(session_table).where(session_table.c.id == session).values(last_at=ago)
        )
        assert row.rowcount == 1
        tx.execute(update(measures).values(due_at=now_ms()))


def test_no_percentage_mixes_two_films(viewing_sqlite: Viewing) -> None:
    """Halves of an old and of a new rendering are half of the new one."""
    reel = viewing_sqlite.reel()
    watch(viewing_sqlite, reel, (0, 10))
    old = {"1": {"duration": 20.0, "scenes": []}}
    viewing_sqlite.change(reel.id, version=2, earlier=old)
    with viewing_sqlite.store.read() as tx:
        ticket = make_ticket(viewing_sqlite.keyring, reel.id, now(tx) - 60_000, version=2)
    assert post(viewing_sqlite.client, state(ticket, new_id(), 1, (10, 20))) == 204
    update_engagement([reel.id])
    words = owed(viewing_sqlite)["c1"]
    assert words["views"] == 2
    assert words["percent_watched"] == 50
    assert words["rewatches"] == 0


def test_a_click_is_written_in_the_words_of_the_button(viewing_sqlite: Viewing) -> None:
    """A rep reads what was clicked, not our key for it."""
    reel = viewing_sqlite.reel()
    with viewing_sqlite.store.write() as tx:
        button = {"label": "Book your first session", "url": "https://example.com/book"}
        videos.change(tx, reel.id, call_to_action=button)
    session = watch(viewing_sqlite, reel, (0, 12))
    click(viewing_sqlite, reel, session)
    update_engagement([reel.id])
    assert owed(viewing_sqlite)["c1"]["last_cta"] == "Book your first session"


def test_each_button_is_named_by_its_own_words(viewing_sqlite: Viewing) -> None:
    """Of several calls to action, the record tells which one was followed last."""
    call = {"key": "call", "kind": "calendar", "label": "Plan a call", "scenes": []}
    reel = viewing_sqlite.reel(
        call_to_action={"label": "Buy", "url": "https://example.com/buy"},
        actions=[{**call, "url": "https://example.com/call"}],
    )
    session = watch(viewing_sqlite, reel, (0, 12))
    for key in ("main", "call"):
        click(viewing_sqlite, reel, session, key)
        time.sleep(0.002)  # which one came last is told by the database's clock
    update_engagement([reel.id])
    words = owed(viewing_sqlite)["c1"]
    assert (words["last_cta"], words["cta_clicks"]) == ("Plan a call", 2)
    assert owed(viewing_sqlite, "view_row")[session]["clicks"] == "Buy, Plan a call"


def test_each_view_has_a_row_of_its_own(viewing: Viewing) -> None:
    """The second layer names the video, the time and what was seen in that one view."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 20))
    update_engagement([reel.id])
    row = owed(viewing, "view_row")[session]
    assert row["video_id"] == reel.id
    assert (row["percent_watched"], row["completed"], row["clicks"]) == (100, True, None)


def test_several_views_of_one_video_are_one_union(viewing: Viewing) -> None:
    """Half in the morning and half in the evening is the whole film."""
    reel = viewing.reel()
    for part in ((0, 10), (10, 20)):
        watch(viewing, reel, part)
    update_engagement([reel.id])
    words = owed(viewing)["c1"]
    assert (words["percent_watched"], words["views"], words["rewatches"]) == (100, 2, 0)


def test_a_second_video_speaks_for_itself(viewing: Viewing) -> None:
    """The video's words describe the newest one; the score's words cover both."""
    old, new = viewing.reel(), viewing.reel()
    watch(viewing, old, (0, 20))
    update_engagement([old.id])
    assert owed(viewing)["c1"]["percent_watched"] is None
    assert owed(viewing)["c1"]["views"] == 1
    watch(viewing, new, (0, 5))
    update_engagement([new.id])
    words = owed(viewing)["c1"]
    assert (words["percent_watched"], words["views"]) == (25, 2)


@pytest.mark.parametrize(
    ("flags", "agent"),
    [({"wd": 1}, None), ({"g": 0}, None), ({"dnt": 1}, None), ({}, "Slackbot 1.0")],
)
def test_who_is_not_a_verified_person_changes_nothing(
    viewing: Viewing, flags: dict[str, int], agent: str | None
) -> None:
    """Scanners, previews, plays without a gesture and the untracked leave the record alone."""
    reel = viewing.reel()
    beacon = state(viewing.ticket(reel, opened=300), new_id(), 1, (0, 20))
    beacon["f"] |= flags
    post(viewing.client, beacon, *([agent] if agent else []))
    update_engagement([reel.id])
    assert owed(viewing) == {}
    assert owed(viewing, "view_row") == {}
    assert work_of(viewing, reel) == "done"


@pytest.mark.parametrize("tracking", ["pseudonymous", "aggregate", "off"])
def test_without_identified_tracking_contacts_learn_nothing(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch, tracking: str
) -> None:
    """Sessions may be kept for totals; no contact's field is written."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20))
    use(viewing, monkeypatch, viewing.settings.model_copy(update={"tracking": tracking}))
    update_engagement([reel.id])
    assert owed(viewing) == {}
    assert work_of(viewing, reel) == "done"


@pytest.mark.parametrize("tracking", ["identified", "off"])
def test_a_persons_word_on_a_video_reaches_the_record_whatever_is_tracked(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch, tracking: str
) -> None:
    """The web only notes it down; the status is owed by the job, once."""
    use(viewing, monkeypatch, viewing.settings.model_copy(update={"tracking": tracking}))
    reel = viewing.reel(VideoStatus.APPROVED)
    with viewing.store.write() as tx:
        sessions.owe_measure(tx, [reel.id], 0)
    update_engagement([reel.id])
    assert owed(viewing)["c1"]["video_status"] == "approved"
    assert owed(viewing, "video_row")[reel.id]["video_status"] == "approved"
    with viewing.store.write() as tx:
        tx.execute(changes_table.update().values(work="done"))
        sessions.owe_measure(tx, [reel.id], 0)
    update_engagement([reel.id])
    with viewing.store.read() as tx:
        again = tx.execute(select(changes_table.c.kind).where(changes_table.c.work == "due"))
        assert list(again.scalars()) == []


def test_a_job_that_runs_twice_owes_nothing_more(viewing: Viewing) -> None:
    """The CRM is told only what is new to it."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 10))
    update_engagement([reel.id])

    def versions() -> list[int]:
        with viewing.store.read() as tx:
            return list(tx.execute(select(changes_table.c.version)).scalars())

    def words() -> dict[str, Any]:
        # a beacon that tells nothing new still says that the page was open a moment longer
        return {name: value for name, value in owed(viewing)["c1"].items() if "_at" not in name}

    before, told = versions(), words()
    update_engagement([reel.id])
    assert sorted(versions()) == sorted(before)
    again = state(viewing.ticket(reel, opened=300), session, 2, (0, 10))
    post(viewing.client, again)
    update_engagement([reel.id])
    assert words() == told
    assert days_until_next_look(viewing, reel) >= 1


def test_news_that_come_while_measuring_are_measured_next(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beacon between claim and finish leaves the video due, and the next run sees it."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 10))
    tell = job._tell

    def interrupted(tx: Any, station: Any, video_id: str) -> job.Told:
        result = tell(tx, station, video_id)
        job.sessions.owe_measure(tx, [video_id], 0)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(job, "_tell", interrupted)
        update_engagement([reel.id])
    assert work_of(viewing, reel) == "due"
    post(viewing.client, state(viewing.ticket(reel, opened=300), session, 2, (0, 20)))
    update_engagement([reel.id])
    assert owed(viewing)["c1"]["percent_watched"] == 100
    assert days_until_next_look(viewing, reel) >= 1


def test_asking_again_keeps_the_time_and_counts_up(viewing: Viewing) -> None:
    """Each beacon raises the version, so that none is overlooked."""
    reel = viewing.reel()
    for _ in range(3):
        watch(viewing, reel, (0, 5))
    with viewing.store.read() as tx:
        assert measure_version(tx, reel.id) == 3


def test_an_erased_contact_is_not_measured(viewing: Viewing) -> None:
    """Erasure between beacon and job: nothing is owed, nothing fails."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20))
    with viewing.store.write() as tx:
        erase.erase(tx, "local", "c1")
    update_engagement([reel.id])
    assert owed(viewing) == {}
    assert viewing.video(reel).status == VideoStatus.ERASED


def test_an_opt_out_reaches_the_record(viewing: Viewing) -> None:
    """The contact's field says so, and the video that was stopped shows why."""
    reel, planned = viewing.reel(), viewing.reel(VideoStatus.QUEUED)
    viewing.client.post(f"{reel.path}/opt-out")
    update_engagement([reel.id, planned.id])
    assert owed(viewing)["c1"]["tracking_consent"] == "opted_out"
    assert "opted out" in owed(viewing, "video_row")[planned.id]["video_status_reason"]


def test_what_the_crm_has_confirmed_is_not_sent_again(viewing: Viewing) -> None:
    """After a write the same values are no news; a change of one of them is."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 10))
    update_engagement([reel.id])
    with viewing.store.write() as tx:
        for row in tx.execute(select(changes_table.c.id, changes_table.c.version)).all():
            tx.execute(
                changes_table.update()
                .where(changes_table.c.id == row.id)
                .values(work="done", written_version=row.version)
            )
    post(viewing.client, state(viewing.ticket(reel, opened=300), session, 2, (0, 15)))
    update_engagement([reel.id])
    with viewing.store.read() as tx:
        waiting = changes.due_ids(tx, "local")
    assert len(waiting) == 2
    assert owed(viewing)["c1"]["percent_watched"] == 75


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(4)), runs=st.lists(st.booleans(), min_size=4, max_size=4))
def test_any_order_of_beacons_and_jobs_ends_the_same(
    viewing_sqlite: Viewing, order: list[int], runs: list[bool]
) -> None:
    """However jobs and beacons interleave, the record ends up with the same figures."""
    contact = f"c-{new_id()}"
    reel = viewing_sqlite.reel(contact_id=contact)
    ticket, session = viewing_sqlite.ticket(reel, opened=300), new_id()
    for number, run in zip(order, runs, strict=True):
        post(viewing_sqlite.client, state(ticket, session, number + 1, (0, 5 * (number + 1))))
        if run:
            update_engagement([reel.id])
    update_engagement([reel.id])
    assert owed(viewing_sqlite)[contact]["percent_watched"] == 100


@pytest.fixture
def viewing_sqlite(
    settings: Settings,
    sqlite_store: Store,
    keyring: Keyring,
    monkeypatch: pytest.MonkeyPatch,
) -> Viewing:
    """The same on SQLite only, for many examples."""
    quick = settings.model_copy(update={"coalesce_seconds": 0})
    here = make_viewing(quick, sqlite_store, keyring)
    use(here, monkeypatch, quick)
    # when alerts are told has tests of its own
    monkeypatch.setattr(alerts, "ALERT_SECONDS", 0.0)
    return here


@pytest.mark.parametrize("mode", ["pseudonymous", "aggregate", "off"])
def test_a_connection_may_ask_for_less(viewing: Viewing, mode: str) -> None:
    """What was watched before it did so is not told either; the campaign's sums know of it."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 12))
    with viewing.store.write() as tx:
        connections.set_tracking(tx, CONNECTION, mode)
    update_engagement([reel.id])
    assert owed(viewing) == owed(viewing, "view_row") == {}
    with viewing.store.read() as tx:
        assert curves.of_campaign(tx, "onboarding").plays == 1


def test_who_says_no_is_told_as_that_and_no_more(viewing: Viewing) -> None:
    """What the record said before stays as it was; what is watched later changes nothing."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 12))
    update_engagement([reel.id])
    before = owed(viewing)["c1"]
    open_page = state(viewing.ticket(reel, opened=300), new_id(), 1, (0, 20))
    viewing.client.post(f"{reel.path}/untracked")
    assert post(viewing.client, open_page) == 204
    update_engagement([reel.id])
    assert owed(viewing)["c1"] == {**before, "tracking_consent": "opted_out"}
    assert len(owed(viewing, "view_row")) == 1


def measure_again(here: Viewing, reel: Reel) -> None:
    """Have a video measured though nothing was watched since."""
    with here.store.write() as tx:
        sessions.owe_measure(tx, [reel.id], 0)
    update_engagement([reel.id])


def views(here: Viewing) -> tuple[int, int]:
    """Return the views of the campaign and those in which the button was pressed."""
    with here.store.read() as tx:
        totals = {one.campaign: one for one in watching.totals(tx)}
    return totals["onboarding"].plays, totals["onboarding"].clicked


def test_a_burst_is_taken_out_of_the_sums_and_can_come_back(viewing: Viewing) -> None:
    """Until ten seconds are really played; a beacon in between does not bring it back by itself."""
    reels = [viewing.reel() for _ in range(3)]
    beacons = [state(viewing.ticket(reel, opened=300), new_id(), 1, (0, 5)) for reel in reels]
    for beacon in beacons:
        post(viewing.client, beacon)
    assert views(viewing) == (3, 0)
    update_engagement([reels[0].id])
    assert views(viewing) == (0, 0)
    again = {**beacons[0], "q": 2, "r": [[0, 6, 1]]}
    post(viewing.client, again)
    [row] = viewing.sessions(reels[0])
    assert (row.viewer, row.reasons) == ("bot", ["link_burst"])
    assert owed(viewing) == {}
    post(viewing.client, {**again, "q": 3, "r": [[0, 12, 1]]})
    update_engagement([reels[0].id])
    assert views(viewing) == (1, 0)
    assert recount(viewing.store) == 0


def test_a_burst_that_is_none_any_more_is_forgiven(viewing: Viewing) -> None:
    """One of the links turns out to be somebody else's: two were opened, as people do."""
    reels = [viewing.reel() for _ in range(3)]
    for reel in reels:
        click(viewing, reel, watch(viewing, reel, (0, 5)))
    update_engagement([reels[0].id])
    assert views(viewing) == (0, 0)
    viewing.change(reels[2].id, contact_id="somebody else")
    measure_again(viewing, reels[0])
    assert views(viewing) == (2, 2)
    assert [row.reasons for reel in reels[:2] for row in viewing.sessions(reel)] == [[], []]
    assert recount(viewing.store) == 0


@pytest.mark.parametrize("mode", ["pseudonymous", "aggregate"])
def test_bursts_are_found_where_nobody_is_told(viewing_sqlite: Viewing, mode: str) -> None:
    """The sums are to be true in every mode."""
    with viewing_sqlite.store.write() as tx:
        connections.set_tracking(tx, CONNECTION, mode)
    reels = [viewing_sqlite.reel() for _ in range(3)]
    for reel in reels:
        watch(viewing_sqlite, reel, (0, 5))
    update_engagement([reels[0].id])
    assert views(viewing_sqlite) == (0, 0)


def test_old_views_are_told_without_their_stretches(viewing: Viewing) -> None:
    """To one part in a hundred the record stays what it was."""
    reel = viewing.reel()
    watch(viewing, reel, (10, 16), (0, 8))
    update_engagement([reel.id])
    before = owed(viewing)["c1"]
    settling.drop_stretches(viewing.store, -1)
    measure_again(viewing, reel)
    assert viewing.sessions(reel)[0].segments == []
    assert owed(viewing)["c1"] == before
