"""
How many calls others allow us: a sliding window per key, shared by all processes through Redis.

Without Redis each process counts for itself, which is right for one process and otherwise found out
by the far side's 429. Never a lock: what must not happen twice is guarded in the database.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field

import structlog
from redis import Redis
from redis.exceptions import RedisError

from connector.errors import CRMBusyError
from connector.queues import connect

# how long Redis keeps a rate, and how often it is told again what it may have forgotten
LEARNT_SECONDS, REPEAT_SECONDS = 3600, 60.0
SHORTEST_NAP, LONGEST_NAP = 0.005, 0.5
# the wait in ms until one more call is allowed, 0 where it is and was counted; and whether the key
# was told to rest. Redis's own clock, because those of several machines differ
SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local rest = redis.call('PTTL', KEYS[2])
if rest > 0 then return {rest, 1} end
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local learnt = redis.call('HMGET', KEYS[3], 'most', 'window')
if learnt[1] then most, window = tonumber(learnt[1]), tonumber(learnt[2]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) < most then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], window)
  return {0, 0}
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return {math.max(1, tonumber(oldest[2]) + window - now), 0}
"""
# a rest is only ever made longer: the answer to a call made earlier may come later
REST = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
end
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Rate:
    """So many calls in any window of so many seconds."""

    most: int
    seconds: float


@dataclass
class _Window:
    """What one process has counted for a key while Redis does not answer."""

    calls: deque[float] = field(default_factory=deque)
    rate: Rate | None = None
    learnt_at: float = 0.0
    rests_until: float = 0.0

    def wait(self, rate: Rate) -> tuple[float, bool]:
        now, rate = time.monotonic(), self.rate or rate
        if self.rests_until > now:
            return self.rests_until - now, True
        while self.calls and self.calls[0] <= now - rate.seconds:
            self.calls.popleft()
        if len(self.calls) >= rate.most:
            return self.calls[0] + rate.seconds - now, False
        self.calls.append(now)
        return 0.0, False


class Limits:
    """Waits until a call is allowed; the rate of a key may be learnt from the far side."""

    def __init__(self, redis_url: str | None) -> None:
        self._client: Redis | None = connect(redis_url) if redis_url else None
        self._script = self._client.register_script(SCRIPT) if self._client else None
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def wait(self, key: str, rate: Rate, patience: float) -> None:
        """
        Return as soon as one more call under *key* is allowed, and count it.

        Raises CRMBusyError with the seconds to wait where that would take longer than *patience*,
        at once where the key was told to rest for longer.
        """
        deadline = time.monotonic() + patience
        while True:
            seconds, _ = self._ask(key, rate)
            if seconds <= 0:
                return
            if time.monotonic() + seconds > deadline:
                raise CRMBusyError(
                    "as many calls were made as the CRM allows; they go on by themselves",
                    after=seconds,
                )
            time.sleep(min(max(seconds, SHORTEST_NAP), LONGEST_NAP))

    def resting(self, key: str) -> float:
        """Return for how many more seconds *key* was told to rest; 0 where it was not."""
        if self._client is not None:
            try:
                return max(0.0, float(self._client.pttl(_rest(key))) / 1000)
            except (RedisError, OSError) as error:
                self._away(error)
        with self._lock:
            return max(0.0, self._window(key).rests_until - time.monotonic())

    def rest(self, key: str, seconds: float) -> None:
        """Let nobody call under *key* for so many seconds, or for longer where that was said before."""
        with self._lock:
            window = self._window(key)
            window.rests_until = max(window.rests_until, time.monotonic() + seconds)
        if self._client is not None:
            try:
                self._client.eval(REST, 1, _rest(key), str(max(1, int(seconds * 1000))))
            except (RedisError, OSError) as error:
                self._away(error)

    def learn(self, key: str, rate: Rate) -> None:
        """Take *rate* for *key* from now on: the far side said so."""
        with self._lock:
            known, now = self._window(key), time.monotonic()
            if known.rate == rate and now < known.learnt_at + REPEAT_SECONDS:
                return
            known.rate, known.learnt_at = rate, now
        if self._client is None:
            return
        told = ["most", str(rate.most), "window", str(int(rate.seconds * 1000))]
        try:
            self._client.hset(_learnt(key), items=told)
            self._client.expire(_learnt(key), LEARNT_SECONDS)
        except (RedisError, OSError) as error:
            self._away(error)

    def learnt(self, key: str) -> Rate | None:
        """Return the rate that this process has learnt for *key*, if any."""
        with self._lock:
            return self._window(key).rate

    def close(self) -> None:
        """Give back all sockets."""
        if self._client is not None:
            self._client.close()

    def _ask(self, key: str, rate: Rate) -> tuple[float, bool]:
        if self._script is not None:
            try:
                wait, resting = self._script(
                    keys=[f"cuereel:calls:{key}", _rest(key), _learnt(key)],
                    args=[rate.most, int(rate.seconds * 1000), uuid.uuid4().hex],
                )
                return wait / 1000, bool(resting)
            except (RedisError, OSError) as error:
                self._away(error)
        with self._lock:
            return self._window(key).wait(rate)

    def _window(self, key: str) -> _Window:
        return self._windows.setdefault(key, _Window())

    def _away(self, error: Exception) -> None:
        log.warning("limits counted here alone", error=type(error).__name__)


def _rest(key: str) -> str:
    return f"cuereel:rest:{key}"


def _learnt(key: str) -> str:
    return f"cuereel:rate:{key}"
