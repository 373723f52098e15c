"""A rep's pages in a real browser: two clicks to the clipboard, rows while typing, any width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from connector.settings import Settings
from connector.store import Store, campaigns
from connector.web.desk import NAME, Desk
from tests.web.browser import make_film, press_on, served, until
from tests.web.colleagues import PASSWORD, open_office
from tests.web.tabs import own_tab
from tests.web.test_crm_cards import OWN_VIDEO
from tests.web.viewing import Bells, Reel, Viewing

pytestmark = pytest.mark.browser
ANA = "/rep/local/contact/c-001"
READ = """
const done = arguments[0]
navigator.clipboard.read().then(async ([item]) => {
  const parts = await Promise.all(item.types.map(async type => [type, await (await item.getType(type)).text()]))
  done(Object.fromEntries(parts))
}, error => done({error: String(error)}))
"""


@dataclass
class Desktop:
    """A rep at a browser, and one video that is theirs to send."""

    driver: webdriver.Chrome
    address: str
    reel: Reel
    viewing: Viewing

    def go(self, path: str) -> None:
        """Open a page."""
        self.driver.get(self.address + path)

    def shows(self, text: str) -> bool:
        """Tell whether a text is to be read on the page."""
        return text in self.text("body")

    def text(self, selector: str) -> str:
        """Return what is to be read in an element, whatever was put in its place meanwhile."""
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.driver.execute_script(script, selector))

    def clipboard(self) -> dict[str, Any]:
        """Return what is on the clipboard, by type."""
        held: dict[str, Any] = self.driver.execute_async_script(READ)
        return held

    def width(self, pixels: int) -> None:
        """Be a screen of this width."""
        screen = {"width": pixels, "height": 844, "deviceScaleFactor": 1, "mobile": pixels < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


@pytest.fixture(scope="module")
def driver(one_chromium: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """One tab for all tests; each signs in anew."""
    with own_tab(one_chromium) as driver:
        yield driver


@pytest.fixture
def desktop(settings: Settings, sqlite_store: Store, driver: webdriver.Chrome) -> Iterator[Desktop]:
    """A signed-in rep; one contact has a video with a still and a moving picture."""
    office = open_office(settings, sqlite_store)
    with sqlite_store.write() as tx:
        campaigns.install(tx, "greeting", "1", OWN_VIDEO)
    with served(office.app) as address:
        desk: Desk = office.app.extensions[NAME]
        ours = settings.model_copy(update={"public_base_url": address})
        desk = replace(desk, settings=ours, doorbell=Bells())
        office.app.extensions[NAME] = desk
        viewing = Viewing(office.app, ours, sqlite_store, desk.keyring, Bells())
        _sign_in(driver, address)
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        grant = {"permissions": permissions, "origin": address}
        driver.execute_cdp_cmd("Browser.grantPermissions", grant)
        yield Desktop(driver, address, _make_reel(viewing), viewing)


def _sign_in(driver: webdriver.Chrome, address: str) -> None:
    driver.get(f"{address}/healthz")
    driver.delete_all_cookies()
    driver.get(f"{address}/console/sign-in")
    driver.find_element(By.ID, "email").send_keys("rep@example.com")
    driver.find_element(By.ID, "password").send_keys(PASSWORD)
    driver.find_element(By.CSS_SELECTOR, "button.primary").click()
    until(lambda: driver.find_elements(By.CSS_SELECTOR, "nav"), "the console")


def _make_reel(viewing: Viewing) -> Reel:
    reel = viewing.reel(contact_id="c-001", campaign="greeting")
    receipt = viewing.receipt(reel.id, make_film(viewing.settings.folder / "film", 1))
    poster = receipt["files"]["poster.jpg"]
    receipt["files"] |= {"poster-play.jpg": poster, "preview.gif": poster}
    viewing.change(reel.id, receipt=receipt)
    return reel


def test_two_clicks_lead_from_a_contact_to_the_clipboard(desktop: Desktop) -> None:
    """One click opens the contact, one copies HTML and plain text; a toast says so."""
    link = f"{desktop.address}{desktop.reel.path}"
    desktop.go("/rep")
    press_on(desktop.driver, ".faces a")
    until(lambda: desktop.driver.find_elements(By.CSS_SELECTOR, "[data-take=email]"), "the page")
    press_on(desktop.driver, "[data-take=email]")
    until(lambda: desktop.shows("Paste it into your e-mail"), "the toast")
    held = desktop.clipboard()

    assert held["text/plain"] == f"A video for Ana (0:20): {link}"
    assert f'href="{link}"' in held["text/html"]
    assert f'src="{link}/poster-play.jpg"' in held["text/html"]
    assert 'width="480"' in held["text/html"]
    assert 'alt="A video for Ana (0:20). Play video"' in held["text/html"]


def test_the_moving_picture_is_copied_where_it_is_chosen(desktop: Desktop) -> None:
    """The choice changes the preview and what is copied."""
    desktop.go(ANA)
    press_on(desktop.driver, "label[for=pick-moving]")
    until(lambda: desktop.driver.find_element(By.CSS_SELECTOR, ".as-moving").is_displayed(), "it")
    press_on(desktop.driver, "[data-take=email]")
    until(lambda: desktop.shows("Paste it into your e-mail"), "the toast")

    assert not desktop.driver.find_element(By.CSS_SELECTOR, ".as-still").is_displayed()
    assert "/preview.gif" in desktop.clipboard()["text/html"]


def test_where_there_is_no_clipboard_the_old_way_fills_it(desktop: Desktop) -> None:
    """Over plain http on another machine the browser has no clipboard to write to by itself."""
    desktop.go(ANA)
    desktop.driver.execute_script(
        "navigator.clipboard.write = navigator.clipboard.writeText = () => Promise.reject()"
    )
    press_on(desktop.driver, "[data-take=email]")
    until(lambda: desktop.shows("Paste it into your e-mail"), "the toast")
    held = desktop.clipboard()
    press_on(desktop.driver, "[data-take=link]")
    until(lambda: desktop.shows("Link copied"), "the toast")

    assert "<table" in held["text/html"]
    assert held["text/plain"].startswith("A video for Ana")
    assert desktop.clipboard() == {"text/plain": f"{desktop.address}{desktop.reel.path}"}


def test_rows_follow_the_typing(desktop: Desktop) -> None:
    """Who does not match goes while one types, without a press of a button."""
    desktop.go("/rep")
    field = desktop.driver.find_element(By.ID, "q")
    field.send_keys("zz")
    until(lambda: desktop.shows("No contact matches"), "the empty answer")
    field.clear()
    field.send_keys("priet")

    until(lambda: desktop.shows("Ana Prieto"), "the contact")


def test_a_video_that_was_asked_for_shows_up_by_itself(desktop: Desktop) -> None:
    """After the button the page waits, then says what came of it."""
    desktop.go(ANA)
    press_on(desktop.driver, ".offers button")
    until(lambda: desktop.shows("The video is being made"), "the progress")
    with desktop.viewing.store.write() as tx:
        tx.exec_driver_sql(
            "UPDATE triggers SET work = 'dead', error_sentence = 'The CRM said no.'"
            " WHERE kind = 'rep_request'"
        )

    until(lambda: desktop.text("#toast") == "The CRM said no.", "the news")
    assert desktop.driver.find_element(By.CSS_SELECTOR, ".offers button").is_enabled()


def test_the_pages_fit_any_width_and_nothing_is_blocked(desktop: Desktop) -> None:
    """At 320, 390 and 1280 px nothing scrolls sideways, and the browser's console is silent."""
    desktop.driver.get_log("browser")
    for width in (320, 390, 1280):
        desktop.width(width)
        for path in ("/rep", "/rep?q=nobody", ANA):
            desktop.go(path)
            sticking_out = desktop.driver.execute_script(
                "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
            )
            assert (path, width, sticking_out) == (path, width, 0)

    assert [entry["message"] for entry in desktop.driver.get_log("browser")] == []
