"""
A film that Chromium really plays: what its session says afterwards, to a fraction of a second.

Presses arrive as a mouse's do, over the DevTools protocol; nothing in the product knows of tests.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver

from connector.measure.engagement import rewatches
from connector.model import VideoStatus
from connector.store.sessions import SessionRow
from tests.web.browser import (
    chromium,
    make_film,
    position,
    press_on,
    until,
)
from tests.web.viewing import Reel, Viewing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
SECONDS = 10
NEAR = 0.7  # seconds: browsers tell the position four times a second


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of ten seconds with sound."""
    return make_film(tmp_path_factory.mktemp("film"), SECONDS, "320x180")


@pytest.fixture
def reel(here: Viewing, film: Path) -> Reel:
    """A video with the real film."""
    made = here.reel(rendered=False)
    receipt = here.receipt(made.id, film) | {
        "duration": float(SECONDS), "width": 320, "height": 180,
    }  # fmt: skip
    here.change(made.id, status=VideoStatus.READY, receipt=receipt, ready_at=1)
    return made


def session(
    here: Viewing, reel: Reel, wanted: Callable[[SessionRow], bool], number: int = 1
) -> SessionRow:
    """Wait for a video's session, the *number*th, to be as *wanted*."""

    def found() -> SessionRow | None:
        rows = here.sessions(reel)
        return rows[number - 1] if len(rows) == number and wanted(rows[number - 1]) else None

    row = until(found, "the session to be stored")
    assert isinstance(row, SessionRow)
    return row


def press_play(browser: webdriver.Chrome) -> None:
    """Press on the film, once it can be played."""
    until(
        lambda: browser.execute_script("return document.querySelector('video').readyState > 2"),
        "the film",
    )
    press_on(browser, "video")


def play_until(browser: webdriver.Chrome, seconds: float) -> float:
    """Wait until the film stands at a position; return where it really does."""
    until(lambda: position(browser) >= seconds, f"the film to reach {seconds} s")
    return position(browser)


def go_to(browser: webdriver.Chrome, seconds: float) -> None:
    """Move the playhead, as the slider does, and wait until it is there."""
    browser.execute_script(
        "document.querySelector('video').currentTime = arguments[0]", float(seconds)
    )
    until(lambda: abs(position(browser) - seconds) < 1, "the jump")


def test_a_closed_tab_has_told_what_was_watched_skipped_and_watched_again(
    here: Viewing, address: str, browser: webdriver.Chrome, reel: Reel
) -> None:
    """Play, go back, skip ahead, close the tab: unique, played and rewatched seconds are right."""
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    browser.get(address + reel.path)
    press_play(browser)
    once = play_until(browser, 4)
    go_to(browser, 1)
    again = play_until(browser, 3.7)
    go_to(browser, 7)
    ahead = play_until(browser, 8)
    browser.close()
    browser.switch_to.window(first)
    row = session(here, reel, lambda row: row.furthest_ms >= ahead * 1000)
    assert row.unique_ms / 1000 == pytest.approx(once + ahead - 7, abs=NEAR)
    assert row.watch_ms / 1000 == pytest.approx(once + again - 1 + ahead - 7, abs=NEAR)
    assert [round(segment[0]) for segment in row.segments] == [0, 1, 7]
    assert rewatches([row.segments]) == 1
    assert row.counts[15] == row.counts[22] == 2
    assert row.counts[5] == row.counts[75] == 1
    assert row.counts[60] == row.counts[95] == 0
    assert (row.viewed, row.flags["gesture"], row.flags["visible"]) == (True, 1, 1)
    assert "clipped" not in row.flags


def test_a_person_who_watches_half_of_it_is_a_person(
    here: Viewing, address: str, browser: webdriver.Chrome, reel: Reel
) -> None:
    """A real press and real seconds of playing are what makes a view."""
    browser.get(address + reel.path)
    press_play(browser)
    play_until(browser, 5)
    press_on(browser, "video")
    row = session(here, reel, lambda row: row.unique_ms > 4500)
    assert (row.viewed, row.viewer, row.reasons) == (True, "human", [])


def test_twice_the_speed_is_the_film_s_time_not_the_viewer_s(
    here: Viewing, address: str, browser: webdriver.Chrome, reel: Reel
) -> None:
    """What was played at another rate counts with the seconds of the film, and says its rate."""
    browser.get(address + reel.path)
    browser.execute_script("document.querySelector('video').playbackRate = 2")
    press_play(browser)
    stopped = play_until(browser, 6)
    browser.get("about:blank")
    row = session(here, reel, lambda row: row.unique_ms >= (stopped - NEAR) * 1000)
    assert [segment[2] for segment in row.segments] == [2]
    assert row.watch_ms / 1000 == pytest.approx(stopped, abs=2 * NEAR)


def test_coming_back_by_the_back_button_is_another_session(
    here: Viewing, address: str, browser: webdriver.Chrome, reel: Reel
) -> None:
    """Whether the browser kept the page or loads it anew, the second look is counted by itself."""
    browser.get(address + reel.path)
    press_play(browser)
    play_until(browser, 2.5)
    browser.get(f"{address}/v/nothing")
    first = session(here, reel, lambda row: row.unique_ms > 2000)
    browser.back()
    second = session(here, reel, lambda row: row.id != first.id, number=2)
    assert (second.viewed, second.watch_ms) == (False, 0)


def test_a_plain_webdriver_run_is_a_bot(here: Viewing, address: str, reel: Reel) -> None:
    """A browser that says software drives it is judged so, although it presses and plays."""
    with chromium(driven=True) as robot:
        robot.get(address + reel.path)
        press_play(robot)
        play_until(robot, 3)
        robot.get("about:blank")
        row = session(here, reel, lambda row: row.unique_ms > 2500)
    assert row.viewer == "bot"
    assert "webdriver" in row.reasons
