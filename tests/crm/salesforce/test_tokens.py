"""How an org lets us in: three grants, renewed by one of many, kept before they are used, given back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from connector.crm import Connection, Surroundings
from connector.crm.salesforce.tokens import ask, give_back, open_session
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
from tests.crm.salesforce.granted import (
    GIVEN,
    HOME,
    REVOKE,
    TOKEN,
    connected,
    form,
    private_key,
    row,
    secrets_of,
)

KINDS = ["client_credentials", "jwt_bearer", "web_server"]
ROTATED = {**GIVEN, "refresh_token": "refresh-2"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """An installation with an app of its own."""
    app = {"salesforce_client_id": "client-1", "salesforce_client_secret": "app-secret"}
    return settings.model_copy(update=app)


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
    """Salesforce."""
    with responses.RequestsMock() as mock:
        yield mock


def around(store: Store, settings: Settings, keyring: Keyring) -> Surroundings:
    return Surroundings(settings, store, load_dictionary("local", ()), keyring, Limits(None))


def renewed(connection: Connection, surroundings: Surroundings) -> str:
    """The token after the first one was refused."""
    return open_session(connection, surroundings, refused="access-1").access


def eight(connection: Connection, surroundings: Surroundings) -> set[str]:
    """What eight get that were refused at once."""
    barrier = threading.Barrier(8)

    def one(_: int) -> str:
        barrier.wait()
        return renewed(connection, surroundings)

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(one, range(8)))


# ---- what is sent


def test_a_secret_is_sent_in_the_body(settings: Settings, far: responses.RequestsMock) -> None:
    """To the org's own domain, never in the address."""
    far.post(HOME + TOKEN, json=GIVEN)
    ask(settings, secrets_of("client_credentials"))

    assert far.calls[0].request.url == HOME + TOKEN
    assert form(far.calls[0]) == {
        "grant_type": "client_credentials",
        "client_id": "key-1",
        "client_secret": "secret-1",
    }


def test_a_private_key_signs_for_less_than_three_minutes(
    settings: Settings, far: responses.RequestsMock
) -> None:
    """The key itself stays here."""
    far.post(HOME + TOKEN, json=GIVEN)
    ask(settings, secrets_of("jwt_bearer"))
    sent = form(far.calls[0])
    public = load_pem_private_key(private_key().encode(), None).public_key()
    claims = jwt.decode(
        sent["assertion"], public, algorithms=["RS256"], audience="https://login.salesforce.com"
    )

    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert 0 < claims["exp"] - time.time() < 180
    assert "PRIVATE" not in str(sent)


def test_a_refresh_token_is_sent_with_our_apps_secret(
    settings: Settings, far: responses.RequestsMock
) -> None:
    """Both, as a confidential app does."""
    far.post(HOME + TOKEN, json=ROTATED)
    ask(settings, secrets_of("web_server"))

    assert form(far.calls[0]) == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
        "client_id": "client-1",
        "client_secret": "app-secret",
    }


def test_an_app_that_is_not_set_up_says_which_variables(
    surroundings: Surroundings, settings: Settings
) -> None:
    """Nothing is called, and the org need not be connected again."""
    bare = settings.model_copy(update={"salesforce_client_secret": ""})
    connection = connected(surroundings, "web_server")
    without = around(surroundings.store, bare, surroundings.keyring)

    with pytest.raises(SettingError, match="CUEREEL_SALESFORCE_CLIENT_SECRET"):
        renewed(connection, without)
    assert row(surroundings).state == "active"


def ec_key() -> str:
    """A key of a kind that Salesforce does not take."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def locked_key() -> str:
    """A key that only a passphrase opens."""
    key = load_pem_private_key(private_key().encode(), None)
    form = BestAvailableEncryption(b"passphrase")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, form).decode()


@pytest.mark.parametrize("key", ["", "no key", ec_key(), locked_key()], ids=range(4))
def test_a_key_that_cannot_sign_is_told(settings: Settings, key: str) -> None:
    """With the form that it must have."""
    with pytest.raises(CredentialError, match="RSA key in PEM, without a passphrase"):
        ask(settings, {**secrets_of("jwt_bearer"), "private_key": key})


def test_there_is_no_login_by_password(settings: Settings) -> None:
    """Nor by anything else that Salesforce once had."""
    with pytest.raises(CredentialError, match="unknown kind"):
        ask(settings, {"kind": "password", "login": HOME})


# ---- renewing


def test_a_token_is_used_until_it_is_refused(surroundings: Surroundings, far: Any) -> None:
    """Salesforce does not say how long it lasts, so nothing is asked before."""
    session = open_session(connected(surroundings, "web_server"), surroundings)

    assert (session.access, session.instance) == ("access-1", HOME)
    assert len(far.calls) == 0
    assert "access-1" not in repr(session)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_token_is_renewed_and_kept(
    anywhere: Surroundings, far: responses.RequestsMock, kind: str
) -> None:
    """Beside what else is secret."""
    far.post(HOME + TOKEN, json=GIVEN)
    connection = connected(anywhere, kind)

    assert renewed(connection, anywhere) == GIVEN["access_token"]
    assert row(anywhere).secrets == {**connection.secrets, "access": GIVEN["access_token"]}


@pytest.mark.parametrize("kind", KINDS)
def test_of_eight_that_were_refused_one_asks(
    anywhere: Surroundings, far: responses.RequestsMock, kind: str
) -> None:
    """A session ends for all of them at once."""
    far.post(HOME + TOKEN, json=GIVEN)

    assert eight(connected(anywhere, kind), anywhere) == {GIVEN["access_token"]}
    assert len(far.calls) == 1


def test_no_refresh_token_is_used_twice(anywhere: Surroundings, far: Any) -> None:
    """The second use would end the grant, so each new one is kept before anybody uses its token."""
    seen: list[str] = []

    def rotate(request: Any) -> tuple[int, dict[str, str], str]:
        sent = form(type("Call", (), {"request": request}))["refresh_token"]
        assert row(anywhere).secrets["refresh"] == sent
        seen.append(sent)
        number = len(seen) + 1
        given = {**GIVEN, "access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
        return 200, {}, json.dumps(given)

    far.add_callback(responses.POST, HOME + TOKEN, callback=rotate)
    connection, token = connected(anywhere, "web_server"), "access-1"
    for number in (2, 3, 4):
        token = open_session(connection, anywhere, refused=token).access
        assert token == f"access-{number}"
        assert row(anywhere).secrets["refresh"] == f"refresh-{number}"

    assert seen == ["refresh-1", "refresh-2", "refresh-3"]


def test_a_holder_that_died_is_taken_over(
    anywhere: Surroundings, far: responses.RequestsMock
) -> None:
    """As soon as its lease on asking is over."""
    far.post(HOME + TOKEN, json=ROTATED)
    connection = connected(anywhere, "web_server")
    with anywhere.store.write() as tx:
        assert connections.begin_refresh(tx, connection.id, 0.4)
    began = time.monotonic()

    assert renewed(connection, anywhere) == GIVEN["access_token"]
    assert time.monotonic() - began > 0.2


def test_a_secret_that_is_rotated_meanwhile_stays(
    anywhere: Surroundings, far: responses.RequestsMock
) -> None:
    """An admin and a renewal change the same row."""
    connection = connected(anywhere, "web_server")

    def meanwhile(_request: Any) -> tuple[int, dict[str, str], str]:
        fresh = {**connection.secrets, "hook_secret": "newer", "old_hook_secret": "hook"}
        with anywhere.store.write() as tx:
            connections.change_secrets(tx, anywhere.keyring, connection.id, fresh)
        return 200, {}, json.dumps(ROTATED)

    far.add_callback(responses.POST, HOME + TOKEN, callback=meanwhile)
    renewed(connection, anywhere)
    kept = row(anywhere).secrets

    assert (kept["hook_secret"], kept["old_hook_secret"]) == ("newer", "hook")
    assert (kept["access"], kept["refresh"]) == (GIVEN["access_token"], "refresh-2")


def test_an_org_that_moved_is_called_at_its_new_address(
    surroundings: Surroundings, far: Any
) -> None:
    """The token comes with it."""
    moved = "https://acme2.my.salesforce.com"
    far.post(HOME + TOKEN, json={**GIVEN, "instance_url": moved})
    session = open_session(
        connected(surroundings, "client_credentials"), surroundings, refused="access-1"
    )

    assert session.instance == moved
    assert row(surroundings).secrets["instance"] == moved


@pytest.mark.parametrize(
    "address",
    ["https://evil.example", "http://acme.my.salesforce.com", "https://force.com.evil.example"],
)
def test_a_token_goes_nowhere_but_to_salesforce(
    surroundings: Surroundings, far: Any, address: str
) -> None:
    """Whatever an answer says; the token that it gave is not even kept."""
    far.post(HOME + TOKEN, json={**GIVEN, "instance_url": address})

    with pytest.raises(SettingError):
        renewed(connected(surroundings, "client_credentials"), surroundings)
    assert row(surroundings).secrets["access"] == "access-1"
    assert row(surroundings).state == "active"


# ---- refused, away, busy


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "invalid_grant", "expired access/refresh token"),
        (400, "invalid_grant", "user hasn't approved this consumer"),
        (400, "invalid_client", "invalid client credentials"),
        (401, "invalid_client_id", "client identifier invalid"),
        (400, "inactive_user", "user is inactive"),
        (400, "invalid_app_org", "a code of tomorrow"),
    ],
)
def test_an_org_that_lets_us_in_no_more_waits_for_an_admin(
    anywhere: Surroundings, far: Any, status: int, code: str, message: str
) -> None:
    """The sentence says how to connect again, and Salesforce is not asked any more."""
    far.post(HOME + TOKEN, status=status, json={"error": code, "error_description": message})
    connection = connected(anywhere, "web_server")
    for _ in range(3):
        with pytest.raises(CredentialError, match="crm connect salesforce") as error:
            renewed(connection, anywhere)
        assert message not in error.value.sentence

    assert len(far.calls) == 1
    assert row(anywhere).state == "needs_reauth"


@pytest.mark.parametrize(
    "failing",
    [
        {"status": 503, "body": "<html>"},
        {"status": 500, "json": {"error": "invalid_grant"}},
        {"status": 200, "body": "<html>maintenance</html>"},
        {"status": 403, "body": "<html>a wall between</html>"},
        {"status": 404, "body": "<html>"},
        {"status": 302, "headers": {"Location": "https://evil.example"}},
        {"status": 200, "json": {"access_token": ""}},
        {"status": 200, "json": {"access_token": "a"}},
        {"status": 400, "json": {"error": "unknown_error", "error_description": "retry"}},
        {"body": requests.ReadTimeout("…")},
        {"body": requests.ConnectionError("…")},
    ],
    ids=range(11),
)
def test_a_salesforce_that_is_away_is_no_reason_to_connect_again(
    surroundings: Surroundings, far: responses.RequestsMock, failing: dict[str, Any]
) -> None:
    """The next one may ask at once."""
    far.post(HOME + TOKEN, **failing)
    far.post(HOME + TOKEN, json=GIVEN)
    connection = connected(surroundings, "client_credentials")
    with pytest.raises(CRMDownError, match="trying again is safe"):
        renewed(connection, surroundings)

    assert row(surroundings).state == "active"
    assert renewed(connection, surroundings) == GIVEN["access_token"]


@pytest.mark.parametrize(
    "message", ["login rate exceeded", "token request is already being processed"]
)
def test_a_crowd_is_waited_for(surroundings: Surroundings, far: Any, message: str) -> None:
    """It comes with the code of a refusal, and is none."""
    body = {"error": "invalid_grant", "error_description": message}
    far.post(HOME + TOKEN, status=400, json=body)

    with pytest.raises(CRMBusyError) as busy:
        renewed(connected(surroundings, "jwt_bearer"), surroundings)
    assert busy.value.after
    assert row(surroundings).state == "active"


def test_one_that_was_disconnected_stays_so(surroundings: Surroundings, far: Any) -> None:
    """Work that comes late does not make it look as if an admin had to mend it."""
    connection = connected(surroundings, "web_server")
    with surroundings.store.write() as tx:
        connections.change_secrets(tx, surroundings.keyring, connection.id, {"hook_secret": "hook"})
        connections.set_state(tx, connection.id, "disabled")

    with pytest.raises(CredentialError):
        renewed(connection, surroundings)
    assert row(surroundings).state == "disabled"
    assert len(far.calls) == 0


def test_a_connection_that_was_deleted_has_no_token(surroundings: Surroundings) -> None:
    """Rather than a token that nobody could store."""
    connection = Connection("salesforce-x", "salesforce", "Gone", secrets=secrets_of("web_server"))

    with pytest.raises(NotFoundError):
        renewed(connection, surroundings)


def test_stored_tokens_are_encrypted(anywhere: Surroundings, far: Any) -> None:
    """No table holds them in clear."""
    far.post(HOME + TOKEN, json=ROTATED)
    renewed(connected(anywhere, "web_server"), anywhere)
    with anywhere.store.read() as tx:
        rows = tx.exec_driver_sql("SELECT * FROM connections").all()

    for secret in (GIVEN["access_token"], "refresh-2", "hook"):
        assert str(secret) not in repr(rows).replace("hook_", "")


# ---- giving back


@pytest.mark.parametrize(
    ("kind", "token"), [("web_server", "refresh-1"), ("client_credentials", "access-1")]
)
def test_what_lets_us_in_is_given_back(
    surroundings: Surroundings, far: Any, kind: str, token: str
) -> None:
    """The refresh token takes its access tokens with it."""
    far.post(HOME + REVOKE, status=200)
    give_back(connected(surroundings, kind), surroundings)

    assert [form(call) for call in far.calls] == [{"token": token}]


def test_an_org_that_has_taken_it_back_is_content(surroundings: Surroundings, far: Any) -> None:
    """There is nothing left to give."""
    far.post(HOME + REVOKE, status=400, json={"error": "unsupported_token_type"})

    give_back(connected(surroundings, "web_server"), surroundings)


def test_a_salesforce_that_is_away_can_take_nothing_back(
    surroundings: Surroundings, far: Any
) -> None:
    """It must be tried again: otherwise the grant would live on there."""
    far.post(HOME + REVOKE, status=503)

    with pytest.raises(CRMDownError):
        give_back(connected(surroundings, "web_server"), surroundings)
