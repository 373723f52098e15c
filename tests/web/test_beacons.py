"""Beacons: what a player may tell us, what is believed, and that an answer means stored."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from connector.errors import DatabaseBusyError, TemporaryError
from connector.model import VideoStatus
from connector.secrets import Keyring, new_key
from connector.store.clock import now
from connector.store.ids import new_id
from connector.store.sessions import SessionRow
from connector.store.tables import events, measures
from connector.web.collector import Collector
from connector.web.floods import Meter
from connector.web.wire import make_ticket
from tests.web.viewing import Reel, Viewing, post, state

HEADLESS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/141.0.0.0 Safari/537.36"
)


def only(viewing: Viewing, reel: Reel) -> SessionRow:
    """Return the one session of a video."""
    [row] = viewing.sessions(reel)
    return row


def test_a_beacon_is_stored_when_it_is_answered(viewing: Viewing) -> None:
    """204 means committed: the state is there, measured against the video's real length."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    beacon = state(ticket, session, 3, (0, 10), (4, 6))
    assert post(viewing.client, beacon) == 204
    row = only(viewing, reel)
    assert (row.id, row.sequence, row.video_id) == (session, 3, reel.id)
    assert row.segments == [[0, 10, 1], [4, 6, 1]]
    assert (row.unique_ms, row.watch_ms, row.furthest_ms, row.last_ms) == (
        10_000,
        12_000,
        10_000,
        6000,
    )
    assert row.duration_ms == 20_000
    assert row.counts == bytes([1] * 20 + [2] * 10 + [1] * 20 + [0] * 50)
    assert (row.viewed, row.viewer, row.reasons) == (True, "human", [])
    assert row.flags["captions"] == 1
    assert row.flags["agent"] == "browser"


def test_a_video_with_news_is_measured_soon(viewing: Viewing) -> None:
    """Many beacons ask once, after the time in which they are gathered; the first one sets it."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    due = []
    for number in range(1, 4):
        post(viewing.client, state(ticket, session, number, (0, number)))
        with viewing.store.read() as tx:
            due.append(tx.execute(select(measures.c.due_at, measures.c.version)).one())
    assert [row.version for row in due] == [1, 2, 3]
    assert len({row.due_at for row in due}) == 1


def test_only_the_newest_state_counts(viewing: Viewing) -> None:
    """A beacon that is repeated or overtaken changes nothing."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    newest = state(ticket, session, 5, (0, 12))
    assert post(viewing.client, newest) == 204
    before = viewing.contents()
    assert post(viewing.client, newest) == 204
    assert post(viewing.client, state(ticket, session, 4, (0, 9))) == 204
    assert viewing.contents() == before


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_order_loss_and_repetition_ends_the_same(viewing_sqlite: Viewing, data: Any) -> None:
    """If the last beacon arrives at all, all others may arrive in any way or not at all."""
    reel = viewing_sqlite.reel()
    ticket, session = viewing_sqlite.ticket(reel), new_id()
    beacons = [state(ticket, session, number, (0, number * 2)) for number in range(1, 7)]
    arrived = data.draw(st.lists(st.sampled_from(beacons), max_size=10))
    place = data.draw(st.integers(0, len(arrived)))
    arrived.insert(place, beacons[-1])
    for beacon in arrived:
        assert post(viewing_sqlite.client, beacon) == 204
    assert only(viewing_sqlite, reel).unique_ms == 12_000


def test_beacons_of_many_viewers_at_once_are_all_stored(viewing: Viewing) -> None:
    """Those that arrive together share a commit; each is answered, and each is there."""
    reels = [viewing.reel(contact_id=f"c{number}") for number in range(10)]
    beacons = [
        state(viewing.ticket(reel), new_id(), number, (0, number))
        for reel in reels
        for number in (1, 2, 3)
    ]
    random.Random(7).shuffle(beacons)
    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(lambda beacon: post(viewing.client, beacon), beacons)) == {204}
    assert [len(viewing.sessions(reel)) for reel in reels] == [3] * 10


def test_states_of_one_session_in_one_commit_keep_the_newest(viewing: Viewing) -> None:
    """Within a group too, the highest number wins."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    beacons = [state(ticket, session, number, (0, number)) for number in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda beacon: post(viewing.client, beacon), reversed(beacons)))
    assert (only(viewing, reel).sequence, only(viewing, reel).unique_ms) == (8, 8000)


def good(**changes: Any) -> dict[str, Any]:
    """Return a beacon in good order, with a token that nobody signed."""
    return {**state("token", "01JD0000000000000000000000", 1, (0, 5)), **changes}


MALFORMED = {
    "no JSON": b"{",
    "no object": b"[]",
    "empty": b"",
    "not text": b"\xff\xfe\x00",
    "other version": json.dumps(good(v=2)).encode(),
    "no version": json.dumps({k: v for k, v in good().items() if k != "v"}).encode(),
    "a field that we do not know": json.dumps(good(x=1)).encode(),
    "NaN": json.dumps(good(p=float("nan"))).encode(),
    "infinity": json.dumps(good(r=[[0, float("inf"), 1]])).encode(),
    "number as text": json.dumps(good(q="7")).encode(),
    "number as truth": json.dumps(good(q=True)).encode(),
    "no number": json.dumps(good(q=0)).encode(),
    "huge number": json.dumps(good(q=10**30)).encode(),
    "segment of two": json.dumps(good(r=[[0, 1]])).encode(),
    "session that is no ULID": json.dumps(good(s="../../etc/passwd")).encode(),
    "event that we do not know": json.dumps(
        good(e=[{"i": new_id(), "n": "hack", "c": "", "pos": 0, "at": 0}])
    ).encode(),
    "NUL": json.dumps(good(s="\0" * 26)).encode(),
    "half a character": b'{"v":1,"t":"\\ud800"}',
    "201 segments": json.dumps(good(r=[[0, 1, 1]] * 201)).encode(),
    "deep": b"[" * 4000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_a_beacon_is_refused(viewing_sqlite: Viewing, body: bytes) -> None:
    """Anything that is not exactly of the format gets 400 and leaves no trace."""
    before = viewing_sqlite.contents()
    assert post(viewing_sqlite.client, body) == 400
    assert viewing_sqlite.contents() == before


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("vtsqatdrpfek"), inner)
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_at_all_is_an_error_of_ours(viewing_sqlite: Viewing, body: bytes) -> None:
    """Whatever is sent, the answer is 400 and never 500."""
    assert post(viewing_sqlite.client, body) == 400


def test_a_large_body_is_refused_unread(viewing_sqlite: Viewing) -> None:
    """More than 8 KiB is no beacon, whether or not its length is announced."""
    assert post(viewing_sqlite.client, b" " * 8193) == 413
    assert post(viewing_sqlite.client, b" " * 8_000_000) == 413
    assert post(viewing_sqlite.client, b" " * 8192) == 400


def test_forged_and_foreign_tokens_are_refused(viewing: Viewing) -> None:
    """Only a token that we signed for beacons, at most a day ago, opens the door."""
    reel = viewing.reel()
    ticket = viewing.ticket(reel)
    stranger = make_ticket(Keyring([new_key()]), reel.id, 0)
    before = viewing.contents()
    for token in (
        "",
        "x",
        ticket[:-1],
        ticket.swapcase(),
        stranger,
        viewing.keyring.sign({"v": reel.id, "at": 0}, "login"),
        viewing.keyring.sign([reel.id], "beacon"),
        reel.token,
    ):
        assert post(viewing.client, state(token, new_id(), 1, (0, 5))) == 403
    assert viewing.contents() == before


def test_nobody_can_write_into_another_videos_session(viewing: Viewing) -> None:
    """A session belongs to the video that it began with."""
    mine, yours = viewing.reel(), viewing.reel()
    session = new_id()
    post(viewing.client, state(viewing.ticket(yours), session, 1, (0, 5)))
    before = viewing.contents()
    assert post(viewing.client, state(viewing.ticket(mine), session, 9, (0, 20))) == 403
    assert viewing.contents() == before


def test_nobody_watches_faster_than_time_passes(viewing: Viewing) -> None:
    """A page that was opened two seconds ago cannot have been watched for minutes."""
    reel = viewing.reel()
    ticket = viewing.ticket(reel, opened=2)
    played = [(0, 20)] * 30
    assert post(viewing.client, state(ticket, new_id(), 1, *played)) == 204
    row = only(viewing, reel)
    assert row.watch_ms <= 20_000
    assert row.flags["clipped"] == 1


@pytest.mark.parametrize(
    ("played", "percent"),
    [([(-0.2, 4)], 20), ([(15, 900)], 25), ([(25, 30)], 0), ([(5, 5)], 0)],
)
def test_positions_are_kept_inside_the_film(
    viewing_sqlite: Viewing, played: list[tuple[float, float]], percent: int
) -> None:
    """A slip of the player's clock is cut to what the film has."""
    reel = viewing_sqlite.reel()
    assert (
        post(viewing_sqlite.client, state(viewing_sqlite.ticket(reel), new_id(), 1, *played)) == 204
    )
    assert only(viewing_sqlite, reel).unique_ms * 100 // 20_000 == percent


@pytest.mark.parametrize("played", [(-7, 4), (9, 3)])
def test_impossible_times_move_no_number(
    viewing_sqlite: Viewing, played: tuple[float, float]
) -> None:
    """What no player reports is accepted with a shrug and not stored."""
    reel = viewing_sqlite.reel()
    before = viewing_sqlite.contents()
    assert (
        post(viewing_sqlite.client, state(viewing_sqlite.ticket(reel), new_id(), 1, played)) == 204
    )
    assert viewing_sqlite.contents() == before


def test_a_browsers_clock_does_not_matter(viewing_sqlite: Viewing) -> None:
    """Times are ours; a clock that is years off is only noted."""
    reel = viewing_sqlite.reel()
    beacon = state(viewing_sqlite.ticket(reel), new_id(), 1, (0, 5), at=4_000_000_000_000)
    assert post(viewing_sqlite.client, beacon) == 204
    row = only(viewing_sqlite, reel)
    assert row.first_at < 4_000_000_000_000
    assert row.flags["clock_off"] == 1


def test_an_event_is_kept_once_however_often_it_is_told(viewing: Viewing) -> None:
    """Events have ids of their own, so that each beacon can carry all of them."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    told = [{"i": new_id(), "n": "play", "c": "", "pos": 0.0, "at": 1}]
    for number in (1, 2, 3):
        post(viewing.client, state(ticket, session, number, (0, number), e=told))
    with viewing.store.read() as tx:
        assert [row.name for row in tx.execute(select(events.c.name))] == ["play"]


@pytest.mark.parametrize("status", [VideoStatus.ERASED, VideoStatus.QUEUED])
def test_nothing_is_kept_of_what_cannot_be_watched(viewing: Viewing, status: VideoStatus) -> None:
    """Beacons about an erased video, or one without a film, are dropped politely."""
    reel = viewing.reel(status)
    before = viewing.contents()
    assert post(viewing.client, state(viewing.ticket(reel), new_id(), 1, (0, 5))) == 204
    assert viewing.contents() == before


def test_an_opt_out_stops_the_pages_that_are_open(viewing: Viewing) -> None:
    """Who withdraws while a page is open is no longer measured by it."""
    reel = viewing.reel()
    ticket, session = viewing.ticket(reel), new_id()
    post(viewing.client, state(ticket, session, 1, (0, 5)))
    viewing.client.post(f"{reel.path}/opt-out")
    assert post(viewing.client, state(ticket, session, 2, (0, 20))) == 204
    assert only(viewing, reel).unique_ms == 5000


@pytest.mark.parametrize(
    ("agent", "flags", "viewer", "reason"),
    [
        (HEADLESS, {}, "bot", "ua_list"),
        ("Slackbot-LinkExpanding 1.0", {}, "preview", "ua_list"),
        (None, {"wd": 1}, "bot", "webdriver"),
        (None, {"g": 0, "inp": 0}, "unknown", "no_input"),
    ],
)
def test_who_is_not_a_person_is_marked_with_reasons(
    viewing_sqlite: Viewing, agent: str | None, flags: dict[str, int], viewer: str, reason: str
) -> None:
    """Scanners and previews are kept, with the reason, and taken for what they are."""
    reel = viewing_sqlite.reel()
    beacon = state(viewing_sqlite.ticket(reel), new_id(), 1, (0, 15))
    beacon["f"] |= flags
    assert post(viewing_sqlite.client, beacon, *([agent] if agent else [])) == 204
    row = only(viewing_sqlite, reel)
    assert row.viewer == viewer
    assert reason in row.reasons


def test_what_comes_with_the_message_itself_is_suspect(viewing_sqlite: Viewing) -> None:
    """A page that is opened seconds after its link was made, by nobody's hand, is a scanner's."""
    with viewing_sqlite.store.read() as tx:
        reel = viewing_sqlite.reel(minted_at=now(tx) - 2000)
    beacon = state(viewing_sqlite.ticket(reel, opened=1), new_id(), 1, (0, 3))
    beacon["f"] |= {"inp": 0}
    post(viewing_sqlite.client, beacon)
    row = only(viewing_sqlite, reel)
    assert (row.viewer, row.reasons) == ("bot", ["seconds_after_send", "no_input"])


def test_our_own_look_is_marked(viewing_sqlite: Viewing) -> None:
    """A colleague who is signed in watches as `self`."""
    reel = viewing_sqlite.reel()
    ticket = viewing_sqlite.ticket(reel, own=True)
    post(viewing_sqlite.client, state(ticket, new_id(), 1, (0, 15)))
    assert only(viewing_sqlite, reel).viewer == "self"


def test_the_users_agent_itself_is_not_kept(viewing_sqlite: Viewing) -> None:
    """Only its class is: that is all that is needed to judge again."""
    reel = viewing_sqlite.reel()
    beacon = state(viewing_sqlite.ticket(reel), new_id(), 1, (0, 5))
    post(viewing_sqlite.client, beacon, "Rare/9.9 (canary)")
    assert "canary" not in json.dumps(viewing_sqlite.contents(), default=str)


def test_with_tracking_off_nothing_is_stored(viewing_sqlite: Viewing) -> None:
    """A page from before the switch still gets its 204."""
    reel = viewing_sqlite.reel()
    ticket = viewing_sqlite.ticket(reel)
    here = viewing_sqlite.app.extensions["cuereel"]
    off = here.settings.model_copy(update={"tracking": "off"})
    viewing_sqlite.app.extensions["cuereel"] = type(here)(
        off, here.store, here.keyring, here.doorbell, here.limits
    )
    before = viewing_sqlite.contents()
    assert post(viewing_sqlite.client, state(ticket, new_id(), 1, (0, 5))) == 204
    assert viewing_sqlite.contents() == before


def test_a_flood_about_one_video_leaves_others_alone(viewing_sqlite: Viewing) -> None:
    """After 60 beacons in ten seconds a video's next ones get 429; another video's pass."""
    loud, quiet = viewing_sqlite.reel(), viewing_sqlite.reel()
    ticket, session, client = viewing_sqlite.ticket(loud), new_id(), viewing_sqlite.client
    answers = [post(client, state(ticket, session, number, (0, 5))) for number in range(1, 80)]
    assert set(answers[:60]) == {204}
    assert answers[-1] == 429
    assert post(client, state(viewing_sqlite.ticket(quiet), new_id(), 1, (0, 5))) == 204


def test_a_database_that_is_busy_is_said_to_the_player(
    viewing_sqlite: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 and nothing stored; the next beacon carries the same state and is stored."""

    @contextmanager
    def busy(self: object) -> Any:
        raise DatabaseBusyError("the database did not answer", after=2)
        yield

    reel = viewing_sqlite.reel()
    ticket, session = viewing_sqlite.ticket(reel), new_id()
    with monkeypatch.context() as patch:
        patch.setattr("connector.store.Store.write", busy)
        answer = viewing_sqlite.client.post(
            "/e", data=json.dumps(state(ticket, session, 1, (0, 5)))
        )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert viewing_sqlite.sessions(reel) == []
    assert post(viewing_sqlite.client, state(ticket, session, 2, (0, 6))) == 204
    assert only(viewing_sqlite, reel).unique_ms == 6000


def test_the_collector_commits_in_groups_and_refuses_when_full() -> None:
    """While one group is being written the next gathers; beyond its room newcomers are refused."""
    groups: list[int] = []
    gate, begun = threading.Event(), threading.Event()

    def commit(items: Any) -> list[int]:
        begun.set()
        gate.wait(10)
        groups.append(len(items))
        return [item * 2 for item in items]

    collector: Collector[int, int] = Collector(commit, room=5)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(collector.submit, 1)
        begun.wait(10)
        waiting = [pool.submit(collector.submit, number) for number in range(2, 7)]
        while collector._waiting.qsize() < 5:
            threading.Event().wait(0.01)
        with pytest.raises(TemporaryError, match="too much"):
            collector.submit(99)
        gate.set()
        assert [first.result(10), *(future.result(10) for future in waiting)] == [
            2,
            4,
            6,
            8,
            10,
            12,
        ]
    assert groups == [1, 5]


def test_the_collector_passes_on_what_went_wrong_and_goes_on() -> None:
    """A failed commit is everybody's answer in that group; the next group is tried anew."""
    outcomes = iter([ValueError("broken"), None])

    def commit(items: Any) -> list[int]:
        error = next(outcomes)
        if error:
            raise error
        return list(items)

    collector: Collector[int, int] = Collector(commit)
    with pytest.raises(ValueError, match="broken"):
        collector.submit(1)
    assert collector.submit(2) == 2


def test_counting_knocks_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys knock, only so many are remembered; each window starts afresh."""
    clock = [0.0]
    monkeypatch.setattr("connector.web.floods.time.monotonic", lambda: clock[0])
    meter = Meter(2, 10, room=100)
    assert [meter.allows("one") for _ in range(4)] == [True, True, False, False]
    for number in range(1000):
        meter.allows(number)
    assert len(meter._counts) <= 100
    clock[0] = 10.0
    assert meter.allows("one")
