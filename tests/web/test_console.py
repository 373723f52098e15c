"""The console: who gets in, what they may do, and what the pages show."""

from __future__ import annotations

import re

import pytest
import time_machine

from connector.settings import Settings
from connector.store import Store, audit, record_rows, records, users
from connector.store.tables import audit as audit_table
from connector.store.tables import logins as logins_table
from connector.store.tables import webhooks as webhooks_table
from connector.store.users import Role
from tests.web.colleagues import CONTACT, PASSWORD, Office, Visitor, open_office

PAGES = {
    "console.home": "/console/",
    "console.contacts": "/console/contacts",
    "console.contacts_csv": "/console/contacts.csv",
    "console.record_list": "/console/records/cart",
    "console.record": CONTACT,
    "console.new_record": "/console/new/contact",
    "console.user_list": "/console/users",
    "console.history": "/console/history",
    "console.sign_in_form": "/console/sign-in",
}
BUTTONS = {
    "console.sign_in": "/console/sign-in",
    "console.sign_out": "/console/sign-out",
    "console.make_record": "/console/new/contact",
    "console.change_record": CONTACT,
    "console.add_user": "/console/users",
    "console.change_user": "/console/users/somebody",
}
OPEN = {"console.sign_in", "console.sign_in_form"}
FOR_REPS = {
    "console.contacts_csv",
    "console.new_record",
    "console.make_record",
    "console.change_record",
}
FOR_ADMINS = {"console.user_list", "console.history", "console.add_user", "console.change_user"}


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


def owed(office: Office) -> list[str]:
    with office.store.read() as tx:
        return [row.body for row in tx.execute(webhooks_table.select())]


def actions(office: Office) -> list[str]:
    with office.store.read() as tx:
        return [entry.action for entry in reversed(audit.entries(tx))]


# the door


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
    tables = [records.records, users.users, webhooks_table, audit_table, logins_table]
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
    from connector.secrets import new_key

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


# contacts


def test_the_list_finds_people_by_name_in_any_script(office: Office) -> None:
    """Each word of the search must occur, in whatever letter case."""
    with office.store.write() as tx:
        records.put(
            tx, "local", "contact", "c-002", {"first_name": "Ольга", "last_name": "Иванова"}
        )
    visitor = office.visitor(Role.VIEWER)

    def names(query: str) -> list[str]:
        page = visitor.client.get("/console/contacts", query_string={"q": query}).text
        return re.findall(r'dir="auto">([^<]+)</a>', page)

    assert names("prieto ana") == ["Ana Prieto"]
    assert names("ольга") == ["Ольга Иванова"]
    assert names("ana иванова") == []
    assert names("100%") == []


def test_the_list_filters_by_the_videos_status(office: Office) -> None:
    """A status chip shows only contacts whose newest video stands there."""
    with office.store.write() as tx:
        records.put(
            tx, "local", "contact", "c-002", {"first_name": "Ben", "cuereel_video_status": "failed"}
        )
    page = office.visitor(Role.VIEWER).get("/console/contacts?status=failed").text

    assert "Ben" in page
    assert "Ana" not in page


def test_an_empty_installation_says_what_to_do(office: Office) -> None:
    """Without contacts the page names the command that brings them."""
    with office.store.write() as tx:
        records.remove(tx, "local", "contact", "c-001")

    assert "cuereel crm import" in office.visitor(Role.REP).get("/console/contacts").text


def test_a_contacts_page_shows_videos_views_and_carts(office: Office) -> None:
    """Link, status, reason, percent watched, views and carts stand on one page."""
    with office.store.write() as tx:
        record_rows.put(
            tx,
            "local",
            kind="video",
            key="v1",
            contact_id="c-001",
            values={
                "campaign": "onboarding",
                "video_status": "ready_with_fallback",
                "video_status_reason": "Made with the fallback for: company.",
                "video_url": "http://127.0.0.1:8400/v/token",
            },
        )
        record_rows.put(
            tx,
            "local",
            kind="view",
            key="s1",
            contact_id="c-001",
            values={"video_id": "v1", "percent_watched": 72, "seconds_watched": 19},
        )
    page = office.visitor(Role.VIEWER).get(CONTACT).text

    for text in ("http://127.0.0.1:8400/v/token", "Made with the fallback", "72 %", "cart-1"):
        assert text in page


def test_values_of_a_record_are_text_and_never_markup(office: Office) -> None:
    """What a record holds is shown as it is and neither runs nor leads anywhere."""
    with office.store.write() as tx:
        records.put(
            tx,
            "local",
            "contact",
            "c-001",
            {
                "first_name": "<script>alert(1)</script>",
                "{{7*7}}": '"><img src=x onerror=alert(1)>',
            },
        )
        record_rows.put(
            tx,
            "local",
            kind="video",
            key="v1",
            contact_id="c-001",
            values={
                "video_url": "javascript:alert(1)",
                "thumbnail_url": "https://evil.example/x.png",
            },
        )
    page = office.visitor(Role.REP).get(CONTACT).text

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "javascript:" not in page
    assert "evil.example" not in page


def test_why_no_video_was_made_stands_on_the_page(office: Office) -> None:
    """A refusal is told in its own sentence."""
    with office.store.write() as tx:
        fields = {
            "cuereel_video_status": "blocked_consent",
            "cuereel_video_status_reason": "Not sent: Ana opted out of e-mail.",
        }
        records.put(tx, "local", "contact", "c-001", fields)

    assert "Not sent: Ana opted out of e-mail." in office.visitor(Role.VIEWER).get(CONTACT).text


def test_saving_changes_only_what_was_typed(office: Office) -> None:
    """One field is changed; types, further columns and fields of ours stay, and one event is owed."""
    visitor = office.visitor(Role.REP)
    form = {
        "action": "save",
        "field.first_name": "Anna",
        "was.first_name": "Ana",
        "field.loyalty": "00123",
        "was.loyalty": "00123",
        "field.cuereel_views": "99",
        "field.admin": "yes",
    }
    visitor.post(CONTACT, form, page=CONTACT)

    assert office.fields("contact", "c-001") == {
        "first_name": "Anna",
        "last_name": "Prieto",
        "email": "ana@example.com",
        "loyalty": "00123",
    }
    [event] = owed(office)
    assert '"type":"record.changed"' in event
    assert '"fields":["first_name"]' in event
    assert "Anna" not in event
    assert actions(office)[-1] == "edit"


def test_what_somebody_else_changed_meanwhile_is_not_undone(office: Office) -> None:
    """A form that was opened earlier changes only the fields that were edited in it."""
    with office.store.write() as tx:
        records.put(tx, "local", "contact", "c-001", {"last_name": "Prieto Ruiz"})
    form = {
        "action": "save",
        "field.first_name": "Anna",
        "was.first_name": "Ana",
        "field.last_name": "Prieto",
        "was.last_name": "Prieto",
    }
    office.visitor(Role.REP).post(CONTACT, form, page=CONTACT)

    found = office.fields("contact", "c-001") or {}
    assert (found["first_name"], found["last_name"]) == ("Anna", "Prieto Ruiz")


def test_structured_fields_are_checked(office: Office) -> None:
    """Broken JSON in a cart's items is refused with a sentence, and the cart stays as it was."""
    visitor, cart = office.visitor(Role.REP), "/console/records/cart/cart-1"
    visitor.post(cart, {"field.items": "[{]", "was.items": ""}, page=cart)
    assert "must hold JSON" in visitor.get(cart).text
    assert office.fields("cart", "cart-1") == {"contact_id": "c-001", "total": 129.5}

    visitor.post(cart, {"field.items": '[{"title":"Shoe"}]', "was.items": ""}, page=cart)
    assert (office.fields("cart", "cart-1") or {})["items"] == [{"title": "Shoe"}]


def test_our_own_fields_cannot_be_typed_in(office: Office) -> None:
    """Nobody gives a contact watch metrics by hand."""
    visitor = office.visitor(Role.REP)
    visitor.post(CONTACT, {"new.name": "cuereel_views", "new.value": "99"}, page=CONTACT)

    assert "written by Cuereel alone" in visitor.get(CONTACT).text
    assert "cuereel_views" not in (office.fields("contact", "c-001") or {})


def test_a_new_contact_gets_an_id(office: Office) -> None:
    """A contact made by hand is stored and shown."""
    visitor = office.visitor(Role.REP)
    answer = visitor.post(
        "/console/new/contact", {"field.first_name": "Ben"}, page="/console/new/contact"
    )

    assert answer.status_code == 303
    assert "Ben" in visitor.get(answer.location).text


@pytest.mark.parametrize("record_id", ["c-001", "../x", "x" * 201])
def test_an_id_that_cannot_be_is_refused_with_the_form_kept(office: Office, record_id: str) -> None:
    """A taken or impossible id costs nothing of what was typed."""
    answer = office.visitor(Role.REP).post(
        "/console/new/contact",
        {"id": record_id, "field.first_name": "Benedikt"},
        page="/console/new/contact",
    )

    assert answer.status_code == 422
    assert "Benedikt" in answer.text
    assert "Not saved" in answer.text


def test_deleting_takes_the_contact_and_tells_of_it(office: Office) -> None:
    """The record goes, and a signed event says so to whatever waits for it."""
    answer = office.visitor(Role.REP).post(CONTACT, {"action": "delete"}, page=CONTACT)

    assert answer.status_code == 303
    assert office.fields("contact", "c-001") is None
    assert '"type":"contact.deleted"' in owed(office)[-1]


def test_a_button_sends_a_trigger(office: Office) -> None:
    """A rep's button owes the same signed event as an outside CRM would send."""
    visitor, cart = office.visitor(Role.REP), "/console/records/cart/cart-1"
    answer = visitor.post(cart, {"action": "trigger", "type": "cart.abandoned"}, page=cart)

    assert answer.location.startswith(CONTACT)
    [event] = owed(office)
    assert '"type":"cart.abandoned"' in event
    assert '"object":{"kind":"cart","id":"cart-1"}' in event
    assert '"contact_id":"c-001"' in event
    assert actions(office)[-1] == "trigger"


def test_only_offered_triggers_can_be_sent(office: Office) -> None:
    """A made-up trigger type is refused."""
    visitor = office.visitor(Role.REP)
    for wanted in ("cart.abandoned", "contact.deleted", "x"):
        answer = visitor.post(CONTACT, {"action": "trigger", "type": wanted}, page=CONTACT)
        assert answer.status_code == 400
    assert owed(office) == []


def test_after_a_trigger_the_page_looks_by_itself_for_a_while(office: Office) -> None:
    """The part with the videos refreshes itself, and each time has fewer looks left."""
    visitor = office.visitor(Role.REP)
    part = visitor.get(CONTACT + "?part=videos&fired=2").text
    assert "<html" not in part
    assert "fired=1" in part
    assert "hx-get" not in visitor.get(CONTACT + "?part=videos&fired=0").text


def test_what_does_not_exist_is_not_found(office: Office) -> None:
    """Unknown records, kinds and users answer 404."""
    visitor = office.visitor(Role.ADMIN)
    for path in (
        "/console/records/contact/nobody",
        "/console/records/dragon",
        "/console/new/dragon",
    ):
        assert visitor.get(path).status_code == 404
    assert visitor.post(CONTACT + "x", {"action": "delete"}, page=CONTACT).status_code == 404
    assert visitor.post("/console/users/x", {"role": "rep"}, page=CONTACT).status_code == 404


def test_an_export_runs_no_formula(office: Office) -> None:
    """A cell that a spreadsheet would execute is written as text, and the export is in the log."""
    with office.store.write() as tx:
        records.put(tx, "local", "contact", "c-001", {"first_name": "=HYPERLINK(1)"})
    answer = office.visitor(Role.REP).get("/console/contacts.csv")

    assert "'=HYPERLINK(1)" in answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    assert actions(office)[-1] == "export"


# users and history


def test_an_admin_adds_a_user_who_may_sign_in(office: Office) -> None:
    """The new user signs in with the first password."""
    office.visitor(Role.ADMIN).post(
        "/console/users",
        {"email": "New@Example.com", "password": "a long enough one", "role": "viewer"},
        page=CONTACT,
    )

    assert office.visitor().sign_in("new@example.com", "a long enough one").status_code == 303


@pytest.mark.parametrize(
    ("email", "password"),
    [("new@example.com", "short"), ("no address", PASSWORD), ("rep@example.com", PASSWORD)],
)
def test_a_user_who_cannot_be_is_refused(office: Office, email: str, password: str) -> None:
    """A short password, a broken or a taken address is told in one sentence."""
    visitor = office.visitor(Role.ADMIN)
    visitor.post(
        "/console/users", {"email": email, "password": password, "role": "rep"}, page=CONTACT
    )

    assert "Not added" in visitor.get("/console/users").text


def test_an_admin_cannot_lock_themselves_out(office: Office) -> None:
    """Nobody changes their own role."""
    visitor = office.visitor(Role.ADMIN)
    visitor.post(
        f"/console/users/{office.ids[Role.ADMIN]}",
        {"role": "viewer", "disabled": "on"},
        page=CONTACT,
    )

    assert visitor.get("/console/users").status_code == 200


def test_the_history_tells_who_did_what(office: Office) -> None:
    """Sign-ins, refused ones, edits and changes of users are all there."""
    visitor = office.visitor(Role.ADMIN)
    office.visitor().sign_in("rep@example.com", "wrong password")
    visitor.post(CONTACT, {"field.first_name": "Anna", "was.first_name": "Ana"}, page=CONTACT)
    visitor.post(f"/console/users/{office.ids[Role.REP]}", {"role": "viewer"}, page=CONTACT)

    assert actions(office) == ["sign_in", "sign_in_refused", "edit", "user_change"]
    page = visitor.get("/console/history").text
    assert "does not hold together" not in page


def test_a_log_that_was_tampered_with_is_shown_as_such(office: Office) -> None:
    """An entry changed behind our back is named on the page."""
    visitor = office.visitor(Role.ADMIN)
    with office.store.write() as tx:
        tx.execute(audit_table.update().values(actor="somebody else"))

    assert "does not hold together" in visitor.get("/console/history").text


def test_the_limit_on_sign_ins_passes_with_time(office: Office) -> None:
    """A minute later the right password works again."""
    visitor: Visitor = office.visitor()
    for number in range(6):
        visitor.sign_in("admin@example.com", f"guess number {number}")
    with time_machine.travel(61 + time_now(), tick=True):
        assert visitor.sign_in("admin@example.com").status_code == 303


def time_now() -> float:
    import time

    return time.time()
