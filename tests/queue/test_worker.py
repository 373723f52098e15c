"""Real workers on a real Redis: killed at any moment, they delay work and lose none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from connector.cli.programs import variables
from connector.cli.worker import work
from connector.errors import SettingError
from connector.jobs.station import Station
from connector.jobs.sweep import sweep_once
from connector.queues import JOBS
from connector.settings import Settings
from connector.store.tables import DEAD, DONE
from tests.queue.rows import add_webhooks, row_of, state_of
from tests.queue.tiny import TINY, diary

Start = Callable[..., subprocess.Popen[str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(sqlite_station: Station, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start workers that are killed after the test; their output is kept."""
    monkeypatch.setitem(JOBS, "send_webhooks", TINY)
    started: list[subprocess.Popen[str]] = []
    environment = {**os.environ, **variables(sqlite_station.settings), "PYTHONPATH": str(ROOT)}
    environment["REDIS_URL"] = sqlite_station.settings.redis_url

    def begin(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.queue.tiny", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def wait_for(happened: Callable[[], object], seconds: float = 40) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)


def sweep_until(station: Station, row_id: str, state: str) -> None:
    """Sweep as the sweep process would until a row reaches a state."""

    def settled() -> bool:
        sweep_once(station)
        return state_of(station.store, row_id) == state

    wait_for(settled)


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def everything_in(redis: Redis) -> bytes:
    """Return all keys and values of a Redis, with compressed ones opened."""
    parts: list[bytes] = []
    for key in redis.keys("*"):
        dumped = {
            b"string": lambda key: [redis.get(key)],
            b"hash": lambda key: [part for pair in redis.hgetall(key).items() for part in pair],
            b"list": lambda key: redis.lrange(key, 0, -1),
            b"set": lambda key: list(redis.smembers(key)),
            b"zset": lambda key: redis.zrange(key, 0, -1),
            b"stream": lambda key: [repr(redis.xrange(key)).encode()],
        }[redis.type(key)](key)
        parts += [key, *(opened(value) for value in dumped)]
    return b"\n".join(parts)


def opened(value: bytes) -> bytes:
    """Return a value as it is read."""
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def test_a_worker_does_what_it_is_rung_for(
    sqlite_station: Station, start: Start, redis: Redis
) -> None:
    """Rows go in, rows are done, and no job or result stays in Redis."""
    ids = add_webhooks(sqlite_station.store, 30)
    start("write")

    assert sqlite_station.doorbell.ring("send_webhooks", ids)

    wait_for(lambda: all(state_of(sqlite_station.store, row_id) == DONE for row_id in ids))
    wait_for(lambda: not redis.keys("rq:job:*") + redis.keys("rq:results:*"))


def test_no_id_or_argument_is_logged(sqlite_station: Station, start: Start) -> None:
    """One line per job, with its name, queue and time."""
    (row_id,) = add_webhooks(sqlite_station.store, 1)
    worker = start("write")
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    wait_for(lambda: state_of(sqlite_station.store, row_id) == DONE)

    worker.terminate()
    output, _ = worker.communicate(timeout=10)

    assert "send_webhooks" in output
    assert row_id not in output


def test_an_error_that_quotes_a_record_leaves_no_trace_in_redis(
    sqlite_station: Station, start: Start, redis: Redis
) -> None:
    """What a failed job leaves for an hour says neither what it was called with nor why it failed."""
    (row_id,) = add_webhooks(sqlite_station.store, 1, body='{"explode": "Fatima Hassan"}')
    start("write")
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    failed = FailedJobRegistry("write", connection=redis, serializer=JSONSerializer)
    wait_for(lambda: failed.get_job_ids(cleanup=False))

    (job_id,) = failed.get_job_ids(cleanup=False)
    job = Job.fetch(job_id, connection=redis, serializer=JSONSerializer)
    result = job.latest_result()
    assert result is not None
    assert result.exc_string == "the log has the details"
    assert 0 < redis.ttl(job.key) <= 3600
    assert b"Fatima" not in everything_in(redis)


def test_killing_the_worker_takes_its_child_along(sqlite_station: Station, start: Start) -> None:
    """There is never an orphan that goes on with what another worker has taken over."""
    (row_id,) = add_webhooks(sqlite_station.store, 1, body='{"sleep": 60}')
    worker = start("write")
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    home = sqlite_station.settings.folder
    wait_for(lambda: diary(home, "began"))
    ((_, child),) = diary(home, "began")
    assert child != worker.pid
    assert alive(child)

    worker.kill()

    wait_for(lambda: not alive(child), seconds=3)


def test_what_a_dead_child_has_started_is_ended(sqlite_station: Station, start: Start) -> None:
    """No encoder goes on writing for a video that another worker is about to make."""
    (row_id,) = add_webhooks(sqlite_station.store, 1, body='{"spawn": true, "die": true}')
    start("write")
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    home = sqlite_station.settings.folder
    wait_for(lambda: diary(home, "spawned"))
    ((grandchild, _),) = diary(home, "spawned")

    wait_for(lambda: not alive(int(grandchild)), seconds=5)


def test_a_killed_child_delays_its_work_and_nothing_else(
    sqlite_station: Station, start: Start
) -> None:
    """When the lease has run out the sweep rings and the work is done."""
    (row_id,) = add_webhooks(sqlite_station.store, 1, body='{"sleep": 1}')
    start("write")
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    home = sqlite_station.settings.folder
    wait_for(lambda: diary(home, "began"))
    ((_, child),) = diary(home, "began")

    os.kill(child, signal.SIGKILL)

    sweep_until(sqlite_station, row_id, DONE)
    assert row_of(sqlite_station.store, row_id)["crashes"] == 1


def test_what_kills_every_worker_is_given_up_and_neighbours_are_not(
    sqlite_station: Station, start: Start
) -> None:
    """One poisoned row in a batch ends as a dead letter; the others are done."""
    good = add_webhooks(sqlite_station.store, 3)
    (bad,) = add_webhooks(sqlite_station.store, 1, body='{"die": true}')
    more = add_webhooks(sqlite_station.store, 3)
    start("write")
    sqlite_station.doorbell.ring("send_webhooks", [*good, bad, *more])

    sweep_until(sqlite_station, bad, DEAD)

    assert row_of(sqlite_station.store, bad)["error_reason"] == "crashed"
    for row_id in (*good, *more):
        sweep_until(sqlite_station, row_id, DONE)


@pytest.mark.parametrize("queues", [["write"], ["plan", "write"]])
def test_a_kill_between_pop_and_start_loses_nothing(
    sqlite_station: Station, start: Start, queues: list[str]
) -> None:
    """RQ alone loses such a job when a worker serves several queues."""
    (row_id,) = add_webhooks(sqlite_station.store, 1)
    doomed = start("--dies-before-start", *queues)
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    assert doomed.wait(15) == -signal.SIGKILL
    assert sqlite_station.doorbell.waiting("write") == 0

    start(*queues)

    sweep_until(sqlite_station, row_id, DONE)


def test_a_worker_that_is_asked_to_stop_finishes_what_it_does(
    sqlite_station: Station, start: Start
) -> None:
    """A first SIGTERM is a polite one."""
    (row_id,) = add_webhooks(sqlite_station.store, 1, body='{"sleep": 1}')
    worker = start("write")
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    wait_for(lambda: diary(sqlite_station.settings.folder, "began"))

    worker.terminate()

    assert worker.wait(10) == 0
    assert state_of(sqlite_station.store, row_id) == DONE


def test_a_worker_that_must_stop_hands_its_work_back(sqlite_station: Station, start: Start) -> None:
    """A second SIGTERM ends the work at once; the row is due again without a crash or a wait."""
    (row_id,) = add_webhooks(sqlite_station.store, 1, body='{"sleep": 60}')
    worker = start("write")
    sqlite_station.doorbell.ring("send_webhooks", [row_id])
    wait_for(lambda: diary(sqlite_station.settings.folder, "began"))

    worker.terminate()
    time.sleep(1.2)  # RQ takes two signals within a second for one
    worker.terminate()
    worker.wait(10)

    row = row_of(sqlite_station.store, row_id)
    assert (row["work"], row["lease_until"], row["attempt"], row["crashes"]) == ("due", 0, 0, 0)


def test_a_worker_without_redis_ends_and_says_so(
    sqlite_station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor starts it again; it does not pretend to work."""
    monkeypatch.setitem(JOBS, "send_webhooks", TINY)
    monkeypatch.delitem(JOBS, "write_back")
    away = {"redis_url": f"unix://{tmp_path}/nobody.sock"}
    with pytest.raises(SystemExit) as ended:
        work(["write"], sqlite_station.settings.model_copy(update=away))

    assert ended.value.code == 69


def test_an_unknown_queue_is_refused() -> None:
    """A typing mistake in a Procfile is one sentence that lists the queues."""
    with pytest.raises(SettingError, match="no such queue: rendr; there are render-now plan"):
        work(["rendr", "plan"], Settings(REDIS_URL="redis://localhost"))
