"""How warm a contact is."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.measure.scoring import Watched, fades_in, fading, points, score, tier

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def watched(percent: int, days_ago: float = 0, **more: object) -> Watched:
    """Make one video that was watched some days ago."""
    return Watched(NOW - timedelta(days=days_ago), percent, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 0), (24, 0), (25, 3), (50, 5), (75, 8), (94, 8), (95, 10)]
)
def test_only_the_highest_milestone_counts(percent: int, expected: int) -> None:
    """Milestones do not add up."""
    assert points(watched(percent)) == expected


def test_rewatches_and_clicks_add_up_to_a_cap() -> None:
    """Two rewatches at most, and 25 points for a video at most."""
    assert points(watched(25, rewatches=1)) == 6
    assert points(watched(25, rewatches=9)) == 9
    assert points(watched(50, clicked=True)) == 20
    assert points(watched(100, rewatches=2, clicked=True)) == 25


def test_points_halve_in_thirty_days() -> None:
    """Interest fades."""
    assert fading(timedelta(days=30)) == pytest.approx(0.5)
    assert fading(timedelta(days=-1)) == 1.0
    assert score([watched(95, days_ago=30)], NOW) == 5
    assert score([watched(95, days_ago=300)], NOW) == 0


def test_nobody_becomes_hot_by_a_pile_of_videos() -> None:
    """Any 30 days earn 40 points at most; older ones earn their own."""
    burst = [watched(95, clicked=True) for _ in range(5)]
    assert score(burst, NOW) == 40
    assert score([*burst, watched(95, days_ago=60, clicked=True)], NOW) == 46


def test_losing_interest_twice_in_a_row_costs_points() -> None:
    """Two videos hardly begun, one after the other, take two points."""
    assert score([watched(95, 2), watched(5, 1), watched(5)], NOW) == 8
    assert score([watched(95, 2), watched(5)], NOW) == 10


def test_an_opt_out_outweighs_everything() -> None:
    """Who said no is cold."""
    assert score([watched(95, clicked=True)], NOW, opted_out=True) == 0


def test_nothing_watched_is_no_points() -> None:
    """The caller shows it as empty."""
    assert score([], NOW) == 0


@pytest.mark.parametrize(
    ("points", "expected"), [(0, "cold"), (7, "cold"), (8, "warm"), (19, "warm"), (20, "hot")]
)
def test_tiers_have_names(points: int, expected: str) -> None:
    """Three quarters of one video are warm; watched and clicked is hot."""
    assert tier(points) == expected


def test_a_score_is_written_anew_when_a_fifth_of_it_is_gone() -> None:
    """25 points are 20 after nine days and a half."""
    best = [watched(100, rewatches=2, clicked=True)]
    assert fades_in(best, NOW) == timedelta(days=9)
    assert score(best, NOW + timedelta(days=8)) == 21
    assert score(best, NOW + timedelta(days=9)) == 20


def test_a_tier_is_written_on_the_day_on_which_it_changes() -> None:
    """Somebody just above the edge is colder soon, though little of the score is gone."""
    edge = [watched(75)]
    assert tier(score(edge, NOW)) == "warm"
    days = fades_in(edge, NOW)
    assert days is not None
    assert tier(score(edge, NOW + days)) == "cold"
    assert tier(score(edge, NOW + days - timedelta(days=1))) == "warm"


def test_a_score_of_nothing_fades_no_further() -> None:
    """Nobody looks again at a contact that is cold for good."""
    assert fades_in([], NOW) is None
    assert fades_in([watched(95, days_ago=400)], NOW) is None
    assert fades_in([watched(95, clicked=True)], NOW, opted_out=True) is None


def test_a_score_that_is_followed_comes_to_nothing() -> None:
    """From one writing to the next it ends at zero, within a year and in few steps."""
    one, at, steps = [watched(100, rewatches=2, clicked=True)], NOW, 0
    while (after := fades_in(one, at)) is not None:
        at, steps = at + after, steps + 1
    assert score(one, at) == 0
    assert steps <= 15
    assert at - NOW < timedelta(days=365)
