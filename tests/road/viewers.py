"""
Those who open a link of the demo in a real browser, and what they press there.

What there is to press is named here and nowhere else.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from selenium import webdriver

from tests.web.browser import middle, position, press, scroll, tap, until
from tests.web.viewing import CHROME

FILM, SCENES, ACTIONS = "video", "#chapters button", "form.action button"
# what is pressed to play: the largest button for it, or the one in the browser's own controls
PLAY = """
const size = (e) => { const b = e.getBoundingClientRect(); return b.width * b.height; };
const film = document.querySelector('video');
film.scrollIntoView({block: 'center'});
const [button] = [...document.querySelectorAll('media-play-button')].filter(size)
  .sort((a, b) => size(b) - size(a));
const b = (button || film).getBoundingClientRect();
return button ? [b.x + b.width / 2, b.y + b.height / 2] : [b.left + 24, b.bottom - 48];
"""
# of several that are called the same, those that a person sees; then where the chosen one is
SHOWN = """
const shown = [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility());
const chosen = shown[arguments[1]];
if (!chosen) return null;
chosen.scrollIntoView({block: 'center'});
const b = chosen.getBoundingClientRect();
return [b.x + b.width / 2, b.y + b.height / 2];
"""
WAIT = """
const [seconds, done] = arguments;
const film = document.querySelector('video');
const look = () => { if (film.currentTime >= seconds) done(); else setTimeout(look, 20); };
look();
"""
LONGEST = 60  # seconds that a film may take to be where it is awaited
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Mobile Safari/537.36"
)
# no browser of ours leaves this machine
APART = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


class Viewer:
    """Somebody in front of one page: presses, waits, looks where the film stands."""

    def __init__(self, browser: webdriver.Chrome, url: str, *, finger: bool = False) -> None:
        self._browser = browser
        self._touch = tap if finger else press
        browser.set_script_timeout(LONGEST)
        browser.get(url)
        until(lambda: self._film("readyState > 2"), "the film")
        self._control = browser.execute_script(PLAY)

    @property
    def position(self) -> float:
        """Where the film stands, in seconds."""
        return position(self._browser)

    @property
    def length(self) -> float:
        """How long the film is, in seconds."""
        return float(self._film("duration"))

    def play(self) -> None:
        """Press play."""
        self._touch(self._browser, *self._control)
        until(lambda: not self._film("paused"), "the film to begin")

    def watch_until(self, seconds: float) -> None:
        """Sit there until the film stands at a position, and press pause at that moment."""
        pause = middle(self._browser, FILM)
        # the page looks by itself: a question and its answer would cost a part of a percent
        self._browser.execute_async_script(WAIT, seconds)
        self._touch(self._browser, *pause)
        until(lambda: self._film("paused"), "the film to stop")

    def go_back_to(self, scene: int) -> float:
        """Press the button of a scene; return where it begins."""
        before = self.position
        self._press_shown(SCENES, scene)
        until(lambda: not self._film("paused") and self.position < before, "the scene")
        return self.position

    def follow(self, target: str) -> None:
        """Press the call to action and be led to its address."""
        self._press_shown(ACTIONS)
        until(lambda: self._browser.current_url.startswith(target), "the target's address")

    def press_all(self) -> None:
        """Press whatever can be pressed, as a machine does; what leads away from the page last."""
        self._browser.execute_script(
            "for (const e of document.querySelectorAll('main a, main button, summary'))"
            " if (!e.closest('form')) e.click();"
            "for (const e of document.querySelectorAll('main form button')) e.click();"
        )

    def leave(self) -> None:
        """Go to another page, as somebody does who has seen enough."""
        self._browser.get("about:blank")

    def _press_shown(self, what: str, number: int = 0) -> None:
        self._touch(
            self._browser,
            *until(lambda: self._browser.execute_script(SHOWN, what, number), f"a {what} to press"),
        )

    def _film(self, asked: str) -> Any:
        return self._browser.execute_script(f"return document.querySelector('video').{asked}")


def open_at_once(browser: webdriver.Chrome, urls: list[str]) -> list[str]:
    """Open links within a moment of each other and scroll on each; return their windows."""
    known = set(browser.window_handles)
    for url in urls:
        browser.execute_cdp_cmd("Target.createTarget", {"url": url, "newWindow": True})
    opened = [one for one in browser.window_handles if one not in known]
    for window in opened:
        browser.switch_to.window(window)
        scroll(browser, 300)
    return opened


def on_a_telephone(browser: webdriver.Chrome) -> None:
    """Let a browser be one of a telephone."""
    commands: dict[str, dict[str, Any]] = {
        "Emulation.setDeviceMetricsOverride": {
            "width": 390, "height": 844, "deviceScaleFactor": 3, "mobile": True,
        },
        "Emulation.setTouchEmulationEnabled": {"enabled": True, "maxTouchPoints": 5},
        "Emulation.setUserAgentOverride": {"userAgent": ANDROID, "platform": "Android"},
    }  # fmt: skip
    for command, says in commands.items():
        browser.execute_cdp_cmd(command, says)


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note whatever can be fetched; `data-` attributes too, some scanners try them."""
        for name, value in attrs:
            if value and (name in ("href", "src", "action", "poster") or value.startswith("/")):
                self.found.append(value)


def fetch_everything(url: str) -> set[str]:
    """GET and HEAD a page and every address of ours on it; return what of that lies below *url*."""
    with requests.Session() as http:
        http.trust_env = False
        http.headers["User-Agent"] = CHROME
        page = _Addresses()
        page.feed(http.get(url, timeout=10).text)
        ours = {urljoin(url, one) for one in page.found} | {url}
        fetched = {one for one in ours if urlsplit(one).netloc == urlsplit(url).netloc}
        for one in fetched:
            for method in ("HEAD", "GET"):
                assert (
                    http.request(method, one, timeout=10, allow_redirects=False).status_code < 500
                )
    below = urlsplit(url).path
    paths = {urlsplit(one).path for one in fetched}
    return {path.removeprefix(below) for path in paths if path.startswith(f"{below}/")}
