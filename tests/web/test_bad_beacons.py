"""
Who knocks with ill will, or with nonsense: told off or ignored, counted, and no number moves.

Each arrives while a person's session is stored, and claims far more than that person watched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from prometheus_client import REGISTRY

from connector.secrets import Keyring, new_key
from connector.store.ids import new_id
from connector.web.beacons import COLLECTOR, MOST_BEACONS
from connector.web.floods import Meter
from connector.web.wire import make_ticket
from tests.web.viewing import Reel, Viewing, post, state

MEGABYTES = 1_000_000
NOBODYS = Keyring([new_key()])


@dataclass(frozen=True)
class Watched:
    """A session that was watched in earnest, and the ticket of its page."""

    viewing: Viewing
    reel: Reel
    session: str
    ticket: str

    def claim(self, *played: tuple[float, float], number: int = 9, **more: Any) -> dict[str, Any]:
        """Return a beacon in good order that says that all of the film was watched, or *played*."""
        return state(self.ticket, self.session, number, *(played or [(0, 20)]), **more)

    def timed(self, **travelled: float) -> str:
        """Return a ticket that we signed at another time."""
        with time_machine.travel(datetime.now(UTC) + timedelta(**travelled), tick=False):
            return make_ticket(self.viewing.keyring, self.reel.id, 0)

    def event(self, **changes: Any) -> dict[str, Any]:
        """Return a click, as a beacon carries it."""
        return {"i": new_id(), "n": "cta_click", "c": "main", "pos": 1.0, "at": 1, **changes}


@pytest.fixture
def watched(viewing_sqlite: Viewing) -> Watched:
    """A person has seen half of a film."""
    reel, session = viewing_sqlite.reel(), new_id()
    ticket = viewing_sqlite.ticket(reel)
    assert post(viewing_sqlite.client, state(ticket, session, 3, (0, 10))) == 204
    return Watched(viewing_sqlite, reel, session, ticket)


def counted(result: str) -> float:
    """Return how many beacons came to a result, as the metrics have it."""
    return REGISTRY.get_sample_value("cuereel_beacons_total", {"result": result}) or 0.0


Claim = Callable[[Watched], dict[str, Any] | bytes]
BAD: dict[str, tuple[Claim, int, str]] = {
    "a token that nobody signed": (lambda w: w.claim() | {"t": "x.y.z"}, 403, "forged"),
    "a token of other keys": (
        lambda w: w.claim() | {"t": make_ticket(NOBODYS, w.reel.id, 0)}, 403, "forged"
    ),
    "a token with another video put in": (
        lambda w: w.claim() | {"t": "eyJ2IjoieCIsImF0IjowfQ" + w.ticket[w.ticket.index("."):]},
        403, "forged",
    ),
    "a token of yesterday": (lambda w: w.claim() | {"t": w.timed(hours=-25)}, 403, "forged"),
    "a token of tomorrow": (lambda w: w.claim() | {"t": w.timed(hours=25)}, 403, "forged"),
    "another person's token": (
        lambda w: w.claim() | {"t": w.viewing.ticket(w.viewing.reel(contact_id="c2"))},
        403, "foreign",
    ),
    "the same once more": (lambda w: w.claim((0, 10), number=3), 204, "old"),
    "an old number with more in it": (lambda w: w.claim(number=2), 204, "old"),
    "ten thousand segments": (lambda w: w.claim(*[(0, 20)] * 10_000), 413, "too_large"),
    "eight megabytes of spaces": (
        lambda w: json.dumps(w.claim()).encode() + b" " * 8 * MEGABYTES, 413, "too_large"
    ),
    "eight megabytes of text": (lambda w: w.claim() | {"s": "0" * 8 * MEGABYTES}, 413, "too_large"),
    "more segments than are kept": (
        lambda w: json.dumps(w.claim(*[(1, 2)] * 201), separators=(",", ":")).encode(),
        400, "malformed",
    ),
    "a number beyond all counting": (lambda w: w.claim(number=10**7), 400, "malformed"),
    "a clock beyond the end of time": (lambda w: w.claim(at=2**53), 400, "malformed"),
    "a clock before its beginning": (lambda w: w.claim(at=-1), 400, "malformed"),
    "an event beyond the end of time": (
        lambda w: w.claim(e=[w.event(at=2**53)]), 400, "malformed"
    ),
    "a position beyond all films": (lambda w: w.claim(p=1e9), 400, "malformed"),
    "time that runs backwards": (lambda w: w.claim((9, 3)), 204, "dropped"),
    "time before the beginning": (lambda w: w.claim((-7, 20)), 204, "dropped"),
    "a rate below nothing": (lambda w: w.claim(r=[[0, 20, -1]]), 204, "dropped"),
    "a rate beyond all players": (lambda w: w.claim(r=[[0, 20, 1000]]), 204, "dropped"),
}  # fmt: skip


@pytest.mark.parametrize(("claim", "status", "result"), BAD.values(), ids=BAD.keys())
def test_a_bad_beacon_is_counted_and_moves_no_number(
    watched: Watched, claim: Claim, status: int, result: str
) -> None:
    """Not one row of the database is other than before."""
    body, before = claim(watched), counted(result)
    contents = watched.viewing.contents()
    assert post(watched.viewing.client, body) == status
    assert counted(result) == before + 1
    assert watched.viewing.contents() == contents


def test_the_good_one_moves_numbers(watched: Watched) -> None:
    """What the bad ones differ from: the same claim in good order is believed."""
    before = counted("stored")
    assert post(watched.viewing.client, watched.claim()) == 204
    assert counted("stored") == before + 1
    [row] = watched.viewing.sessions(watched.reel)
    assert (row.sequence, row.unique_ms) == (9, 20_000)


def test_what_a_flood_brings_beyond_its_measure_is_not_stored(watched: Watched) -> None:
    """Each refused one is counted; what was stored before the flood passed its measure stands."""
    client, refused = watched.viewing.client, counted("too_often")
    # the same measure, for as long as the test may take on a busy machine
    extensions = watched.viewing.app.extensions
    extensions[COLLECTOR] = (extensions[COLLECTOR][0], Meter(MOST_BEACONS, 3600))
    answers = [post(client, watched.claim((0, 10), number=3)) for _ in range(100)]
    contents = watched.viewing.contents()
    more = [post(client, watched.claim(number=10 + number)) for number in range(50)]
    assert set(more) == {429}
    assert counted("too_often") == refused + answers.count(429) + 50
    assert watched.viewing.contents() == contents


def test_a_players_clock_moves_neither_times_nor_figures(watched: Watched) -> None:
    """A clock that is years ahead is noted beside what our own clock says."""
    before = watched.viewing.sessions(watched.reel)[0]
    event = watched.event(n="pause", at=4_000_000_000_000)
    assert (
        post(watched.viewing.client, watched.claim((0, 10), at=4_000_000_000_000, e=[event])) == 204
    )
    [row] = watched.viewing.sessions(watched.reel)
    assert (row.first_at, row.unique_ms) == (before.first_at, before.unique_ms)
    assert row.last_at - before.last_at < 60_000
    assert row.flags["clock_off"] == 1


@pytest.mark.parametrize(
    "changes", [{"p": -5.0}, {"p": 1000.0}, {"d": -20.0}, {"d": 0.5}, {"d": 100_000.0}]
)
def test_what_a_player_says_of_the_film_does_not_change_the_film(
    watched: Watched, changes: dict[str, float]
) -> None:
    """Length and places are ours: percent and buckets stay what the stretches are of the real film."""
    assert post(watched.viewing.client, watched.claim((0, 12), **changes)) == 204
    [row] = watched.viewing.sessions(watched.reel)
    assert (row.duration_ms, row.unique_ms) == (20_000, 12_000)
    assert 0 <= row.last_ms <= 20_000
    assert row.counts == bytes([1] * 60 + [0] * 40)


def test_a_click_with_yesterdays_ticket_leads_on_and_counts_nothing(watched: Watched) -> None:
    """Who returns to a page of yesterday is not kept from where the button leads."""
    before = watched.viewing.contents()
    form = {"s": watched.session, "t": watched.timed(hours=-25)}
    answer = watched.viewing.client.post(f"{watched.reel.path}/cta", data=form)
    assert answer.status_code == 303
    assert watched.viewing.contents() == before
