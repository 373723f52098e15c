"""The bell carries ids and nothing else, and never holds anybody up."""

from __future__ import annotations

import json
import pickle
import time
import zlib
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from connector.cli.redis_server import PrivateRedis
from connector.errors import SettingError
from connector.queues import JOBS, NOUNS, QUEUES, RENDER_QUEUES, Doorbell
from connector.store.tables import WORK


@pytest.fixture
def doorbell(redis: Redis, redis_server: PrivateRedis) -> Doorbell:
    """A bell that rings on the test's Redis."""
    return Doorbell(redis_server.url)


def test_every_noun_of_work_has_a_job_and_every_job_a_queue() -> None:
    """Nothing can be due that no station looks after."""
    assert set(WORK) == set(NOUNS)
    # asking what was missed has no row
    assert {*NOUNS.values(), "reconcile"} == set(JOBS)
    assert {job.queue for job in JOBS.values()} <= set(QUEUES)
    assert set(QUEUES) >= RENDER_QUEUES


def test_rings_in_batches_of_at_most_a_hundred(doorbell: Doorbell, redis: Redis) -> None:
    """250 triggers are three jobs, in order."""
    ids = [f"{number:026d}" for number in range(250)]

    assert doorbell.ring("plan_video", ids)

    queue = Queue("plan", connection=redis, serializer=JSONSerializer)
    assert [job.args for job in queue.jobs] == [[ids[:100]], [ids[100:200]], [ids[200:]]]
    assert doorbell.waiting("plan") == 3


def test_rings_for_a_job_that_gathers_are_one_until_it_begins(doorbell: Doorbell) -> None:
    """A crowd of events is one job; what comes once it has begun is the next one's."""
    assert all(doorbell.ring("plan_video", [f"0{number}TRIGGER"]) for number in range(9))
    assert doorbell.waiting("plan") == 1

    doorbell.begun("plan_video")
    assert doorbell.ring("plan_video", ["10TRIGGER"])
    assert doorbell.waiting("plan") == 2
    assert doorbell.ring("write_back", ["01CHANGE"])
    assert doorbell.waiting("write") == 1


def test_a_crowd_of_videos_wakes_workers_and_no_more(doorbell: Doorbell, redis: Redis) -> None:
    """Whoever renders goes on with what is due, so a dozen waiting jobs are as good as hundreds."""
    for start in (0, 8, 16):
        assert doorbell.ring("render_video", [f"{n:02d}VIDEO" for n in range(start, start + 8)])

    jobs = Queue("render", connection=redis, serializer=JSONSerializer).jobs
    assert [job.args[0] for job in jobs] == [[f"{n:02d}VIDEO"] for n in range(12)]


def test_what_may_have_killed_a_worker_gets_a_job_though_others_wait(
    doorbell: Doorbell, redis: Redis
) -> None:
    """No job that gathers takes it, so each is rung for by itself, however many wait."""
    doorbell.ring("plan_video", ["01TRIGGER"])
    assert doorbell.ring("plan_video", ["02CRASHED", "03CRASHED"], alone=True)

    jobs = Queue("plan", connection=redis, serializer=JSONSerializer).jobs
    assert [job.args[0] for job in jobs] == [["01TRIGGER"], ["02CRASHED"], ["03CRASHED"]]


def test_a_video_is_a_job_of_its_own(doorbell: Doorbell) -> None:
    """A worker that dies takes no other video along."""
    assert doorbell.ring("render_video", ["01VIDEO", "02VIDEO"], "render-bulk")

    assert doorbell.waiting("render-bulk") == 2
    assert doorbell.waiting("render") == 0


def test_jobs_expire_and_keep_no_result_or_retry(doorbell: Doorbell, redis: Redis) -> None:
    """A failed job is gone after an hour, a finished one at once."""
    doorbell.ring("render_video", ["01VIDEO"])

    (job,) = Queue("render", connection=redis, serializer=JSONSerializer).jobs
    assert isinstance(job, RQJob)
    assert (job.result_ttl, job.failure_ttl, job.retries_left) == (0, 3600, None)
    assert job.timeout == JOBS["render_video"].timeout
    assert job.description == "render_video"


def test_nothing_but_ids_reaches_redis(doorbell: Doorbell, redis: Redis) -> None:
    """What is stored for a job is its function's name and ids, as JSON."""
    doorbell.ring("plan_video", ["01TRIGGER"])

    (key,) = redis.keys("rq:job:*")
    stored = redis.hgetall(key)
    data = json.loads(zlib.decompress(stored[b"data"]))
    assert data == ["connector.jobs.plan_video.plan_video", None, [["01TRIGGER"]], {}]


def test_a_pickled_job_is_refused_not_run(redis: Redis, tmp_path: Path) -> None:
    """Whoever can write to Redis cannot make a worker run what they like."""
    trap = tmp_path / "trap"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (trap,)  # type: ignore[return-value]

    queue = Queue("plan", connection=redis, serializer=JSONSerializer)
    job = queue.enqueue_call("connector.jobs.plan_video.plan_video", args=(["01TRIGGER"],))
    bomb = pickle.dumps(Bomb())
    pickle.loads(bomb)
    assert trap.exists()  # it is a real one
    trap.unlink()
    redis.hset(job.key, "data", zlib.compress(bomb))

    worker = SimpleWorker([queue], connection=redis, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")

    assert not trap.exists()


def test_an_unknown_queue_or_job_is_our_own_mistake(doorbell: Doorbell) -> None:
    """A wrong name is an error at once and not work that nobody ever does."""
    with pytest.raises(ValueError, match="no queue 'rendr'"):
        doorbell.ring("render_video", ["01VIDEO"], "rendr")
    with pytest.raises(KeyError):
        doorbell.ring("rendr_video", ["01VIDEO"])


def test_nothing_to_ring_for_is_fine_without_redis() -> None:
    """An empty list needs no bell."""
    assert Doorbell(None).ring("plan_video", [])


def test_without_redis_the_answer_is_no_and_quick(tmp_path: Path) -> None:
    """A webhook is not held up: the second ring within a second does not even try."""
    doorbell = Doorbell(f"unix://{tmp_path}/nobody.sock")
    begun = time.monotonic()

    answers = [doorbell.ring("plan_video", ["01TRIGGER"]) for _ in range(50)]

    assert answers == [False] * 50
    assert doorbell.waiting("plan") is None
    assert time.monotonic() - begun < 1


def test_the_bell_is_heard_again_when_redis_is_back(tmp_path: Path, redis: Redis) -> None:
    """The quiet second after a failure ends."""
    path = tmp_path / "later.sock"
    doorbell = Doorbell(f"unix://{path}")
    assert not doorbell.ring("plan_video", ["01TRIGGER"])

    path.symlink_to(redis.connection_pool.connection_kwargs["path"])
    time.sleep(1.05)

    assert doorbell.ring("plan_video", ["01TRIGGER"])


def test_no_redis_at_all_is_a_bell_that_nobody_hears() -> None:
    """`cuereel trigger send` works on a machine without Redis; the sweep rings later."""
    doorbell = Doorbell(None)

    assert not doorbell.ring("plan_video", ["01TRIGGER"])
    assert doorbell.ping().level == "warning"


def test_check_refuses_a_redis_that_throws_jobs_away(doorbell: Doorbell, redis: Redis) -> None:
    """The eviction policy is part of being set up right."""
    assert doorbell.ping().level == "ok"

    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        finding = doorbell.ping()
    finally:
        redis.config_set("maxmemory-policy", "noeviction")

    assert finding.level == "error"
    assert "allkeys-lru" in finding.sentence
    assert "noeviction" in finding.sentence


def test_check_says_when_redis_does_not_answer(tmp_path: Path) -> None:
    """A wrong address is a finding that names the setting."""
    finding = Doorbell(f"unix://{tmp_path}/nobody.sock").ping()

    assert finding.level == "error"
    assert "REDIS_URL" in finding.sentence


def test_an_address_that_is_none_names_the_setting() -> None:
    """A typing mistake in REDIS_URL is one plain sentence."""
    with pytest.raises(SettingError, match="REDIS_URL"):
        Doorbell("http://localhost:6379")
