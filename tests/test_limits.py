"""How many calls are let through, by several threads and processes, with Redis and without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connector.cli.redis_server import PrivateRedis, find_server, private_folder
from connector.errors import CRMBusyError
from connector.limits import REPEAT_SECONDS, Limits, Rate
from connector.queues import connect

SLOW = Rate(1, 60.0)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """One private Redis for the tests of this file."""
    with private_folder() as folder, PrivateRedis(find_server(), folder) as server:
        yield server.url


@pytest.fixture(params=["redis", "alone"])
def url(request: pytest.FixtureRequest) -> str | None:
    """An empty Redis, or none."""
    if request.param == "alone":
        return None
    found: str = request.getfixturevalue("redis_url")
    client = connect(found)
    client.flushall()
    client.close()
    return found


@pytest.fixture
def limits(url: str | None) -> Iterator[Limits]:
    """Limits as one process has them."""
    made = Limits(url)
    yield made
    made.close()


def calls(one: Limits, key: str, rate: Rate, count: int) -> list[tuple[float, float]]:
    """Return for each call the moments between which it was counted."""
    found: list[tuple[float, float]] = []
    while len(found) < count:
        asked = time.monotonic()
        try:
            one.wait(key, rate, 0)
        except CRMBusyError as error:
            time.sleep(min(error.after or 0, 0.02))
        else:
            found.append((asked, time.monotonic()))
    return found


def most_within(made: list[tuple[float, float]], seconds: float) -> int:
    """Return how many calls fall wholly into the fullest window of so many seconds."""
    return max(
        sum(1 for asked, done in made if asked >= begin and done < begin + seconds)
        for begin, _ in made
    )


@hypothesis_settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(most=st.integers(3, 20), threads=st.integers(1, 6))
def test_no_window_holds_more_calls_than_are_allowed(
    limits: Limits, most: int, threads: int
) -> None:
    """Not at its borders either, and whoever waits is let through in the end."""
    rate, key = Rate(most, 0.2), f"k-{time.monotonic_ns()}"
    each = max(1, (3 * most) // threads)
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(lambda _: calls(limits, key, rate, each), range(threads))
        made = [call for calls_made in done for call in calls_made]

    assert len(made) == each * threads
    # Redis counts in whole milliseconds
    assert most_within(made, 0.2 - 0.002) <= most


def test_all_processes_share_one_count(redis_url: str) -> None:
    """Two of them are not allowed twice as much."""
    first, second = Limits(redis_url), Limits(redis_url)
    first.wait("shared", SLOW, 0)

    with pytest.raises(CRMBusyError) as refused:
        second.wait("shared", SLOW, 0.1)
    assert 55 < (refused.value.after or 0) <= 60
    first.close()
    second.close()


def test_who_has_no_patience_learns_how_long_it_takes(limits: Limits) -> None:
    """And does not sleep for it."""
    limits.wait("k", SLOW, 0)
    began = time.monotonic()

    with pytest.raises(CRMBusyError) as refused:
        limits.wait("k", SLOW, 5.0)
    assert time.monotonic() - began < 1
    assert 55 < (refused.value.after or 0) <= 60


def test_keys_do_not_wait_for_one_another(limits: Limits) -> None:
    """One portal that is busy stops no other."""
    limits.wait("one", SLOW, 0)

    limits.wait("another", SLOW, 0)


def test_a_key_that_rests_is_not_called(limits: Limits) -> None:
    """However few calls were made."""
    limits.rest("k", 60)

    with pytest.raises(CRMBusyError) as refused:
        limits.wait("k", Rate(100, 1.0), 5.0)
    assert 55 < (refused.value.after or 0) <= 60
    assert 55 < limits.resting("k") <= 60
    assert limits.resting("another") == 0


def test_a_short_rest_is_slept_through(limits: Limits) -> None:
    """Within the caller's patience."""
    limits.rest("k", 0.2)
    began = time.monotonic()

    limits.wait("k", Rate(100, 1.0), 5.0)
    assert 0.15 < time.monotonic() - began < 2


def test_a_rest_is_never_made_shorter(limits: Limits) -> None:
    """A late answer that asks for a second does not undo a day's rest."""
    limits.rest("k", 60)
    limits.rest("k", 1)

    assert limits.resting("k") > 55


def test_a_rest_holds_for_all_processes(redis_url: str) -> None:
    """What one was told, the others do not have to find out."""
    first, second = Limits(redis_url), Limits(redis_url)
    first.rest("resting", 60)

    assert second.resting("resting") > 55
    first.close()
    second.close()


def test_a_learnt_rate_takes_the_place_of_the_callers(limits: Limits) -> None:
    """More calls, or fewer."""
    limits.learn("k", Rate(3, 60.0))
    for _ in range(3):
        limits.wait("k", SLOW, 0)

    with pytest.raises(CRMBusyError):
        limits.wait("k", Rate(100, 60.0), 0)


def test_a_learnt_rate_is_told_to_redis_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis forgets it after an hour, or when it is emptied."""
    limits, client = Limits(redis_url), connect(redis_url)
    limits.learn("again", Rate(1, 60.0))
    client.flushall()
    now = time.monotonic() + REPEAT_SECONDS + 1
    monkeypatch.setattr("connector.limits.time.monotonic", lambda: now)
    limits.learn("again", Rate(1, 60.0))
    limits.wait("again", Rate(100, 60.0), 0)

    with pytest.raises(CRMBusyError):
        limits.wait("again", Rate(100, 60.0), 0)
    limits.close()
    client.close()


def test_without_an_answer_of_redis_each_process_counts_alone(tmp_path: object) -> None:
    """A dead Redis neither stops the calls nor lifts the limit."""
    limits = Limits(f"unix://{tmp_path}/nobody.sock")
    limits.rest("resting", 60)
    limits.learn("k", Rate(1, 60.0))
    limits.wait("k", Rate(100, 60.0), 0)

    with pytest.raises(CRMBusyError):
        limits.wait("k", Rate(100, 60.0), 0)
    assert limits.resting("resting") > 55
    limits.close()
