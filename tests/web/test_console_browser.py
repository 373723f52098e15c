"""The console in a real browser: nothing is blocked, nothing sticks out, a link is copied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from connector.settings import Settings
from connector.store import Store, record_rows
from tests.web.browser import served
from tests.web.colleagues import CONTACT, PASSWORD, Office, open_office
from tests.web.tabs import own_tab

pytestmark = pytest.mark.browser
LINK = "http://127.0.0.1:8400/v/token"
PAGES = (
    "/console/contacts",
    CONTACT,
    "/console/records/cart",
    "/console/records/cart/cart-1",
    "/console/new/account",
    "/console/videos",
    "/console/users",
    "/console/history",
    "/console/connections",
    "/console/connections/local",
)


@pytest.fixture
def office(settings: Settings, sqlite_store: Store) -> Office:
    """An installation whose contact has a very long name and one video."""
    office = open_office(settings, sqlite_store)
    with office.store.write() as tx:
        record_rows.put(
            tx,
            "local",
            kind="video",
            key="v1",
            contact_id="c-001",
            values={"campaign": "onboarding", "video_status": "ready", "video_url": LINK},
        )
    return office


@pytest.fixture
def browser(
    office: Office, one_chromium: webdriver.Chrome
) -> Iterator[tuple[webdriver.Chrome, str]]:
    """A browser that is signed in as an admin, and the console's address."""
    with served(office.app) as address, own_tab(one_chromium) as driver:
        driver.get(f"{address}/console/contacts")
        driver.find_element(By.ID, "email").send_keys("admin@example.com")
        driver.find_element(By.ID, "password").send_keys(PASSWORD)
        driver.find_element(By.CSS_SELECTOR, "button.primary").click()
        WebDriverWait(driver, 10).until(lambda d: d.find_elements(By.CSS_SELECTOR, "nav"))
        yield driver, address


def test_pages_fit_any_width_and_nothing_is_blocked(
    browser: tuple[webdriver.Chrome, str],
) -> None:
    """At 320 and 1280 px no page scrolls sideways, and the console of the browser is silent."""
    driver, address = browser
    driver.get_log("browser")
    for width in (320, 1280):
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        for page in PAGES:
            driver.get(address + page)
            sticking_out = driver.execute_script(
                "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
            )
            assert (page, width, sticking_out) == (page, width, 0)
    complaints = [entry["message"] for entry in driver.get_log("browser")]
    assert complaints == []


def test_a_link_is_copied_in_one_click(browser: tuple[webdriver.Chrome, str]) -> None:
    """The button puts the video's link on the clipboard and says so."""
    driver, address = browser
    driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": address},
    )
    driver.get(address + CONTACT)
    button = driver.find_element(By.CSS_SELECTOR, "[data-copy]")
    button.click()

    WebDriverWait(driver, 10).until(lambda _: button.text == "Copied")
    assert driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])") == LINK


def test_a_trigger_is_sent_and_awaited(
    browser: tuple[webdriver.Chrome, str], office: Office
) -> None:
    """After the button the page shows by itself what came of it."""
    driver, address = browser
    driver.get(address + CONTACT)
    driver.find_element(By.CSS_SELECTOR, ".head form button").click()
    WebDriverWait(driver, 10).until(lambda d: "On its way" in d.page_source)
    with office.store.write() as tx:
        record_rows.put(
            tx,
            "local",
            kind="video",
            key="v2",
            contact_id="c-001",
            values={"campaign": "second_one", "video_status": "queued"},
        )

    WebDriverWait(driver, 15).until(lambda d: "Second one" in d.page_source)
