"""What a session adds to the sums of its campaign: the known answers, and that differences add up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.measure.engagement import engagement
from connector.measure.sums import NOTHING, Contribution, SceneShare, contribution

D = 10.0
SCENES = [
    {"name": "hello", "start": 0, "seconds": 4},
    {"name": "offer", "start": 4, "seconds": 3},
    {"name": "goodbye", "start": 7, "seconds": 3},
]


@dataclass(frozen=True)
class Session:
    """A session as it is stored, as far as sums look at it."""

    duration_ms: int = 10_000
    counts: bytes = bytes(100)
    segments: list[tuple[float, float, float]] = field(default_factory=list)
    last_ms: int = 0
    viewed: bool = True
    viewer: str = "human"
    unique_ms: int = 0
    furthest_ms: int = 0
    reasons: tuple[str, ...] = ()
    clicked: bool = False
    shares: dict[str, list[int]] | None = None


def watched(*stretches: tuple[float, float]) -> Session:
    """Measure a session of a video of 10 s."""
    played = [(start, end, 1.0) for start, end in stretches]
    seen = engagement(played, D)
    return Session(
        counts=seen.counts,
        segments=played,
        last_ms=seen.last_ms,
        unique_ms=seen.unique_ms,
        furthest_ms=seen.furthest_ms,
    )


A = watched((0, 10))
B = watched((0, 4), (2, 6))
C = watched((5, 8))
LOADED = replace(watched(), viewed=False)


def together(*sessions: Session) -> Contribution:
    """Add sessions up."""
    return reduce(add, (contribution(one, SCENES) for one in sessions), NOTHING)


def by_seconds(*numbers: int) -> tuple[int, ...]:
    """Stretch ten numbers to the hundred buckets of a video of 10 s."""
    return tuple(number for number in numbers for _ in range(10))


def test_the_known_sessions_add_up_to_the_known_curves() -> None:
    """Three views and a mere load: reach, plays and rewatches of each second are as published."""
    found = together(A, B, C, LOADED)
    assert found.plays == 3
    assert found.reach == by_seconds(2, 2, 2, 2, 2, 3, 2, 2, 1, 1)
    assert found.hits == by_seconds(2, 2, 3, 3, 2, 3, 2, 2, 1, 1)
    assert found.rewatched == by_seconds(0, 0, 1, 1, 0, 0, 0, 0, 0, 0)


def test_each_view_stops_once_and_the_very_end_is_the_last_hundredth() -> None:
    """The three views stop at 10, 6 and 8 seconds."""
    dropped = together(A, B, C).dropped
    assert {bucket: count for bucket, count in enumerate(dropped) if count} == {60: 1, 80: 1, 99: 1}


def test_the_known_sessions_add_up_by_scene() -> None:
    """Seen again counts in the time; completed, rewatched and stopped count sessions."""
    assert together(A, B, C).scenes == {
        "hello": SceneShare(
            0, plays=3, reached=2, watched_ms=10_000, completed=2, rewatched=1, dropped=0
        ),
        "offer": SceneShare(
            1, plays=3, reached=3, watched_ms=7_000, completed=1, rewatched=0, dropped=1
        ),
        "goodbye": SceneShare(
            2, plays=3, reached=2, watched_ms=4_000, completed=1, rewatched=0, dropped=2
        ),
    }


@pytest.mark.parametrize(
    ("stretches", "rewatched"),
    [
        ([(0, 4), (0, 1.9)], 0),
        ([(0, 4), (0, 2)], 1),
        ([(4, 5.5), (4, 5.5)], 0),
    ],
)
def test_a_scene_counts_as_rewatched_from_two_seconds(
    stretches: list[tuple[float, float]], rewatched: int
) -> None:
    """A slip of the finger is no second look."""
    shares = together(watched(*stretches)).scenes.values()
    assert sum(share.rewatched for share in shares) == rewatched


def test_a_scene_shorter_than_two_seconds_is_rewatched_when_all_of_it_is() -> None:
    """Else no short scene could ever be."""
    scenes = [{"name": "flash", "start": 1, "seconds": 1}]
    whole, half = watched((0, 4), (1, 2)), watched((0, 4), (1, 1.5))
    assert contribution(whole, scenes).scenes["flash"].rewatched == 1
    assert contribution(half, scenes).scenes["flash"].rewatched == 0


@pytest.mark.parametrize("viewer", ["unknown", "bot", "self", "preview"])
def test_only_a_verified_person_adds_anything(viewer: str) -> None:
    """Whoever else plays the whole video moves no sum of views, and is counted by each sign."""
    other = replace(A, viewer=viewer, reasons=("no_input",))
    assert contribution(other, SCENES) == Contribution(
        filtered={(viewer, ""): 1, (viewer, "no_input"): 1}
    )
    assert not contribution(other, SCENES).viewed
    assert contribution(A, SCENES)


def test_a_session_that_is_not_there_adds_nothing() -> None:
    """So the first beacon of a session moves the sums by all that it is."""
    assert contribution(None, SCENES) == NOTHING
    assert contribution(A, SCENES) - contribution(None, SCENES) == contribution(A, SCENES)


def test_a_video_without_scenes_still_has_a_curve() -> None:
    """Its buckets are summed, and no scene is."""
    found = contribution(A, [])
    assert found.reach == (1,) * 100
    assert found.scenes == {}


def test_a_difference_is_empty_only_if_nothing_moves() -> None:
    """A bucket that loses what another gains is a move, and so is one scene's time."""
    assert not together(A) - together(A)
    assert together(B) - together(C)
    longer = replace(A, segments=[(0.0, 9.0, 1.0)])
    assert together(A) - together(longer)


stretch = st.tuples(st.floats(0, D), st.floats(0, D)).map(lambda ends: (min(ends), max(ends)))
session = st.builds(
    lambda stretches, viewed, viewer: replace(watched(*stretches), viewed=viewed, viewer=viewer),
    st.lists(stretch, max_size=5),
    st.booleans(),
    st.sampled_from(["human", "bot", "unknown"]),
)


@given(st.lists(session, min_size=1, max_size=6))
def test_differences_of_successive_states_add_up_to_the_last(states: list[Session]) -> None:
    """However a session grew and its verdict changed, only what it is now remains."""
    total, before = NOTHING, NOTHING
    for state in states:
        after = contribution(state, SCENES)
        total, before = total + (after - before), after
    assert not total - contribution(states[-1], SCENES)


@given(session)
def test_what_one_session_adds_is_plausible(one: Session) -> None:
    """At most one of everything that counts sessions, and no number that another one excludes."""
    found = contribution(one, SCENES)
    assert sum(found.dropped) == found.plays <= 1
    assert max(found.reach) <= found.plays
    assert [h - r for h, r in zip(found.hits, found.reach, strict=True)] == list(found.rewatched)
    for share in found.scenes.values():
        assert max(share.completed, share.rewatched) <= share.reached <= share.plays == 1
