"""Connecting an org of Salesforce in the console, and what its connection's page shows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
import requests
import time_machine
from werkzeug.test import TestResponse

from connector.secrets import Keyring, new_key
from connector.settings import Settings
from connector.store import Store, audit, connections
from connector.store.connections import ConnectionRow
from connector.store.users import Role
from tests.web.colleagues import PASSWORD, Office, open_office
from tests.web.portals import BASE, Browser

if TYPE_CHECKING:
    from tests.fakes.salesforce import FakeOrg

LIST = "/console/connections"
FORM = f"{LIST}/salesforce"
DOMAIN = "acme.my.salesforce.com"


@dataclass
class Here:
    """An installation, and an org that its calls reach."""

    office: Office
    org: FakeOrg

    @property
    def keyring(self) -> Keyring:
        found = self.office.app.extensions["cuereel"].keyring
        assert isinstance(found, Keyring)
        return found

    @property
    def connection_id(self) -> str:
        return f"salesforce-{self.org.org_id}"

    @property
    def page(self) -> str:
        return f"{LIST}/{self.connection_id}"

    def browser(self, role: Role = Role.ADMIN) -> Browser:
        browser = Browser(self.office.app.test_client())
        browser.press("/console/sign-in", email=f"{role}@example.com", password=PASSWORD)
        return browser

    def row(self) -> ConnectionRow | None:
        with self.office.store.read() as tx:
            return connections.get(tx, self.keyring, self.connection_id)

    def connect(self, kind: str = "client_credentials") -> ConnectionRow:
        """Connect the org, as somebody did some time ago."""
        secrets = {**self.org.secrets(kind), "hook_secret": "hook-secret-1"}
        config = {"org": self.org.org_id, "domain": DOMAIN, "username": "cuereel@acme.example"}
        with self.office.store.write() as tx:
            connections.add(
                tx,
                self.keyring,
                connection_id=self.connection_id,
                crm="salesforce",
                title="Acme",
                secrets=secrets,
                config={**config, "sandbox": False},
            )
        row = self.row()
        assert row is not None
        return row

    def given(self, **more: str) -> dict[str, str]:
        """What an admin fills in."""
        held = self.org.secrets("client_credentials")
        names = ("consumer_key", "consumer_secret")
        return {"domain": DOMAIN, **{name: held[name] for name in names}, **more}

    def actions(self) -> list[str]:
        with self.office.store.read() as tx:
            found = audit.entries(tx, subject=self.connection_id)
        return [entry.action for entry in reversed(found)]


@pytest.fixture
def here(settings: Settings, sqlite_store: Store) -> Iterator[Here]:
    """An installation without an app of its own."""
    with opened(settings, sqlite_store, app=False) as made:
        yield made


@pytest.fixture
def with_app(settings: Settings, sqlite_store: Store) -> Iterator[Here]:
    """An installation whose app the org knows."""
    with opened(settings, sqlite_store, app=True) as made:
        yield made


@contextmanager
def opened(settings: Settings, store: Store, *, app: bool) -> Iterator[Here]:
    """Serve an org, and open an installation that comes over https."""
    from tests.fakes.salesforce import FakeOrg, serving

    with serving(FakeOrg()) as org:
        at = {"public_base_url": BASE, "secret_keys": new_key(), "salesforce_api": org.url}
        known = {
            "salesforce_client_id": org.client_id,
            "salesforce_client_secret": org.client_secret,
        }
        office = open_office(settings.model_copy(update=at | (known if app else {})), store)
        yield Here(office, org)


# ---- with an app of the org's own


def test_the_list_leads_to_the_ways_of_salesforce(here: Here) -> None:
    """Only for admins."""
    assert f'href="{FORM}">Connect Salesforce' in here.browser().get(LIST).text
    assert FORM not in here.browser(Role.REP).get(LIST).text


@pytest.mark.parametrize("role", [Role.REP, Role.VIEWER])
def test_only_admins_connect(here: Here, role: Role) -> None:
    """Neither look nor press."""
    browser = here.browser(role)

    assert browser.get(FORM).status_code == 403
    proof = {"csrf_token": token_of(browser.get(LIST))}
    answer = browser.client.post(
        FORM, base_url=BASE, headers={"Referer": BASE}, data={**here.given(), **proof}
    )
    assert answer.status_code == 403
    assert here.row() is None


def test_a_form_of_somebody_else_connects_nothing(here: Here) -> None:
    """Without the proof that the page gave."""
    browser = here.browser()
    answer = browser.client.post(FORM, base_url=BASE, data=here.given())

    assert answer.status_code == 400
    assert here.row() is None


def test_a_key_and_a_secret_connect_an_org(here: Here) -> None:
    """Its page says what is left to do, and what the org is."""
    browser = here.browser()
    answer = browser.press(FORM, **here.given())

    assert (answer.status_code, answer.location) == (303, f"{here.page}?welcome=1")
    assert here.actions() == ["connect"]
    row = here.row()
    assert row is not None
    assert (row.title, row.secrets["kind"]) == ("Casa Verde", "client_credentials")
    text = browser.get(answer.location).text
    for word in (
        "One step is left: install the package",
        "Install package",
        here.org.org_id,
        here.org.username,
        "Enterprise Edition",
        "an app of the org, with its secret",
    ):
        assert word in text, word


def test_an_address_may_be_pasted_with_blanks(here: Here) -> None:
    """As it is copied from a page."""
    given = {name: f"  {text}\n" for name, text in here.given().items()}

    assert here.browser().press(FORM, **given).status_code == 303


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"consumer_secret": "wrong-secret-1"}, "consumer secret does not belong"),
        ({"consumer_key": "3MVG9wrong"}, "knows no app with this consumer key"),
        ({"consumer_key": " "}, "the consumer key must be filled in"),
        ({"domain": "", "consumer_key": ""}, "the org&#39;s domain, the consumer key must be"),
        ({"consumer_key": "two\nlines"}, "one line each"),
        ({"consumer_key": "x" * 3000}, "one line each"),
    ],
)
def test_a_mistake_is_told_beside_the_form(here: Here, wrong: dict[str, str], told: str) -> None:
    """What was typed is still there, but never the secret."""
    given = here.given(**wrong)
    answer = here.browser().press(FORM, **given)

    assert answer.status_code == 200
    assert told in answer.text
    assert given["consumer_secret"] not in answer.text
    assert f'value="{given["domain"]}"' in answer.text
    assert here.row() is None


def test_a_domain_that_is_not_salesforces_gets_no_secret(
    settings: Settings, sqlite_store: Store
) -> None:
    """It is told what a domain looks like; script in it stays text."""
    at = settings.model_copy(update={"public_base_url": BASE, "secret_keys": new_key()})
    office = open_office(at, sqlite_store)
    browser = Browser(office.app.test_client())
    browser.press("/console/sign-in", email="admin@example.com", password=PASSWORD)
    given = {"domain": '"><script>', "consumer_key": "key-1", "consumer_secret": "secret-1"}
    text = browser.press(FORM, **given).text

    assert "not the address of a Salesforce org" in text
    assert '"><script>' not in text
    assert "secret-1" not in text


def test_an_org_that_is_down_leaves_the_form_standing(here: Here) -> None:
    """One presses again."""
    here.org.fail(503, "<html>", times=-1, path=".*")
    answer = here.browser().press(FORM, **here.given())

    assert answer.status_code == 200
    assert "trying again is safe" in answer.text


def test_without_https_nothing_is_asked(settings: Settings, sqlite_store: Store) -> None:
    """Salesforce could not reach this machine, so the page says what to set."""
    visitor = open_office(settings, sqlite_store).visitor(Role.ADMIN)
    given = {"domain": DOMAIN, "consumer_key": "key-1", "consumer_secret": "secret-1"}

    assert "PUBLIC_BASE_URL" in visitor.post(FORM, given, page=FORM).text


def test_no_log_holds_the_secret(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it was right or wrong."""
    given = here.given()
    browser = here.browser()
    browser.press(FORM, **{**given, "consumer_secret": "wrong-secret-1"})
    browser.press(FORM, **given)
    said = capsys.readouterr()

    for secret in (given["consumer_secret"], "wrong-secret-1"):
        assert secret not in said.out + said.err


# ---- with our app


def test_without_an_app_there_is_no_button(here: Here) -> None:
    """The page names the variables."""
    text = here.browser().get(FORM).text

    assert "/oauth/salesforce/start" not in text
    assert "CUEREEL_SALESFORCE_CLIENT_ID" in text


def test_the_button_offers_where_to_sign_in(with_app: Here) -> None:
    """Production, a sandbox, or a domain that is typed."""
    browser = with_app.browser()
    text = browser.get(FORM).text
    assert 'href="/oauth/salesforce/start">Connect production' in text
    assert 'href="/oauth/salesforce/start?at=sandbox">Connect a sandbox' in text

    text = browser.get(f"{FORM}?at={DOMAIN}").text
    assert f'href="/oauth/salesforce/start?at={DOMAIN}"' in text
    assert f"Go on to <bdi>{DOMAIN}</bdi>" in text


def test_an_admin_connects_an_org_by_the_button(with_app: Here) -> None:
    """After Salesforce's page the org is stored with a refresh token."""
    browser = with_app.browser()
    answer = browser.get(let_in(browser, ""))

    assert (answer.status_code, answer.location) == (303, f"{with_app.page}?welcome=1")
    row = with_app.row()
    assert row is not None
    assert row.secrets["kind"] == "web_server"
    assert row.secrets["refresh"]


def test_an_admin_who_declines_is_told(with_app: Here) -> None:
    """Nothing is stored."""
    with_app.org.declines = True
    browser = with_app.browser()
    answer = browser.get(let_in(browser, "?at=sandbox"))

    assert answer.status_code == 400
    assert with_app.row() is None


@pytest.mark.parametrize("place", ["sandbox", DOMAIN])
def test_who_begins_again_comes_to_the_same_place(with_app: Here, place: str) -> None:
    """After a refusal and after an answer that came too late, the choice of the org is kept."""
    with_app.org.declines = True
    browser = with_app.browser()
    again = f'href="/oauth/salesforce/start?at={place}">Begin again'
    assert again in browser.get(let_in(browser, f"?at={place}")).text

    back = let_in(browser, f"?at={place}")
    with time_machine.travel(time.time() + 605, tick=True):
        assert again in browser.get(back).text


def test_nobody_elses_word_says_where_to_begin_again(with_app: Here) -> None:
    """A state that we did not sign names no place."""
    with_app.org.declines = True
    browser = with_app.browser()
    let_in(browser, "?at=sandbox")
    answer = browser.get("/oauth/salesforce/callback?error=access_denied&state=forged&at=elsewhere")

    assert 'href="/oauth/salesforce/start">Begin again' in answer.text


# ---- the page of a connection


def test_the_page_shows_what_the_org_is(here: Here) -> None:
    """In words."""
    here.connect()
    facts = facts_of(here.browser().get(here.page))

    assert facts["Org"] == here.org.org_id
    assert facts["Domain"] == DOMAIN
    assert facts["User"] == "cuereel@acme.example"
    assert facts["Sandbox"] == "No"
    assert facts["Lets us in by"] == "an app of the org, with its secret"


def test_the_address_for_flows_is_shown_when_asked_for(here: Here) -> None:
    """It holds the secret, so the page does not hold it otherwise, and the log says who looked."""
    here.connect()
    browser = here.browser()
    address = f"{BASE}/hooks/salesforce/{here.connection_id}/hook-secret-1?trigger="

    assert "hook-secret-1" not in browser.get(here.page).text
    assert address in browser.press(here.page, action="secret").text
    assert "hook-secret-1" not in browser.get(here.page).text
    assert here.actions() == ["secret_show"]


def test_who_is_no_admin_sees_no_address(here: Here) -> None:
    """Nor a button for it."""
    here.connect()
    text = here.browser(Role.VIEWER).get(here.page).text

    for word in ("hook-secret-1", "Show secret", "Rotate", "Install package"):
        assert word not in text


def test_after_rotating_the_package_is_to_be_installed_again(here: Here) -> None:
    """Both addresses count meanwhile."""
    here.connect()
    text = here.browser().press(here.page, action="rotate").text
    row = here.row()

    assert row is not None
    assert row.secrets["old_hook_secret"] == "hook-secret-1"
    assert f"{row.secrets['hook_secret']}?trigger=" in text
    assert "install the package again" in text


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("client_credentials", f'href="{FORM}?domain={DOMAIN}">Connect again'),
        ("web_server", f'href="/oauth/salesforce/start?at={DOMAIN}">Connect again'),
        ("jwt_bearer", "<code>cuereel crm connect salesforce --key"),
    ],
)
def test_an_org_is_connected_again_as_it_was(here: Here, kind: str, way: str) -> None:
    """With its own domain; a private key is given on the command line."""
    here.connect(kind)
    with here.office.store.write() as tx:
        connections.set_state(tx, here.connection_id, "needs_reauth")

    assert way in here.browser().get(here.page).text


def test_the_form_knows_the_domain_of_an_org_that_is_connected_again(here: Here) -> None:
    """Only key and secret are left to fill in."""
    assert f'value="{DOMAIN}"' in here.browser().get(f"{FORM}?domain={DOMAIN}").text


def test_connecting_again_keeps_the_addresses_of_flows(here: Here) -> None:
    """What an admin has put into the org goes on working."""
    here.connect()
    here.browser().press(FORM, **here.given())
    row = here.row()

    assert row is not None
    assert row.secrets["hook_secret"] == "hook-secret-1"
    assert here.actions() == ["connect_again"]


def token_of(answer: TestResponse) -> str:
    """The proof of a page's first form, or the one that its session would have."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
    return found[1] if found else ""


def facts_of(answer: TestResponse) -> dict[str, str]:
    found: list[Any] = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", answer.text)
    return {unescape(label): unescape(value) for label, value in found}


def let_in(browser: Browser, place: str) -> str:
    """Begin connecting and agree on Salesforce's page; return the address that it leads back to."""
    begun = browser.get(f"/oauth/salesforce/start{place}")
    assert begun.status_code == 303, begun.text
    with requests.get(begun.location, allow_redirects=False, timeout=10) as answer:
        return answer.headers["Location"].removeprefix(BASE)
