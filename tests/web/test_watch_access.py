"""The viewer's pages for everybody: checked by axe-core, by keyboard, small and large, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from connector.model import VideoStatus
from tests.web.browser import make_film, position, press_on, served, until
from tests.web.tabs import own_tab
from tests.web.viewing import Reel, Viewing

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
AXE = Path("node_modules/axe-core/axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHAPTERS = """WEBVTT

00:00.000 --> 00:04.000
Hello

00:04.000 --> 00:08.000
Your plan &amp; people

00:08.000 --> 00:12.000
Start now
"""
SOUND = """
const v = document.querySelector('video'), captions = v.textTracks[0], done = arguments[0];
const heard = (muted) => new Promise((next) => {
  v.addEventListener('volumechange', () => next(captions.mode), {once: true});
  v.muted = muted;
});
captions.mode = 'disabled';
heard(true).then((on) => heard(false).then((off) => done([on, off])));
"""
SMALL = """
return [...document.querySelectorAll('a, button, summary')]
  .filter((e) => !e.closest('[aria-hidden]'))
  .filter((e) => e.getClientRects().length)
  .map((e) => [e.textContent.trim(), e.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([name, box]) => `${name}: ${box.width} x ${box.height}`);
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of three scenes."""
    folder = make_film(tmp_path_factory.mktemp("scenes"), 12)
    (folder / "chapters.vtt").write_text(CHAPTERS)
    return folder


@pytest.fixture(scope="module")
def browser(
    here: Viewing, one_chromium: webdriver.Chrome
) -> Iterator[tuple[webdriver.Chrome, str]]:
    """A browser as a person has it, and where the installation is served."""
    with served(here.app) as base, own_tab(one_chromium) as opened:
        yield opened, base


@pytest.fixture(scope="module")
def reel(here: Viewing, film: Path) -> Reel:
    """A video that plays."""
    made = here.reel(rendered=False)
    receipt = {**here.receipt(made.id, film), "duration": 12.0, "width": 640, "height": 360}
    here.change(made.id, status=VideoStatus.READY, receipt=receipt, ready_at=1)
    return made


def look(opened: webdriver.Chrome, width: int, scheme: str = "light", motion: str = "") -> None:
    """Give the browser a screen and its owner's wishes."""
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    wishes = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": motion},
    ]
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wishes})


def violations(opened: webdriver.Chrome) -> list[str]:
    """Return what axe-core finds on the page: rule, place and what is wrong."""
    opened.execute_script(AXE.read_text())
    found: list[dict[str, Any]] = opened.execute_async_script(
        "axe.run({runOnly: arguments[0]}).then((r) => arguments[1](r.violations))", RULES
    )
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def press_tab(opened: webdriver.Chrome) -> None:
    """Press the tab key as a person does."""
    for kind in ("keyDown", "keyUp"):
        key = {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        opened.execute_cdp_cmd("Input.dispatchKeyEvent", key)


def show(browser: tuple[webdriver.Chrome, str], reel: Reel) -> webdriver.Chrome:
    """Open a video's page and wait for its scenes."""
    opened, base = browser
    opened.get(base + reel.path)
    until(lambda: opened.find_elements("css selector", ".chapters li"), "the scenes")
    return opened


@pytest.fixture(scope="module")
def pages(here: Viewing, reel: Reel) -> dict[str, str]:
    """Every kind of page that a viewer meets."""
    silent = here.reel(contact_id="c9")
    here.client.post(f"{silent.path}/opt-out")
    return {
        "play": reel.path,
        "making": here.reel(VideoStatus.QUEUED).path,
        "waiting": here.reel(VideoStatus.MINTED).path,
        "notice": here.reel(VideoStatus.FAILED).path,
        "expired": here.reel(VideoStatus.EXPIRED).path,
        "untracked": f"{reel.path}/untracked",
        "opt-out": f"{reel.path}/opt-out",
        "opted out": f"{silent.path}/opt-out",
        "unknown": "/v/nothing",
        "Arabic": here.reel(VideoStatus.QUEUED, locale="ar").path,
    }


@pytest.mark.parametrize("template", ["onboarding", "abandoned_cart", "account_review"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_brand_can_be_read(
    here: Viewing, browser: tuple[webdriver.Chrome, str], template: str, scheme: str
) -> None:
    """The colours of each packaged brand have enough contrast, whichever the viewer prefers."""
    opened, base = browser
    look(opened, 390, scheme)
    opened.get(base + here.reel(template=template).path)
    opened.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert violations(opened) == []


# each width and each scheme once: a rule that fails at one of both fails here
@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
def test_no_page_breaks_a_rule(
    browser: tuple[webdriver.Chrome, str], pages: dict[str, str], width: int, scheme: str
) -> None:
    """No violation of WCAG 2.2 AA that a machine can find, all details open; nothing is too wide."""
    opened, base = browser
    look(opened, width, scheme)
    # a page that waits keeps its play button, since it cannot have the video made
    opened.execute_cdp_cmd("Network.enable", {})
    opened.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/open"]})
    for name, path in pages.items():
        opened.get(base + path)
        if name == "play":
            until(lambda: opened.find_elements("css selector", ".chapters li"), "the scenes")
        if name == "waiting":
            assert opened.find_element("css selector", "#start button").is_displayed()
        opened.execute_script(
            "document.querySelectorAll('details').forEach(d => { d.open = true })"
        )
        assert (name, violations(opened)) == (name, [])
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width, name
        assert (name, opened.execute_script(SMALL)) == (name, [])


def test_tab_goes_through_the_page_as_it_is_read(
    browser: tuple[webdriver.Chrome, str], reel: Reel
) -> None:
    """Player, call to action, scenes, transcript, what is known, opt-out: each with a ring to see."""
    look(browser[0], 1280)
    opened = show(browser, reel)
    reached: list[str] = []
    for _ in range(40):
        press_tab(opened)
        place, ring = opened.execute_script(
            "const e = document.activeElement;"
            "const s = getComputedStyle(e.matches('.player') ? e.closest('.stage') : e);"
            "const name = e.getAttribute('aria-label') || e.textContent.trim().split('\\n')[0];"
            "return [name, s.outlineStyle + s.outlineWidth]"
        )
        if "No more" in place:
            break
        if not reached or reached[-1] != place:
            assert ring == "solid3px", place
            reached.append(place)
    assert reached == [
        "A video for Ana",
        "Play",
        "Book your first session",
        "0:00 Hello",
        "0:04 Your plan & people",
        "0:08 Start now",
        "Read instead of watching 0:12",
        "What this page knows about you",
    ]


def test_a_scene_is_one_press_away(browser: tuple[webdriver.Chrome, str], reel: Reel) -> None:
    """Pressing a scene plays from there, and the list shows where the film is."""
    look(browser[0], 1280)
    opened = show(browser, reel)
    press_on(opened, ".chapters li:nth-child(2) button")
    until(lambda: position(opened) >= 4.2, "the second scene")
    assert position(opened) < 8
    current = until(
        lambda: opened.find_elements("css selector", ".chapters [aria-current]"), "the mark"
    )
    assert [one.text for one in current] == ["0:04\nYour plan & people"]


def test_a_film_of_one_scene_has_no_list(
    here: Viewing, film: Path, browser: tuple[webdriver.Chrome, str], tmp_path: Path
) -> None:
    """A single scene, or one without a name, is not offered."""
    opened, base = browser
    for chapters in (CHAPTERS.split("\n\n00:04")[0], CHAPTERS.replace("Hello", " ")):
        for file in film.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "chapters.vtt").write_text(chapters)
        made = here.reel(rendered=False)
        here.change(made.id, status=VideoStatus.READY, receipt=here.receipt(made.id, tmp_path))
        opened.get(base + made.path)
        until(
            lambda: opened.execute_script(
                "return document.querySelector('track[kind=chapters]').readyState === 2"
            ),
            "the chapters",
        )
        assert not opened.find_element("id", "chapters").is_displayed()


def test_who_turns_the_sound_off_gets_captions(
    browser: tuple[webdriver.Chrome, str], reel: Reel
) -> None:
    """Captions that were off come with silence, and go again with the sound."""
    opened = show(browser, reel)
    assert opened.execute_async_script(SOUND) == ["showing", "disabled"]


def test_who_wants_no_motion_gets_none(
    here: Viewing, browser: tuple[webdriver.Chrome, str]
) -> None:
    """The bar of a video in the making moves, but not for those who asked for stillness."""
    opened, base = browser
    names = []
    for wish in ("no-preference", "reduce"):
        look(opened, 1280, motion=wish)
        opened.get(base + here.reel(VideoStatus.QUEUED).path)
        names.append(
            opened.execute_script(
                "return getComputedStyle(document.querySelector('.bar span')).animationName"
            )
        )
    assert names == ["glide", "none"]
