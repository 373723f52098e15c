"""A connection's page in a real browser: its buttons change one part of the page, and say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from connector.decide.dictionary import load_dictionary
from connector.settings import Settings
from connector.store import Store, connections
from tests.fakes.hubspot import FakeHubSpot, serving
from tests.web.browser import press_on, served, until
from tests.web.colleagues import PASSWORD, open_office
from tests.web.tabs import own_tab


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal."""
    with serving(FakeHubSpot()) as portal:
        yield portal


@pytest.fixture
def browser(
    settings: Settings,
    sqlite_store: Store,
    fake: FakeHubSpot,
    one_chromium: webdriver.Chrome,
) -> Iterator[webdriver.Chrome]:
    """An admin's browser on the page of that portal's connection."""
    at = {"hubspot_api": fake.url, "hubspot_site": fake.url, "hubspot_client_id": fake.client_id}
    known = {**at, "hubspot_client_secret": fake.client_secret}
    office = open_office(settings.model_copy(update=known), sqlite_store)
    name = f"hubspot-{fake.portal}"
    with sqlite_store.write() as tx:
        connections.add(
            tx,
            office.app.extensions["cuereel"].keyring,
            connection_id=name,
            crm="hubspot",
            title="Casa Verde",
            secrets=fake.secrets(),
            config={"portal": fake.portal},
        )
    with served(office.app) as address, own_tab(one_chromium) as driver:
        driver.get(f"{address}/console/connections/{name}")
        driver.find_element(By.ID, "email").send_keys("admin@example.com")
        driver.find_element(By.ID, "password").send_keys(PASSWORD)
        driver.find_element(By.CSS_SELECTOR, "button.primary").click()
        until(lambda: driver.find_elements(By.ID, "fields"), "the page of the connection")
        driver.get_log("browser")
        yield driver


def busy(browser: webdriver.Chrome, part: str) -> bool:
    """Tell whether a part of the page shows that it waits, and cannot be pressed again."""
    return bool(
        browser.execute_script(
            "const button = document.querySelector(`#${arguments[0]} button`);"
            "return button.disabled &&"
            " getComputedStyle(button.querySelector('.spin')).display !== 'none'",
            part,
        )
    )


def test_fields_are_made_while_one_waits(browser: webdriver.Chrome, fake: FakeHubSpot) -> None:
    """The button turns while HubSpot is asked, then the report stands in its place."""
    fake.latency = 0.5
    press_on(browser, "#fields button")
    until(lambda: busy(browser, "fields"), "the spinner", 3)
    fake.latency = 0.0
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#fields .note"), "the report")

    count = len(load_dictionary("hubspot", ()).write_fields)
    assert f"{count} made" in browser.find_element(By.ID, "fields").text
    assert "cuereel_video_url" in fake.properties["contacts"]
    assert not busy(browser, "fields")
    assert browser.get_log("browser") == []


def test_a_check_leaves_the_rest_of_the_page(browser: webdriver.Chrome) -> None:
    """What stood elsewhere on the page, such as a number half typed, is still there."""
    browser.execute_script(
        "for (const one of document.querySelectorAll('details')) one.open = true;"
        "document.querySelector('#confirm').value = '42'"
    )
    press_on(browser, "#check button")
    until(lambda: browser.find_elements(By.CSS_SELECTOR, "#check .findings"), "findings")

    assert "lets us in" in browser.find_element(By.ID, "check").text
    assert browser.find_element(By.ID, "confirm").get_attribute("value") == "42"
    assert browser.get_log("browser") == []
