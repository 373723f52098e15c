"""The page in a real browser: what is played is what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from sqlalchemy import select

from connector.model import VideoStatus
from connector.store.sessions import SessionRow
from connector.store.tables import events
from tests.web.browser import (
    chromium,
    make_film,
    position,
    press_on,
    until,
)
from tests.web.viewing import Reel, Viewing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
SECONDS = 12


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of twelve seconds with sound."""
    return make_film(tmp_path_factory.mktemp("film"), SECONDS)


def a_reel(here: Viewing, film: Path, **columns: Any) -> Reel:
    """Store a video with the real film."""
    reel = here.reel(rendered=False, **columns)
    finish(here, film, reel)
    return reel


def finish(here: Viewing, film: Path, reel: Reel) -> None:
    """Make a video ready, as the render job does."""
    receipt = {
        **here.receipt(reel.id, film),
        "duration": float(SECONDS),
        "width": 640,
        "height": 360,
    }
    here.change(reel.id, status=VideoStatus.READY, receipt=receipt, work="done", ready_at=1)


def stored(here: Viewing, reel: Reel) -> SessionRow | None:
    """Return the newest session of a video."""
    rows = here.sessions(reel)
    return rows[-1] if rows else None


def told(here: Viewing, reel: Reel) -> set[str]:
    """Return the names of what happened in a video's sessions."""
    with here.store.read() as tx:
        rows = tx.execute(select(events.c.name).where(events.c.video_id == reel.id))
        return set(rows.scalars())


def play_until(browser: webdriver.Chrome, seconds: float) -> None:
    """Wait until the film stands at a position."""
    until(lambda: position(browser) >= seconds, f"the film to reach {seconds} s")


def leave(browser: webdriver.Chrome) -> None:
    """Go to another page, as somebody does who has seen enough."""
    browser.get("about:blank")


def press_play(browser: webdriver.Chrome) -> None:
    """Press play in the browser's own controls, once the film is known."""
    until(
        lambda: browser.execute_script("return document.querySelector('video').readyState > 0"),
        "the film's length",
    )
    press_on(browser, "video")


def test_a_page_that_is_only_opened_is_no_view(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """Loading is told, once it was looked at for a second; nothing was played."""
    reel = a_reel(here, film)
    browser.get(address + reel.path)
    row = until(lambda: stored(here, reel), "the beacon of the load")
    assert (row.viewed, row.unique_ms, row.viewer) == (False, 0, "unknown")


def test_a_script_that_plays_is_no_person(here: Viewing, film: Path, address: str) -> None:
    """A browser that is driven by software and presses nothing is not taken for a viewer."""
    reel = a_reel(here, film)
    with chromium("--autoplay-policy=no-user-gesture-required", driven=True) as robot:
        robot.get(address + reel.path)
        robot.execute_script("document.querySelector('video').play()")
        play_until(robot, 3)
        leave(robot)
        row = until(lambda: (s := stored(here, reel)) and s.unique_ms > 2500 and s, "its beacon")
    assert not row.viewed
    assert row.viewer == "bot"
    assert {"webdriver", "ua_list"} <= set(row.reasons)


def test_captions_are_there_and_shown(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """The captions of the film's language are on by default, and nothing of the page is blocked."""
    reel = a_reel(here, film)
    browser.get(address + reel.path)
    cues = until(
        lambda: browser.execute_script(
            "const t = document.querySelector('video').textTracks[0];"
            "return t.mode === 'showing' && t.cues && t.cues.length"
        ),
        "the captions",
    )
    assert cues == 2
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_the_call_to_action_tells_which_session_it_was(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """The click belongs to the session that watched, and leads to the stored address."""
    target = "https://cuereel.invalid/book"
    reel = a_reel(here, film, call_to_action={"label": "Book", "url": target})
    browser.get(address + reel.path)
    press_play(browser)
    play_until(browser, 2.5)
    press_on(browser, ".actions form button")
    until(lambda: browser.current_url.startswith(target), "the target's address")
    row = until(lambda: (s := stored(here, reel)) and s.unique_ms > 2000 and s, "the session")
    with here.store.read() as tx:
        clicked = tx.execute(
            select(events.c.session_id, events.c.cta).where(
                events.c.video_id == reel.id, events.c.name == "cta_click"
            )
        ).all()
    assert clicked == [(row.id, "main")]


def test_a_video_that_waits_is_made_and_then_plays_by_itself(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """The page has it made as soon as it is seen, and starts it when it is there."""
    reel = here.reel(VideoStatus.MINTED)
    browser.get(address + reel.path)
    until(lambda: here.video(reel).status == VideoStatus.QUEUED, "the page to ask for the video")
    until(
        lambda: browser.execute_script("return !document.getElementById('progress').hidden"),
        "the progress",
    )
    finish(here, film, reel)
    until(lambda: browser.execute_script("return !!document.querySelector('video')"), "the player")
    play_until(browser, 1)
    assert browser.execute_script("return document.querySelector('video').muted")
    assert browser.execute_script("return document.querySelectorAll('h1').length") == 1
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_who_presses_play_early_hears_it_start(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """The press on the waiting page is the gesture: the film starts with sound and counts."""
    reel = here.reel(VideoStatus.MINTED)
    browser.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument",
        {
            "source": "window.fetch = ((f) => (u, o) => /open$/.test(u) && !window.pressed"
            " ? Promise.reject(new TypeError('later')) : f(u, o))(window.fetch);"
            "addEventListener('pointerdown', () => { window.pressed = true; }, true);"
        },
    )
    browser.get(address + reel.path)
    press_on(browser, "#start button")
    until(lambda: here.video(reel).status == VideoStatus.QUEUED, "the page to ask for the video")
    finish(here, film, reel)
    until(lambda: browser.execute_script("return !!document.querySelector('video')"), "the player")
    play_until(browser, 3)
    assert not browser.execute_script("return document.querySelector('video').muted")
    leave(browser)
    row = until(lambda: (s := stored(here, reel)) and s.unique_ms > 2500 and s, "its session")
    assert row.viewed


def test_everything_but_measuring_works_without_a_script(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """Play button, self-refreshing page, native player: plain HTML all the way."""
    reel = here.reel(VideoStatus.MINTED)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(address + reel.path)
        assert here.video(reel).status == VideoStatus.MINTED
        browser.find_element("css selector", "#start button").click()
        until(lambda: here.video(reel).status == VideoStatus.QUEUED, "the press to arrive")
        finish(here, film, reel)
        until(lambda: browser.find_elements("css selector", "video source"), "the page's refresh")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_wish_not_to_be_tracked_is_passed_on(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """Global Privacy Control marks the session, which then tells nothing of the contact."""
    reel = a_reel(here, film)
    script = {
        "source": "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    }
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    browser.get(address + reel.path)
    row = until(lambda: stored(here, reel), "the beacon of the load")
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    assert row.flags["untracked"] == 1


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_the_screen(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome, width: int
) -> None:
    """From 320 pixels on nothing has to be scrolled sideways, long names included."""
    name = "Maximiliane-Konstanze-Wolfeschlegelsteinhausenbergerdorff"
    slots = {"first_name": {"text": name}, "cta_label": {"text": name * 2}}
    reels = [a_reel(here, film, slots=slots), here.reel(VideoStatus.QUEUED, slots=slots)]
    metrics = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        for path in [*(reel.path for reel in reels), f"{reels[0].path}/opt-out", "/v/nothing"]:
            browser.get(address + path)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_keyboard_is_enough(
    here: Viewing, film: Path, address: str, browser: webdriver.Chrome
) -> None:
    """Tab reaches the player, its button, the call to action, the transcript and the opt-out."""
    reel = a_reel(here, film)
    browser.get(address + reel.path)
    until(
        lambda: browser.execute_script("return document.querySelector('video').readyState > 0"),
        "the film's length",
    )
    reached = []
    for _ in range(25):
        for kind in ("keyDown", "keyUp"):
            key = {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
            browser.execute_cdp_cmd("Input.dispatchKeyEvent", key)
        tag = browser.execute_script("return document.activeElement.tagName")
        if not reached or reached[-1] != tag:
            reached.append(tag)
        if reached[-1] == "A":
            break
    assert reached == ["MEDIA-CONTROLLER", "MEDIA-PLAY-BUTTON", "BUTTON", "SUMMARY", "A"]
