"""Connecting an org with an app of its own, and what is told where that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests
import responses

from connector.crm.salesforce.accounts import login_of, own_account
from connector.errors import CredentialError, CRMDownError, SettingError
from connector.settings import Settings
from tests.crm.salesforce.granted import (
    CONSENT,
    DOMAIN,
    GIVEN,
    HOME,
    ORG,
    ORGANISATION,
    QUERY,
    TOKEN,
    USER,
    answer_queries,
    form,
    private_key,
)

SECRET = {"domain": DOMAIN, "consumer_key": "key-1", "consumer_secret": "secret-1"}
USER_INFO = f"{HOME}/services/oauth2/userinfo"


@pytest.fixture
def far() -> Iterator[responses.RequestsMock]:
    """Salesforce."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def refused(far: responses.RequestsMock, code: str, message: str, status: int = 400) -> None:
    far.post(HOME + TOKEN, status=status, json={"error": code, "error_description": message})


def test_an_apps_secret_opens_an_org(settings: Settings, far: responses.RequestsMock) -> None:
    """The connection is the org's, with all that later parts want to know."""
    far.post(HOME + TOKEN, json=GIVEN)
    answer_queries(far)
    account = own_account(settings, SECRET)

    assert (account.id, account.title) == (f"salesforce-{ORG}", "Acme")
    assert account.config == {
        "org": ORG,
        "user": USER,
        "instance": HOME,
        "domain": DOMAIN,
        "username": "cuereel@acme.example",
        "sandbox": False,
        "account_type": "Enterprise Edition",
        "consent_api": True,
    }
    assert form(far.calls[0]) == {
        "grant_type": "client_credentials",
        "client_id": "key-1",
        "client_secret": "secret-1",
    }
    assert len(account.secrets["hook_secret"]) >= 32
    assert {**account.secrets, "hook_secret": ""} == {
        "kind": "client_credentials",
        "login": HOME,
        "consumer_key": "key-1",
        "consumer_secret": "secret-1",
        "access": GIVEN["access_token"],
        "instance": HOME,
        "hook_secret": "",
    }
    assert "secret-1" not in repr(account)


def test_each_connection_gets_an_address_of_its_own(settings: Settings, far: Any) -> None:
    """Nobody can send for another org."""
    far.post(HOME + TOKEN, json=GIVEN)
    answer_queries(far)
    first, second = own_account(settings, SECRET), own_account(settings, SECRET)

    assert first.secrets["hook_secret"] != second.secrets["hook_secret"]


@pytest.mark.parametrize(
    ("domain", "login", "audience"),
    [
        ("", "https://login.salesforce.com", "https://login.salesforce.com"),
        ("sandbox", "https://test.salesforce.com", "https://test.salesforce.com"),
        (DOMAIN, HOME, "https://login.salesforce.com"),
        (
            "acme--uat.sandbox.my.salesforce.com",
            "https://acme--uat.sandbox.my.salesforce.com",
            "https://test.salesforce.com",
        ),
    ],
)
def test_a_private_key_opens_an_org(
    settings: Settings, far: responses.RequestsMock, domain: str, login: str, audience: str
) -> None:
    """Signed for production or for sandboxes, wherever it is sent."""
    far.post(login + TOKEN, json=GIVEN)
    answer_queries(far)
    who = {"consumer_key": "key-1", "username": "cuereel@acme.example"}
    account = own_account(settings, {**who, "domain": domain, "private_key": private_key()})
    claims = jwt.decode(form(far.calls[0])["assertion"], options={"verify_signature": False})

    assert claims["aud"] == audience
    assert (claims["iss"], claims["sub"]) == ("key-1", "cuereel@acme.example")
    assert (account.secrets["kind"], account.secrets["login"]) == ("jwt_bearer", login)


@pytest.mark.parametrize("key", ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_told(settings: Settings, far: Any, key: str) -> None:
    """Nothing is called."""
    given = {"consumer_key": "key-1", "username": "cuereel@acme.example", "private_key": key}

    with pytest.raises(CredentialError, match="RSA key in PEM"):
        own_account(settings, given)
    assert len(far.calls) == 0


@pytest.mark.parametrize(
    "text",
    [
        "acme.my.salesforce.com",
        "https://acme.my.salesforce.com/",
        " https://ACME.my.salesforce.com/lightning/page/home ",
        "https://acme.lightning.force.com/lightning/setup/SetupOneHome/home",
        "https://acme.my.salesforce-setup.com/lightning/setup/OrgDomain/home",
    ],
)
def test_a_domain_may_be_copied_from_any_page_of_the_org(settings: Settings, text: str) -> None:
    """Also from Setup, which has an address of its own."""
    assert login_of(settings, text) == HOME


@pytest.mark.parametrize(
    "text",
    [
        "acme",
        "acme.example",
        "http://acme.my.salesforce.com",
        "https://acme.my.salesforce.com.evil.example",
        "https://evil.example/acme.my.salesforce.com",
        "https://user@acme.my.salesforce.com",
        "https://acme.my.salesforce.com:99999",
        "https://[acme",
        "https://salesforce-setup.com.evil.example",
    ],
)
def test_other_addresses_get_no_secret(settings: Settings, far: Any, text: str) -> None:
    """They are refused before anything is sent, with what a domain looks like."""
    with pytest.raises(SettingError, match="Setup > My Domain"):
        own_account(settings, {**SECRET, "domain": text})
    assert len(far.calls) == 0


@pytest.mark.parametrize("text", ["", "production", "sandbox", "login.salesforce.com"])
def test_a_secret_needs_the_orgs_own_domain(settings: Settings, far: Any, text: str) -> None:
    """Salesforce takes it nowhere else."""
    with pytest.raises(SettingError, match="only at the org's own domain"):
        own_account(settings, {**SECRET, "domain": text})
    assert len(far.calls) == 0


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("invalid_client_id", "client identifier invalid", "knows no app with this consumer key"),
        ("OAUTH_EC_APP_NOT_FOUND", "External client app not found", "knows no app"),
        ("invalid_client", "invalid client credentials", "consumer secret does not belong"),
        ("invalid_grant", "no client credentials user enabled", '"Run As"'),
        ("unsupported_grant_type", "grant type not supported", "Enable Client Credentials Flow"),
        ("invalid_grant", "client credentials flow not enabled", "Enable Client Credentials Flow"),
        ("invalid_grant", "request not supported on this domain", "the org's own domain"),
        ("invalid_grant", "user hasn't approved this consumer", "pre-authorized"),
        ("invalid_app_access", "user is not admin approved to access this app", "pre-authorized"),
        ("invalid_grant", "invalid assertion", "app's certificate"),
        ("invalid_grant", "audience is invalid", "sandbox"),
        ("invalid_grant", "no valid scopes defined", "api"),
        ("inactive_user", "user is inactive", "not active"),
        ("invalid_grant", "ip restricted", "IP Relaxation"),
        ("OAUTH_APP_BLOCKED", "this app is blocked by admin", "blocks the app"),
        ("invalid_grant", "authentication failure", "Login History"),
    ],
)
def test_each_refusal_says_which_page_mends_it(
    settings: Settings, far: responses.RequestsMock, code: str, message: str, told: str
) -> None:
    """In our own words: Salesforce's may quote what nobody should read."""
    refused(far, code, f"{message} for ana@acme.example")

    with pytest.raises(CredentialError) as error:
        own_account(settings, SECRET)
    assert told in error.value.sentence
    assert "Salesforce: Setup > " in error.value.sentence
    assert "ana@acme.example" not in error.value.sentence


def test_a_domain_that_nobody_has_is_told(settings: Settings, far: responses.RequestsMock) -> None:
    """It may be Salesforce's fault or a typing mistake; the sentence names both."""
    far.post(HOME + TOKEN, body=requests.ConnectionError("no such name"))

    with pytest.raises(CRMDownError, match="Setup > My Domain"):
        own_account(settings, SECRET)


@pytest.mark.parametrize("code", ["API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"])
def test_an_org_without_the_api_is_told(settings: Settings, far: Any, code: str) -> None:
    """Before anything is stored."""
    far.post(HOME + TOKEN, json=GIVEN)
    far.get(HOME + QUERY, status=403, json=[{"errorCode": code, "message": "…"}])

    with pytest.raises(CredentialError, match="API Enabled"):
        own_account(settings, SECRET)


@pytest.mark.parametrize(
    "answer", [{"json": [{"errorCode": "INVALID_SESSION_ID", "message": "…"}]}, {"body": "no"}]
)
def test_an_app_without_the_scope_is_told(settings: Settings, far: Any, answer: Any) -> None:
    """Its token is good, but not for the API."""
    far.post(HOME + TOKEN, json=GIVEN)
    far.get(HOME + QUERY, status=401, **answer)

    with pytest.raises(CredentialError, match="Selected OAuth Scopes"):
        own_account(settings, SECRET)


def test_an_org_of_another_version_is_told(settings: Settings, far: Any) -> None:
    """The variable stands in the sentence."""
    far.post(HOME + TOKEN, json=GIVEN)
    gone = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    far.get(HOME + QUERY, status=404, json=gone)

    with pytest.raises(SettingError, match="CUEREEL_SALESFORCE_VERSION"):
        own_account(settings, SECRET)


def test_a_busy_org_is_no_half_connection(settings: Settings, far: Any) -> None:
    """What the org would have said of itself is not guessed."""
    far.post(HOME + TOKEN, json=GIVEN)
    far.get(HOME + QUERY, status=503, body="<html>")

    with pytest.raises(CRMDownError):
        own_account(settings, SECRET)


def test_what_the_user_may_not_see_is_left_out(settings: Settings, far: Any) -> None:
    """The org is called by its domain."""
    far.post(HOME + TOKEN, json=GIVEN)
    hidden = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Organization' is not …"}]
    far.get(HOME + QUERY, status=400, json=hidden)
    account = own_account(settings, SECRET)

    assert account.title == DOMAIN
    assert account.config == {
        "org": ORG,
        "user": USER,
        "instance": HOME,
        "domain": DOMAIN,
        "sandbox": False,
    }


def test_a_sandbox_is_known_by_its_address(settings: Settings, far: Any) -> None:
    """Where the org does not say."""
    sandbox = "https://acme--uat.sandbox.my.salesforce.com"
    far.post(sandbox + TOKEN, json={**GIVEN, "instance_url": sandbox})
    answer_queries(far, home=sandbox, IsSandbox=None)
    account = own_account(settings, {**SECRET, "domain": sandbox})

    assert account.config["sandbox"] is True


def test_a_sandbox_may_say_so(settings: Settings, far: Any) -> None:
    """Its domain need not show it."""
    far.post(HOME + TOKEN, json=GIVEN)
    answer_queries(far, IsSandbox=True)

    assert own_account(settings, SECRET).config["sandbox"] is True


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ({"status": 403, "json": [{"errorCode": "INSUFFICIENT_ACCESS"}]}, False),
        ({"json": {"0035g": {"result": "Operation not supported"}}}, False),
        ({"json": {}}, False),
        ({"status": 503, "body": "<html>"}, None),
    ],
)
def test_the_consent_api_is_tried_once(
    settings: Settings, far: Any, answer: Any, known: bool | None
) -> None:
    """Only where it answers this user is it asked later; a hiccup leaves it open."""
    far.post(HOME + TOKEN, json=GIVEN)
    answer_queries(far)
    far.replace(responses.GET, HOME + CONSENT, **answer)

    assert own_account(settings, SECRET).config.get("consent_api") is known


def test_without_an_identity_the_org_is_asked_who_we_are(settings: Settings, far: Any) -> None:
    """An answer may lack it."""
    far.post(HOME + TOKEN, json={**GIVEN, "id": ""})
    far.get(USER_INFO, json={"organization_id": ORG[:15], "user_id": USER[:15]})
    answer_queries(far)
    account = own_account(settings, SECRET)

    assert account.id == f"salesforce-{ORG}"
    assert account.config["user"] == USER


@pytest.mark.parametrize(
    "answer", [{"status": 403, "body": "Bad_OAuth_Token"}, {"json": {"organization_id": "x' OR"}}]
)
def test_an_org_without_an_id_is_no_answer(settings: Settings, far: Any, answer: Any) -> None:
    """Nor does something else become part of a query."""
    far.post(HOME + TOKEN, json={**GIVEN, "id": "https://login.salesforce.com/id/x"})
    far.get(USER_INFO, **answer)

    with pytest.raises(CRMDownError, match="which org"):
        own_account(settings, SECRET)


def test_the_token_goes_where_salesforce_says(settings: Settings, far: Any) -> None:
    """The org's own address, and nowhere that is not Salesforce."""
    far.post(HOME + TOKEN, json={**GIVEN, "instance_url": "https://evil.example"})

    with pytest.raises(SettingError):
        own_account(settings, SECRET)
    assert len(far.calls) == 1


def test_ids_of_the_org_are_what_it_says(settings: Settings, far: Any) -> None:
    """The token's identity is the org's, however many characters it has."""
    short = f"https://login.salesforce.com/id/{ORG[:15]}/{USER[:15]}"
    far.post(HOME + TOKEN, json={**GIVEN, "id": short})
    answer_queries(far)

    assert own_account(settings, SECRET).config["org"] == ORGANISATION["Id"]
