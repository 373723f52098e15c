"""When an owner and the programs outside are told that somebody watched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.measure.alerts import (
    ALERT_SECONDS,
    Task,
    happenings,
    look_again,
    proven,
    task_due,
)
from connector.measure.fields import SessionFacts

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def session(
    seconds_ago: float, *, until: float = 10.0, viewer: str = "human", start: float = 0.0
) -> SessionFacts:
    """Make a session of a film of 20 s that began some time ago and went on for ten seconds."""
    began = NOW - timedelta(seconds=seconds_ago)
    return SessionFacts(
        video_id="v",
        first_at=began,
        last_at=min(began + timedelta(seconds=10), NOW),
        duration=20.0,
        segments=[(start, until, 1.0)],
        last=until,
        viewed=viewer == "human",
        viewer=viewer,
    )


def kinds(found: dict[str, SessionFacts], **clicks: list[str]) -> list[tuple[str, str]]:
    """Return what is told of these sessions, by kind and key."""
    return [(one.kind, one.key) for one in happenings("v", found, clicks, NOW)]


def test_the_wait_is_long_enough_for_scanners_and_short_enough_for_people() -> None:
    """A minute to a minute and a half."""
    assert 60 <= ALERT_SECONDS <= 90


def test_a_session_is_believed_when_it_has_stood_for_the_wait() -> None:
    """Not a second before, and it is said when to look again."""
    young, old = session(ALERT_SECONDS - 5), session(ALERT_SECONDS)
    assert proven({"young": young, "old": old}, NOW) == {"old": old}
    assert look_again([young, old], NOW) == pytest.approx(5.0)
    assert look_again([old], NOW) is None


@pytest.mark.parametrize("viewer", ["bot", "unknown", "preview", "self"])
def test_only_people_are_waited_for_and_told_of(viewer: str) -> None:
    """However old the session is."""
    for age in (1.0, 3600.0):
        one = session(age, viewer=viewer)
        assert proven({"s": one}, NOW) == {}
        assert look_again([one], NOW) is None


def test_the_session_that_is_proven_next_says_when_to_look() -> None:
    """The oldest of those that wait."""
    assert look_again([session(5), session(45), session(25)], NOW) == pytest.approx(30.0)


def test_a_first_view_brings_its_milestones() -> None:
    """Each once, under a key that is the same whenever it is asked for."""
    found = {"a": session(100, until=10.0)}
    expected = [
        ("watch.first_view", "v"),
        ("watch.milestone", "v:25"),
        ("watch.milestone", "v:50"),
    ]
    assert kinds(found) == expected
    assert kinds(found) == expected


def test_a_second_session_brings_only_what_it_adds() -> None:
    """The milestones belong to the session that reached them, whatever order they are read in."""
    found = {"b": session(100, start=10.0, until=20.0), "a": session(5000, until=10.0)}
    told = happenings("v", found, {}, NOW)
    by_session = [(one.session_id, one.kind, one.milestone) for one in told]
    assert by_session == [
        ("a", "watch.first_view", 0),
        ("a", "watch.milestone", 25),
        ("a", "watch.milestone", 50),
        ("b", "watch.milestone", 75),
        ("b", "watch.milestone", 95),
        ("b", "watch.completed", 0),
    ]


def test_the_same_part_again_is_no_milestone() -> None:
    """Who watches the beginning twice has seen the beginning."""
    found = {"a": session(5000, until=6.0), "b": session(100, until=6.0)}
    assert [key for kind, key in kinds(found) if kind == "watch.milestone"] == ["v:25"]


def test_each_click_is_told_once_for_its_session() -> None:
    """By the button's own key."""
    found = {"a": session(100)}
    assert ("cta.clicked", "a:main") in kinds(found, a=["main"])
    assert ("cta.clicked", "x:main") not in kinds(found, x=["main"])


def test_what_is_long_past_is_no_news() -> None:
    """A program that is added today is not told of last month."""
    assert kinds({"a": session(30 * 86_400.0)}, a=["main"]) == []


def test_the_first_view_is_a_task() -> None:
    """And nobody's view is none."""
    assert task_due([session(100)], None) is Task.NEW
    assert task_due([], None) is None
    assert task_due([session(100, viewer="bot")], None) is None


@pytest.mark.parametrize(
    ("hours", "expected"), [(0.5, Task.FOLD), (3.9, Task.FOLD), (4.1, Task.NEW), (48, Task.NEW)]
)
def test_what_follows_within_four_hours_is_folded_into_the_task(
    hours: float, expected: Task
) -> None:
    """What comes later is worth a task of its own."""
    told_at = NOW - timedelta(hours=hours)
    assert task_due([session(30)], told_at) is expected


def test_a_task_that_was_told_needs_new_evidence_for_another() -> None:
    """Time alone makes no task: nobody watched since."""
    watched = session(10 * 3600.0)
    assert task_due([watched], watched.last_at + timedelta(seconds=80)) is Task.FOLD
