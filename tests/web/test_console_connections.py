"""Connections in the console: what an admin sees of a portal, and what they can do about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.settings import Settings
from connector.store import Store, changes, connections, leases
from connector.store.users import Role
from tests.web.portals import BASE, Installation, installation

LIST = "/console/connections"


@pytest.fixture
def here(settings: Settings, sqlite_store: Store) -> Iterator[Installation]:
    """An installation with a connected portal."""
    with installation(settings, sqlite_store) as opened:
        opened.connect({"scopes": ["automation", "oauth"], "account_type": "STANDARD"})
        yield opened


def page_of(here: Installation) -> str:
    return f"{LIST}/{here.connection_id}"


def owe(here: Installation, contact: str) -> str:
    with here.store.write() as tx:
        return changes.owe(
            tx,
            connection_id=here.connection_id,
            kind="property",
            contact_id=contact,
            key=contact,
            values={"views": 1},
        )


def test_the_list_says_how_each_account_stands(here: Installation) -> None:
    """Title, CRM, state in words, what waits, and the way to connect one more."""
    owe(here, "1")
    with here.store.write() as tx:
        connections.set_state(tx, here.connection_id, "needs_reauth")
    text = here.browser().get(LIST).text

    assert "Casa Verde" in text
    assert "Connect again" in text
    assert "1 waiting" in text
    assert "Built-in CRM" in text
    assert 'href="/oauth/hubspot/start">Connect HubSpot' in text


def test_who_is_no_admin_only_looks(here: Installation) -> None:
    """No buttons, no secrets, no way to connect."""
    browser = here.browser(Role.VIEWER)
    text = browser.get(page_of(here)).text + browser.get(LIST).text

    assert "Casa Verde" in text
    for word in ("Create fields", "Check now", "Rotate", "Show secret", "/oauth/", "hook-secret-1"):
        assert word not in text


def test_creating_fields_shows_what_was_made(here: Installation) -> None:
    """And remembers what was left out, for the writes and for the card."""
    here.fake.property_limit = 10
    text = here.browser().press(page_of(here), action="install").text

    assert "10 made, 0 were there already, 12 left out" in text
    assert "cuereel_tracking_consent" in text
    assert "no room for more custom properties" in text
    assert len(here.connected().config["left_out"]) == 12
    assert here.actions() == ["install"]
    assert "12 fields were left out by the last install" in here.browser().get(page_of(here)).text


def test_creating_them_again_forgets_what_has_room_now(here: Installation) -> None:
    """After an upgrade nothing is left out, and the rest of what we know stays."""
    here.fake.property_limit = 10
    here.browser().press(page_of(here), action="install")
    here.fake.property_limit = None
    text = here.browser().press(page_of(here), action="install").text

    assert "12 made, 10 were there already." in text
    assert here.connected().config["left_out"] == []
    assert here.connected().config["account_type"] == "STANDARD"


def test_a_check_shows_what_to_mend_first(here: Installation) -> None:
    """Errors come before warnings, and those before what is fine."""
    text = here.browser().press(page_of(here), action="check").text

    assert text.index("22 are missing") < text.index("plan (contact.plan)")
    assert text.index("plan (contact.plan)") < text.index("lets us in; it is a standard")


def test_a_portal_that_is_down_leaves_the_page_standing(here: Installation) -> None:
    """The sentence stands beside the button that brought it."""
    here.fake.fail(503, times=-1)
    answer = here.browser().press(page_of(here), action="install")

    assert answer.status_code == 200
    assert answer.text.count("HubSpot is not well") == 1


def test_states_of_writing_are_a_table(here: Installation) -> None:
    """With reason and sentence."""
    change = owe(here, "1")
    with here.store.write() as tx:
        [claim] = leases.claim(tx, "changes", [change], 60)
        leases.bury(tx, claim, "validation_error", "a rule of the portal forbids it")
    text = here.browser().get(page_of(here)).text

    assert "Given up" in text
    assert "a rule of the portal forbids it" in text


def test_the_secret_is_shown_when_asked_for(here: Installation) -> None:
    """The page does not hold it otherwise, and the log says who looked."""
    browser = here.browser()

    assert "hook-secret-1" not in browser.get(page_of(here)).text
    assert "hook-secret-1" in browser.press(page_of(here), action="secret").text
    assert "hook-secret-1" not in browser.get(page_of(here)).text
    assert f"{BASE}/hooks/hubspot/{here.connection_id}" in browser.get(page_of(here)).text
    assert here.actions() == ["secret_show"]


def test_rotating_changes_the_secret_and_nothing_else(here: Installation) -> None:
    """Tokens stay."""
    before = here.connected().secrets
    text = here.browser().press(page_of(here), action="rotate").text
    after = here.connected().secrets

    assert after["hook_secret"] != "hook-secret-1"
    assert after["hook_secret"] in text
    kept = {"hook_secret": after["hook_secret"], "old_hook_secret": "hook-secret-1"}
    assert after == {**before, **kept}
    assert here.actions() == ["secret_rotate"]


def test_disconnecting_needs_the_portals_number(here: Installation) -> None:
    """A click is not enough."""
    text = here.browser().press(page_of(here), action="disconnect", confirm="yes").text

    assert f"type {here.fake.portal} to confirm" in text
    assert here.connected().state == "active"


def test_disconnecting_gives_back_and_leaves_the_fields(here: Installation) -> None:
    """HubSpot no longer knows us; what we wrote stays."""
    browser = here.browser()
    browser.press(page_of(here), action="install")
    answer = browser.press(page_of(here), action="disconnect", confirm=here.fake.portal)
    row = here.connected()

    assert answer.location == LIST
    assert row.state == "disabled"
    assert "access" not in row.secrets
    assert ("DELETE", "/appinstalls/2026-03/external-install") in here.fake.calls
    assert not here.fake.properties["contacts"]["cuereel_views"]["archived"]
    assert here.actions() == ["install", "disconnect"]
    assert "Disconnected" in browser.get(page_of(here)).text


def test_disconnecting_removes_the_fields_when_told(here: Installation) -> None:
    """With all that stands in them."""
    browser = here.browser()
    browser.press(page_of(here), action="install")
    browser.press(page_of(here), action="disconnect", confirm=here.fake.portal, remove_fields="on")

    assert here.fake.properties["contacts"]["cuereel_views"]["archived"]
    assert here.connected().state == "disabled"


def test_a_portal_that_cannot_be_asked_stays_connected(here: Installation) -> None:
    """Otherwise our access would live on there, and nobody would know."""
    here.fake.fail(503, times=-1)
    here.browser().press(page_of(here), action="disconnect", confirm=here.fake.portal)

    assert here.connected().state == "active"


def test_a_portal_that_removed_us_is_disconnected_all_the_same(here: Installation) -> None:
    """There is nothing left to give back."""
    here.fake.uninstall()
    here.fake.expire_tokens()
    here.browser().press(page_of(here), action="disconnect", confirm=here.fake.portal)

    assert here.connected().state == "disabled"


def test_a_disconnected_portal_can_be_connected_again(here: Installation) -> None:
    """Its page offers the way, and the connection is the same."""
    browser = here.browser()
    browser.press(page_of(here), action="disconnect", confirm=here.fake.portal)
    assert "/oauth/hubspot/start" in browser.get(page_of(here)).text
    browser.get(browser.let_in())

    assert here.connected().state == "active"
    assert here.connected().secrets["hook_secret"] == "hook-secret-1"


def test_the_built_in_crm_stays(here: Installation) -> None:
    """It has a page, can be checked, and cannot be disconnected."""
    browser = here.browser()
    page = f"{LIST}/local"
    assert "Disconnect" not in browser.get(page).text
    answer = browser.press(page, action="disconnect", confirm="local")

    assert "stays connected" in answer.text
    assert "fields are missing" in browser.press(page, action="check").text


def test_what_is_not_there_is_not_found(here: Installation) -> None:
    """A wrong address, and a button that does not exist."""
    browser = here.browser()

    assert browser.get(f"{LIST}/hubspot-999").status_code == 404
    assert browser.press(page_of(here), action="explode").status_code == 400


def test_an_admin_chooses_how_watching_is_remembered(here: Installation) -> None:
    """It is kept with the connection and in the log; a mode that there is not is refused."""
    browser = here.browser()
    text = browser.press(page_of(here), action="tracking", mode="pseudonymous").text
    assert '<option value="pseudonymous" selected>' in text
    assert here.connected().config["tracking"] == "pseudonymous"
    assert here.actions() == ["tracking_set"]
    assert browser.press(page_of(here), action="tracking", mode="sometimes").status_code == 400
    assert here.connected().config["tracking"] == "pseudonymous"


def test_who_is_no_admin_sees_how_watching_is_remembered(here: Installation) -> None:
    """In words, without a way to change it."""
    text = here.browser(Role.VIEWER).get(page_of(here)).text
    assert "By contact: told on the record" in text
    assert 'value="tracking"' not in text
