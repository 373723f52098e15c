"""The fake org does what the contracts say of the real one."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from tests.fakes.salesforce import FakeOrg, serving
from tests.fakes.salesforce.grants import key_pair

API = "/services/data/v63.0"
MAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
BACK = "https://cuereel.example/back"


class Client:
    """Calls the org with a token."""

    def __init__(self, org: FakeOrg, session: requests.Session) -> None:
        self.org, self.session = org, session
        self.token = org.secrets()["access"]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        address = self.org.url + (path if path.startswith("/services/") else f"{API}/{path}")
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.session.request(
            method, address, headers=headers, allow_redirects=False, timeout=10, **options
        )

    def get(self, path: str, **query: str) -> Any:
        return self.call("GET", path, params=query).json()

    def ask(self, soql: str, way: str = "query") -> Any:
        return self.get(f"{way}/", q=soql)

    def rows(self, soql: str, way: str = "query") -> list[dict[str, Any]]:
        answer = self.ask(soql, way)
        assert "records" in answer, answer
        return [{k: v for k, v in row.items() if k != "attributes"} for row in answer["records"]]

    def refusal(self, soql: str) -> tuple[str, str]:
        response = self.call("GET", "query/", params={"q": soql})
        assert response.status_code == 400
        return response.json()[0]["errorCode"], response.json()[0]["message"]

    def collect(self, method: str, path: str, records: list[Any]) -> requests.Response:
        return self.call(method, path, json={"allOrNone": False, "records": records})

    def grant(self, **form: str) -> requests.Response:
        return self.call("POST", "/services/oauth2/token", data=form)


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    with serving(FakeOrg()) as org:
        yield org


@pytest.fixture
def client(org: FakeOrg) -> Iterator[Client]:
    with requests.Session() as session:
        yield Client(org, session)


def contact(record: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Contact"}, "id": record, **values}


def video(key: str, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Cuereel_Video__c"}, "Key__c": key, **values}


def codes(results: list[Any]) -> list[str]:
    return [one["errors"][0]["statusCode"] if one["errors"] else "" for one in results]


def own(org: FakeOrg) -> dict[str, str]:
    return {"client_id": org.client_id, "client_secret": org.client_secret}


def assertion(org: FakeOrg, **claims: Any) -> str:
    usual = {"iss": org.client_id, "sub": org.username, "aud": "https://login.salesforce.com", "exp": int(time.time()) + 170}  # fmt: skip
    return jwt.encode({**usual, **claims}, key_pair()[0], algorithm="RS256")


# letting us in


def test_key_and_secret_give_a_token_without_saying_how_long_it_lasts(client: Client) -> None:
    """The answer has the org's address and identity, and times as text."""
    answer = client.grant(grant_type="client_credentials", **own(client.org)).json()
    assert answer["id"].endswith(f"/id/{client.org.org_id}/{client.org.user_id}")
    assert (answer["instance_url"], answer["token_type"]) == (client.org.url, "Bearer")
    assert isinstance(answer["issued_at"], str)
    assert answer["signature"]
    assert not {"expires_in", "refresh_token"} & set(answer)
    client.token = answer["access_token"]
    assert client.call("GET", "limits").status_code == 200


def test_key_and_secret_may_stand_in_the_header(client: Client) -> None:
    """Basic does as well as the form."""
    response = client.session.post(
        client.org.url + "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(client.org.client_id, client.org.client_secret),
        timeout=10,
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "other"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "unknown"}, "invalid_grant"),
    ],
)
def test_a_wrong_grant_is_refused_with_its_own_word(client: Client, form: Any, error: str) -> None:
    """Refusals of tokens are 400 with `error`."""
    response = client.grant(**{**own(client.org), **form})
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_an_assertion_is_verified(client: Client) -> None:
    """Signature, audience, user and lifetime must be right, and an admin must have approved."""
    kind = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    def told(text: str) -> str:
        answer = client.grant(grant_type=kind, assertion=text).json()
        return str(answer.get("error_description", "good"))

    assert told(assertion(client.org)) == "good"
    assert told(assertion(client.org, aud="https://test.salesforce.com")) == "audience is invalid"
    assert told(assertion(client.org, exp=int(time.time()) + 600)) == "expiration time is invalid"
    assert told(assertion(client.org)[:-8] + "AAAAAAAA") == "invalid assertion"
    assert told(assertion(client.org, sub="x@y.example")) == "user hasn't approved this consumer"
    client.org.approved = False
    assert told(assertion(client.org)) == "user hasn't approved this consumer"


def authorised(client: Client, scope: str = "api refresh_token") -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    response = client.call(
        "GET",
        "/services/oauth2/authorize",
        params={"response_type": "code", "client_id": client.org.client_id, "redirect_uri": BACK, "state": "s1", "scope": scope, "code_challenge": challenge, "code_challenge_method": "S256"},
    )  # fmt: skip
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert query["state"] == ["s1"]
    return query.get("code", query.get("error", [""]))[0]


def exchanged(client: Client, code: str, verifier: str = "v" * 43, **more: str) -> Any:
    form = {"redirect_uri": BACK, **own(client.org), **more}
    grant = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    return client.grant(**grant, **form).json()


def test_a_code_is_good_once_and_for_who_asked(client: Client) -> None:
    """The verifier must fit the challenge, the secret must be there too, and a code is spent."""
    assert exchanged(client, authorised(client), "w" * 43)["error_description"] == "invalid code verifier"  # fmt: skip
    assert exchanged(client, authorised(client), client_secret="")["error"] == "invalid_client"
    code = authorised(client)
    assert exchanged(client, code)["refresh_token"]
    assert exchanged(client, code)["error"] == "invalid_grant"
    assert "refresh_token" not in exchanged(client, authorised(client, scope="api"))


def test_an_admin_may_decline(client: Client) -> None:
    """The way back then carries the refusal."""
    client.org.declines = True
    assert authorised(client) == "access_denied"


def test_an_old_refresh_token_kills_the_grant(client: Client) -> None:
    """Each use gives a new one; using an old one again ends all tokens."""
    first = client.org.secrets("web_server")["refresh"]

    def renew(refresh: str) -> Any:
        return client.grant(
            grant_type="refresh_token", refresh_token=refresh, **own(client.org)
        ).json()

    answer = renew(first)
    second, client.token = answer["refresh_token"], answer["access_token"]
    assert client.call("GET", "limits").status_code == 200
    assert renew(first)["error_description"] == "expired access/refresh token"
    assert client.call("GET", "limits").status_code == 401
    assert renew(second)["error"] == "invalid_grant"


def test_without_rotation_the_refresh_token_stays(client: Client) -> None:
    """Then it can be used again and again, and no new one comes."""
    client.org.rotates = False
    refresh = client.org.secrets("web_server")["refresh"]
    for _ in range(2):
        form = {"grant_type": "refresh_token", "refresh_token": refresh, **own(client.org)}
        assert "refresh_token" not in client.grant(**form).json()
    assert client.org.refreshes == 2


def test_a_token_that_ran_out_is_told_by_its_code(client: Client) -> None:
    """401 with the list of errors, for whatever is asked; who we are answers in plain text."""
    assert client.get("/services/oauth2/userinfo")["organization_id"] == client.org.org_id
    client.org.expire_tokens()
    response = client.call("GET", "limits")
    assert response.status_code == 401
    assert response.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]
    who = client.call("GET", "/services/oauth2/userinfo")
    assert (who.status_code, who.text) == (403, "Bad_OAuth_Token")


def test_what_was_given_back_is_dead(client: Client) -> None:
    """A refresh token takes its access tokens along; an app that was taken out gets none at all."""
    refresh = client.org.secrets("web_server")["refresh"]
    client.call("POST", "/services/oauth2/revoke", data={"token": refresh})
    assert client.call("GET", "limits").status_code == 401
    assert (
        client.call("POST", "/services/oauth2/revoke", data={"token": refresh}).status_code == 400
    )
    client.org.revoke()
    refused = client.grant(grant_type="client_credentials", **own(client.org))
    assert refused.json()["error"] == "invalid_grant"


# the door


def test_every_answer_tells_how_much_of_the_day_is_used(client: Client) -> None:
    """The header counts up; over the limit all is refused with 403; tokens do not count."""
    client.org.api_limit = 2
    client.grant(grant_type="client_credentials", **own(client.org))
    heard = [client.call("GET", "limits").headers["Sforce-Limit-Info"] for _ in range(2)]
    assert heard == ["api-usage=1/2", "api-usage=2/2"]
    refused = client.call("GET", "limits")
    assert refused.status_code == 403
    assert refused.json()[0] == {
        "message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"
    }  # fmt: skip
    assert client.org.calls == [("GET", f"{API}/limits")] * 3


def test_a_version_that_is_no_more_or_not_yet_is_refused(client: Client) -> None:
    """One to come is not there, one that was retired is gone."""
    assert client.call("GET", "/services/data/v99.0/limits").status_code == 404
    client.org.versions = (64.0, 67.0)
    gone = client.call("GET", "limits")
    assert (gone.status_code, gone.json()[0]["errorCode"]) == (410, "UNSUPPORTED_API_VERSION")


def test_faults_come_as_prepared(client: Client) -> None:
    """Before the work or after it, with whatever body, until it is healed."""
    record = client.org.add("Contact", {"LastName": "Lima"}, id="101")
    path = f"sobjects/Contact/{record}"
    client.org.fail(503, "<html>Maintenance</html>", path="sobjects/Contact", method="PATCH")
    broken = client.call("PATCH", path, json={"Title": "CEO"})
    assert broken.headers["Content-Type"].startswith("text/html")
    assert "Title" not in client.org.records["Contact"][record]
    client.org.fail(500, path="sobjects/Contact", after_work=True, times=-1)
    for title in ("CFO", "CTO"):
        assert client.call("PATCH", path, json={"Title": title}).status_code == 500
        assert client.org.records["Contact"][record]["Title"] == title
    client.org.drop(path="limits")
    with pytest.raises(requests.ConnectionError):
        client.call("GET", "limits")
    client.org.heal()
    assert client.call("GET", path).status_code == 200


def test_what_is_not_there_is_said_to_be_so(client: Client) -> None:
    """Addresses and objects that do not exist are NOT_FOUND."""
    for path in ("sobjects/Nothing__c/describe", "nothing", "sobjects/Contact/003000000000001AAA"):
        response = client.call("GET", path)
        assert (response.status_code, response.json()[0]["errorCode"]) == (404, "NOT_FOUND")


# describe


def test_a_description_has_just_what_we_may_see(client: Client) -> None:
    """A field without permission is missing from it, and refused in queries and in writes."""
    record = client.org.add("Contact", {"LastName": "Lima"}, id="101")

    def names() -> set[str]:
        return {one["name"] for one in client.get("sobjects/Contact/describe")["fields"]}

    assert {"Id", "Email", "HasOptedOutOfEmail"} <= names()
    client.org.hide("Contact", "HasOptedOutOfEmail")
    assert "HasOptedOutOfEmail" not in names()
    assert client.refusal("SELECT HasOptedOutOfEmail FROM Contact")[0] == "INVALID_FIELD"
    body = {"HasOptedOutOfEmail": True}
    refused = client.call("PATCH", f"sobjects/Contact/{record}", json=body)
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD"
    client.org.show("Contact", "HasOptedOutOfEmail")
    assert "HasOptedOutOfEmail" in names()


def test_a_description_tells_relations_both_ways(client: Client) -> None:
    """References name where they lead, and objects who leads to them; our own are there too."""
    client.org.install_ours()
    fields = {one["name"]: one for one in client.get("sobjects/Contact/describe")["fields"]}
    assert (fields["AccountId"]["referenceTo"], fields["AccountId"]["relationshipName"]) == (["Account"], "Account")  # fmt: skip
    assert fields["Cuereel_Video_Url__c"]["type"] == "url"
    assert not fields["CreatedDate"]["updateable"]
    assert fields["Email"]["idLookup"]
    children = client.get("sobjects/Contact/describe")["childRelationships"]
    assert {"CampaignMembers", "Cuereel_Videos__r"} <= {one["relationshipName"] for one in children}
    listed = {one["name"]: one["keyPrefix"] for one in client.get("sobjects")["sobjects"]}
    assert (listed["Lead"], "Cuereel_Video__c" in listed) == ("00Q", True)


# queries


def test_a_query_reads_fields_relations_and_children(client: Client) -> None:
    """What is empty is null, a relation that leads nowhere is null as a whole."""
    org = client.org
    account = org.add("Account", {"Name": "Casa"}, id="1")
    org.add("Contact", {"LastName": "Lima", "AccountId": account}, id="101", at=MAY)
    org.add("Contact", {"LastName": "Abreu", "AccountId": account}, id="102", at=MAY)
    org.add("Contact", {"LastName": "Solo", "Birthdate": date(2000, 1, 2)}, id="103", at=MAY)
    rows = client.ask("SELECT Id, Email, Account.Name, Owner.Name, CreatedDate, Birthdate FROM Contact ORDER BY LastName")  # fmt: skip
    abreu, _, solo = rows["records"]
    assert abreu["attributes"]["url"] == f"{API}/sobjects/Contact/{org.id('Contact', 102)}"
    assert (abreu["Email"], abreu["Account"]["Name"], abreu["Owner"]["Name"]) == (None, "Casa", "Marta Ruiz")  # fmt: skip
    assert (abreu["CreatedDate"], solo["Account"], solo["Birthdate"]) == ("2026-05-04T09:30:00.000+0000", None, "2000-01-02")  # fmt: skip
    parents = client.rows("SELECT Name, (SELECT Id FROM Contacts ORDER BY LastName DESC LIMIT 1) FROM Account")  # fmt: skip
    children = parents[0]["Contacts"]
    assert (children["totalSize"], children["records"][0]["Id"]) == (1, org.id("Contact", 101))
    org.add("Account", {"Name": "Vazia"}, id="2")
    empty = "SELECT (SELECT Id FROM Contacts) FROM Account WHERE Name = 'vazia'"
    assert client.rows(empty) == [{"Contacts": None}]


def test_a_path_may_lead_over_several_relations(client: Client) -> None:
    """A cart's buyer is found through who made it."""
    org = client.org
    ana = org.add("Contact", {"LastName": "Lima", "Email": "ana@casa.example"}, id="101")
    user = org.add("User", {"Username": "ana@shop.example", "LastName": "Lima", "ContactId": ana})
    org.add("WebCart", {"Status": "Active"}, id="1", by=user)
    rows = client.rows("SELECT CreatedBy.ContactId, CreatedBy.Contact.Email FROM WebCart")
    created = rows[0]["CreatedBy"]
    assert (created["ContactId"], created["Contact"]["Email"]) == (ana, "ana@casa.example")
    org.add("Task", {"Subject": "Call", "WhoId": ana})
    assert client.rows("SELECT Who.Name FROM Task WHERE Who.Type = 'Contact'")[0]["Who"]["Name"] == "Lima"  # fmt: skip


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Title = 'ceo'", "a"),
        ("Title != 'CEO'", "bcd"),
        ("Title = null", "d"),
        ("Title IN ('CEO', 'O\\'Neil')", "ab"),
        ("Title NOT IN ('CEO', 'CFO')", "bd"),
        ("Title LIKE 'C_O'", "ac"),
        ("Title LIKE '%NEIL'", "b"),
        ("HasOptedOutOfEmail = TRUE", "b"),
        ("HasOptedOutOfEmail = false AND Title != null", "ac"),
        ("(Title = 'CEO' OR Title = 'CFO') AND NOT LastName = 'a'", "c"),
        ("Account.NumberOfEmployees > 10", "a"),
        ("Birthdate >= 2001-01-01", "c"),
        ("CreatedDate > 2026-05-04T09:30:00Z AND CreatedDate <= 2026-05-04T11:00:00+00:00", "bc"),
        ("CreatedDate = LAST_N_DAYS:2", ""),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'Casa')", "a"),
        ("Id NOT IN (SELECT ContactId FROM CampaignMember WHERE Status = 'Sent')", "bcd"),
    ],
)
def test_conditions_mean_what_they_say(client: Client, where: str, found: str) -> None:
    """Capitals do not matter in texts, empty is unlike anything, and AND, OR, NOT and brackets work."""
    org = client.org
    org.add("Account", {"Name": "Casa", "NumberOfEmployees": 50}, id="1")
    people: list[dict[str, Any]] = [
        {"Title": "CEO", "AccountId": org.id("Account", 1), "Birthdate": "2000-01-01"},
        {"Title": "O'Neil", "HasOptedOutOfEmail": True},
        {"Title": "CFO", "Birthdate": "2002-01-01"},
        {},
    ]
    for hour, (name, values) in enumerate(zip("abcd", people, strict=True)):
        at = MAY + timedelta(minutes=40 * hour)
        org.add("Contact", {"LastName": name, **values}, id=str(hour + 1), at=at)
    campaign = org.add("Campaign", {"Name": "June"})
    org.add("CampaignMember", {"CampaignId": campaign, "ContactId": org.id("Contact", 1)})
    rows = client.rows(f"SELECT LastName FROM Contact WHERE {where} ORDER BY LastName")
    assert "".join(row["LastName"] for row in rows) == found


def test_rows_come_in_order_and_in_parts(client: Client) -> None:
    """Empty stands first unless told, several fields order, and a limit and an offset cut."""
    org = client.org
    for number, title in enumerate(("b", None, "a", "b")):
        org.add("Contact", {"LastName": f"L{number}", "Title": title}, id=str(number + 1))

    def order(rest: str) -> str:
        return "".join(
            row["LastName"][1] for row in client.rows(f"SELECT LastName FROM Contact {rest}")
        )

    assert order("ORDER BY Title, LastName DESC") == "1230"
    assert order("ORDER BY Title DESC NULLS LAST, LastName ASC") == "0321"
    assert order("ORDER BY Title NULLS LAST, LastName LIMIT 2 OFFSET 1") == "03"
    assert client.ask("SELECT COUNT() FROM Contact WHERE Title = 'b'")["totalSize"] == 2


@pytest.mark.parametrize(
    ("soql", "code", "told"),
    [
        ("SELECT Id FROM", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Contact WHERE Id = 'x", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Contact GRUNT", "MALFORMED_QUERY", "'GRUNT'"),
        ("SELECT Id FROM Contact WHERE Title='a' AND Title='b' OR Title='c'", "MALFORMED_QUERY", "'OR'"),
        ("SELECT Id FROM Contact WHERE Title = 'a' OR Id IN (SELECT ContactId FROM Case)", "MALFORMED_QUERY", "Semi join"),
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE", "sObject type 'Nothing__c' is not supported"),
        ("SELECT Nothing__r.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Nothing__r'"),
        ("SELECT Id, (SELECT Id FROM Nothings__r) FROM Contact", "INVALID_TYPE", "Didn't understand relationship"),
        ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail = 'true'", "INVALID_FIELD", "should not be enclosed in quotes"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD", "of type dateTime"),
        ("SELECT Id FROM Contact WHERE Title = 5", "INVALID_FIELD", "should be enclosed in quotes"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Contact WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
    ],
)  # fmt: skip
def test_a_wrong_query_is_refused_as_salesforce_does(
    client: Client, soql: str, code: str, told: str
) -> None:
    """By code and by words."""
    found, message = client.refusal(soql)
    assert found == code
    assert told in message


def test_an_unknown_field_is_shown_where_it_stands(client: Client) -> None:
    """The message has the piece of the query, an arrow, row and column."""
    _, message = client.refusal("SELECT Foo__c FROM Contact")
    head = "\nSELECT Foo__c FROM Contact\n       ^\nERROR at Row:1:Column:8\n"
    assert message.startswith(head + "No such column 'Foo__c' on entity 'Contact'. If you are")


def test_long_answers_come_in_pages(client: Client) -> None:
    """Each page names the next one, until all is said."""
    client.org.page = 3
    for number in range(8):
        client.org.add("Contact", {"LastName": str(number)})
    page = client.ask("SELECT LastName FROM Contact ORDER BY LastName")
    names, sizes = [], []
    while True:
        names += [row["LastName"] for row in page["records"]]
        sizes.append(len(page["records"]))
        if page["done"]:
            break
        assert page["nextRecordsUrl"].endswith(f"-{len(names)}")
        page = client.get(page["nextRecordsUrl"])
    assert (names, sizes, page["totalSize"]) == (list("01234567"), [3, 3, 2], 8)


def test_deleted_and_merged_records_are_in_the_recycle_bin(client: Client) -> None:
    """Only queryAll sees them; a merged one names its master, and what led to it leads there."""
    org = client.org
    for number in ("101", "102", "103"):
        org.add("Contact", {"LastName": number}, id=number)
    case = org.add("Case", {"ContactId": org.id("Contact", "102")})
    org.remove("Contact", "101")
    org.remove("Contact", "102", into="103")
    assert client.rows("SELECT LastName FROM Contact") == [{"LastName": "103"}]
    gone = client.rows("SELECT LastName, MasterRecordId FROM Contact WHERE IsDeleted = true ORDER BY LastName", "queryAll")  # fmt: skip
    assert gone == [{"LastName": "101", "MasterRecordId": None},
                    {"LastName": "102", "MasterRecordId": org.id("Contact", "103")}]  # fmt: skip
    assert org.records["Case"][case]["ContactId"] == org.id("Contact", "103")


def test_an_address_that_is_too_long_is_refused_in_html(client: Client) -> None:
    """500 ids fit, 1,000 do not."""

    def asked(count: int) -> requests.Response:
        ids = ",".join(f"'{client.org.id('Contact', number)}'" for number in range(count))
        return client.call(
            "GET", "query/", params={"q": f"SELECT Id FROM Contact WHERE Id IN ({ids})"}
        )

    assert asked(500).status_code == 200
    refused = asked(1000)
    assert refused.status_code == 414


class Unsearched(dict[str, Any]):
    """Records that may be looked up, but not gone through."""

    def values(self) -> Any:
        raise AssertionError("a query went through all records")


@pytest.mark.parametrize(
    "where",
    ["Id IN ('{0}')", "AccountId = '{1}'", "Email = 'ANA@b.example' AND Title = 'CEO'",
     "Id IN (SELECT ContactId FROM Case WHERE ContactId = '{0}')"],
)  # fmt: skip
def test_ids_and_keys_are_looked_up_not_searched_for(client: Client, where: str) -> None:
    """What an index can answer is found without going through all records."""
    org = client.org
    account = org.add("Account", {"Name": "Casa"})
    ana = org.add("Contact", {"LastName": "Lima", "Title": "CEO", "Email": "ana@b.example", "AccountId": account})  # fmt: skip
    org.add("Case", {"ContactId": ana})
    for name in ("Contact", "Case"):
        org.records[name] = Unsearched(org.records[name])
    assert client.rows(f"SELECT Id FROM Contact WHERE {where.format(ana, account)}") == [
        {"Id": ana}
    ]


def test_a_record_is_found_by_what_it_holds_now(client: Client) -> None:
    """After a change or a deletion, the look-up no longer knows the old value."""
    org = client.org
    ana = org.add("Contact", {"LastName": "Lima", "Email": "old@b.example"}, id="101")

    def found(address: str) -> int:
        asked = f"SELECT COUNT() FROM Contact WHERE Email = '{address}'"
        return int(client.ask(asked)["totalSize"])

    client.call("PATCH", f"sobjects/Contact/{ana}", json={"Email": "new@b.example"})
    assert (found("old@b.example"), found("new@b.example")) == (0, 1)
    client.call("PATCH", f"sobjects/Contact/{ana}", json={"Email": None})
    assert (found("new@b.example"), found("old@b.example")) == (0, 0)
    org.add("Contact", {"Email": "new@b.example"}, id="101")
    org.remove("Contact", "101")
    assert found("new@b.example") == 0


# single records


def test_a_record_is_made_read_changed_and_deleted(client: Client) -> None:
    """With the status that each has; who wrote it and when is kept."""
    org = client.org
    made = client.call(
        "POST", "sobjects/Task", json={"Subject": "Call", "ActivityDate": "2026-06-01"}
    )
    record = made.json()["id"]
    assert made.status_code == 201
    assert org.records["Task"][record]["ActivityDate"] == date(2026, 6, 1)
    assert org.records["Task"][record]["LastModifiedById"] == org.user_id
    org.clock = lambda: MAY
    assert client.call("PATCH", f"sobjects/Task/{record[:15]}", json={"Status": "Completed"}).status_code == 204  # fmt: skip
    read = client.get(f"sobjects/Task/{record}", fields="Status,IsClosed,SystemModstamp")
    assert (read["Status"], read["IsClosed"], read["SystemModstamp"]) == ("Completed", True, "2026-05-04T09:30:00.000+0000")  # fmt: skip
    assert client.call("DELETE", f"sobjects/Task/{record}").status_code == 204
    for method in ("GET", "DELETE"):
        gone = client.call(method, f"sobjects/Task/{record}")
        assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


def test_an_upsert_makes_changes_or_asks_which(client: Client) -> None:
    """201, then 200; 300 with the addresses where several records have the value."""
    client.org.install_ours()
    path = "sobjects/Cuereel_Video__c/Key__c/v1"
    assert client.call("PATCH", path, json={"Status__c": "minted"}).status_code == 201
    again = client.call("PATCH", path, json={"Status__c": "ready"})
    assert (again.status_code, again.json()["created"]) == (200, False)
    for number in ("101", "102"):
        client.org.add("Contact", {"LastName": "Lima", "Email": "a@b.example"}, id=number)
    several = client.call("PATCH", "sobjects/Contact/Email/A@b.example", json={"Title": "CEO"})
    assert several.status_code == 300
    assert [one.rpartition("/")[2] for one in several.json()] == [client.org.id("Contact", number) for number in (101, 102)]  # fmt: skip


def test_the_far_side_keeps_its_own_name_on_what_it_does(client: Client) -> None:
    """What a test adds was not written by us, and stages are remembered."""
    org = client.org
    deal = org.add("Opportunity", {"Name": "Big", "StageName": "Prospecting", "CloseDate": "2026-12-01"}, at=MAY)  # fmt: skip
    org.add("Opportunity", {"StageName": "Closed Won"}, id=deal, at=MAY + timedelta(hours=1))
    assert org.records["Opportunity"][deal]["LastModifiedById"] == org.admin_id
    assert client.rows("SELECT IsWon FROM Opportunity") == [{"IsWon": True}]
    history = client.rows(
        "SELECT StageName, CreatedDate FROM OpportunityHistory ORDER BY CreatedDate"
    )
    assert [row["StageName"] for row in history] == ["Prospecting", "Closed Won"]


# collections


def test_each_record_has_its_own_result_in_order(client: Client) -> None:
    """One that is deleted, unknown or no id at all does not keep the others back."""
    org = client.org
    for number in ("101", "102", "103"):
        org.add("Contact", {"LastName": number}, id=number)
    org.remove("Contact", "102")
    names = [org.id("Contact", number) for number in ("101", "102", "103", "999")]
    records = [contact(one, Title="CEO") for one in [*names, "nonsense", org.id("Lead", "1")]]
    response = client.collect("PATCH", "composite/sobjects", records)
    assert response.status_code == 200
    assert codes(response.json()) == ["", "ENTITY_IS_DELETED", "", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "MALFORMED_ID"]  # fmt: skip
    assert response.json()[0] == {"id": names[0], "success": True, "errors": []}
    assert org.records["Contact"][names[2]]["Title"] == "CEO"


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"Title": "x" * 129}, "STRING_TOO_LONG", "Title"),
        ({"LastName": ""}, "REQUIRED_FIELD_MISSING", "LastName"),
        ({"Name": "Ana Lima"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Name"),
        ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS", "Email"),
        ({"AccountId": "0015e0000000099AAA"}, "INVALID_CROSS_REFERENCE_KEY", "AccountId"),
        ({"AccountId": "nonsense"}, "MALFORMED_ID", "AccountId"),
        ({"Level__c": "four"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Level__c"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_by_itself(
    client: Client, values: Any, code: str, field: str
) -> None:
    """With the code and the field, and nothing of the record is written."""
    org = client.org
    org.define("Contact", "Level__c", "picklist", values=("one", "two"), restricted=True)
    record = org.add("Contact", {"LastName": "Lima"}, id="101")
    result = client.collect("PATCH", "composite/sobjects", [contact(record, Phone="1", **values)])
    told = result.json()[0]["errors"][0]
    assert (told["statusCode"], told["fields"]) == (code, [field])
    assert "Phone" not in org.records["Contact"][record]


def test_an_unknown_field_refuses_the_whole_request(client: Client) -> None:
    """Unless the switch says that it is told for each record."""
    record = client.org.add("Contact", {"LastName": "Lima"}, id="101")
    other = client.org.add("Contact", {"LastName": "Reis"}, id="102")
    records = [contact(record, Foo__c="x"), contact(other, Title="CEO")]
    refused = client.collect("PATCH", "composite/sobjects", records)
    assert refused.status_code == 400
    assert refused.json() == [{"message": "No such column 'Foo__c' on sobject of type Contact", "errorCode": "INVALID_FIELD"}]  # fmt: skip
    assert "Title" not in client.org.records["Contact"][other]
    client.org.field_errors = "record"
    told = client.collect("PATCH", "composite/sobjects", records).json()
    assert codes(told) == ["INVALID_FIELD_FOR_INSERT_UPDATE", ""]
    assert told[0]["errors"][0]["fields"] == ["Foo__c"]


def test_a_value_of_another_type_stops_the_parser(client: Client) -> None:
    """A number in a text refuses all, as a text in a number does."""
    client.org.install_ours()
    record = client.org.add("Contact", {"LastName": "Lima"}, id="101")
    for values in ({"Title": 5}, {"Cuereel_Views__c": "many"}, {"Cuereel_Last_Viewed_At__c": "2026-05-04"}):  # fmt: skip
        refused = client.collect("PATCH", "composite/sobjects", [contact(record, **values)])
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_collections_have_their_bounds(client: Client) -> None:
    """200 records, ten chunks of types, and no record twice."""
    ana = client.org.add("Contact", {"LastName": "Lima"}, id="101")
    lead = {"attributes": {"type": "Lead"}, "id": client.org.id("Lead", 1)}
    assert client.collect("PATCH", "composite/sobjects", [contact(ana)] * 201).status_code == 400
    mixed = client.collect("PATCH", "composite/sobjects", [contact(ana), lead] * 6)
    assert "more than 10 chunks" in mixed.json()[0]["message"]
    twice = client.collect("PATCH", "composite/sobjects", [contact(ana, Title="a"), contact(ana[:15], Title="b")])  # fmt: skip
    assert codes(twice.json()) == ["DUPLICATE_VALUE"] * 2


def test_records_are_upserted_by_their_key_and_find_each_other(client: Client) -> None:
    """A relation by external id is resolved, or the record refused; one key twice is refused."""
    org = client.org
    org.install_ours()
    path = "composite/sobjects/Cuereel_Video__c/Key__c"
    made = client.collect("PATCH", path, [video("v1", Status__c="ready"), video("v2")]).json()
    assert [one["created"] for one in made] == [True, True]
    again = client.collect("PATCH", path, [video("v1", Status__c=None), video("v3"), video("v3")]).json()  # fmt: skip
    assert again[0] == {"id": made[0]["id"], "success": True, "errors": [], "created": False}
    assert codes(again) == ["", "DUPLICATE_VALUE", "DUPLICATE_VALUE"]
    assert "Status__c" not in org.records["Cuereel_Video__c"][made[0]["id"]]

    def view(key: str, of: str) -> dict[str, Any]:
        return {"attributes": {"type": "Cuereel_Video_View__c"}, "Key__c": key, "Video__r": {"Key__c": of}}  # fmt: skip

    told = client.collect("PATCH", "composite/sobjects/Cuereel_Video_View__c/Key__c", [view("w1", "v1"), view("w2", "v9")]).json()  # fmt: skip
    assert org.records["Cuereel_Video_View__c"][told[0]["id"]]["Video__c"] == made[0]["id"]
    assert told[1]["errors"][0] == {"statusCode": "INVALID_FIELD", "message": "Foreign key external ID: v9 not found for field Key__c in entity Cuereel_Video__c", "fields": []}  # fmt: skip


def test_records_of_many_objects_are_deleted_at_once(client: Client) -> None:
    """A deleted person's memberships go along; other records forget the person."""
    org = client.org
    ana = org.add("Contact", {"LastName": "Lima"}, id="101")
    campaign = org.add("Campaign", {"Name": "June"})
    task = org.add("Task", {"WhoId": ana})
    case = org.add("Case", {"ContactId": ana})
    member = {"attributes": {"type": "CampaignMember"}, "CampaignId": campaign, "ContactId": ana}
    first = client.collect("POST", "composite/sobjects", [member]).json()
    assert codes(client.collect("POST", "composite/sobjects", [member]).json()) == [
        "DUPLICATE_VALUE"
    ]
    gone = client.call("DELETE", "composite/sobjects", params={"ids": f"{ana},{task},nonsense"})
    assert codes(gone.json()) == ["", "", "MALFORMED_ID"]
    assert first[0]["id"] in org.deleted["CampaignMember"]
    assert "ContactId" not in org.records["Case"][case]


def test_single_records_may_be_spoilt(client: Client) -> None:
    """A test picks the record by its values; the others are written, and later it works."""
    ids = [client.org.add("Contact", {"LastName": name}) for name in ("Lima", "Reis")]
    client.org.fail_record("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", where=lambda values: values["LastName"] == "Reis")  # fmt: skip
    records = [contact(one, Title="CEO") for one in ids]
    assert codes(client.collect("PATCH", "composite/sobjects", records).json()) == ["", "UNABLE_TO_LOCK_ROW"]  # fmt: skip
    assert codes(client.collect("PATCH", "composite/sobjects", records).json()) == ["", ""]


# several calls in one


def part(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"referenceId": name, "method": method, "url": f"{API}/{path}"} | ({"body": body} if body else {})  # fmt: skip


def test_calls_in_one_call_answer_for_themselves(client: Client) -> None:
    """Each has its status, later ones name what earlier ones answered, and all count as one call."""
    parts = [
        part("made", "POST", "sobjects/Account", {"Name": "Casa"}),
        part("ana", "POST", "sobjects/Contact", {"LastName": "Lima", "AccountId": "@{made.id}"}),
        part("found", "GET", "query/?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+AccountId='@{made.id}'"),
        part("wrong", "GET", "query/?q=SELECT+Foo__c+FROM+Contact"),
        part("lost", "GET", "sobjects/Contact/@{wrong.id}"),
        part("gone", "DELETE", "sobjects/Contact/@{ana.id}"),
    ]  # fmt: skip
    response = client.call("POST", "composite", json={"compositeRequest": parts})
    answers = response.json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in answers] == [201, 201, 200, 400, 400, 204]
    assert [one["referenceId"] for one in answers] == [one["referenceId"] for one in parts]
    assert answers[2]["body"]["records"][0]["Account"]["Name"] == "Casa"
    assert answers[3]["body"][0]["errorCode"] == "INVALID_FIELD"
    assert answers[4]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert response.headers["Sforce-Limit-Info"].startswith("api-usage=1/")


@pytest.mark.parametrize(
    ("count", "path", "status"),
    [(25, "sobjects/Contact/describe", 200), (26, "sobjects/Contact/describe", 400),
     (5, "query/?q=SELECT+Id+FROM+Contact", 200), (6, "query/?q=SELECT+Id+FROM+Contact", 400)],
)  # fmt: skip
def test_not_too_many_calls_go_into_one(client: Client, count: int, path: str, status: int) -> None:
    """25, of which five may be queries or collections."""
    parts = [part(f"r{number}", "GET", path) for number in range(count)]
    assert client.call("POST", "composite", json={"compositeRequest": parts}).status_code == status


def test_many_may_call_at_once(client: Client) -> None:
    """No call is lost, and no record made twice."""
    client.org.install_ours()

    def write(number: int) -> int:
        body = {"records": [video(f"k{number % 5}", Duration__c=number)], "allOrNone": False}
        return requests.patch(
            f"{client.org.url}{API}/composite/sobjects/Cuereel_Video__c/Key__c",
            json=body, headers={"Authorization": f"Bearer {client.token}"}, timeout=10,
        ).status_code  # fmt: skip

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {200}
    assert len(client.org.records["Cuereel_Video__c"]) == 5
    assert client.org.api_used == 40
