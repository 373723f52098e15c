"""The rules by which drops and peaks are named, and the intervals beside the numbers."""

from __future__ import annotations

import math

import pytest

from connector.measure.curves import (
    BUCKETS,
    Placed,
    Spread,
    average,
    drops,
    grouped,
    mean_places,
    peaks,
    scene_at,
    share,
)

SCENES = [Placed("hello", 0.0, 0.2), Placed("plan", 0.2, 0.7), Placed("bye", 0.7, 1.0)]


def steps(*parts: tuple[int, int]) -> list[int]:
    """Return a curve of (how many hundredths, how high) pieces."""
    curve = [height for length, height in parts for _ in range(length)]
    assert len(curve) == BUCKETS
    return curve


def test_a_sudden_fall_is_named_by_the_scene_where_it_happens() -> None:
    """Where reach falls by fifteen points from one hundredth to the next, that hundredth is named."""
    [drop] = drops(steps((40, 100), (60, 85)), 100, SCENES)
    assert (drop.kind, drop.bucket, drop.size, drop.scene) == ("drop", 40, 15.0, "plan")


def test_a_fall_of_ten_points_counts_and_one_of_nine_does_not() -> None:
    """The bound itself belongs to the rule."""
    assert len(drops(steps((40, 100), (60, 90)), 100)) == 1
    assert drops(steps((40, 100), (60, 91)), 100) == []


def test_a_slow_loss_is_no_drop() -> None:
    """A point for each hundredth never makes ten within five."""
    assert drops([100 - i for i in range(BUCKETS)], 100) == []


def test_two_drops_are_two_and_one_is_told_once() -> None:
    """Windows that overlap speak of the same fall."""
    found = drops(steps((20, 100), (30, 80), (50, 50)), 100, SCENES)
    assert [(one.bucket, one.size) for one in found] == [(20, 20.0), (50, 30.0)]


def test_leaving_at_the_end_is_no_drop() -> None:
    """In the last five hundredths people leave because it is over."""
    assert drops(steps((97, 100), (3, 10)), 100) == []


def test_with_few_views_nothing_is_named() -> None:
    """Of nine views neither a drop nor a peak is told; of ten it is."""
    fall, again = steps((40, 1), (60, 0)), steps((50, 0), (1, 1), (49, 0))
    for views, told in ((9, 0), (10, 1)):
        assert len(drops([views * n for n in fall], views)) == told
        assert len(peaks([views * n for n in again], views)) == told


def test_a_place_that_is_watched_again_is_a_peak() -> None:
    """It is named by its scene, with its rewatches per 100 views."""
    [peak] = peaks(steps((30, 1), (4, 12), (66, 1)), 50, SCENES)
    assert (peak.kind, peak.size, peak.scene) == ("peak", 24.0, "plan")
    assert 30 <= peak.bucket < 34


@pytest.mark.parametrize("level", [0, 10])
def test_an_even_level_of_rewatches_is_no_peak(level: int) -> None:
    """A peak stands out from its neighbourhood."""
    assert peaks([level] * BUCKETS, 50) == []


def test_a_few_rewatches_are_no_peak() -> None:
    """Four in a hundred views are too few, however quiet it is around them."""
    assert peaks(steps((50, 0), (1, 4), (49, 0)), 100) == []
    assert len(peaks(steps((50, 0), (1, 5), (49, 0)), 100)) == 1


def test_a_share_comes_with_wilsons_interval() -> None:
    """Ten of twenty lie between 29.9 and 70.1 %; none of ten may be as many as 27.8 %."""
    half, none = share(10, 20), share(0, 10)
    assert half is not None
    assert none is not None
    assert (half.value, round(half.low, 3), round(half.high, 3)) == (0.5, 0.299, 0.701)
    assert (none.value, none.low, round(none.high, 3)) == (0.0, 0.0, 0.278)
    assert share(0, 0) is None


def spread(*shares: float, label: str = "") -> Spread:
    """Return the sums of some shares, each of a viewer of its own."""
    squares = math.fsum(one * one for one in shares)
    return Spread(label, len(shares), math.fsum(shares), squares, len(shares))


@pytest.mark.parametrize(
    ("count", "quantile"), [(2, 12.706), (3, 4.303), (5, 2.776), (11, 2.228), (101, 1.984)]
)
def test_an_average_comes_with_students_interval(count: int, quantile: float) -> None:
    """Half its width is the table's quantile times the standard error."""
    shares = [0.5 + 0.001 * (i - (count - 1) / 2) for i in range(count)]
    mean = math.fsum(shares) / count
    error = math.sqrt(math.fsum((one - mean) ** 2 for one in shares) / (count - 1) / count)
    found = average(spread(*shares))
    assert found is not None
    assert found.value == pytest.approx(mean)
    assert (found.high - found.low) / 2 == pytest.approx(quantile * error, rel=0.005)


def test_one_number_has_no_interval() -> None:
    """Nothing is known of how much such numbers differ."""
    assert average(spread(0.5)) is None


def test_values_of_few_viewers_are_put_together() -> None:
    """Those with five or more stand alone, the most common first; the others come last."""
    found = grouped(
        [spread(0.1, label="a"), spread(*[0.5] * 5, label="b"), spread(*[0.4] * 6, label="c"),
         spread(0.3, 0.9, label="d")],
        others="rest",
    )  # fmt: skip
    assert [(one.label, one.viewers) for one in found] == [("c", 6), ("b", 5), ("rest", 3)]
    assert found[-1].total == pytest.approx(1.3)


def test_scenes_lie_at_their_mean_share() -> None:
    """Videos of different lengths agree on a place; one without a length says nothing."""
    short = [{"name": "a", "start": 0, "seconds": 4}, {"name": "b", "start": 4, "seconds": 6}]
    long = [{"name": "a", "start": 0, "seconds": 12}, {"name": "b", "start": 12, "seconds": 8}]
    found = mean_places([(short, 10.0), (long, 20.0), (long, 0.0)])
    assert found == [Placed("a", 0.0, 0.5), Placed("b", 0.5, 1.0)]
    assert [scene_at(found, place) for place in (0.0, 0.49, 0.5, 1.0)] == ["a", "a", "b", "b"]
    assert scene_at([], 0.5) == ""
