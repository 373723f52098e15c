"""
Kills workers, their children, sweeps and Redis at random moments, and empties Redis once.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from connector.queues import connect
from tests.chaos.stack import Stack

EVERY = 0.4
# a worker takes seconds to start again; children are what does the work
WEIGHTS = {"worker": 3, "child": 13, "sweep": 2, "redis": 1}


@dataclass(frozen=True)
class Shot:
    """One kill: when, what, and which process."""

    at: float
    kind: str
    pid: int


@dataclass
class Fire:
    """Shoots for some seconds; the schedule is kept, and repeats with the same seed."""

    stack: Stack
    dice: random.Random
    shots: list[Shot] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """Shoot every now and then until the time is over; Redis is emptied once half-way."""
        begun = time.monotonic()
        flush_at = self.dice.uniform(0.3, 0.7) * seconds
        flushed = False
        while (passed := time.monotonic() - begun) < seconds:
            if not flushed and passed >= flush_at:
                flushed = self._note(passed, "flush", self._flush())
            kind = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            self._note(passed, kind, self._kill(kind))
            time.sleep(EVERY)

    def counts(self) -> dict[str, int]:
        """Return how often each kind was hit."""
        return dict(Counter(shot.kind for shot in self.shots))

    def _note(self, at: float, kind: str, pid: int | None) -> bool:
        if pid is not None:
            self.shots.append(Shot(round(at, 2), kind, pid))
        return pid is not None

    def _kill(self, kind: str) -> int | None:
        find: dict[str, Callable[[], list[int]]] = {
            "worker": lambda: self._named("work-"),
            "child": self._children,
            "sweep": lambda: self._named("sweep-"),
            "redis": lambda: [pid for pid in [self.stack.redis.pid] if pid],
        }
        found = sorted(find[kind]())
        if not found:
            return None
        pid = self.dice.choice(found)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return pid

    def _named(self, prefix: str) -> list[int]:
        return [
            pid for name, pid in self.stack.supervisor.pids().items() if name.startswith(prefix)
        ]

    def _children(self) -> list[int]:
        # children live for milliseconds, so it is worth waiting for one
        for _ in range(60):
            found = [child for pid in self._named("work-") for child in children_of(pid)]
            if found:
                return found
            time.sleep(0.005)
        return []

    def _flush(self) -> int | None:
        client = connect(self.stack.redis.url)
        try:
            client.flushall()
        except RedisError:
            return None
        finally:
            client.close()
        return self.stack.redis.pid


def children_of(pid: int) -> list[int]:
    """Return the processes that *pid* has forked."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []
