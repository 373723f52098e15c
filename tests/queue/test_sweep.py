"""The sweep rings for whatever is due, fairly, and survives everything around it."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from connector.jobs import sweep as sweeping
from connector.jobs.station import Station
from connector.jobs.sweep import sweep, sweep_once
from connector.jobs.tries import take
from connector.limits import Limits
from connector.queues import JOBS, Doorbell
from connector.store import Store, leases
from connector.store.sessions import owe_measure
from connector.store.waiting import Waiting, fair
from tests.queue.rows import add_videos, add_webhooks, let_lease_run_out, row_of


def rung_for(redis: Redis, queue: str = "write") -> list[str]:
    """Return the ids on a queue, in order."""
    jobs = Queue(queue, connection=redis, serializer=JSONSerializer).jobs
    return [row_id for job in jobs for row_id in job.args[0]]


def test_rings_for_what_is_due_and_only_once_in_a_while(station: Station, redis: Redis) -> None:
    """A second sweep right after does not ring again; one some time later does."""
    ids = add_webhooks(station.store, 3)
    # long enough for a machine that stands still for a while
    patient = station.settings.model_copy(update={"ring_again_seconds": 60})
    station = replace(station, settings=patient)

    assert sweep_once(station)["webhooks"] == 3
    assert sweep_once(station)["webhooks"] == 0
    assert rung_for(redis) == ids

    let_lease_run_out(station.store, ids)  # and what was rung, was rung long ago
    assert sweep_once(station)["webhooks"] == 3


def test_nothing_is_lost_when_redis_forgets_everything(station: Station, redis: Redis) -> None:
    """After a FLUSHALL the same rows are rung for again."""
    ids = add_webhooks(station.store, 3)
    sweep_once(station)
    redis.flushall()

    time.sleep(station.settings.ring_again_seconds + 0.05)
    sweep_once(station)

    assert rung_for(redis) == ids


def test_does_not_ring_for_what_is_held_done_dead_or_not_yet_due(
    station: Station, redis: Redis
) -> None:
    """Only work that somebody could do now is worth a bell."""
    held, done, dead, later = add_webhooks(station.store, 4)
    claims = take(station, "webhooks", [held, done, dead, later])
    with station.store.write() as tx:
        leases.finish(tx, claims[1])
        leases.bury(tx, claims[2], "permanent", "never")
        leases.put_back(tx, claims[3], "crm_busy", "later", 60)

    assert sweep_once(station)["webhooks"] == 0
    assert rung_for(redis) == []


def test_work_of_a_dead_worker_is_rung_for_alone(station: Station, redis: Redis) -> None:
    """What may have killed a worker does not share a job with its neighbours."""
    first, second, third = add_webhooks(station.store, 3)
    take(station, "webhooks", [second])
    let_lease_run_out(station.store, [second])

    sweep_once(station)

    jobs = Queue("write", connection=redis, serializer=JSONSerializer).jobs
    assert [job.args[0] for job in jobs] == [[second], [first, third]]


def test_without_redis_nothing_is_marked_as_rung(station: Station, tmp_path: Path) -> None:
    """A bell that nobody heard is rung anew as soon as Redis is back."""
    (row_id,) = add_webhooks(station.store, 1)
    deaf = Station(
        station.settings,
        station.store,
        station.keyring,
        Doorbell(f"unix://{tmp_path}/no.sock"),
        Limits(None),
    )

    assert sweep_once(deaf)["webhooks"] == 0
    assert row_of(station.store, row_id)["rung_at"] == 0
    assert sweep_once(station)["webhooks"] == 1


def test_whoever_makes_work_due_has_a_moment_to_ring(station: Station, redis: Redis) -> None:
    """A webhook rings by itself; the sweep does not ring along."""
    slow = station.settings.model_copy(update={"sweep_seconds": 2})
    add_webhooks(station.store, 1)

    assert sweep_once(replace(station, settings=slow))["webhooks"] == 0
    time.sleep(sweeping.GRACE + 0.05)
    assert sweep_once(replace(station, settings=slow))["webhooks"] == 1


def test_connections_take_turns(station: Station, redis: Redis) -> None:
    """One customer's thousand rows do not stand before another's single one."""
    add_webhooks(station.store, 30, "large")
    (small,) = add_webhooks(station.store, 1, "small")

    sweep_once(station)

    assert rung_for(redis).index(small) == 1


def test_turns_keep_the_oldest_of_each_first() -> None:
    """Round robin over connections, in order within one."""
    rows = [Waiting(f"{c}{n}", c, n, orphaned=False, rung_ago=None) for c in "ab" for n in range(3)]

    assert [row.id for row in fair(rows)] == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_a_full_queue_is_left_alone(
    station: Station, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis never holds more than a bounded number of jobs; the rest waits where it is safe."""
    monkeypatch.setitem(JOBS, "send_webhooks", replace(JOBS["send_webhooks"], deepest=2))
    ids = add_webhooks(station.store, 100)

    assert sweep_once(station)["webhooks"] == 40
    assert sweep_once(station)["webhooks"] == 0
    assert rung_for(redis) == ids[:40]


def test_each_queue_of_videos_has_room_of_its_own(
    station: Station, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A campaign of any size does not stand before a trigger or a viewer who waits."""
    monkeypatch.setitem(JOBS, "render_video", replace(JOBS["render_video"], deepest=5))
    add_videos(station.store, 20, "render-bulk")
    triggered = add_videos(station.store, 2, "render")
    (opened,) = add_videos(station.store, 1, "render-now")

    assert sweep_once(station)["videos"] == 8
    assert rung_for(redis, "render") == triggered
    assert rung_for(redis, "render-now") == [opened]
    assert len(rung_for(redis, "render-bulk")) == 5


def test_measures_are_rung_for_though_they_name_no_connection(
    station: Station, redis: Redis
) -> None:
    """What was watched is measured even when nobody rang."""
    ids = add_videos(station.store, 2, "render")
    with station.store.write() as tx:
        owe_measure(tx, ids, 0)

    assert sweep_once(station)["measures"] == 2
    assert sorted(rung_for(redis, "measure")) == sorted(ids)


def test_renders_that_wait_their_turn_do_not_pile_up(station: Station, redis: Redis) -> None:
    """However often the sweep comes by, a dozen jobs wait; what was forgotten is rung for again."""
    add_videos(station.store, 30)
    for _ in range(3):
        sweep_once(station)
        time.sleep(station.settings.ring_again_seconds + 0.05)

    assert len(rung_for(redis, "render")) == 12
    redis.flushall()
    assert sweep_once(station)["videos"] == 12


def test_goes_on_when_the_database_is_away(
    sqlite_station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trouble makes it rest, never stop; when the database is back, work is rung for."""
    monkeypatch.setattr(sweeping, "LONGEST_REST", 0.2)
    path = sqlite_station.store.path
    assert path is not None
    safe = tmp_path / "safe.db"
    (row_id,) = add_webhooks(sqlite_station.store, 1)
    sqlite_station.store.close()
    shutil.copy(path, safe)
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
    path.mkdir()  # a folder in its place cannot be opened
    stop = threading.Event()
    slow = sqlite_station.settings.model_copy(update={"sweep_seconds": 0.1})
    station = replace(sqlite_station, settings=slow)
    thread = threading.Thread(target=sweep, args=(station, stop))
    thread.start()
    time.sleep(0.5)
    try:
        assert thread.is_alive()
        path.rmdir()
        shutil.copy(safe, path)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and not _rung(path, row_id):
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
    assert _rung(path, row_id)


def _rung(path: Path, row_id: str) -> bool:
    store = Store(f"sqlite:///{path}")
    try:
        return bool(row_of(store, row_id)["rung_at"])
    finally:
        store.close()
