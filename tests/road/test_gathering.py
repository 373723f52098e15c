"""Jobs that go on with what is due: one ring is enough for a crowd, and nobody urgent waits for it."""

from __future__ import annotations

import pytest

from connector.jobs import decided, minted
from connector.jobs import render_video as rendering
from connector.jobs.minted import Bells, Case
from connector.jobs.plan_video import plan_video
from connector.jobs.render_video import render_video
from connector.jobs.write_back import write_back
from connector.model import PLAYABLE, Subject
from connector.queues import Doorbell
from connector.store import leases
from connector.store.tables import RUNNING, WORK, videos
from tests.road.conftest import Road


def crowd(road: Road, count: int) -> list[str]:
    """Send the triggers of so many contacts."""
    names = [f"c{number}" for number in range(count)]
    for name in names:
        road.contact(name)
        road.post(subject=Subject("contact", name))
    return names


def first(road: Road, noun: str) -> str:
    """Return the row that is due for the longest time."""
    with road.store.read() as tx:
        return leases.due(tx, noun, ring_again=-1, limit=1)[0]


def made(road: Road, names: list[str]) -> list[bool]:
    """Tell of each contact whether the video is made."""
    return [road.videos(name)[0].status in PLAYABLE for name in names]


def change_all(road: Road, **values: object) -> None:
    """Set columns of every video."""
    with road.store.write() as tx:
        tx.execute(videos.update().values(**values))


def test_one_ring_a_station_is_enough_for_a_crowd(any_road: Road) -> None:
    """Who is rung for plans, renders and writes for all of them."""
    names = crowd(any_road, 3)
    plan_video([first(any_road, "triggers")])
    assert made(any_road, names) == [False] * 3
    render_video([first(any_road, "videos")])
    assert made(any_road, names) == [True] * 3
    write_back([first(any_road, "changes")])
    assert all(any_road.fields(name)["cuereel_video_url"] for name in names)


def test_a_process_that_has_rendered_long_enough_passes_the_rest_on(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time it renders no more, and rings for what is left."""
    monkeypatch.setattr(rendering, "WARM_SECONDS", 0.0)
    rung: list[tuple[str, list[str], str | None]] = []
    names = crowd(road, 3)
    plan_video([first(road, "triggers")])
    monkeypatch.setattr(Doorbell, "ring", lambda _, *call: rung.append(call))
    render_video([first(road, "videos")])
    assert sorted(made(road, names)) == [False, False, True]
    assert rung[-1] == ("render_video", [first(road, "videos")], "render")


def test_a_viewer_who_waits_is_not_kept_waiting_by_a_crowd(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody is in front of a page, a process of the slower queues ends after its video."""
    monkeypatch.setattr(Doorbell, "waiting", lambda _, queue: int(queue == "render-now"))
    names = crowd(road, 3)
    plan_video([first(road, "triggers")])
    render_video([first(road, "videos")])
    assert sorted(made(road, names)) == [False, False, True]


def test_only_videos_of_the_same_queue_are_gathered(road: Road) -> None:
    """A worker for viewers who wait does not fall to a campaign's thousands."""
    names = crowd(road, 3)
    plan_video([first(road, "triggers")])
    change_all(road, queue="render-bulk")
    opened = first(road, "videos")
    with road.store.write() as tx:
        tx.execute(videos.update().where(videos.c.id == opened).values(queue="render-now"))
    render_video([opened])
    assert sorted(made(road, names)) == [False, False, True]


def test_what_killed_a_worker_is_not_gathered(road: Road) -> None:
    """A video whose worker died is rendered only by a job of its own."""
    names = crowd(road, 2)
    plan_video([first(road, "triggers")])
    died = road.videos(names[1])[0].id
    with road.store.write() as tx:
        dead = {"work": RUNNING, "lease_until": 1}
        tx.execute(videos.update().where(videos.c.id == died).values(**dead))
    render_video([road.videos(names[0])[0].id])
    assert made(road, names) == [True, False]
    render_video([died])
    assert made(road, names) == [True, True]


def test_one_trigger_that_breaks_is_decided_alone_and_costs_its_neighbours_nothing(
    any_road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Triggers share a transaction; a bug that one of them wakes puts only that one back."""

    def mint(tx: object, station: object, case: Case, *rest: object) -> Bells:
        if case.contact_id == "c1":
            raise ZeroDivisionError
        return minted.mint(tx, station, case, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(decided, "mint", mint)
    crowd(any_road, 3)
    plan_video([first(any_road, "triggers")])
    assert [len(any_road.videos(f"c{number}")) for number in range(3)] == [1, 0, 1]
    with any_road.store.read() as tx:
        rows = tx.execute(WORK["triggers"].select()).all()
    assert sorted((row.work, row.error_reason) for row in rows if row.subject_id == "c1") == [
        ("due", "unexpected")
    ]
