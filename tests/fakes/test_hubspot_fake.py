"""The fake portal, where it is subtle; everything built on it is only as true as this."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.fakes.hubspot import FakeHubSpot, Sender, serving
from tests.fakes.hubspot.signing import sign_v1, sign_v2, sign_v3

BACK = "https://video.example.com/oauth/hubspot/callback"
VERIFIER = "a-verifier-that-is-long-enough-to-be-one-0123456789"
GOLDEN = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
CONTACTS = "/crm/objects/2026-03/contacts"


@pytest.fixture
def fake() -> Iterator[FakeHubSpot]:
    """A portal that is being served."""
    with serving(FakeHubSpot()) as served:
        yield served


def ask(
    fake: FakeHubSpot, method: str, path: str, body: object = None, token: str = ""
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token or fake.static_token}"}
    return requests.request(method, fake.url + path, json=body, headers=headers, timeout=10)


def update(fake: FakeHubSpot, *inputs: dict[str, object]) -> requests.Response:
    return ask(fake, "POST", f"{CONTACTS}/batch/update", {"inputs": list(inputs)})


def value(record: str, trace: str = "", **properties: object) -> dict[str, object]:
    made: dict[str, object] = {"id": record, "properties": properties}
    return made | ({"objectWriteTraceId": trace} if trace else {})


def code_for(fake: FakeHubSpot) -> str:
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    answer = requests.get(
        f"{fake.url}/oauth/authorize",
        {
            "client_id": fake.client_id,
            "redirect_uri": BACK,
            "scope": "oauth automation",
            "state": "s-1",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        },
        allow_redirects=False,
        timeout=10,
    )
    went = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert went["state"] == ["s-1"]
    return went["code"][0]


def exchange(fake: FakeHubSpot, **form: str) -> requests.Response:
    known = {"client_id": fake.client_id, "client_secret": fake.client_secret}
    return requests.post(f"{fake.url}/oauth/2026-03/token", {**known, **form}, timeout=10)


def test_a_code_is_worth_tokens_once_and_only_with_its_verifier(fake: FakeHubSpot) -> None:
    """PKCE is checked, a code is used up, and what was not asked for is not granted."""
    given = {"grant_type": "authorization_code", "redirect_uri": BACK}

    wrong = exchange(fake, **given, code=code_for(fake), code_verifier=VERIFIER + "x")
    code = code_for(fake)
    right = exchange(fake, **given, code=code, code_verifier=VERIFIER)
    again = exchange(fake, **given, code=code, code_verifier=VERIFIER)

    assert [wrong.status_code, right.status_code, again.status_code] == [400, 200, 400]
    assert right.json()["scopes"] == ["oauth", "automation"]
    refused = ask(fake, "GET", CONTACTS, token=right.json()["access_token"])
    assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")


def test_access_expires_and_a_removed_app_gets_no_more(fake: FakeHubSpot) -> None:
    """An expired token is refused as such; a refresh mends it until the app is removed."""
    held = fake.secrets()
    fake.expire_tokens()

    expired = ask(fake, "GET", CONTACTS, token=held["access"])
    form = {"grant_type": "refresh_token", "refresh_token": held["refresh"]}
    fresh = exchange(fake, **form).json()["access_token"]
    works = ask(fake, "GET", CONTACTS, token=fresh)
    fake.uninstall()

    assert (expired.status_code, expired.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
    assert works.status_code == 200
    assert ask(fake, "GET", CONTACTS, token=fresh).status_code == 401
    assert exchange(fake, **form).json()["status"] == "BAD_REFRESH_TOKEN"


def test_one_call_too_many_in_the_window_is_refused(fake: FakeHubSpot) -> None:
    """The window rolls: after it has passed calls are taken again, and the headers count down."""
    fake.limit = (3, 0.5)

    answers = [ask(fake, "GET", CONTACTS) for _ in range(4)]
    threading.Event().wait(0.55)

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    left = [answer.headers["X-HubSpot-RateLimit-Remaining"] for answer in answers[:3]]
    assert left == ["2", "1", "0"]
    assert answers[3].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert ask(fake, "GET", CONTACTS).status_code == 200
    assert fake.refused_429 == 1


def test_searches_are_counted_by_themselves(fake: FakeHubSpot) -> None:
    """Five searches a second, which cost nothing of the other window and tell nothing of it."""
    fake.limit = (1, 10.0)

    answers = [ask(fake, "POST", f"{CONTACTS}/search", {}) for _ in range(7)]

    assert {answer.status_code for answer in answers} == {200, 429}
    assert "X-HubSpot-RateLimit-Max" not in answers[0].headers
    assert ask(fake, "GET", CONTACTS).status_code == 200


def test_with_trace_ids_one_bad_input_leaves_the_others(fake: FakeHubSpot) -> None:
    """Bad inputs are named by trace id in a 207; without a trace id the whole batch is refused."""
    for record in ("1", "2"):
        fake.add("contacts", {"firstname": "Ana"}, record)
    fake.validation_rules.append(lambda _kind, record, _values: "No." if record == "2" else None)

    whole = update(fake, value("1", firstname="Bo"), value("2", firstname="Bo"))
    unchanged = fake.records["contacts"]["1"]["firstname"]
    inputs = [value(one, f"t-{one}", firstname="Bo") for one in ("1", "2", "3")]
    apart = update(fake, *inputs)

    assert (whole.status_code, unchanged) == (400, "Ana")
    assert (apart.status_code, apart.json()["numErrors"]) == (207, 2)
    named = {one["context"]["objectWriteTraceId"][0]: one for one in apart.json()["errors"]}
    assert {trace: one["category"] for trace, one in named.items()} == {
        "t-2": "VALIDATION_ERROR",
        "t-3": "OBJECT_NOT_FOUND",
    }
    assert fake.records["contacts"]["1"]["firstname"] == "Bo"
    assert fake.records["contacts"]["2"]["firstname"] == "Ana"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"no_such_property": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({"associatedcompanyid": "twelve"}, "INVALID_NUMBER"),
        ({"associatedcompanyid": "1,000"}, "INVALID_NUMBER"),
        ({"lifecyclestage": "friend"}, "INVALID_OPTION"),
        ({"renewal": "next week"}, "INVALID_DATE"),
        ({"hs_email_optout": "true"}, "READ_ONLY_VALUE"),
    ],
)
def test_a_value_must_fit_its_property(
    fake: FakeHubSpot, properties: dict[str, str], code: str
) -> None:
    """What is wrong with a value is told with the property's name."""
    fake.add("contacts", {}, "1")
    fake.define("contacts", "renewal", "datetime")

    answer = update(fake, value("1", **properties))

    [error] = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (400, code)
    assert error["context"]["propertyName"] == list(properties)


def test_values_come_back_as_text_or_nothing(fake: FakeHubSpot) -> None:
    """Whatever was written is read as text; an emptied property is null."""
    fake.add("contacts", {"firstname": "Ana"}, "1")
    fake.define("contacts", "views", "number")
    fake.define("contacts", "seen_at", "datetime")

    update(fake, value("1", firstname="", views=2, seen_at=1788597072520))
    names = ["firstname", "views", "seen_at"]
    wanted = {"inputs": [{"id": "1"}], "properties": names}
    answer = ask(fake, "POST", f"{CONTACTS}/batch/read", wanted)

    [record] = answer.json()["results"]
    told = {name: record["properties"][name] for name in names}
    assert told == {"firstname": None, "views": "2", "seen_at": "2026-09-05T08:31:12.520Z"}


def test_a_batch_of_101_is_refused(fake: FakeHubSpot) -> None:
    """A hundred is the most, and fifty where histories are asked for."""
    inputs = [{"id": str(number)} for number in range(101)]
    read = f"{CONTACTS}/batch/read"

    assert ask(fake, "POST", read, {"inputs": inputs}).status_code == 400
    assert ask(fake, "POST", read, {"inputs": inputs[:100]}).status_code == 207
    history = {"inputs": inputs[:51], "propertiesWithHistory": ["email"]}
    assert ask(fake, "POST", read, history).status_code == 400


def test_a_property_over_the_limit_fails_its_whole_batch(fake: FakeHubSpot) -> None:
    """On a small plan nothing of a batch is made when it does not fit as a whole."""
    fake.property_limit = 2
    at = "/crm/properties/2026-03/contacts"
    ask(fake, "POST", f"{at}/groups", {"name": "cuereel", "label": "Cuereel"})
    inputs = [
        {"name": f"cuereel_{n}", "label": "x", "type": "string", "fieldType": "text",
         "groupName": "cuereel"} for n in range(3)
    ]  # fmt: skip

    answers = [
        ask(fake, "POST", f"{at}/batch/create", {"inputs": some})
        for some in (inputs, inputs[:1], inputs[:2])
    ]

    assert [answer.status_code for answer in answers] == [400, 201, 207]
    assert [one["name"] for one in answers[2].json()["results"]] == ["cuereel_1"]


def test_a_search_finds_what_changed_since(fake: FakeHubSpot) -> None:
    """Times compare as milliseconds, groups are alternatives, filters are all to hold."""
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    for record, age in (("8", 3), ("9", 1), ("10", 2)):
        fake.add("contacts", {"email": f"{record}@example.com"}, record,
                 at=now - timedelta(hours=age))  # fmt: skip
    since = int((now - timedelta(hours=2)).timestamp() * 1000)
    changed = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(since)}
    later = {"propertyName": "hs_object_id", "operator": "GT", "value": "9"}
    order = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]

    def ids(*filters: dict[str, str]) -> list[str]:
        body = {"filterGroups": [{"filters": list(filters)}], "sorts": order, "limit": 200}
        found = ask(fake, "POST", f"{CONTACTS}/search", body).json()["results"]
        return [record["id"] for record in found]

    assert ids(changed) == ["9", "10"]
    assert ids(changed, later) == ["10"]


def test_a_dropped_connection_may_have_done_its_work(fake: FakeHubSpot) -> None:
    """The caller of a lost answer cannot know whether it was done."""
    for record in ("1", "2"):
        fake.add("contacts", {"firstname": "Ana"}, record)

    for record, after_work in (("1", False), ("2", True)):
        fake.drop("batch/update", after_work=after_work)
        with pytest.raises(requests.ConnectionError):
            update(fake, value(record, firstname="Bo"))

    held = fake.records["contacts"]
    assert (held["1"]["firstname"], held["2"]["firstname"]) == ("Ana", "Bo")


def test_old_paths_and_unknown_versions_are_gone(fake: FakeHubSpot) -> None:
    """Only dated paths answer, unless a test lets the old ones live."""
    old = "/crm/v3/objects/contacts"

    gone = [ask(fake, "GET", path).status_code for path in (old, CONTACTS.replace("03", "06"))]
    fake.legacy = True

    assert gone == [404, 404]
    assert ask(fake, "GET", old).status_code == 200


def test_signatures_agree_with_the_known_ones() -> None:
    """The vectors of the reference; the last one was computed from the formula."""
    url = "https://www.example.com/webhook_uri"
    events = (
        b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
        b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,'
        b'"changeSource":"CRM","changeFlag":"NEW","appId":54321}]'
    )
    example = b'{"example_field":"example_value"}'

    assert [
        sign_v1(GOLDEN, events)["x-hubspot-signature"],
        sign_v2(GOLDEN, "GET", url, b"")["x-hubspot-signature"],
        sign_v2(GOLDEN, "POST", url, example)["x-hubspot-signature"],
        sign_v3(GOLDEN, "POST", url, events, 1564113600000)["x-hubspot-signature-v3"],
    ] == [
        "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de",
        "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e",
        "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
        "DxmVAjFNa2xfF3YgQjdZP6TNcok9k1oaH7UXombPtvw=",
    ]


def test_events_are_sent_until_they_are_taken(fake: FakeHubSpot) -> None:
    """A refused batch comes again, and our own writes are told as ours."""
    fake.subscribe(["contact.creation", "contact.lifecyclestage"])
    fake.add("contacts", {"lifecyclestage": "lead", "firstname": "Ana"}, "101")
    update(fake, value("101", lifecyclestage="customer"))

    with taking([503, 500, 200]) as url:
        attempts = Sender(fake, url, gap=0.01).flush()

    assert [attempt.status for attempt in attempts] == [503, 500, 200]
    told = [
        (one["subscriptionType"], one.get("propertyValue"), one["changeSource"])
        for one in attempts[0].events
    ]
    assert told == [
        ("object.creation", None, "CRM_UI"),
        ("object.propertyChange", "lead", "CRM_UI"),
        ("object.propertyChange", "customer", "INTEGRATION"),
    ]
    assert fake.take_events() == []


@contextmanager
def taking(statuses: list[int], heard: list[tuple[str, bytes]] | None = None) -> Iterator[str]:
    """A web that answers with the statuses in order, and notes signatures and bodies."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if heard is not None:
                heard.append((self.headers["X-HubSpot-Signature"], body))
            self.send_response(statuses.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks/hubspot/app/events"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_workflow_reaches_our_action_and_waits(fake: FakeHubSpot) -> None:
    """The request is signed with v2 over the address; a callback that expired is gone."""
    heard: list[tuple[str, bytes]] = []
    with taking([200], heard) as url:
        callback = Sender(fake, url).run_action("101", {"campaign": "onboarding"})
    completed = {"outputFields": {"hs_execution_state": "SUCCESS"}, "typedOutputs": {}}
    path = f"/automation/actions/callbacks/2026-03/{callback}/complete"

    [(signature, body)] = heard
    signed = sign_v2(fake.client_secret, "POST", url.replace("events", "action"), body)
    done = ask(fake, "POST", path, completed)
    fake.expired_callbacks.add(callback)

    assert signature == signed["x-hubspot-signature"]
    assert (json.loads(body)["callbackId"], done.status_code) == (callback, 204)
    assert fake.callbacks[callback] == completed
    assert ask(fake, "POST", path, completed).status_code == 404


def test_who_has_no_association_is_told_apart_from_who_has(fake: FakeHubSpot) -> None:
    """The first company is the primary one, long rows are cut, and having none makes it 207."""
    fake.add("contacts", {}, "1")
    fake.add("contacts", {}, "2")
    for company in ("7", "8", "9"):
        fake.add("companies", {}, company)
        fake.associate("contacts", "1", "companies", company)
    fake.association_page = 2
    path = "/crm/associations/2026-03/contacts/companies/batch/read"

    first = ask(fake, "POST", path, {"inputs": [{"id": "1"}, {"id": "2"}]})
    [row] = first.json()["results"]
    rest = ask(fake, "POST", path, {"inputs": [{"id": "1", **row["paging"]["next"]}]})

    assert first.status_code == 207
    assert first.json()["errors"][0]["context"]["fromObjectId"] == ["2"]
    told = [*row["to"], *rest.json()["results"][0]["to"]]
    assert [
        (one["toObjectId"], [kind["typeId"] for kind in one["associationTypes"]]) for one in told
    ] == [(7, [1, 279]), (8, [279]), (9, [279])]


def test_a_long_list_is_walked_by_pages(fake: FakeHubSpot) -> None:
    """Each member comes once, at most 250 a page, and only static lists can be written."""
    fake.add_list("5", (str(number) for number in range(600)), "DYNAMIC")
    path, after, walked = "/crm/lists/2026-03/5/memberships", "0", []

    while after:
        answer = ask(fake, "GET", f"{path}?limit=250&after={after}").json()
        walked.append([row["recordId"] for row in answer["results"]])
        after = answer.get("paging", {}).get("next", {}).get("after")

    assert [len(page) for page in walked] == [250, 250, 100]
    assert {one for page in walked for one in page} == fake.lists["5"]
    assert ask(fake, "GET", f"{path}?limit=251").status_code == 400
    assert ask(fake, "PUT", f"{path}/add", ["1"]).status_code == 400
