"""The sums of views: how they are moved, read, taken back and counted anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Table, delete, select, update

from connector.cli.recount import recount as command
from connector.jobs import tidy
from connector.jobs.station import Station, make_station
from connector.measure.engagement import engagement
from connector.measure.sums import NOTHING, Contribution, SceneShare
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, curves, sessions
from connector.store.curves import Key
from connector.store.erase import erase
from connector.store.recount import recount
from connector.store.sessions import SessionRow
from connector.store.tables import curves as curve_table
from connector.store.tables import scene_sums
from tests.web.viewing import CONNECTION, DURATION, Reel, Viewing, make_viewing

NOON = 1_795_262_400_000  # 21 November 2026, 12:00 in UTC
HALF_A_DAY = 43_200_000
KEY = Key(CONNECTION, "onboarding", "", "onboarding", "2026-11-21")


def ones(plays: int = 1, scenes: dict[str, SceneShare] | None = None) -> Contribution:
    """Return what so many views of a whole video add."""
    all_of_it = (plays,) * 100
    return Contribution(plays, all_of_it, all_of_it, (0,) * 100, (0,) * 99 + (plays,), scenes or {})


@pytest.fixture
def viewing(settings: Settings, store: Store, keyring: Keyring) -> Viewing:
    """An installation with one connection, once on each database."""
    return make_viewing(settings, store, keyring)


def kept(
    viewing: Viewing, reel: Reel, name: str, *played: tuple[float, float], at: int = NOON
) -> SessionRow:
    """Store a person's session without adding it up, as if the sums had been lost."""
    segments = [[start, end, 1.0] for start, end in played]
    seen = engagement(segments, DURATION)
    row = SessionRow(
        id=name, video_id=reel.id, sequence=1, first_at=at, last_at=at, segments=segments,
        viewed=True, viewer="human", score=0, reasons=[], flags={}, **vars(seen),
    )  # fmt: skip
    with viewing.store.write() as tx:
        sessions.keep(tx, [row])
    return row


def moved(store: Store, *moves: tuple[Key, Contribution]) -> None:
    """Move the sums, each time in a transaction of its own."""
    for key, move in moves:
        with store.write() as tx:
            curves.add(tx, {key: move})


def plays(store: Store, campaign: str = "onboarding", **chosen: str) -> int:
    """Return the views of a campaign."""
    with store.read() as tx:
        return curves.of_campaign(tx, campaign, **chosen).plays


def test_a_campaign_without_views_has_an_empty_curve(viewing: Viewing) -> None:
    """A hundred zeros, and no scenes."""
    with viewing.store.read() as tx:
        curve = curves.of_campaign(tx, "onboarding")
        assert curves.scenes_of_campaign(tx, "onboarding") == []
    assert curve == curves.Curve(0, *[(0,) * 100] * 4)


def test_days_and_variants_and_templates_add_up_and_can_be_chosen(viewing: Viewing) -> None:
    """None means all of them; the empty variant is one like others."""
    moved(
        viewing.store,
        (KEY, ones(1)),
        (replace(KEY, day="2026-11-22"), ones(2)),
        (replace(KEY, variant="b"), ones(4)),
        (replace(KEY, template="other"), ones(8)),
        (replace(KEY, campaign="another"), ones(16)),
    )
    assert plays(viewing.store) == 15
    assert plays(viewing.store, variant="") == 11
    assert plays(viewing.store, variant="b") == 4
    assert plays(viewing.store, template="other") == 8
    with viewing.store.read() as tx:
        assert curves.of_campaign(tx, "onboarding").reach == (15,) * 100


def test_scenes_come_in_the_order_of_the_video(viewing: Viewing) -> None:
    """Sums of scenes add up over days; a scene that nobody's video has any more is left out."""
    first = {"a": SceneShare(1, plays=1, reached=1, watched_ms=500), "z": SceneShare(0, plays=1)}
    gone = SceneShare(2, plays=1)
    moved(
        viewing.store,
        (KEY, ones(1, {**first, "gone": gone})),
        (KEY, NOTHING - ones(1, {"gone": gone})),
        (replace(KEY, day="2026-11-22"), ones(1, first)),
    )
    with viewing.store.read() as tx:
        found = curves.scenes_of_campaign(tx, "onboarding")
    assert [(one.scene, one.place, one.plays, one.watched_ms) for one in found] == [
        ("z", 0, 2, 0),
        ("a", 1, 2, 1000),
    ]


def test_many_at_once_lose_nothing(viewing: Viewing) -> None:
    """Whoever moves the same rows waits, also where nobody has begun them yet."""
    other = replace(KEY, variant="b")
    share = {"a": SceneShare(0, plays=1, watched_ms=10)}

    def move(number: int) -> None:
        with viewing.store.write() as tx:
            both = [(KEY, ones(1, share)), (other, ones(1, share))]
            curves.add(tx, dict(both if number % 2 else reversed(both)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(move, range(40)))
    with viewing.store.read() as tx:
        assert curves.of_campaign(tx, "onboarding", variant="").reach == (40,) * 100
        [scene] = curves.scenes_of_campaign(tx, "onboarding")
    assert (scene.plays, scene.watched_ms) == (80, 800)


def test_a_move_of_nothing_writes_nothing(viewing: Viewing) -> None:
    """No row is begun for whoever did not really view."""
    moved(viewing.store, (KEY, NOTHING), (KEY, ones(1) - ones(1)))
    with viewing.store.read() as tx:
        assert tx.execute(select(curve_table)).all() == []


def test_a_recount_finds_what_differs_and_leaves_it_unless_told(viewing: Viewing) -> None:
    """Lost sums and invented ones are both found, and both mended."""
    reel = viewing.reel()
    kept(viewing, reel, "one", (0, 20))
    kept(viewing, reel, "two", (0, 10), at=NOON + HALF_A_DAY)
    moved(viewing.store, (replace(KEY, campaign="invented"), ones(3)))
    assert [recount(viewing.store) for _ in range(2)] == [3, 3]
    assert recount(viewing.store, mend=True) == 3
    assert recount(viewing.store) == 0
    assert plays(viewing.store) == 2
    assert plays(viewing.store, "invented") == 0


@pytest.mark.parametrize("wrong", [{"plays": 7}, {"hits": [1] * 99 + [2]}])
def test_a_recount_sees_each_number_of_a_curve(viewing: Viewing, wrong: dict[str, object]) -> None:
    """One count in one bucket is enough to differ, and is put right."""
    kept(viewing, viewing.reel(), "one", (0, 20))
    recount(viewing.store, mend=True)
    with viewing.store.write() as tx:
        tx.execute(update(curve_table).values(**wrong))
    assert recount(viewing.store, mend=True) == 1
    with viewing.store.read() as tx:
        curve = curves.of_campaign(tx, "onboarding")
    assert (curve.plays, curve.hits) == (1, (1,) * 100)


def test_a_recount_sees_each_scene(viewing: Viewing) -> None:
    """A scene's row that was lost comes back."""
    kept(viewing, viewing.reel(), "one", (0, 20))
    recount(viewing.store, mend=True)
    with viewing.store.write() as tx:
        tx.execute(delete(scene_sums).where(scene_sums.c.scene == "plan"))
    assert recount(viewing.store, mend=True) == 1
    with viewing.store.read() as tx:
        found = curves.scenes_of_campaign(tx, "onboarding")
    assert [(one.scene, one.watched_ms) for one in found] == [
        ("welcome", 5000),
        ("plan", 10_000),
        ("farewell", 5000),
    ]


@pytest.mark.parametrize("table", [curve_table, scene_sums], ids=["curves", "scenes"])
def test_a_recount_replaces_a_table_that_was_lost(viewing: Viewing, table: Table) -> None:
    """What is left in the other table is not counted twice."""
    kept(viewing, viewing.reel(), "one", (0, 20))
    recount(viewing.store, mend=True)
    with viewing.store.write() as tx:
        tx.execute(delete(table))
    assert [recount(viewing.store, mend=True) for _ in range(2)] == [1, 0]
    with viewing.store.read() as tx:
        found = curves.scenes_of_campaign(tx, "onboarding")
    assert (plays(viewing.store), [one.plays for one in found]) == (1, [1, 1, 1])


def test_the_day_is_that_of_the_beginning_in_utc(viewing: Viewing) -> None:
    """Midnight in Greenwich parts the days, to the millisecond."""
    reel = viewing.reel()
    kept(viewing, reel, "before", (0, 20), at=NOON + HALF_A_DAY - 1)
    kept(viewing, reel, "after", (0, 20), at=NOON + HALF_A_DAY)
    recount(viewing.store, mend=True)
    with viewing.store.read() as tx:
        days = tx.execute(select(curve_table.c.day).order_by(curve_table.c.day)).scalars().all()
    assert days == ["2026-11-21", "2026-11-22"]


def test_who_is_erased_leaves_the_sums(viewing: Viewing) -> None:
    """Other people's views stay, and a recount agrees."""
    kept(viewing, viewing.reel(contact_id="ana"), "one", (0, 20))
    kept(viewing, viewing.reel(contact_id="ben"), "two", (0, 10))
    recount(viewing.store, mend=True)
    with viewing.store.write() as tx:
        erase(tx, CONNECTION, "ana")
    with viewing.store.read() as tx:
        curve = curves.of_campaign(tx, "onboarding")
    assert (curve.plays, curve.reach) == (1, (1,) * 50 + (0,) * 50)
    assert recount(viewing.store) == 0
    with viewing.store.write() as tx:
        erase(tx, CONNECTION, "ana")
    assert plays(viewing.store) == 1


@pytest.fixture
def station(
    settings: Settings, viewing: Viewing, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Station]:
    """A station on the installation's database, that has not counted yet."""
    monkeypatch.setattr(tidy, "_recounted", {})
    made = make_station(settings)
    yield replace(made, store=viewing.store)
    made.store.close()


def test_the_sweep_mends_once_a_day(
    viewing: Viewing, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong after the day's count is found on the next day."""
    reel = viewing.reel()
    kept(viewing, reel, "one", (0, 20))
    assert tidy.recount(station) == 1
    kept(viewing, reel, "two", (0, 20))
    assert tidy.recount(station) == 0
    assert plays(viewing.store) == 1
    tomorrow = NOON + 400 * 2 * HALF_A_DAY
    monkeypatch.setattr(tidy, "now", lambda tx: tomorrow)
    assert tidy.recount(station) == 1
    assert plays(viewing.store) == 2


def test_the_sweep_counts_among_its_chores(viewing: Viewing, station: Station) -> None:
    """Nobody has to ask for it."""
    kept(viewing, viewing.reel(), "one", (0, 20))
    tidy.tidy(station)
    assert plays(viewing.store) == 1


def asked(*words: str) -> Result:
    """Run `cuereel recount`."""
    return CliRunner().invoke(command, list(words))


def test_the_command_says_what_differs_and_mends_it(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 1 only while something is wrong."""
    monkeypatch.setenv("DATABASE_URL", viewing.store.engine.url.render_as_string(False))
    assert (asked().exit_code, asked().stdout) == (0, "All sums are right.\n")
    kept(viewing, viewing.reel(), "one", (0, 20))
    wrong = asked()
    assert wrong.exit_code == 1
    assert "`cuereel recount --mend`" in wrong.stdout
    assert asked("--mend").stdout == "1 sum differed and was mended.\n"
    assert json.loads(asked("--json").stdout) == {"differed": 0, "mended": False}
