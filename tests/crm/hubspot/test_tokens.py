"""How a portal lets us in, how that is renewed by one of many, and how it is given back."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
import responses

from connector.crm import Connection, Surroundings, renewal
from connector.crm.hubspot.gateway import Gateway, open_gateway
from connector.crm.hubspot.tokens import (
    access_token,
    exchange,
    give_back,
    introspect,
    static_account,
)
from connector.decide.dictionary import load_dictionary
from connector.errors import (
    CredentialError,
    CRMBusyError,
    CRMDownError,
    NotFoundError,
    SettingError,
)
from connector.limits import Limits
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, connections
from connector.store.connections import ConnectionRow
from tests.fakes.hubspot import FakeHubSpot, serving

API = "https://api.hubapi.com"
TOKEN = f"{API}/oauth/2026-03/token"
INTROSPECT, REVOKE = f"{TOKEN}/introspect", f"{TOKEN}/revoke"
DETAILS = f"{API}/account-info/2026-03/details"
UNINSTALL = f"{API}/appinstalls/2026-03/external-install"
GIVEN = {
    "token_type": "bearer",
    "access_token": "access-2",
    "refresh_token": "refresh-2",
    "expires_in": 1800,
    "hub_id": 123,
}
ABOUT = {
    "portalId": 123,
    "accountType": "STANDARD",
    "timeZone": "Europe/Madrid",
    "uiDomain": "app.hubspot.com",
}
KNOWN = {"hub_id": 123, "hub_domain": "acme.example", "scopes": ["oauth", "automation"]}
OLD = {"kind": "oauth", "access": "access-1", "refresh": "refresh-1", "hook_secret": "hook"}
REMOVED = {"status": "BAD_REFRESH_TOKEN", "message": "…", "error": "invalid_grant"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An installation with an app whose secret is being rotated."""
    return settings.model_copy(
        update={"hubspot_client_id": "client-1", "hubspot_client_secret": "newest, older"}
    )


@pytest.fixture
def surroundings(sqlite_store: Store, settings: Settings, keyring: Keyring) -> Surroundings:
    """Its surroundings."""
    return around(sqlite_store, settings, keyring)


@pytest.fixture
def anywhere(store: Store, settings: Settings, keyring: Keyring) -> Surroundings:
    """The same on each database, for what depends on its transactions."""
    return around(store, settings, keyring)


@pytest.fixture
def far() -> Iterator[responses.RequestsMock]:
    """HubSpot."""
    with responses.RequestsMock() as mock:
        yield mock


def around(store: Store, settings: Settings, keyring: Keyring) -> Surroundings:
    return Surroundings(settings, store, load_dictionary("local", ()), keyring, Limits(None))


def connected(surroundings: Surroundings, seconds: float, **more: Any) -> Connection:
    """Store a portal whose token lives for so many seconds more."""
    secrets = {**OLD, "expires_at": int(time.time() + seconds), **more}
    with surroundings.store.write() as tx:
        connections.add(
            tx,
            surroundings.keyring,
            connection_id="hubspot-123",
            crm="hubspot",
            title="Acme",
            secrets=secrets,
            config={"portal": "123"},
        )
    return Connection("hubspot-123", "hubspot", "Acme", "active", secrets, {"portal": "123"})


def row(surroundings: Surroundings) -> ConnectionRow:
    return connection_row(surroundings, "hubspot-123")


def connection_row(surroundings: Surroundings, connection_id: str) -> ConnectionRow:
    with surroundings.store.read() as tx:
        found = connections.get(tx, surroundings.keyring, connection_id)
    assert found is not None
    return found


def change(surroundings: Surroundings, secrets: Mapping[str, Any]) -> None:
    with surroundings.store.write() as tx:
        connections.change_secrets(tx, surroundings.keyring, "hubspot-123", dict(secrets))


def form(call: Any) -> dict[str, str]:
    return dict(parse_qsl(call.request.body))


def connect(settings: Settings) -> Any:
    return exchange(settings, code="code-1", verifier="verifier-1", back="https://v.example/back")


# ---- letting us in


def test_a_code_becomes_an_account(settings: Settings, far: responses.RequestsMock) -> None:
    """With all that later parts want to know of the portal."""
    far.post(TOKEN, json=GIVEN)
    far.get(DETAILS, json=ABOUT)
    far.post(INTROSPECT, json=KNOWN)
    account = connect(settings)

    assert (account.id, account.title) == ("hubspot-123", "acme.example")
    assert account.config == {
        "portal": "123",
        "domain": "acme.example",
        "time_zone": "Europe/Madrid",
        "account_type": "STANDARD",
        "scopes": ["oauth", "automation"],
    }
    assert account.secrets["access"] == "access-2"
    assert account.secrets["refresh"] == "refresh-2"
    assert account.secrets["expires_at"] == pytest.approx(time.time() + 1800, abs=5)
    assert len(account.secrets["hook_secret"]) >= 32
    assert "access-2" not in repr(account)


def test_the_code_travels_in_the_body(settings: Settings, far: responses.RequestsMock) -> None:
    """Form-encoded, never in the address, with PKCE's verifier and the newest secret."""
    far.post(TOKEN, json=GIVEN)
    far.get(DETAILS, json=ABOUT)
    far.post(INTROSPECT, json=KNOWN)
    connect(settings)

    assert far.calls[0].request.url == TOKEN
    assert form(far.calls[0]) == {
        "grant_type": "authorization_code",
        "client_id": "client-1",
        "client_secret": "newest",
        "code": "code-1",
        "code_verifier": "verifier-1",
        "redirect_uri": "https://v.example/back",
    }
    content_type = far.calls[0].request.headers["Content-Type"]
    assert content_type == "application/x-www-form-urlencoded"


def test_each_account_gets_a_hook_secret_of_its_own(settings: Settings, far: Any) -> None:
    """Nobody can sign for another portal."""
    far.get(DETAILS, json=ABOUT)
    far.post(INTROSPECT, json=KNOWN)
    first, second = (static_account(settings, {"token": "pat-1"}) for _ in range(2))

    assert first.secrets["hook_secret"] != second.secrets["hook_secret"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_code_that_is_not_taken_says_what_to_do(
    settings: Settings, far: Any, status: int
) -> None:
    """It was used before, is too old, or the client secret is another app's."""
    far.post(TOKEN, status=status, json={"status": "BAD_AUTH_CODE", "message": "code-1"})

    with pytest.raises(CredentialError, match="begin connecting again") as refused:
        connect(settings)
    assert "code-1" not in str(refused.value)


@pytest.mark.parametrize(
    "given", [{}, {**GIVEN, "access_token": ""}, {**GIVEN, "expires_in": "soon"}, []]
)
def test_tokens_without_a_token_are_no_answer(settings: Settings, far: Any, given: Any) -> None:
    """Nothing half-made is stored."""
    far.post(TOKEN, json=given)

    with pytest.raises(CRMDownError):
        connect(settings)


def test_an_app_that_is_not_set_up_says_which_variables(settings: Settings) -> None:
    """Before anything is called."""
    bare = settings.model_copy(update={"hubspot_client_secret": " "})

    with pytest.raises(SettingError, match="CUEREEL_HUBSPOT_CLIENT_SECRET"):
        connect(bare)


def test_a_static_token_is_looked_up(settings: Settings, far: responses.RequestsMock) -> None:
    """HubSpot does not tell the scopes of a token that is not our app's; they stay unknown."""
    far.get(DETAILS, json=ABOUT)
    far.post(INTROSPECT, status=400, json={"status": "error"})
    account = static_account(settings, {"token": "pat-1"})

    assert account.id == "hubspot-123"
    assert account.title == "app.hubspot.com"
    assert account.secrets == {
        "kind": "static",
        "access": "pat-1",
        "hook_secret": account.secrets["hook_secret"],
    }
    assert "scopes" not in account.config
    assert far.calls[0].request.headers["Authorization"] == "Bearer pat-1"


def test_a_static_token_needs_no_app(settings: Settings, far: responses.RequestsMock) -> None:
    """Who hosts for one portal registers none."""
    far.get(DETAILS, json=ABOUT)
    bare = settings.model_copy(update={"hubspot_client_id": "", "hubspot_client_secret": ""})

    assert static_account(bare, {"token": "pat-1"}).config["account_type"] == "STANDARD"


def test_a_static_token_that_opens_nothing_is_refused(settings: Settings, far: Any) -> None:
    """Before it is stored."""
    far.get(DETAILS, status=401, json={"category": "INVALID_AUTHENTICATION"})

    with pytest.raises(CredentialError):
        static_account(settings, {"token": "pat-1"})


def test_an_account_without_a_portal_is_no_answer(settings: Settings, far: Any) -> None:
    """Its id would be a nobody's."""
    far.get(DETAILS, json={"portalId": None})
    far.post(INTROSPECT, json={})

    with pytest.raises(CRMDownError, match="which portal"):
        static_account(settings, {"token": "pat-1"})


def test_a_token_is_introspected_by_either_name(settings: Settings, far: Any) -> None:
    """The specification's parameters first, then the documentation's."""
    far.post(INTROSPECT, status=400, json={"status": "error"})
    far.post(INTROSPECT, json=KNOWN)

    assert introspect(settings, "access-1") == KNOWN
    first, second = map(form, far.calls)
    assert (first["token"], first["token_type_hint"]) == ("access-1", "access_token")
    assert second["access_token"] == "access-1"
    assert "token" not in second


# ---- renewing


def test_a_token_that_lives_is_used(surroundings: Surroundings, far: Any) -> None:
    """Nothing is asked."""
    assert access_token(connected(surroundings, 330), surroundings) == "access-1"
    assert len(far.calls) == 0


def test_a_token_is_renewed_five_minutes_before_its_end(
    surroundings: Surroundings, far: responses.RequestsMock
) -> None:
    """And stored, with a refresh token that may have changed, beside what else is secret."""
    far.post(TOKEN, json=GIVEN)

    assert access_token(connected(surroundings, 290), surroundings) == "access-2"
    assert form(far.calls[0])["grant_type"] == "refresh_token"
    assert form(far.calls[0])["refresh_token"] == "refresh-1"
    secrets = row(surroundings).secrets
    assert (secrets["access"], secrets["refresh"]) == ("access-2", "refresh-2")
    assert secrets["hook_secret"] == "hook"
    assert secrets["expires_at"] == pytest.approx(time.time() + 1800, abs=5)


def test_a_refresh_token_that_is_not_repeated_is_kept(surroundings: Surroundings, far: Any) -> None:
    """Some answers name the access token only."""
    far.post(TOKEN, json={"access_token": "access-2", "expires_in": 1800})
    access_token(connected(surroundings, 0), surroundings)

    assert row(surroundings).secrets["refresh"] == "refresh-1"


def test_what_another_process_brought_is_used(surroundings: Surroundings, far: Any) -> None:
    """The row is read again before anything is asked."""
    connection = connected(surroundings, 0)
    change(surroundings, {**OLD, "access": "access-9", "expires_at": time.time() + 900})

    assert access_token(connection, surroundings) == "access-9"
    assert access_token(connection, surroundings, refused="access-1") == "access-9"
    assert len(far.calls) == 0


def test_a_refused_token_is_renewed_though_it_should_live(
    surroundings: Surroundings, far: Any
) -> None:
    """HubSpot knows better."""
    far.post(TOKEN, json=GIVEN)
    connection = connected(surroundings, 1800)

    assert access_token(connection, surroundings, refused="access-1") == "access-2"


def test_of_eight_at_once_one_asks(anywhere: Surroundings, far: responses.RequestsMock) -> None:
    """The others wait and use what it brought."""
    connection, barrier = connected(anywhere, 0), threading.Barrier(8)

    def slowly(_request: Any) -> tuple[int, dict[str, str], str]:
        time.sleep(0.3)
        return 200, {}, '{"access_token": "access-2", "refresh_token": "r", "expires_in": 1800}'

    far.add_callback(responses.POST, TOKEN, callback=slowly)

    def ask(_: int) -> str:
        barrier.wait()
        return access_token(connection, anywhere)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"access-2"}
    assert len(far.calls) == 1


def test_of_eight_that_were_refused_one_asks(anywhere: Surroundings, far: Any) -> None:
    """A 401 reaches all of them at once."""
    connection, barrier = connected(anywhere, 1800), threading.Barrier(8)
    far.post(TOKEN, json=GIVEN)

    def ask(_: int) -> str:
        barrier.wait()
        return access_token(connection, anywhere, refused="access-1")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"access-2"}
    assert len(far.calls) == 1


def test_who_waits_too_long_comes_back_later(
    anywhere: Surroundings, far: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is not lost, and the token is not asked for twice."""
    monkeypatch.setattr(renewal, "LOSER_SECONDS", 0.2)
    connection = connected(anywhere, 0)
    with anywhere.store.write() as tx:
        assert connections.begin_refresh(tx, connection.id, 60)

    with pytest.raises(CRMBusyError, match="another process"):
        access_token(connection, anywhere)
    assert len(far.calls) == 0


def test_a_holder_that_died_is_taken_over(anywhere: Surroundings, far: Any) -> None:
    """As soon as its lease is over."""
    far.post(TOKEN, json=GIVEN)
    connection = connected(anywhere, 0)
    with anywhere.store.write() as tx:
        assert connections.begin_refresh(tx, connection.id, 0.4)
    began = time.monotonic()

    assert access_token(connection, anywhere) == "access-2"
    assert time.monotonic() - began > 0.2


def test_a_holder_that_was_overtaken_uses_what_the_other_brought(
    anywhere: Surroundings, far: responses.RequestsMock
) -> None:
    """And does not put its own, older token over it."""
    connection = connected(anywhere, 0)
    newer = {**OLD, "access": "access-9", "refresh": "refresh-9", "expires_at": time.time() + 1800}

    def overtaken(_request: Any) -> tuple[int, dict[str, str], str]:
        change(anywhere, newer)
        return 200, {}, '{"access_token": "access-2", "refresh_token": "r", "expires_in": 1800}'

    far.add_callback(responses.POST, TOKEN, callback=overtaken)

    assert access_token(connection, anywhere) == "access-9"
    assert row(anywhere).secrets["refresh"] == "refresh-9"


@pytest.mark.parametrize(
    "said", [{"status": "BAD_REFRESH_TOKEN"}, {"error": "invalid_grant"}, REMOVED]
)
def test_a_portal_that_removed_us_waits_for_an_admin(
    anywhere: Surroundings, far: Any, said: dict[str, str]
) -> None:
    """The sentence says how to connect again, and HubSpot is not called any more."""
    far.post(TOKEN, status=400, json=said)
    connection = connected(anywhere, 0)
    for _ in range(3):
        with pytest.raises(CredentialError, match="crm connect hubspot"):
            access_token(connection, anywhere)

    assert len(far.calls) == 1
    assert row(anywhere).state == "needs_reauth"


def test_an_app_whose_secret_is_wrong_says_which_variables(
    surroundings: Surroundings, far: Any
) -> None:
    """It is not the portal that removed us."""
    far.post(TOKEN, status=400, json={"status": "BAD_CLIENT_SECRET", "error": "invalid_client"})

    with pytest.raises(CredentialError, match="CUEREEL_HUBSPOT_CLIENT_SECRET"):
        access_token(connected(surroundings, 0), surroundings)


@pytest.mark.parametrize(
    "failing",
    [
        {"status": 503},
        {"status": 200, "body": "<html>"},
        {"body": requests.ReadTimeout("…")},
        {"body": requests.ConnectionError("…")},
    ],
)
def test_a_hubspot_that_is_away_is_no_reason_to_connect_again(
    surroundings: Surroundings, far: responses.RequestsMock, failing: dict[str, Any]
) -> None:
    """The next one may ask at once."""
    far.post(TOKEN, **failing)
    far.post(TOKEN, json=GIVEN)
    connection = connected(surroundings, 0)
    with pytest.raises(CRMDownError):
        access_token(connection, surroundings)

    assert row(surroundings).state == "active"
    assert access_token(connection, surroundings) == "access-2"


def test_a_busy_hubspot_is_waited_for(surroundings: Surroundings, far: Any) -> None:
    """429 where tokens are asked for."""
    far.post(TOKEN, status=429, headers={"Retry-After": "3"}, json={})

    with pytest.raises(CRMBusyError) as busy:
        access_token(connected(surroundings, 0), surroundings)
    assert busy.value.after == 3


def test_a_connection_that_was_deleted_has_no_token(surroundings: Surroundings) -> None:
    """Rather than a token that nobody could store."""
    connection = Connection("hubspot-7", "hubspot", "Gone", secrets={**OLD, "expires_at": 0})

    with pytest.raises(NotFoundError):
        access_token(connection, surroundings)


def test_a_static_token_that_was_replaced_is_used(surroundings: Surroundings) -> None:
    """An admin connected again while a job was on its way."""
    old = connected(surroundings, 0, kind="static", access="pat-1")
    change(surroundings, {"kind": "static", "access": "pat-2"})

    assert access_token(old, surroundings) == "pat-1"
    assert access_token(old, surroundings, refused="pat-1") == "pat-2"


def test_stored_tokens_are_encrypted(anywhere: Surroundings, far: Any) -> None:
    """No table holds them in clear."""
    far.post(TOKEN, json=GIVEN)
    access_token(connected(anywhere, 0), anywhere)
    with anywhere.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT * FROM connections").all()

    assert "access-2" not in repr(rows)
    assert "refresh-2" not in repr(rows)


# ---- giving back


def test_what_lets_us_in_is_given_back(surroundings: Surroundings, far: Any) -> None:
    """The app is uninstalled there, then the refresh token is revoked."""
    far.delete(UNINSTALL, status=204)
    far.post(REVOKE, status=200)
    give_back(connected(surroundings, 1800), surroundings)

    assert far.calls[0].request.headers["Authorization"] == "Bearer access-1"
    assert parse_qs(far.calls[1].request.body)["token"] == ["refresh-1"]


@pytest.mark.parametrize(("uninstall", "revoke"), [(401, 400), (404, 404), (204, 401)])
def test_a_portal_that_has_removed_us_is_content(
    surroundings: Surroundings, far: Any, uninstall: int, revoke: int
) -> None:
    """There is nothing left to give."""
    far.delete(UNINSTALL, status=uninstall)
    far.post(REVOKE, status=revoke, json={})

    give_back(connected(surroundings, 1800), surroundings)
    assert len(far.calls) == 2


def test_a_portal_that_removed_us_before_is_not_called_again(
    surroundings: Surroundings, far: Any
) -> None:
    """The refresh token said so."""
    far.post(TOKEN, status=400, json=REMOVED)

    give_back(connected(surroundings, 0), surroundings)
    assert len(far.calls) == 1


def test_a_hubspot_that_is_away_can_take_nothing_back(surroundings: Surroundings, far: Any) -> None:
    """It must be tried again: otherwise it would still send us events."""
    far.delete(UNINSTALL, status=503)

    with pytest.raises(CRMDownError):
        give_back(connected(surroundings, 1800), surroundings)


def test_a_static_token_is_left_to_its_admin(surroundings: Surroundings, far: Any) -> None:
    """HubSpot is not called."""
    static = replace(connected(surroundings, 0), secrets={"kind": "static", "access": "pat-1"})

    give_back(static, surroundings)
    assert len(far.calls) == 0


# ---- the same over HTTP, with a portal that remembers


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal."""
    with serving(FakeHubSpot()) as made:
        yield made


@pytest.fixture
def there(surroundings: Surroundings, fake: FakeHubSpot) -> Surroundings:
    """Our surroundings, with the app that this portal knows."""
    here = surroundings.settings.model_copy(
        update={
            "hubspot_api": fake.url,
            "hubspot_site": fake.url,
            "hubspot_client_id": fake.client_id,
            "hubspot_client_secret": fake.client_secret,
        }
    )
    return replace(surroundings, settings=here)


def installed(fake: FakeHubSpot, there: Surroundings) -> Connection:
    """Go through the admin's page, exchange the code, and store the account."""
    back, verifier = "https://video.example.com/back", "v" * 50
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "client_id": fake.client_id,
        "redirect_uri": back,
        "scope": "oauth crm.objects.contacts.read crm.objects.contacts.write",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    with requests.get(f"{fake.url}/oauth/authorize", query, allow_redirects=False) as page:
        code = parse_qs(urlsplit(page.headers["Location"]).query)["code"][0]
    account = exchange(there.settings, code=code, verifier=verifier, back=back)
    with there.store.write() as tx:
        connections.add(
            tx,
            there.keyring,
            connection_id=account.id,
            crm="hubspot",
            title=account.title,
            secrets=dict(account.secrets),
            config=dict(account.config),
        )
    return Connection(
        account.id, "hubspot", account.title, "active", account.secrets, account.config
    )


def first_name(gateway: Gateway) -> str:
    found = gateway.ask(gateway.client.crm.contacts.basic_api.get_by_id, "101")
    return str(found["properties"]["firstname"])


def test_an_installed_portal_can_be_called(fake: FakeHubSpot, there: Surroundings) -> None:
    """From the admin's yes to a contact's name."""
    fake.add("contacts", {"firstname": "Ana"}, id="101")
    connection = installed(fake, there)
    gateway = open_gateway(connection, there)

    assert connection.id == f"hubspot-{fake.portal}"
    assert connection.config["time_zone"] == "Europe/Madrid"
    assert "crm.objects.contacts.read" in connection.config["scopes"]
    assert first_name(gateway) == "Ana"
    gateway.close()


def test_the_clients_own_models_can_be_read(fake: FakeHubSpot, there: Surroundings) -> None:
    """A generated method called by itself goes the same way and answers with its model."""
    fake.add("contacts", {"firstname": "Ana"}, id="101")
    gateway = open_gateway(installed(fake, there), there)
    found = gateway.client.crm.contacts.basic_api.get_by_id("101")

    assert found.properties["firstname"] == "Ana"
    gateway.close()


def test_the_documented_parameter_names_do_as_well(fake: FakeHubSpot, there: Surroundings) -> None:
    """Whichever of the two HubSpot means."""
    fake.introspect_names = ("access_token",)

    assert "crm.objects.contacts.read" in installed(fake, there).config["scopes"]


def test_tokens_that_run_out_are_renewed_on_the_way(fake: FakeHubSpot, there: Surroundings) -> None:
    """Also where HubSpot changes the refresh token each time."""
    fake.rotate_refresh = True
    fake.add("contacts", {"firstname": "Ana"}, id="101")
    gateway = open_gateway(installed(fake, there), there)
    for _ in range(3):
        fake.expire_tokens()
        assert first_name(gateway) == "Ana"

    assert fake.refreshes == 3
    gateway.close()


def test_a_portal_that_uninstalls_us_is_left_alone(fake: FakeHubSpot, there: Surroundings) -> None:
    """After one refusal and one refresh, nothing is called until an admin connects again."""
    connection = installed(fake, there)
    gateway = open_gateway(connection, there)
    fake.uninstall()
    fake.calls.clear()
    for _ in range(3):
        with pytest.raises(CredentialError):
            first_name(gateway)

    assert len(fake.calls) == 2
    assert connection_row(there, connection.id).state == "needs_reauth"
    gateway.close()


def test_what_was_given_back_opens_nothing_more(fake: FakeHubSpot, there: Surroundings) -> None:
    """And giving back twice does no harm."""
    connection = installed(fake, there)
    give_back(connection, there)
    give_back(connection, there)

    with pytest.raises(CredentialError):
        access_token(connection, there, refused=str(connection.secrets["access"]))
