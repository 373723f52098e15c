"""One browser for many tests, a tab for each of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver


@contextmanager
def own_tab(browser: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """
    Open a tab, without cookies and permissions of others; close it at the end.

    What a test makes of the screen, of wishes and of scripts belongs to the tab and goes with it.
    """
    before, home = set(browser.window_handles), browser.current_window_handle
    browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    browser.execute_cdp_cmd("Browser.resetPermissions", {})
    browser.switch_to.new_window("tab")
    browser.get_log("browser")
    try:
        yield browser
    finally:
        for handle in set(browser.window_handles) - before:
            browser.switch_to.window(handle)
            browser.close()
        browser.switch_to.window(home)
