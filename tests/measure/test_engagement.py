"""What was watched: the known answers, and the laws that hold for any session."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.measure.engagement import (
    Engagement,
    drop_off_scene,
    engagement,
    is_view,
    milestone,
    percent,
    rewatches,
    scene_seconds,
)
from connector.measure.segments import union

D = 10.0
A = [[0.0, 10.0, 1.0]]
B = [[0.0, 4.0, 1.0], [2.0, 6.0, 1.0]]
C = [[5.0, 8.0, 1.0]]
NOTHING: list[list[float]] = []
SCENES = [
    {"name": "hello", "start": 0, "seconds": 4},
    {"name": "offer", "start": 4, "seconds": 3},
    {"name": "goodbye", "start": 7, "seconds": 3},
]


def tenths(counts: bytes) -> list[int]:
    """Reduce hundredths to tenths, which are the seconds of a video of 10 s."""
    groups = [set(counts[start : start + 10]) for start in range(0, 100, 10)]
    assert all(len(group) == 1 for group in groups)
    return [group.pop() for group in groups]


def measured(segments: list[list[float]]) -> Engagement:
    """Measure stretches of a video of 10 s."""
    return engagement(segments, D)


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (A, [1] * 10),
        (B, [1, 1, 2, 2, 1, 1, 0, 0, 0, 0]),
        (C, [0, 0, 0, 0, 0, 1, 1, 1, 0, 0]),
        (NOTHING, [0] * 10),
    ],
)
def test_counts_of_the_known_sessions(segments: list[list[float]], expected: list[int]) -> None:
    """Each part of the video counts as often as it was played."""
    assert tenths(measured(segments).counts) == expected


def test_the_known_sessions_together() -> None:
    """Averages, reach, plays and rewatches are those that were worked out by hand."""
    plays = [measured(A), measured(B), measured(C)]
    assert sum(p.unique_ms for p in plays) / 3 / 10_000 == pytest.approx(0.6333, abs=1e-4)
    assert sum(p.watch_ms for p in plays) / 3 / 10_000 == pytest.approx(0.70)
    assert sum(p.furthest_ms for p in plays) / 3 / 10_000 == pytest.approx(0.80)
    columns = list(zip(*(tenths(p.counts) for p in plays), strict=True))
    assert [sum(n > 0 for n in column) for column in columns] == [2, 2, 2, 2, 2, 3, 2, 2, 1, 1]
    assert [sum(column) for column in columns] == [2, 2, 3, 3, 2, 3, 2, 2, 1, 1]
    assert [sum(max(0, n - 1) for n in column) for column in columns] == [
        0, 0, 1, 1, 0, 0, 0, 0, 0, 0,
    ]  # fmt: skip
    assert [p.milestone >= 95 for p in plays] == [True, False, False]


def test_skipping_to_the_end_is_not_seeing_it_through() -> None:
    """C stopped within 2 s of the end having seen 30 %: only most of it or 95 % completes."""
    assert [measured(s).completed for s in (A, B, C, NOTHING)] == [True, False, False, False]
    assert measured([[0.0, 6.5, 1.0], [7.0, 8.5, 1.0]]).completed
    assert not measured([[0.0, 7.9, 1.0]]).completed


def test_percentages_are_rounded_down() -> None:
    """Nobody reached a milestone before they did."""
    assert percent(7_499, 10_000) == 74
    assert percent(10_500, 10_000) == 100
    assert percent(5, 0) == 0
    assert [milestone(p) for p in (0, 24, 25, 74, 75, 94, 95, 100)] == [
        0,
        0,
        25,
        50,
        75,
        75,
        95,
        95,
    ]


def test_sessions_of_one_video_count_together() -> None:
    """Who saw the first half yesterday and the second today has seen it all."""
    both = engagement([[0.0, 5.0, 1.0], [5.0, 10.0, 1.0]], D)
    assert (both.percent, both.milestone, both.completed) == (100, 95, True)


@pytest.mark.parametrize(
    ("gesture", "watch_ms", "expected"),
    [(True, 2_000, True), (True, 1_999, False), (False, 60_000, False)],
)
def test_a_view_needs_a_person_and_two_seconds(
    gesture: bool, watch_ms: int, expected: bool
) -> None:
    """A page that plays by itself is no view, nor is a click at once regretted."""
    assert is_view(gesture=gesture, watch_ms=watch_ms) is expected


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        ([], 0),
        ([A], 0),
        ([A, C], 1),
        ([A, A, A], 2),
        ([B], 1),
        ([[[0.0, 5.0, 1.0]], [[4.0, 10.0, 1.0]]], 0),
        ([[[0.0, 5.0, 1.0]], [[3.0, 10.0, 1.0]]], 1),
    ],
)
def test_rewatches_count_views_in_which_something_was_seen_again(
    sessions: list[list[list[float]]], expected: int
) -> None:
    """By going back or by coming back, for 2 s at least."""
    assert rewatches(sessions) == expected


@pytest.mark.parametrize(
    ("last", "scene"),
    [(0.0, "hello"), (3.99, "hello"), (4.0, "offer"), (8.0, "goodbye"), (10.0, "goodbye")],
)
def test_the_scene_where_somebody_stopped_has_a_name(last: float, scene: str) -> None:
    """Videos differ in length, scenes compare."""
    assert drop_off_scene(SCENES, last) == scene


def test_without_a_manifest_no_scene_is_named() -> None:
    """Unknown is empty."""
    assert drop_off_scene([], 3.0) is None


def test_seconds_are_counted_by_scene() -> None:
    """Different seconds of each scene, whatever was watched twice."""
    assert scene_seconds(SCENES, B) == {"hello": 4.0, "offer": 2.0, "goodbye": 0.0}


def test_a_part_counts_at_most_255_times() -> None:
    """A loop left running all night fits in a byte."""
    assert set(engagement([[0.0, 10.0, 1.0]] * 300, D).counts) == {255}


def test_a_hundredth_counts_when_its_middle_was_played() -> None:
    """A glimpse of its beginning is not enough."""
    assert sum(engagement([[0.0, 0.04, 1.0]], D).counts) == 0
    assert sum(engagement([[0.0, 0.06, 1.0]], D).counts) == 1
    assert sum(engagement([[0.06, 0.2, 1.0]], D).counts) == 1


def test_neighbouring_stretches_count_nothing_twice() -> None:
    """A pause in the middle of a hundredth is no rewatch."""
    broken = engagement([[0.0, 3.333, 1.0], [3.333, 7.777, 1.0], [7.777, 10.0, 1.0]], D)
    assert set(broken.counts) == {1}
    assert broken.unique_ms == broken.watch_ms == 10_000


def test_the_last_position_is_where_the_player_says() -> None:
    """After seeking without playing, the last position is not the end of a stretch."""
    assert engagement(C, D).last_ms == 8_000
    assert engagement(C, D, last=2.0).last_ms == 2_000
    assert engagement(C, D, last=99.0).last_ms == 10_000


times = st.floats(-5, 25, allow_nan=False)
stretches = st.lists(st.tuples(times, times).map(lambda t: [min(t), max(t), 1.0]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(stretches)
def test_the_laws_of_watching(segments: list[list[float]]) -> None:
    """Unique is at most watched and at most the video; nothing is negative or past the end."""
    seen = measured(segments)
    assert 0 <= seen.unique_ms <= min(seen.watch_ms, seen.duration_ms) + 1
    assert 0 <= seen.unique_ms <= seen.furthest_ms + 1 <= seen.duration_ms + 1
    assert len(seen.counts) == 100
    assert abs(sum(n > 0 for n in seen.counts) - seen.unique_ms / 100) <= 2 * len(segments) + 1


@settings(max_examples=80, deadline=None)
@given(stretches, st.randoms(use_true_random=False))
def test_the_order_of_stretches_does_not_matter(
    segments: list[list[float]], chance: random.Random
) -> None:
    """Watching the end first is watching the same."""
    shuffled = list(segments)
    chance.shuffle(shuffled)
    one, other = engagement(segments, D, last=1.0), engagement(shuffled, D, last=1.0)
    assert one == other


@settings(max_examples=80, deadline=None)
@given(stretches)
def test_a_union_has_no_overlaps(segments: list[list[float]]) -> None:
    """Merged stretches are ordered and apart."""
    merged: list[Any] = union(segments)
    assert all(one[1] < other[0] for one, other in pairwise(merged))
    assert union(merged) == merged
