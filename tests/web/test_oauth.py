"""Letting us in: what begins in an admin's browser ends there, once, and within ten minutes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from connector.settings import Settings
from connector.store import Store, changes, leases, users
from connector.store.tables import changes as changes_table
from connector.store.users import Role
from tests.web.colleagues import PASSWORD, open_office, stored_password
from tests.web.portals import BASE, Browser, Installation, installation

START, CALLBACK = "/oauth/hubspot/start", "/oauth/hubspot/callback"


@pytest.fixture
def here(settings: Settings, sqlite_store: Store) -> Iterator[Installation]:
    """An installation and a portal."""
    with installation(settings, sqlite_store) as opened:
        yield opened


def asked(browser: Browser) -> dict[str, str]:
    """What HubSpot's page is asked for."""
    location = browser.get(START).location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def test_an_admin_connects_a_portal(here: Installation) -> None:
    """After HubSpot's page the portal is stored, and its page says what is left to do."""
    browser = here.browser()
    answer = browser.get(browser.let_in())

    assert (answer.status_code, answer.location) == (
        303,
        f"/console/connections/{here.connection_id}?welcome=1",
    )
    row = here.connected()
    assert (row.crm, row.state, row.config["portal"]) == ("hubspot", "active", here.fake.portal)
    assert "automation" in row.config["scopes"]
    assert here.actions() == ["connect"]
    assert "One step is left" in browser.get(answer.location).text


def test_hubspot_is_asked_with_a_challenge_and_our_own_address(here: Installation) -> None:
    """Neither verifier nor nonce stands in the address, and Host headers change nothing."""
    browser = here.browser()
    query = asked(browser)

    assert query["redirect_uri"] == BASE + CALLBACK
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert "crm.objects.contacts.write" in query["scope"]
    cookie = browser.client.get_cookie("__Host-cuereel_oauth", "video.example.com")
    assert cookie is not None
    assert (cookie.http_only, cookie.secure, cookie.same_site) == (True, True, "Lax")
    assert query["state"] not in cookie.value


def test_each_beginning_is_another(here: Installation) -> None:
    """State and challenge serve once."""
    browser = here.browser()
    first, second = asked(browser), asked(browser)

    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]


def test_connecting_again_renews_and_wakes_what_waits(here: Installation) -> None:
    """The secret in the admin's workflows stays, and parked work is due at once."""
    here.connect({"left_out": ["cuereel_views"], "subscription_id": "7"})
    with here.store.write() as tx:
        change = changes.owe(
            tx,
            connection_id=here.connection_id,
            kind="property",
            contact_id="1",
            key="1",
            values={"views": 1},
        )
        [claim] = leases.claim(tx, "changes", [change], 60)
        leases.put_back(tx, claim, "needs_reauth", "connect it again", after=3600)
    old = here.connected().secrets
    browser = here.browser()
    browser.get(browser.let_in())
    row = here.connected()

    assert row.secrets["access"] != old["access"]
    assert row.secrets["hook_secret"] == old["hook_secret"]
    assert (row.config["left_out"], row.config["subscription_id"]) == (["cuereel_views"], "7")
    assert here.actions() == ["connect_again"]
    with here.store.read() as tx:
        assert leases.due(tx, "changes", ring_again=-1, limit=10) == [change]
        assert tx.execute(changes_table.select()).one().attempt == 0


def test_somebody_who_is_not_signed_in_is_led_to_the_sign_in(here: Installation) -> None:
    """Afterwards they stand before the button that connects."""
    answer = here.browser(None).get(START)

    assert answer.status_code == 303
    assert answer.location.startswith("/console/sign-in?next=/console/connections")


@pytest.mark.parametrize("role", [Role.REP, Role.VIEWER])
@pytest.mark.parametrize("path", [START, CALLBACK])
def test_only_admins_connect(here: Installation, role: Role, path: str) -> None:
    """Others are refused before HubSpot hears of it."""
    assert here.browser(role).get(path).status_code == 403


def test_an_unknown_crm_is_not_there(here: Installation) -> None:
    """Also not one that has no app."""
    for crm in ("local", "nowhere"):
        assert here.browser().get(f"/oauth/{crm}/start").status_code == 404


def test_an_admin_who_declines_is_told_what_happened(here: Installation) -> None:
    """Nothing is stored, and one can begin again."""
    here.fake.deny = True
    browser = here.browser()
    answer = browser.get(browser.let_in())

    assert answer.status_code == 400
    assert "somebody declined" in answer.text
    assert START in answer.text
    assert here.row() is None


def test_words_of_others_are_not_shown(here: Installation) -> None:
    """The answer's description is written by whoever made the link."""
    browser = here.browser()
    back = browser.let_in().split("&state=")[1].split("&")[0]
    answer = browser.get(
        f"{CALLBACK}?error=<b>call+me</b>&error_description=Call+0800+1234&state={back}"
    )

    assert answer.status_code == 400
    assert "call me" not in answer.text
    assert "0800" not in answer.text


def test_an_answer_counts_once(here: Installation) -> None:
    """The same address a second time connects nothing."""
    browser = here.browser()
    back = browser.let_in()
    browser.get(back)
    again = browser.get(back)

    assert again.status_code == 400
    assert "does not belong to anything" in again.text
    assert here.actions() == ["connect"]


def test_an_answer_in_another_browser_is_refused(here: Installation) -> None:
    """So nobody can make an admin connect a portal that is not theirs."""
    back = here.browser().let_in()
    answer = here.browser().get(back)

    assert answer.status_code == 400
    assert here.row() is None


def test_an_answer_to_an_earlier_beginning_is_refused(here: Installation) -> None:
    """Only the last one counts in a browser, and HubSpot is not asked about others."""
    browser = here.browser()
    first = browser.let_in()
    browser.get(START)
    here.fake.calls.clear()
    answer = browser.get(first)

    assert answer.status_code == 400
    assert "does not belong to anything" in answer.text
    assert here.fake.calls == []
    assert here.row() is None


def test_an_answer_after_the_sign_out_is_refused(here: Installation) -> None:
    """The session that began must still be open."""
    browser = here.browser()
    back = browser.let_in()
    browser.client.delete_cookie("__Host-cuereel", domain="video.example.com")
    answer = browser.get(back)

    assert answer.status_code == 400
    assert "not signed in" in answer.text
    assert here.row() is None


def test_another_admin_cannot_finish_what_one_began(here: Installation) -> None:
    """The beginning belongs to a user, not to a machine."""
    browser = here.browser()
    back = browser.let_in()
    with here.store.write() as tx:
        users.add(tx, "second@example.com", stored_password(), Role.ADMIN)
    browser.client.delete_cookie("__Host-cuereel", domain="video.example.com")
    browser.press("/console/sign-in", email="second@example.com", password=PASSWORD)

    assert browser.get(back).status_code == 400
    assert here.row() is None


def test_ten_minutes_are_enough_and_no_more(here: Installation) -> None:
    """A late answer is told as such."""
    browser = here.browser()
    back = browser.let_in()
    with time_machine.travel(time.time() + 605, tick=True):
        answer = browser.get(back)

    assert answer.status_code == 400
    assert "ten minutes" in answer.text


@pytest.mark.parametrize("state", ["", "forged", "a.b.c"])
def test_a_state_that_we_did_not_sign_is_refused(here: Installation, state: str) -> None:
    """Whatever code comes along."""
    browser = here.browser()
    browser.get(START)

    assert browser.get(f"{CALLBACK}?code=x&state={state}").status_code == 400
    assert here.row() is None


def test_a_state_for_another_crm_is_refused(here: Installation) -> None:
    """Each answer has its own address."""
    browser = here.browser()
    browser.get(START)
    state = here.keyring.sign({"crm": "salesforce", "nonce": "n"}, "oauth")

    assert browser.get(f"{CALLBACK}?code=x&state={state}").status_code == 400


def test_an_answer_without_a_code_is_refused(here: Installation) -> None:
    """HubSpot sends a code or an error."""
    browser = here.browser()
    state = browser.let_in().split("state=")[1].split("&")[0]
    answer = browser.get(f"{CALLBACK}?state={state}")

    assert answer.status_code == 400
    assert "sent no code" in answer.text


def test_a_code_that_hubspot_does_not_take_is_told(here: Installation) -> None:
    """The sentence says what an admin can do."""
    browser = here.browser()
    back = browser.let_in()
    here.fake.grants.codes.clear()
    answer = browser.get(back)

    assert answer.status_code == 400
    assert "begin connecting again" in answer.text
    assert here.row() is None


def test_hubspot_being_down_is_not_the_admins_fault(here: Installation) -> None:
    """They can come back later."""
    browser = here.browser()
    back = browser.let_in()
    here.fake.fail(503, path=".*/token", times=-1)
    answer = browser.get(back)

    assert answer.status_code == 503
    assert "trying again is safe" in answer.text


def test_without_https_nobody_is_sent_to_hubspot(settings: Settings, sqlite_store: Store) -> None:
    """HubSpot could not reach this machine, so the page says what to set."""
    visitor = open_office(settings, sqlite_store).visitor(Role.ADMIN)
    answer = visitor.get(START)

    assert answer.status_code == 400
    assert "PUBLIC_BASE_URL" in answer.text


def test_the_answers_address_leaks_nowhere(here: Installation) -> None:
    """It holds a code: no referrer, no cache, nothing from elsewhere in the page."""
    answer = here.browser().get(f"{CALLBACK}?code=x")

    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.text


def test_no_log_holds_code_or_verifier(
    here: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever happens on the way."""
    browser = here.browser()
    back = browser.let_in()
    code = parse_qs(urlsplit(back).query)["code"][0]
    browser.get(back)
    browser.get(back)
    said = capsys.readouterr()

    assert code not in said.out + said.err
    assert here.connected().secrets["access"] not in said.out + said.err
