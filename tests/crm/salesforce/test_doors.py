"""Our app at Salesforce: the page on which an admin lets us in, and the code that comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from connector.crm import Account, Surroundings, open_app
from connector.decide.dictionary import load_dictionary
from connector.errors import CredentialError, CRMDownError, NotFoundError, SettingError
from connector.limits import Limits
from connector.model import Delivery
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.salesforce.granted import GIVEN, HOME, ORG, TOKEN, answer_queries, form

BACK = "https://video.example.com/oauth/salesforce/callback"
PRODUCTION, SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"
REFRESHABLE = {**GIVEN, "refresh_token": "refresh-1", "scope": "refresh_token api"}


@pytest.fixture
def surroundings(sqlite_store: Store, settings: Settings, keyring: Keyring) -> Surroundings:
    """An installation with an app of its own."""
    app = {"salesforce_client_id": "client-1", "salesforce_client_secret": "app-secret"}
    return Surroundings(
        settings.model_copy(update=app),
        sqlite_store,
        load_dictionary("salesforce", ()),
        keyring,
        Limits(None),
    )


@pytest.fixture
def far() -> Iterator[responses.RequestsMock]:
    """Salesforce."""
    with responses.RequestsMock() as mock:
        yield mock


def page(surroundings: Surroundings, place: str = "") -> str:
    app = open_app("salesforce", surroundings)
    return app.authorize(state="state-1", challenge="challenge-1", back=BACK, place=place)


def connect(surroundings: Surroundings, place: str = "") -> Account:
    app = open_app("salesforce", surroundings)
    return app.connect(code="code-1", verifier="verifier-1", back=BACK, place=place)


@pytest.mark.parametrize(
    ("place", "login"),
    [
        ("", PRODUCTION),
        ("production", PRODUCTION),
        ("sandbox", SANDBOX),
        ("acme.my.salesforce.com", HOME),
        ("https://acme.lightning.force.com/lightning/page/home", HOME),
    ],
)
def test_an_admin_is_led_to_where_the_org_lets_in(
    surroundings: Surroundings, place: str, login: str
) -> None:
    """Production, sandboxes, or the org's own domain; with a challenge, and for what we use alone."""
    address = urlsplit(page(surroundings, place))
    query = {name: values[0] for name, values in parse_qs(address.query).items()}

    assert f"{address.scheme}://{address.netloc}{address.path}" == (
        f"{login}/services/oauth2/authorize"
    )
    assert query == {
        "response_type": "code",
        "client_id": "client-1",
        "redirect_uri": BACK,
        "scope": "api refresh_token",
        "prompt": "login consent",
        "state": "state-1",
        "code_challenge": "challenge-1",
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize(
    "place", ["evil.example", "https://evil.example/.my.salesforce.com", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere(surroundings: Surroundings, far: Any, place: str) -> None:
    """Neither an admin nor a code; the place stands in a link that anybody can write."""
    for attempt in (page, connect):
        with pytest.raises(SettingError, match="Setup > My Domain"):
            attempt(surroundings, place)
    assert len(far.calls) == 0


def test_without_an_app_the_variables_are_told(surroundings: Surroundings) -> None:
    """Before an admin is sent anywhere."""
    bare = surroundings.settings.model_copy(update={"salesforce_client_id": ""})
    without = Surroundings(
        bare, surroundings.store, surroundings.dictionary, surroundings.keyring, Limits(None)
    )

    with pytest.raises(SettingError, match="CUEREEL_SALESFORCE_CLIENT_ID"):
        page(without)


@pytest.mark.parametrize(("place", "login"), [("", PRODUCTION), ("sandbox", SANDBOX)])
def test_a_code_becomes_an_org(
    surroundings: Surroundings, far: responses.RequestsMock, place: str, login: str
) -> None:
    """With verifier and secret, in the body; it is renewed where it was given."""
    far.post(login + TOKEN, json=REFRESHABLE)
    answer_queries(far)
    account = connect(surroundings, place)

    assert form(far.calls[0]) == {
        "grant_type": "authorization_code",
        "code": "code-1",
        "code_verifier": "verifier-1",
        "redirect_uri": BACK,
        "client_id": "client-1",
        "client_secret": "app-secret",
    }
    assert (account.id, account.title) == (f"salesforce-{ORG}", "Acme")
    assert {**account.secrets, "hook_secret": ""} == {
        "kind": "web_server",
        "login": login,
        "access": GIVEN["access_token"],
        "instance": HOME,
        "refresh": "refresh-1",
        "hook_secret": "",
    }


def test_a_code_that_is_not_taken_says_what_to_do(surroundings: Surroundings, far: Any) -> None:
    """It was used before, is too old, or the secret is another app's."""
    body = {"error": "invalid_grant", "error_description": "expired authorization code code-1"}
    far.post(PRODUCTION + TOKEN, status=400, json=body)

    with pytest.raises(CredentialError, match="begin connecting again") as refused:
        connect(surroundings)
    assert "code-1" not in str(refused.value)


def test_an_app_that_gives_no_refresh_token_is_told(surroundings: Surroundings, far: Any) -> None:
    """It would be connected for some hours only."""
    far.post(PRODUCTION + TOKEN, json=GIVEN)

    with pytest.raises(CredentialError, match="refresh_token"):
        connect(surroundings)


def test_a_salesforce_that_is_away_may_be_asked_again(surroundings: Surroundings, far: Any) -> None:
    """It is not the admin's fault."""
    far.post(PRODUCTION + TOKEN, status=503, body="<html>")

    with pytest.raises(CRMDownError):
        connect(surroundings)


def test_the_app_has_no_door(surroundings: Surroundings) -> None:
    """Outbound messages come to the address of their own connection."""
    now = datetime.now(UTC)
    delivery = Delivery(
        "app", "POST", "https://video.example.com/hooks/salesforce/app/events", {}, b"", now
    )

    with pytest.raises(NotFoundError):
        open_app("salesforce", surroundings).receive("events", delivery)
