"""The watch page's stage: controls, what a scene offers, the end, and the choice not to be counted."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from sqlalchemy import select

from connector.model import VideoStatus
from connector.store.tables import events
from connector.web import phrases
from connector.web.player_words import FILE, player_words
from tests.web.browser import make_film, middle, position, press_on, until
from tests.web.test_watch_access import CHAPTERS, look, press_tab, violations
from tests.web.viewing import Reel, Viewing

pytestmark = pytest.mark.timeout(120)
SECONDS = 12
SCENES = [
    {"name": "hello", "start": 0.0, "seconds": 4.0},
    {"name": "plan", "start": 4.0, "seconds": 4.0},
    {"name": "start", "start": 8.0, "seconds": 4.0},
]
CALL = {
    "key": "advisor",
    "kind": "calendar",
    "label": "Plan a call with Jordan",
    "url": "https://cuereel.invalid/calendar",
    "scenes": ["plan"],
}
GROUP = {
    "key": "group",
    "kind": "group",
    "label": "Join our community",
    "url": "https://cuereel.invalid/group",
    "scenes": [],
}
REFUSALS = (
    "window.refused = [];"
    "addEventListener('securitypolicyviolation',"
    " (e) => refused.push(`${e.violatedDirective} ${e.blockedURI}`));"
)
# shadow roots, and those in them, whose styles the browser did not take
STYLELESS = """
const without = [];
const walk = (root) => {
  for (const { shadowRoot, localName } of root.querySelectorAll('*')) {
    if (!shadowRoot) continue;
    const styles = [...shadowRoot.querySelectorAll('style')];
    if (styles.some((style) => !style.sheet?.cssRules.length)) without.push(localName);
    walk(shadowRoot);
  }
};
walk(document);
return without;
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of three scenes."""
    folder = make_film(tmp_path_factory.mktemp("stage"), SECONDS)
    (folder / "chapters.vtt").write_text(CHAPTERS)
    return folder


@pytest.fixture
def screen(browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """A browser on a desk that remembers what a page's policy refused."""
    script = {"source": REFUSALS}
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    look(browser, 1280)
    yield browser
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    browser.get("about:blank")


def a_reel(here: Viewing, film: Path, *actions: dict[str, Any], **columns: Any) -> Reel:
    """Store a video with the real film and further calls to action."""
    reel = here.reel(rendered=False, actions=list(actions), **columns)
    receipt = here.receipt(reel.id, film) | {
        "duration": float(SECONDS), "width": 640, "height": 360, "scenes": SCENES,
    }  # fmt: skip
    here.change(reel.id, status=VideoStatus.READY, receipt=receipt, ready_at=1)
    return reel


def run(screen: webdriver.Chrome, script: str) -> Any:
    """Evaluate an expression in the page."""
    return screen.execute_script(f"return {script}")


def play(screen: webdriver.Chrome, address: str, reel: Reel, at: float = 0) -> None:
    """Open a page, press play in the middle of the film and go to a position."""
    screen.get(address + reel.path)
    until(lambda: run(screen, "document.querySelector('video').readyState > 2"), "the film")
    press_on(screen, ".player")
    until(lambda: position(screen) > 0.2, "the film to play")
    if at:
        screen.execute_script(f"document.querySelector('video').currentTime = {at}")


def press_key(screen: webdriver.Chrome, key: str) -> None:
    """Press a key as a person does."""
    for kind in ("keyDown", "keyUp"):
        press = {"type": kind, "key": key, "text": key if len(key) == 1 else ""}
        screen.execute_cdp_cmd("Input.dispatchKeyEvent", press)


def is_shown(screen: webdriver.Chrome, selector: str) -> bool:
    """Tell whether a person can see an element."""
    return bool(
        run(
            screen,
            f"document.querySelector('{selector}').checkVisibility("
            "{visibilityProperty: true, opacityProperty: true})",
        )
    )


def told(here: Viewing, reel: Reel) -> set[tuple[str, str]]:
    """Return what happened in a video's sessions, with the call to action that it was about."""
    query = select(events.c.name, events.c.cta).where(events.c.video_id == reel.id)
    with here.store.read() as tx:
        return {(name, cta) for name, cta in tx.execute(query)}


def test_the_policy_lets_in_the_player_s_own_styles_and_no_other(viewing_sqlite: Viewing) -> None:
    """Only the page with the player has their hashes; nowhere is inline style or script allowed."""
    reel = viewing_sqlite.reel()
    policies = [
        viewing_sqlite.client.get(path).headers["Content-Security-Policy"]
        for path in (reel.path, f"{reel.path}/opt-out")
    ]
    assert policies[0].count("'sha256-") > 10
    assert "sha256" not in policies[1]
    assert not any("unsafe" in policy for policy in policies)
    assert len(policies[0]) < 4096


@pytest.mark.browser
def test_nothing_of_the_player_is_refused(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """Playing, the menu of speeds, captions and full screen: every style is in force."""
    play(screen, address, a_reel(here, film, CALL))
    press_on(screen, "media-playback-rate-menu-button")
    until(lambda: is_shown(screen, "media-playback-rate-menu"), "the menu")
    assert violations(screen) == []
    press_on(screen, "media-captions-button")
    until(
        lambda: run(screen, "document.querySelector('video').textTracks[0].mode") != "showing",
        "no captions",
    )
    press_on(screen, "media-fullscreen-button")
    until(lambda: run(screen, "document.fullscreenElement?.id === 'stage'"), "full screen")
    assert run(screen, "refused") == []
    assert screen.execute_script(STYLELESS) == []
    assert [entry for entry in screen.get_log("browser") if entry["level"] == "SEVERE"] == []
    press_on(screen, "media-fullscreen-button")
    until(lambda: run(screen, "!document.fullscreenElement"), "the page again")


@pytest.mark.browser
def test_a_speed_that_is_chosen_is_told(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """Whoever takes another speed from the menu has it, and the session says so."""
    reel = a_reel(here, film)
    play(screen, address, reel)
    press_on(screen, "media-playback-rate-menu-button")
    until(lambda: is_shown(screen, "media-playback-rate-menu"), "the menu")
    until(
        lambda: run(screen, "document.activeElement.localName") == "media-playback-rate-menu",
        "focus",
    )
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        press_key(screen, key)
    until(lambda: run(screen, "document.querySelector('video').playbackRate") != 1, "a speed")
    screen.get("about:blank")
    until(lambda: ("rate", "") in told(here, reel), "the choice to be told")


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_controls_are_large_enough_for_a_finger(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome, width: int
) -> None:
    """Each control is at least 44 pixels wide and high, and all of them lie on the film."""
    look(screen, width)
    play(screen, address, a_reel(here, film, CALL, GROUP))
    boxes = run(
        screen,
        "[...document.querySelectorAll('.keys > :not(.gap, media-time-display)')]"
        ".map((e) => e.getBoundingClientRect()).filter((b) => b.width)"
        ".map((b) => [b.left, b.right, b.width, b.height])",
    )
    left, right = run(screen, "(({left, right}) => [left, right])(stage.getBoundingClientRect())")
    assert len(boxes) >= 4
    assert all(left <= box[0] and box[1] <= right for box in boxes)
    assert all(min(box[2:]) >= 44 for box in boxes)
    assert run(screen, "document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_keys_work_in_the_player_and_nowhere_else(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """k pauses, arrows go back and forth, m is for the sound, c for captions; outside they are letters."""
    play(screen, address, a_reel(here, film))
    paused, muted = (f"document.querySelector('video').{word}" for word in ("paused", "muted"))
    screen.execute_script("document.activeElement.blur()")
    press_key(screen, "k")
    press_key(screen, "m")
    assert [run(screen, paused), run(screen, muted)] == [False, False]
    screen.execute_script("document.querySelector('.player').focus()")
    press_key(screen, "k")
    until(lambda: run(screen, paused), "the pause")
    press_key(screen, "ArrowRight")
    until(lambda: position(screen) > 9, "ten seconds ahead")
    press_key(screen, "ArrowLeft")
    until(lambda: position(screen) < 4, "ten seconds back")
    press_key(screen, "c")
    until(
        lambda: run(screen, "document.querySelector('video').textTracks[0].mode") == "disabled",
        "no captions",
    )
    press_key(screen, "m")
    until(lambda: run(screen, muted), "silence")
    press_key(screen, " ")
    until(lambda: not run(screen, paused), "the film to play on")


@pytest.mark.browser
def test_who_starts_it_by_key_goes_on_by_key(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """The large button goes away when it was pressed, and the small one has the focus then."""
    screen.get(address + a_reel(here, film).path)
    until(lambda: run(screen, "document.querySelector('video').readyState > 2"), "the film")
    press_tab(screen)
    press_tab(screen)
    press_key(screen, "Enter")
    until(lambda: position(screen) > 0.2, "the film to play")
    assert not is_shown(screen, ".big")
    assert run(screen, "document.activeElement.matches('.keys media-play-button')")


@pytest.mark.browser
def test_the_player_speaks_the_viewer_s_language(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """Names and tooltips are the page's; times run from left to right in every language."""
    for locale, pause in (("de", "Pause"), ("ar", "إيقاف مؤقت")):
        play(screen, address, a_reel(here, film, locale=locale))
        labels = run(
            screen,
            "[...document.querySelectorAll('.keys > [aria-label]')]"
            ".map((e) => e.getAttribute('aria-label'))",
        )
        words = player_words(locale)
        assert labels[0] == pause
        assert {words["closed captions"], words["Enter fullscreen mode"]} <= set(labels)
        assert not set(labels) & {"Captions", "Full screen", "Speed 1", "Mute"}
        tooltip = run(
            screen,
            "document.querySelector('media-fullscreen-button').shadowRoot"
            ".querySelector('slot[name=tooltip-enter]').textContent",
        )
        assert tooltip == words["Enter fullscreen mode"]
        assert run(screen, "getComputedStyle(document.querySelector('.keys')).direction") == "ltr"
        assert run(screen, "document.dir") == ("rtl" if locale == "ar" else "ltr")


def test_the_player_has_every_word_in_every_language() -> None:
    """No language lacks a word, and none has one that is not used."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    assert set(table) == set(tomllib.loads(phrases.FILE.read_text(encoding="utf-8")))
    assert {code for code, words in table.items() if set(words) != set(table["en"])} == set()
    for code, words in table.items():
        for key, text in words.items():
            braces = {part.split("}")[0] for part in text.split("{")[1:]}
            assert braces == {part.split("}")[0] for part in table["en"][key].split("{")[1:]}, code


@pytest.mark.browser
def test_what_a_scene_offers_shows_while_it_plays(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """It comes and goes with its scene, moves nothing, is told as seen, and leads on."""
    reel = a_reel(here, film, CALL, GROUP)
    play(screen, address, reel, at=2.5)
    box = "JSON.stringify([document.querySelector('video'), document.querySelector('.actions')]"
    box += ".map((e) => e.getBoundingClientRect().height + e.offsetTop))"
    offered = ".timed [data-cta=advisor]"
    assert not is_shown(screen, offered)
    assert is_shown(screen, ".actions [data-cta=group]")
    before = run(screen, box)
    until(lambda: position(screen) > 4 and is_shown(screen, offered), "the scene's offer")
    assert run(screen, box) == before
    assert violations(screen) == []
    until(lambda: position(screen) > 5.6, "a second of it")
    screen.execute_script("document.querySelector('video').currentTime = 9")
    until(lambda: not is_shown(screen, offered), "it to go with its scene")
    screen.execute_script("document.querySelector('video').currentTime = 4.5")
    until(lambda: is_shown(screen, offered), "it to come again")
    press_on(screen, f"{offered} button")
    until(lambda: screen.current_url.startswith(str(CALL["url"])), "the stored address")
    seen = {("cta_view", "advisor"), ("cta_click", "advisor")}
    until(lambda: seen <= told(here, reel), "both to be told")


@pytest.mark.browser
def test_offers_of_the_same_scene_do_not_lie_on_each_other(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """Two for one scene show both, one below the other; one for a later scene takes a free place."""
    later = {**CALL, "key": "later", "scenes": ["start"]}
    form = {**CALL, "key": "form", "kind": "form", "label": "Ask us anything"}
    play(screen, address, a_reel(here, film, CALL, form, later), at=4.5)
    until(lambda: is_shown(screen, ".timed [data-cta=form]"), "the scene's offers")
    rows = run(screen, "[...document.querySelectorAll('.timed form')].map((e) => e.style.gridRow)")
    assert is_shown(screen, ".timed [data-cta=advisor]")
    assert sorted(row.split(" ")[0] for row in rows) == ["1", "1", "2"]


@pytest.mark.browser
def test_a_button_under_the_pointer_can_be_read(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """The main one keeps the brand's ground under its words, the others take on a tint of theirs."""
    screen.get(address + a_reel(here, film, GROUP).path)
    grounds = {}
    for selector in (".actions .action:not(.second) button", ".actions .second button"):
        asked = f"getComputedStyle(document.querySelector('{selector}')).backgroundColor"
        before = run(screen, asked)
        x, y = middle(screen, selector)
        moved = {"type": "mouseMoved", "x": x, "y": y}
        screen.execute_cdp_cmd("Input.dispatchMouseEvent", moved)
        until(lambda one=selector: run(screen, f"document.querySelector('{one}:hover')"), "a hover")
        assert violations(screen) == []
        grounds[selector] = before, run(screen, asked)
    (main, main_hovered), (second, second_hovered) = grounds.values()
    assert main_hovered == main
    assert second_hovered != second


@pytest.mark.browser
def test_the_end_offers_what_comes_next(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """At the end the calls to action stand over the film; the focus stays, and it can be dismissed."""
    play(screen, address, a_reel(here, film, GROUP), at=SECONDS - 0.7)
    screen.execute_script("document.querySelector('.keys media-play-button').focus()")
    until(lambda: is_shown(screen, "#end"), "the end")
    assert run(screen, "document.activeElement.localName") in ("media-play-button", "body")
    assert not run(screen, "document.getElementById('end').contains(document.activeElement)")
    labels = run(screen, "[...document.querySelectorAll('#end button')].map((e) => e.innerText)")
    assert labels[:3] == ["Book your first session", "Join our community", "Watch again"]
    assert violations(screen) == []
    press_on(screen, "#shut")
    until(lambda: not is_shown(screen, "#end"), "it to go")
    assert run(screen, "document.activeElement.matches('.keys media-play-button')")
    screen.execute_script("document.querySelector('video').currentTime = 11")
    press_on(screen, ".keys media-play-button")
    until(lambda: is_shown(screen, "#end"), "the end again")
    press_on(screen, "#again")
    until(lambda: 0.3 < position(screen) < 5, "the film from the beginning")
    assert not is_shown(screen, "#end")


@pytest.mark.browser
def test_without_a_script_everything_is_listed(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """The browser's own controls, and all calls to action to see under the film."""
    reel = a_reel(here, film, CALL, GROUP)
    screen.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        screen.get(address + reel.path)
        assert screen.find_element("id", "player").get_attribute("controls")
        shown = [one.text for one in screen.find_elements("css selector", "form.action button")]
        assert [text for text in shown if text] == [
            "Plan a call with Jordan",
            "Book your first session",
            "Join our community",
        ]
        assert not screen.find_elements("css selector", "media-play-button")
    finally:
        screen.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.browser
def test_who_does_not_want_to_be_counted_is_not(
    here: Viewing, film: Path, address: str, screen: webdriver.Chrome
) -> None:
    """Asked on a page of its own; afterwards both pages say so and the player tells nothing."""
    reel = a_reel(here, film, contact_id="c-uncounted")
    screen.get(address + reel.path)
    assert not screen.find_elements("css selector", ".uncounted")
    press_on(screen, ".about summary")
    press_on(screen, ".uncount")
    until(lambda: screen.find_elements("css selector", ".notice .action"), "the question")
    press_on(screen, ".notice .action button")
    until(lambda: screen.find_elements("css selector", "h1.uncounted"), "the page to say so")
    press_on(screen, ".notice a")
    until(lambda: screen.find_elements("css selector", "video"), "the way back")
    assert "is not counted" in screen.find_element("css selector", ".uncounted").text
    assert not run(screen, "document.querySelector('video').dataset.ticket")
    assert not screen.find_elements("css selector", ".uncount")


def test_nobody_finds_the_link_that_is_a_trap(viewing_sqlite: Viewing) -> None:
    """It is there for programs only: hidden from screen readers, from the keyboard and from sight."""
    page = viewing_sqlite.client.get(viewing_sqlite.reel().path).text
    trap = page[page.index('<a class="beyond"') :].split(">")[0]
    assert 'href="#more"' in trap
    assert 'aria-hidden="true"' in trap
    assert 'tabindex="-1"' in trap
    assert 'rel="nofollow"' in trap
