"""The console's door: who gets in, what they may do, and what protects every page."""

from __future__ import annotations

import re
import time

import pytest
import time_machine

from connector.secrets import new_key
from connector.settings import Settings
from connector.store import Store
from connector.store.tables import audit as audit_table
from connector.store.tables import logins as logins_table
from connector.store.tables import records as records_table
from connector.store.tables import users as users_table
from connector.store.tables import webhooks as webhooks_table
from connector.store.users import Role
from tests.web.colleagues import CONTACT, PASSWORD, Office, open_office

PAGES = {
    "console.home": "/console/",
    "console.contacts": "/console/contacts",
    "console.contacts_csv": "/console/contacts.csv",
    "console.record_list": "/console/records/cart",
    "console.record": CONTACT,
    "console.new_record": "/console/new/contact",
    "console.user_list": "/console/users",
    "console.history": "/console/history",
    "console.connection_list": "/console/connections",
    "console.connection_page": "/console/connections/local",
    "console.salesforce_form": "/console/connections/salesforce",
    "console.webhook_list": "/console/webhooks",
    "console.videos": "/console/videos",
    "console.video_page": "/console/videos/nothing",
    "console.video_file": "/console/videos/nothing/video.mp4",
    "console.engagement_home": "/console/engagement",
    "console.engagement_campaign": "/console/engagement/nothing",
    "console.engagement_video": "/console/engagement/videos/nothing",
    "console.sign_in_form": "/console/sign-in",
}
BUTTONS = {
    "console.sign_in": "/console/sign-in",
    "console.sign_out": "/console/sign-out",
    "console.make_record": "/console/new/contact",
    "console.change_record": CONTACT,
    "console.add_user": "/console/users",
    "console.change_user": "/console/users/somebody",
    "console.judge_video": "/console/videos/nothing",
    "console.change_connection": "/console/connections/local",
    "console.connect_salesforce": "/console/connections/salesforce",
    "console.add_endpoint": "/console/webhooks",
    "console.change_endpoint": "/console/webhooks/nothing",
}
OPEN = {"console.sign_in", "console.sign_in_form"}
FOR_REPS = {
    "console.contacts_csv",
    "console.new_record",
    "console.make_record",
    "console.change_record",
    "console.judge_video",
}
FOR_ADMINS = {
    "console.user_list",
    "console.history",
    "console.add_user",
    "console.change_user",
    "console.change_connection",
    "console.salesforce_form",
    "console.connect_salesforce",
    "console.webhook_list",
    "console.add_endpoint",
    "console.change_endpoint",
}


@pytest.fixture
def office(settings: Settings, sqlite_store: Store) -> Office:
    """An installation with an admin, a rep, a viewer, one contact and one cart."""
    return open_office(settings, sqlite_store)


def endpoints(office: Office) -> set[str]:
    return {
        rule.endpoint
        for rule in office.app.url_map.iter_rules()
        if rule.rule.startswith("/console")
    }


def test_every_page_is_in_the_matrix(office: Office) -> None:
    """A page that nobody has thought about here fails this test."""
    assert endpoints(office) == set(PAGES) | set(BUTTONS)


def test_nobody_gets_in_without_signing_in(office: Office) -> None:
    """Every page and button leads to the sign-in, except the sign-in itself."""
    for endpoint, path in {**PAGES, **BUTTONS}.items():
        if endpoint in OPEN:
            continue
        visitor = office.visitor()
        answer = (
            visitor.get(path) if endpoint in PAGES else visitor.post(path, {"action": "delete"})
        )
        assert (endpoint, answer.status_code) == (endpoint, 303)
        assert answer.location.startswith("/console/sign-in")
    assert office.fields("contact", "c-001") is not None


def test_roles_are_checked_on_the_server(office: Office) -> None:
    """A viewer only looks, a rep does not manage users, whatever their pages show."""
    visitors = {role: office.visitor(role) for role in Role}
    for endpoint, path in {**PAGES, **BUTTONS}.items():
        if endpoint in OPEN or endpoint == "console.sign_out":
            continue
        for role, visitor in visitors.items():
            refused = (endpoint in FOR_ADMINS and role is not Role.ADMIN) or (
                endpoint in FOR_REPS and role is Role.VIEWER
            )
            answer = (
                visitor.get(path)
                if endpoint in PAGES
                else visitor.client.post(path, data={"csrf_token": visitor.proof(CONTACT)})
            )
            assert (endpoint, role, answer.status_code == 403) == (endpoint, role, refused)


def test_a_button_without_its_pages_proof_does_nothing(office: Office) -> None:
    """A POST from a foreign page carries no token and is refused, for every button."""
    for endpoint, path in BUTTONS.items():
        visitor = office.visitor(Role.ADMIN)
        answer = visitor.client.post(path, data={"action": "delete", "email": "x@example.com"})
        assert (endpoint, answer.status_code) == (endpoint, 400)
    assert office.fields("contact", "c-001") is not None


def test_looking_changes_nothing(office: Office) -> None:
    """No page changes a record, a user or a webhook; an export leaves its line in the log."""
    visitor = office.visitor(Role.ADMIN)
    before = state(office)
    for endpoint, path in PAGES.items():
        visitor.get(path)
        if endpoint != "console.contacts_csv":
            assert (endpoint, state(office)) == (endpoint, before)
        before = state(office)


def state(office: Office) -> list[object]:
    tables = [records_table, users_table, webhooks_table, audit_table, logins_table]
    with office.store.read() as tx:
        return [sorted(map(repr, tx.execute(table.select()))) for table in tables]


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(office: Office) -> None:
    """Nobody learns from the answer which addresses exist."""
    pages = [
        office.visitor().sign_in(email, "not the password")
        for email in ("admin@example.com", "nobody@example.com")
    ]

    texts = {re.sub(r'value="[^"]*"', "", page.text).replace("admin@", "nobody@") for page in pages}
    assert [page.status_code for page in pages] == [401, 401]
    assert len(texts) == 1


def test_a_disabled_user_is_out_at_once(office: Office) -> None:
    """Disabling a user ends their sessions and keeps them from coming back."""
    rep, admin = office.visitor(Role.REP), office.visitor(Role.ADMIN)

    admin.post(
        f"/console/users/{office.ids[Role.REP]}", {"role": "rep", "disabled": "on"}, page=CONTACT
    )

    assert rep.get(CONTACT).status_code == 303
    assert office.visitor().sign_in("rep@example.com").status_code == 401


def test_guessing_is_slowed_down(office: Office) -> None:
    """After five wrong passwords in a minute even the right one has to wait."""
    visitor = office.visitor()
    codes = [
        visitor.sign_in("admin@example.com", f"guess number {n}").status_code for n in range(5)
    ]

    assert codes == [401] * 5
    assert visitor.sign_in("admin@example.com").status_code == 429


def test_a_session_is_renewed_at_the_sign_in(office: Office) -> None:
    """A cookie from before the sign-in is worthless after it."""
    visitor = office.visitor(Role.REP)
    first = visitor.client.get_cookie("cuereel")
    visitor.client.post(
        "/console/sign-in",
        data={
            "csrf_token": visitor.proof(CONTACT),
            "email": "rep@example.com",
            "password": PASSWORD,
        },
    )
    second = visitor.client.get_cookie("cuereel")
    assert first is not None
    assert second is not None
    assert first.value != second.value

    thief = office.visitor()
    thief.client.set_cookie("cuereel", first.value)
    assert thief.get(CONTACT).status_code == 303


def test_signing_out_ends_the_session_on_the_server(office: Office) -> None:
    """A copied cookie is of no use after its owner has signed out."""
    visitor = office.visitor(Role.REP)
    cookie = visitor.client.get_cookie("cuereel")
    assert cookie is not None
    visitor.post("/console/sign-out", {}, page=CONTACT)

    visitor.client.set_cookie("cuereel", cookie.value)
    assert visitor.get(CONTACT).status_code == 303


@pytest.mark.parametrize(
    ("column", "age_hours", "still_in"),
    [("seen_at", 11, True), ("seen_at", 13, False), ("expires_at", 1, False)],
)
def test_a_session_ends_by_itself(
    office: Office, column: str, age_hours: int, still_in: bool
) -> None:
    """Twelve hours without a click, or seven days in all, end a session."""
    visitor = office.visitor(Role.REP)
    with office.store.write() as tx:
        row = tx.execute(logins_table.select()).one()
        past = row.created_at - age_hours * 3_600_000
        tx.execute(logins_table.update().values({column: past}))

    assert (visitor.get(CONTACT).status_code == 200) is still_in


def test_an_api_token_is_no_session(office: Office) -> None:
    """A token for programs does not open the console."""
    visitor = office.visitor()
    visitor.client.set_cookie("cuereel", office.token(Role.ADMIN))

    assert visitor.get(CONTACT).status_code == 303


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/console/x", "//evil.example/console/", "/\\evil.example", "/v/x"],
)
def test_the_way_back_leads_only_into_the_console(office: Office, target: str) -> None:
    """After the sign-in nobody is sent to an address that a stranger chose."""
    answer = office.visitor().sign_in("rep@example.com", next=target)

    assert answer.location == "/console/contacts"


def test_the_way_back_leads_where_one_wanted(office: Office) -> None:
    """After the sign-in one sees the page that was asked for."""
    visitor = office.visitor()
    asked = visitor.get(CONTACT + "?fired=1").location
    answer = visitor.sign_in("rep@example.com", next=visitor.get(asked).request.args["next"])

    assert answer.location == CONTACT + "?fired=1"


def test_cookies_are_hidden_from_scripts_and_foreign_pages(office: Office) -> None:
    """The session's cookie is HttpOnly and SameSite=Lax."""
    answer = office.visitor().sign_in("rep@example.com")
    cookie = next(text for text in answer.headers.getlist("Set-Cookie") if "cuereel_s_" in text)

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_in_production_cookies_travel_over_https_only(
    monkeypatch: pytest.MonkeyPatch, sqlite_store: Store
) -> None:
    """With an https address the cookie is Secure and bound to the host by its name."""
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://video.example.com")
    monkeypatch.setenv("CUEREEL_SECRET_KEYS", new_key())
    visitor = open_office(Settings(), sqlite_store).visitor()
    visitor.client.environ_base["wsgi.url_scheme"] = "https"
    proof = re.search(
        r'name="csrf_token" value="([^"]+)"',
        visitor.client.get("/console/sign-in", base_url="https://video.example.com").text,
    )
    assert proof is not None
    answer = visitor.client.post(
        "/console/sign-in",
        base_url="https://video.example.com",
        data={"csrf_token": proof[1], "email": "rep@example.com", "password": PASSWORD},
    )

    [cookie] = [text for text in answer.headers.getlist("Set-Cookie") if "cuereel_s_" in text]
    assert cookie.startswith("__Host-cuereel=")
    assert "Secure" in cookie
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_every_page_carries_its_protection(office: Office) -> None:
    """No inline script, no frame, no sniffing, no caching, no foreign content, on any page."""
    visitor = office.visitor(Role.ADMIN)
    for path in PAGES.values():
        answer = visitor.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        assert re.findall(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", answer.text) == []


def test_the_limit_on_sign_ins_passes_with_time(office: Office) -> None:
    """A minute later the right password works again."""
    visitor = office.visitor()
    for number in range(6):
        visitor.sign_in("admin@example.com", f"guess number {number}")
    with time_machine.travel(61 + time.time(), tick=True):
        assert visitor.sign_in("admin@example.com").status_code == 303
