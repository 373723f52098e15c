"""
The doorbell: the only opener of Redis.

The database knows all work; a job in Redis only says "look at these rows now" and may be lost at any
moment, because the sweep rings again. So a job carries nothing but row ids, as JSON, and keeps no
result and no retry of its own.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from connector.errors import SettingError
from connector.model import Finding

QUEUES = ("render-now", "plan", "write", "measure", "render", "render-bulk")
RENDER_QUEUES = frozenset({"render-now", "render", "render-bulk"})
MOST_IDS = 100
DEEPEST = 1000
ANSWER_SECONDS = 1.0
QUIET_SECONDS = 1.0
BELL_SECONDS = 5
FAILURE_SECONDS = 3600

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Job:
    """
    A station of the road: where its function is, who serves it, for how long, how many at once.

    A job that *gathers* begins with all that is due, so one that waits is enough. No more than
    *deepest* wait on a queue; the rest waits in the database, where it is safe and fair.
    """

    path: str
    queue: str
    timeout: int
    batch: int = MOST_IDS
    gathers: bool = False
    deepest: int = DEEPEST


JOBS: dict[str, Job] = {
    "plan_video": Job("connector.jobs.plan_video.plan_video", "plan", 180, gathers=True),
    # whoever renders goes on with what is due on its queue: a dozen jobs wake a dozen workers
    "render_video": Job("connector.jobs.render_video.render_video", "render", 1800, 1, deepest=12),
    "write_back": Job("connector.jobs.write_back.write_back", "write", 300, gathers=True),
    "bulk_write": Job("connector.jobs.bulk_write.bulk_write", "write", 1800, 1, deepest=12),
    "update_engagement": Job("connector.jobs.update_engagement.update_engagement", "measure", 180),
    "reconcile": Job("connector.jobs.reconcile.reconcile", "plan", 600, 1),
    "send_webhooks": Job("connector.jobs.send_webhooks.send_webhooks", "write", 300, 20),
}

NOUNS: dict[str, str] = {
    "triggers": "plan_video",
    "videos": "render_video",
    "changes": "write_back",
    "measures": "update_engagement",
    "webhooks": "send_webhooks",
    "bulk_jobs": "bulk_write",
}


def _bell(job: str) -> str:
    return f"cuereel:bell:{job}"


def connect(redis_url: str, *, timeout: float = ANSWER_SECONDS, tries: int = 0) -> Redis:
    """Return a client that gives up after *timeout* seconds, for redis://, rediss:// or unix://."""
    try:
        return Redis.from_url(
            redis_url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            health_check_interval=30,
            retry=Retry(NoBackoff(), tries),
        )
    except ValueError as error:
        raise SettingError(f"REDIS_URL: {error}") from error


class Doorbell:
    """Rings for work, as well as it can: False means that the sweep will have to."""

    def __init__(self, redis_url: str | None) -> None:
        self.url = redis_url or None
        self._client = connect(redis_url) if redis_url else None
        self._queues: dict[str, Queue] = {}
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def ring(
        self, job: str, ids: Sequence[str], queue: str | None = None, *, alone: bool = False
    ) -> bool:
        """
        Put *ids* on the queue of *job*, in batches; never raises when Redis is away.

        *alone*: one job for each, though others that gather are waiting.
        """
        known = JOBS[job]
        name = queue or known.queue
        if name not in QUEUES:
            raise ValueError(f"there is no queue {name!r}")
        if not ids:
            return True
        if self._client is None or time.monotonic() < self._quiet_until:
            return False
        try:
            self._push(job, list(ids), name, alone=alone)
        except (RedisError, OSError) as error:
            self._rest(error)
            return False
        return True

    def begun(self, job: str) -> None:
        """Let *job* be rung for again: what is committed from now on may not be seen by this one."""
        if self._client is None:
            return
        try:
            self._client.delete(_bell(job))
        except (RedisError, OSError) as error:
            self._rest(error)

    def waiting(self, queue: str) -> int | None:
        """Return how many jobs wait on *queue*; None when Redis does not answer."""
        if self._client is None or time.monotonic() < self._quiet_until:
            return None
        try:
            return int(self._queue(queue).count)
        except (RedisError, OSError) as error:
            self._rest(error)
            return None

    def ping(self) -> Finding:
        """Tell whether Redis answers and is set so that it never throws jobs away."""
        if self._client is None:
            return Finding("warning", "redis", "REDIS_URL is not set; `cuereel up` brings its own")
        try:
            policy = self._client.info("memory").get("maxmemory_policy", "noeviction")
        except (RedisError, OSError) as error:
            return Finding("error", "redis", f"REDIS_URL: Redis does not answer ({error})")
        if policy != "noeviction":
            return Finding(
                "error",
                "redis",
                f"Redis runs with maxmemory-policy {policy} and would throw jobs away; "
                "set it to noeviction",
            )
        return Finding("ok", "redis", "Redis answers")

    def close(self) -> None:
        """Give back all sockets."""
        if self._client is not None:
            self._client.close()

    def _push(self, job: str, ids: list[str], name: str, *, alone: bool) -> None:
        known, queue = JOBS[job], self._queue(name)
        if known.gathers and not alone and not self._first(job, queue):
            return
        batch = 1 if alone else known.batch
        room = len(ids) if alone else batch * max(known.deepest - int(queue.count), 0)
        with queue.connection.pipeline() as pipeline:
            for start in range(0, min(len(ids), room), batch):
                queue.enqueue_call(
                    known.path,
                    args=(ids[start : start + batch],),
                    timeout=known.timeout,
                    result_ttl=0,
                    failure_ttl=FAILURE_SECONDS,
                    # by default this would be the call with all its arguments
                    description=job,
                    job_id=f"{job}-{uuid.uuid4().hex}",
                    pipeline=pipeline,
                )
            pipeline.execute()

    def _first(self, job: str, queue: Queue) -> bool:
        # the mark ends by itself, in case that its job is lost before it begins
        return bool(queue.connection.set(_bell(job), 1, nx=True, ex=BELL_SECONDS))

    def _queue(self, name: str) -> Queue:
        with self._lock:
            if name not in self._queues:
                self._queues[name] = Queue(name, connection=self._client, serializer=JSONSerializer)
            return self._queues[name]

    def _rest(self, error: Exception) -> None:
        # a webhook must not wait a second for Redis each time: the rows are safe already
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        log.warning("doorbell silent", error=type(error).__name__)
