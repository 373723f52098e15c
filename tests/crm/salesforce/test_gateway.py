"""The way to an org: one more try after a refused token, the whole answer or none, and never elsewhere."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import requests
import responses

from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.transport import BoundedSession, safe_address
from connector.errors import CredentialError, CRMDownError, NotFoundError, SettingError
from connector.settings import Settings
from tests.fakes.salesforce import FakeOrg

HOME = "https://salesforce.example"
DATA = f"{HOME}/services/data/v67.0"
TOKEN = f"{HOME}/services/oauth2/token"
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
FRESH = {"access_token": "00D!second", "instance_url": HOME, "id": f"{HOME}/id/00D/005"}


def test_an_expired_session_is_renewed_once_and_the_call_made_again_with_its_headers(
    prepared: Gateway,
) -> None:
    """The library drops headers on its own second try, so it makes none."""
    with responses.RequestsMock() as far:
        far.patch(f"{DATA}/composite/sobjects", json=EXPIRED, status=401)
        far.post(TOKEN, json=FRESH)
        far.patch(f"{DATA}/composite/sobjects", json=[])
        prepared.call(
            "PATCH", "composite/sobjects", {"records": []},
            headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"},
        )  # fmt: skip
        first, _, second = (call.request for call in far.calls)

    for sent in (first, second):
        assert sent.headers["Sforce-Duplicate-Rule-Header"] == "allowSave=true"
        assert sent.headers["Sforce-Call-Options"] == "client=Cuereel"
        assert json.loads(sent.body or b"") == {"records": []}
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert second.headers["Authorization"] == "Bearer 00D!second"


def test_a_session_that_stays_refused_ends_after_two_calls(prepared: Gateway) -> None:
    """And not after a thousand, as the library's own objects would."""
    with responses.RequestsMock() as far:
        far.get(f"{DATA}/limits", json=EXPIRED, status=401)
        far.post(TOKEN, json=FRESH)
        with pytest.raises(CredentialError, match="connect"):
            prepared.call("GET", "limits")
        assert len(far.calls) == 3


def test_a_refused_session_without_json_is_renewed_as_well(prepared: Gateway) -> None:
    """A page in HTML says 401 just as well."""
    with responses.RequestsMock() as far:
        far.get(f"{DATA}/limits", body="<html>401</html>", status=401)
        far.post(TOKEN, json=FRESH)
        far.get(f"{DATA}/limits", json={"fine": True})
        assert prepared.call("GET", "limits") == {"fine": True}


@pytest.mark.parametrize(
    "trouble", [requests.ConnectionError("refused"), requests.ReadTimeout("late"), OSError("reset")]
)
def test_no_answer_is_worth_another_try(prepared: Gateway, trouble: Exception) -> None:
    """And the address, which may hold an e-mail's, stays out of the sentence."""
    with responses.RequestsMock() as far:
        far.get(f"{DATA}/limits", body=trouble)
        with pytest.raises(CRMDownError) as raised:
            prepared.call("GET", "limits")
    assert "salesforce.example" not in raised.value.sentence


def test_an_org_that_redirects_is_not_followed(prepared: Gateway) -> None:
    """A token goes only where it belongs."""
    with responses.RequestsMock() as far:
        far.get(f"{DATA}/limits", status=302, headers={"Location": "https://elsewhere.example/"})
        with pytest.raises(CRMDownError):
            prepared.call("GET", "limits")
        assert len(far.calls) == 1


def test_a_next_page_elsewhere_is_not_asked_for(prepared: Gateway) -> None:
    """Only addresses below the version are pages of a query."""
    page = {"records": [{"Id": "1"}], "done": False, "nextRecordsUrl": "/services/apexrest/evil"}
    with responses.RequestsMock() as far:
        far.get(f"{DATA}/query/", json=page)
        with pytest.raises(CRMDownError, match="strange next page"):
            list(prepared.query("SELECT Id FROM Contact"))


def test_a_query_is_read_page_by_page(org: FakeOrg, gateway: Gateway) -> None:
    """Each row once, in order, one call for two thousand."""
    for number in range(4500):
        org.add("Contact", {"LastName": f"P{number:05d}"})
    before = len(org.calls)
    names = [
        row["LastName"] for row in gateway.query("SELECT LastName FROM Contact ORDER BY LastName")
    ]

    assert names == [f"P{number:05d}" for number in range(4500)]
    assert len(org.calls) - before == 3
    assert gateway.count("SELECT COUNT() FROM Contact") == 4500


def test_several_calls_made_as_one_each_have_their_answer(org: FakeOrg, gateway: Gateway) -> None:
    """One that is refused does not spoil the other."""
    org.add("Contact", {"LastName": "Prieto"}, id="101")
    before = len(org.calls)
    good, bad = gateway.together(
        [
            ("GET", "query/?q=SELECT+LastName+FROM+Contact", None),
            ("GET", "query/?q=SELECT+Nonsense__c+FROM+Contact", None),
        ]
    )
    assert (good[0], good[1]["records"][0]["LastName"]) == (200, "Prieto")
    assert (bad[0], bad[1][0]["errorCode"]) == (400, "INVALID_FIELD")
    assert len(org.calls) - before == 1


def test_what_the_day_has_used_is_heard_from_each_answer(org: FakeOrg, gateway: Gateway) -> None:
    """From the header that every answer carries, also those of files."""
    org.api_limit, org.api_used = 1000, 699
    gateway.call("GET", "limits")
    assert gateway.used == pytest.approx(0.7)


def test_an_expired_session_during_an_upload_sends_the_file_from_its_beginning(
    org: FakeOrg, gateway: Gateway
) -> None:
    """Half a file would be written as if it were all."""
    ana = org.add("Contact", {"LastName": "Prieto"}, id="101")
    job = gateway.call(
        "POST", "jobs/ingest",
        {"object": "Contact", "operation": "update", "contentType": "CSV", "lineEnding": "LF"},
    )["id"]  # fmt: skip
    org.expire_tokens()
    gateway.upload(f"jobs/ingest/{job}/batches", io.BytesIO(f"Id,FirstName\n{ana},Ana\n".encode()))
    gateway.call("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"})
    for _ in range(org.bulk_polls + 1):
        state = gateway.call("GET", f"jobs/ingest/{job}")["state"]

    assert state == "JobComplete"
    assert org.records["Contact"][ana]["FirstName"] == "Ana"
    org.expire_tokens()
    [row] = gateway.download(f"jobs/ingest/{job}/successfulResults")
    assert row["sf__Id"] == ana


def test_what_is_not_there_is_said_to_be_so(gateway: Gateway) -> None:
    """A path that the org does not know is no trouble of its own."""
    with pytest.raises(NotFoundError):
        gateway.call("GET", "sobjects/Nonsense__c/describe")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("https://ACME--uat.sandbox.my.salesforce.com/lightning/page", "https://acme--uat.sandbox.my.salesforce.com"),
        ("https://login.salesforce.com", "https://login.salesforce.com"),
    ],
)  # fmt: skip
def test_an_orgs_address_is_taken_as_people_copy_it(address: str, host: str) -> None:
    """With or without scheme, and with the page that stood open."""
    assert safe_address(Settings(), address) == host


@pytest.mark.parametrize(
    "address",
    [
        "http://acme.my.salesforce.com", "https://salesforce.com.evil.example", "https://evilsalesforce.com",
        "https://acme.my.salesforce.com:8443", "https://user@acme.my.salesforce.com", "https://127.0.0.1",
        "javascript:alert(1)", "", "https://acme.my.salesforce.com.", "https://[::1]/",
    ],
)  # fmt: skip
def test_a_token_goes_to_no_other_address(address: str) -> None:
    """Whether an admin mistypes it or an answer names it."""
    with pytest.raises(SettingError, match=r"my\.salesforce\.com"):
        safe_address(Settings(), address)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch, org: FakeOrg) -> None:
    """More than fits is no answer."""
    monkeypatch.setattr("connector.crm.salesforce.transport.LARGEST", 100)
    org.fail(200, "x" * 1000, path="/services/data")
    session = BoundedSession()
    with pytest.raises(CRMDownError, match="MB came"):
        session.request("GET", f"{org.url}/services/data/v67.0/limits")
    session.close()


def test_the_page_of_an_answer_reads_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy or a .netrc of the machine must not see a token."""
    seen: dict[str, Any] = {}
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    with responses.RequestsMock() as far:
        far.get(f"{HOME}/", body="fine")
        session = BoundedSession(lambda response: seen.update(proxies=session.trust_env))
        session.request("GET", f"{HOME}/")
        session.close()
    assert seen == {"proxies": False}
