"""The API: who may use it, and what programs get and send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from connector.settings import Settings
from connector.store import Store, logins, records
from connector.store.logins import Use
from connector.store.tables import webhooks as webhooks_table
from connector.store.users import Role
from tests.web.colleagues import Office, open_office

ANA = "/api/v1/records/contact/c-001"
ROUTES = (
    ("GET", "/api/v1/records/contact"),
    ("GET", ANA),
    ("PUT", ANA),
    ("DELETE", ANA),
    ("POST", "/api/v1/triggers"),
    ("GET", "/api/v1/videos"),
    ("POST", "/api/v1/videos/v1/review"),
)


@pytest.fixture
def office(settings: Settings, sqlite_store: Store) -> Office:
    """An installation with an admin, a rep, a viewer, one contact and one cart."""
    return open_office(settings, sqlite_store)


def call(
    office: Office,
    method: str,
    path: str,
    body: Any = None,
    *,
    role: Role = Role.REP,
    token: str | None = None,
) -> TestResponse:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return office.app.test_client().open(
        path,
        method=method,
        data=None if body is None else raw,
        headers={"Authorization": f"Bearer {token or office.token(role)}"},
    )


def owed(office: Office) -> list[dict[str, Any]]:
    with office.store.read() as tx:
        return [json.loads(row.body) for row in tx.execute(webhooks_table.select())]


def _path(rule: str) -> str:
    stands_for = {"<kind>": "contact", "<path:record_id>": "c-001", "<video_id>": "v1"}
    for name, value in stands_for.items():
        rule = rule.replace(name, value)
    return rule


def test_every_route_is_in_the_matrix(office: Office) -> None:
    """A route that nobody has thought about here fails this test."""
    known = {
        (method, _path(rule.rule))
        for rule in office.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert known == set(ROUTES)


def test_without_a_token_nothing_is_answered(office: Office) -> None:
    """No token, a made-up one, a browser's session and a token that ran out get a 401."""
    with office.store.write() as tx:
        session = logins.open_login(tx, office.ids[Role.ADMIN], Use.BROWSER)
        late = logins.open_login(tx, office.ids[Role.ADMIN], Use.API, days=-1)
    for method, path in ROUTES:
        for header in ("", "Bearer x", f"Bearer {session}", f"Bearer {late}", "Basic YTpi"):
            answer = office.app.test_client().open(
                path, method=method, headers={"Authorization": header}
            )
            assert (path, answer.status_code) == (path, 401)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.get_json()["sentence"]


def test_a_viewers_token_only_reads(office: Office) -> None:
    """Whatever changes something is refused to a viewer."""
    for method, path in ROUTES:
        answer = call(office, method, path, {}, role=Role.VIEWER)
        assert (answer.status_code == 403) is (method != "GET")


def test_a_disabled_users_token_is_worthless(office: Office) -> None:
    """Disabling a user ends what their programs may do."""
    token = office.token(Role.REP)
    from connector.store import users

    with office.store.write() as tx:
        users.change(tx, office.ids[Role.REP], disabled=True)

    assert call(office, "GET", ANA, token=token).status_code == 401


def test_a_record_is_read_with_its_times(office: Office) -> None:
    """One record has kind, id, fields and times."""
    found = call(office, "GET", ANA, role=Role.VIEWER).get_json()

    assert (found["kind"], found["id"], found["fields"]["first_name"]) == (
        "contact",
        "c-001",
        "Ana",
    )
    assert found["updated_at"].endswith("+00:00")


def test_records_are_listed_in_pages(office: Office) -> None:
    """A list has a limit, an offset, a search and the number of all."""
    with office.store.write() as tx:
        for number in range(5):
            records.put(tx, "local", "contact", f"d-{number}", {"first_name": "Dora"})
    page = call(office, "GET", "/api/v1/records/contact?q=dora&limit=2&offset=4").get_json()

    assert (len(page["records"]), page["total"]) == (1, 5)


def test_putting_a_record_makes_and_then_changes_it(office: Office) -> None:
    """The first PUT makes it, the next merges, null empties, and each change owes an event."""
    path = "/api/v1/records/contact/new/with/slashes"
    made = call(office, "PUT", path, {"fields": {"first_name": "Ben", "plan": "team"}})
    changed = call(office, "PUT", path, {"fields": {"plan": None, "city": "Köln"}})
    same = call(office, "PUT", path, {"fields": {"city": "Köln"}})

    assert [made.status_code, changed.status_code, same.status_code] == [201, 200, 200]
    assert changed.get_json()["fields"] == {"first_name": "Ben", "city": "Köln"}
    assert [event["facts"]["fields"] for event in owed(office)] == [
        ["first_name", "plan"],
        ["city", "plan"],
    ]


def test_deleting_answers_once(office: Office) -> None:
    """A deleted record is gone, and deleting it again says so."""
    assert call(office, "DELETE", ANA).status_code == 204
    assert call(office, "DELETE", ANA).status_code == 404
    assert owed(office)[-1]["type"] == "contact.deleted"


def test_a_trigger_is_owed_as_an_event(office: Office) -> None:
    """What is posted here arrives at our hooks as from any CRM, with its own time."""
    event = {
        "type": "subscription.trial.ending",
        "occurred_at": "2026-11-20T10:00:00+01:00",
        "object": {"kind": "subscription", "id": 4711},
        "contact_id": "c-001",
        "facts": {"days": 3},
    }
    answer = call(office, "POST", "/api/v1/triggers", event)

    assert answer.status_code == 202
    [told] = owed(office)
    assert told["occurred_at"] == "2026-11-20T09:00:00.000+00:00"
    assert told["object"] == {"kind": "subscription", "id": "4711"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", ANA, b"{", 400),
        ("PUT", ANA, b'{"fields":{"a":NaN}}', 400),
        ("PUT", ANA, b'{"fields":{"a":1,"a":2}}', 400),
        ("PUT", ANA, b"[" * 90_000, 400),
        ("PUT", ANA, {"fields": []}, 400),
        ("PUT", ANA, {"fields": {}, "more": 1}, 400),
        ("PUT", ANA, {"fields": {"cuereel_views": 3}}, 400),
        ("PUT", ANA, {"fields": {"a": "x" * 70_000}}, 400),
        ("PUT", ANA, b'{"fields":{"a":"' + b"x" * 1_100_000 + b'"}}', 413),
        ("PUT", "/api/v1/records/cuereel_field/x", {"fields": {"a": 1}}, 400),
        ("PUT", "/api/v1/records/Not-A-Kind!/x", {"fields": {"a": 1}}, 400),
        ("PUT", "/api/v1/records/contact/" + "x" * 201, {"fields": {"a": 1}}, 400),
        ("GET", "/api/v1/records/contact/nobody", None, 404),
        ("GET", "/api/v1/records/contact?limit=1000", None, 400),
        ("GET", "/api/v1/records/contact?offset=-1", None, 400),
        ("GET", "/api/v1/records/contact?connection=other", None, 404),
        ("GET", "/api/v1/videos", None, 400),
        ("POST", ANA, {}, 405),
        ("POST", "/api/v1/triggers", {"type": "Nonsense", "occurred_at": "2026-11-20T10:00Z"}, 400),
        ("POST", "/api/v1/triggers", {"type": "a.b", "occurred_at": "yesterday"}, 400),
        (
            "POST",
            "/api/v1/triggers",
            {"type": "a.b", "occurred_at": "2126-11-20T10:00Z", "contact_id": "c-001"},
            400,
        ),
        ("POST", "/api/v1/triggers", {"type": "a.b", "occurred_at": "2026-11-20T10:00Z"}, 400),
    ],
)
def test_what_cannot_be_used_is_explained(
    office: Office, method: str, path: str, body: Any, status: int
) -> None:
    """Every refusal is JSON with a reason and a sentence, and nothing is stored."""
    before = office.fields("contact", "c-001")
    answer = call(office, method, path, body)

    assert (status, before) == (answer.status_code, office.fields("contact", "c-001"))
    assert answer.get_json()["error"]
    assert answer.get_json()["sentence"]
    assert owed(office) == []


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_no_body_causes_a_crash(office: Office, body: bytes) -> None:
    """Whatever is sent, the answer is a success or a refusal, never an internal error."""
    for method, path in (("PUT", ANA), ("POST", "/api/v1/triggers")):
        assert call(office, method, path, body).status_code in (200, 400)


def test_videos_of_a_contact_are_listed(office: Office) -> None:
    """A contact without videos has an empty list."""
    assert call(office, "GET", "/api/v1/videos?contact=c-001").get_json() == {"videos": []}


@pytest.fixture
def anywhere(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An installation on each database."""
    url = store.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url.replace("postgresql+psycopg", "postgresql"))
    office = open_office(Settings(), store)
    yield office
    office.app.extensions["cuereel"].store.close()


SIGNS = ("%00", "a%00b", "%ED%A0%80", "%FF", "%0A", "%E2%80%AE", "'%22;--")


def test_no_sign_in_an_address_causes_a_crash(anywhere: Office) -> None:
    """NUL, half characters and other strange signs are answered on both databases."""
    token = anywhere.token(Role.REP)
    for where in (
        "records/contact?q=",
        "records/",
        "records/contact/",
        "records/contact?connection=",
        "videos?contact=",
    ):
        for sign in SIGNS:
            status = call(anywhere, "GET", f"/api/v1/{where}{sign}", token=token).status_code
            assert (where, sign, status in (200, 400, 404)) == (where, sign, True)


def test_no_sign_crashes_the_console_either(anywhere: Office) -> None:
    """The pages and the sign-in take any sign."""
    console = anywhere.visitor(Role.REP)
    for path in (
        "contacts?q=", "contacts?status=", "records/", "records/contact/", "videos?status=",
        "videos/",
    ):  # fmt: skip
        for sign in SIGNS:
            status = console.get(f"/console/{path}{sign}").status_code
            assert (path, sign, status in (200, 404)) == (path, sign, True)
    assert anywhere.visitor().sign_in("rep\0@example.com", "x").status_code == 401
