"""Answers that come with something of ours, though not with what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from connector.settings import Settings
from connector.store import Store
from tests.web.portals import BASE, Browser, Installation, installation

COOKIE, HOST = "__Host-cuereel_oauth", urlsplit(BASE).hostname or ""


@pytest.fixture
def here(settings: Settings, sqlite_store: Store) -> Iterator[Installation]:
    """An installation and a portal."""
    with installation(settings, sqlite_store) as opened:
        yield opened


def keep(browser: Browser, value: str) -> None:
    browser.client.set_cookie(COOKIE, value, domain=HOST, secure=True)


def test_a_spoiled_cookie_is_as_good_as_none(here: Installation) -> None:
    """One that we did not write, or that holds something else of ours, ends nothing."""
    for cookie in ("nonsense", here.keyring.encrypt("no json"), here.keyring.encrypt("{}")):
        browser = here.browser()
        back = browser.let_in()
        keep(browser, cookie)
        answer = browser.get(back)
        assert (cookie, answer.status_code) == (cookie, 400)
        assert "does not belong to anything" in answer.text
    assert here.row() is None


def test_a_state_for_another_purpose_is_none(here: Installation) -> None:
    """What we signed to be used elsewhere does not open this."""
    browser = here.browser()
    back = browser.let_in()
    state = back.split("state=")[1].split("&")[0]
    held = here.keyring.verify(state, "oauth")

    answer = browser.get(back.replace(state, here.keyring.sign(held, "watch")))

    assert answer.status_code == 400
    assert here.row() is None


def test_a_used_code_connects_nothing_even_where_the_cookie_was_kept(here: Installation) -> None:
    """HubSpot takes a code once; what is stored stays as it was."""
    browser = here.browser()
    back = browser.let_in()
    cookie = browser.client.get_cookie(COOKIE, HOST)
    assert cookie is not None
    browser.get(back)
    before = here.connected()

    keep(browser, cookie.value)
    answer = browser.get(back)

    assert answer.status_code == 400
    assert "begin connecting again" in answer.text
    assert here.connected() == before
