"""
The process that serves queues: RQ's worker, made safe to kill at any moment.

In production a worker serves one queue. On one small machine it may serve several in order of
priority: then RQ pops without its safety net, and what is lost between pop and start is rung for
again by the sweep.
"""

from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

import structlog
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from connector.cli.lifeline import die_with
from connector.errors import SettingError
from connector.jobs.station import park_station
from connector.queues import JOBS, NOUNS, QUEUES, RENDER_QUEUES, connect
from connector.settings import Settings
from renderers.errors import RenderError
from renderers.template import find_template, list_templates

WORKER_TTL = MAINTENANCE_SECONDS = 30
HORSE_SECONDS = 1.5  # for handing work back when we are told to stop at once
EX_UNAVAILABLE = 69

log = structlog.get_logger(__name__)


def work(queues: Sequence[str], settings: Settings) -> None:
    """Serve *queues* in the order of priority until told to stop."""
    unknown = sorted(set(queues) - set(QUEUES))
    if not settings.redis_url:
        raise SettingError("REDIS_URL: a worker needs it; `cuereel up` brings a Redis of its own")
    if unknown or not queues:
        raise SettingError(f"no such queue: {' '.join(unknown)}; there are {' '.join(QUEUES)}")
    served = [name for name in QUEUES if name in queues]
    preload(served)
    if RENDER_QUEUES & set(served):
        read_ahead(settings)
    park_station(settings, NOUNS)
    try:
        worker = RoadWorker(
            served,
            connection=connect(settings.redis_url, timeout=WORKER_TTL, tries=1),
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        log.info("worker ready", queues=served)
        worker.work(logging_level="WARNING", with_scheduler=False)
    except RedisError as error:
        log.warning("redis is away", error=type(error).__name__)
        raise SystemExit(EX_UNAVAILABLE) from None


def preload(queues: Sequence[str]) -> None:
    """
    Import what the jobs of *queues* need before forking, so that every child has it for free.

    Only imports: codecs, canvases, sockets and connections are made in the child.
    """
    if RENDER_QUEUES & set(queues):
        import av
        import skia

        log.debug("renderer loaded", av=av.__version__, skia=skia.__version__)
    for job in JOBS.values():
        if job.queue in queues or (job.queue in RENDER_QUEUES and RENDER_QUEUES & set(queues)):
            importlib.import_module(job.path.rpartition(".")[0])


def read_ahead(settings: Settings) -> None:
    """Read what every render would otherwise read anew: templates, fonts, what names pieces."""
    from renderers import fonts
    from renderers.shelved import today

    today()
    with suppress(RenderError):
        fonts.collection()
    for name in list_templates(settings.template_folders):
        # whoever renders it says what is wrong with it
        with suppress(RenderError):
            find_template(name, settings.template_folders)


class RoadWorker(Worker):
    """RQ's forking worker with a child that dies with it, and nothing but ids in logs and Redis."""

    # Redis is back within seconds or this process is in the wrong place; a minute is too long
    max_connection_wait_time = 2.0

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Tie the child to the worker before anything else."""
        if self.pid is not None:
            die_with(self.pid)
        super().main_work_horse(job, queue)

    def setup_work_horse_signals(self) -> None:
        """Let a child that is told to stop hand its work back."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGTERM, _leave)

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Any) -> None:
        """Wait for the child, then end whatever it has started itself, such as an encoder."""
        child = self.horse_pid
        try:
            super().monitor_work_horse(job, queue, execution)
        finally:
            with suppress(ProcessLookupError):
                # the child leads a group of its own
                os.killpg(child, signal.SIGKILL)

    def perform_job(self, job: Job, queue: Queue, execution: Any) -> bool:
        """Write one line per job, without what it was called with."""
        begun = time.monotonic()
        well = bool(super().perform_job(job, queue, execution))
        seconds = round(time.monotonic() - begun, 3)
        log.info("job", job=job.description, queue=queue.name, well=well, seconds=seconds)
        return well

    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,
        exc_string: str = "",
        execution: Any = None,
    ) -> None:
        """Keep the traceback out of Redis: it may quote a record."""
        _ = exc_string
        super().handle_job_failure(
            job, queue, started_job_registry, "the log has the details", execution
        )

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Give the child a moment to hand its work back, then stop at once."""
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)
            _await(self.horse_pid, HORSE_SECONDS)
        super().request_force_stop(signum, frame)

    def subscribe(self) -> None:
        """Listen to no commands: stopping is by signal, and a thread less lives across forks."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""


def _leave(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def _await(pid: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            # looked at, not reaped: that is the worker's business
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return
        except ChildProcessError:
            return
        time.sleep(0.02)
