"""The benchmarks of watching send what the product takes, and count what it really stored."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks import beacons
from benchmarks.beacons_crowd import BEACONS, DURATION, Told, count, grow
from connector.measure.engagement import engagement
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from connector.store.ids import new_id
from connector.store.sessions import SessionRow
from connector.web.wire import make_ticket, parse_beacon
from tests.web.viewing import Viewing, make_viewing, post

SESSION = new_id()


@pytest.fixture
def viewing(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Viewing:
    """An installation on SQLite, as the benchmark has it."""
    return make_viewing(settings, sqlite_store, keyring)


def row(sequence: int, segments: list[list[float]]) -> SessionRow:
    """A session as the database holds it."""
    return SessionRow(
        id=SESSION, video_id="v", sequence=sequence, first_at=0, last_at=0, duration_ms=60_000,
        segments=segments, counts=b"", unique_ms=0, watch_ms=0, furthest_ms=0, last_ms=0,
        viewed=True, viewer="human", score=0, reasons=[], flags={},
    )  # fmt: skip


def told(*accepted: int) -> Told:
    """A session whose player sent everything and was answered some of it."""
    sent = {beacon["q"]: beacon["r"] for beacon in grow("ticket", SESSION)}
    return Told(sent, list(accepted))


def test_what_the_crowd_tells_is_a_session_that_grows_and_rewatches(keyring: Keyring) -> None:
    """Every beacon is of the format, says more than the one before, and fits the video."""
    ticket = make_ticket(keyring, "video", 1)
    parsed = [parse_beacon(json.dumps(beacon).encode()) for beacon in grow(ticket, SESSION)]
    watched = [engagement(beacon.r, DURATION).watch_ms for beacon in parsed]
    assert [beacon.q for beacon in parsed] == list(range(1, BEACONS + 1))
    assert watched == sorted(set(watched))
    assert watched[-1] > engagement(parsed[-1].r, DURATION).unique_ms
    assert {beacon.s for beacon in parsed} == {SESSION}


def test_the_product_stores_what_the_crowd_tells(viewing: Viewing) -> None:
    """A beacon of the benchmark counts as stored once the application took it."""
    reel = viewing.reel()
    viewing.change(reel.id, receipt={"duration": DURATION, "scenes": [], "files": {}})
    said = Told()
    for beacon in grow(viewing.ticket(reel), SESSION):
        said.sent[beacon["q"]] = beacon["r"]
        assert post(viewing.client, beacon) == 204
        said.accepted.append(beacon["q"])
    rows = {stored.id: stored for stored in viewing.sessions(reel)}
    assert count({SESSION: said}, rows) == (BEACONS, BEACONS)


def test_what_is_answered_and_not_stored_is_counted_as_lost() -> None:
    """A row that is missing, behind or different does not hold what was accepted."""
    whole = told(1, 2, 3)
    right = row(3, whole.sent[3])
    assert count({SESSION: whole}, {SESSION: right}) == (3, 3)
    assert count({SESSION: whole}, {}) == (3, 0)
    assert count({SESSION: whole}, {SESSION: row(2, whole.sent[2])}) == (3, 2)
    assert count({SESSION: whole}, {SESSION: replace(right, segments=[[0.0, 1.0, 1.0]])}) == (3, 0)


def test_what_is_stored_and_was_not_answered_is_no_gain() -> None:
    """A worker that is killed between the commit and the answer has lost nothing."""
    cut = told(1, 2)
    assert count({SESSION: cut}, {SESSION: row(3, cut.sent[3])}) == (2, 2)


def test_a_missed_bar_is_told_in_a_sentence() -> None:
    """Whoever reads the output need not know the bars."""
    good = {"ratio_to_empty_view": 0.5, "p99_ms": 9.0, "accepted": 10, "stored": 10}
    assert beacons.missed(good) == []
    assert beacons.missed({**good, "ratio_to_empty_view": 0.3, "stored": 8}) == [
        "the ratio is 0.3, at least 0.4 is wanted",
        "2 beacons were answered with 204 and are not stored",
    ]
    assert beacons.missed({**good, "accepted": 0, "stored": 0}) == ["no beacon was accepted"]
