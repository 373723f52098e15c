"""The console's pages: what they show of contacts, records, users and history, and what they change."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from connector.model import Decision, Outcome, Subject, Trigger
from connector.settings import Settings
from connector.signing import new_secret
from connector.store import Store, audit, decisions, record_rows, records, triggers, users
from connector.store.tables import audit as audit_table
from connector.store.tables import webhooks as webhooks_table
from connector.store.users import Role
from connector.web.desk import NAME
from tests.fakes.local import connect_local
from tests.web.colleagues import CONTACT, PASSWORD, Office, open_office


@pytest.fixture
def office(settings: Settings, sqlite_store: Store) -> Office:
    """An installation with an admin, a rep, a viewer, one contact and one cart."""
    return open_office(settings, sqlite_store)


def owed(office: Office) -> list[str]:
    with office.store.read() as tx:
        return [row.body for row in tx.execute(webhooks_table.select())]


def actions(office: Office) -> list[str]:
    with office.store.read() as tx:
        return [entry.action for entry in reversed(audit.entries(tx))]


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


def test_a_contacts_page_tells_every_decision_with_its_reason(office: Office) -> None:
    """Why has this person no video? One look answers it."""
    trigger = Trigger("k1", "contact_onboarding", Subject("contact", "c-001"), datetime.now(UTC))
    with office.store.write() as tx:
        trigger_id = triggers.add(tx, "local", trigger)
        assert trigger_id
        decisions.record(
            tx,
            connection_id="local",
            trigger_id=trigger_id,
            campaign="onboarding",
            campaign_version="1",
            step=0,
            contact_id="c-001",
            decision=Decision(
                Outcome.BLOCKED_CAP, "cap_reached", "Not sent: enough <b>videos</b>."
            ),
        )
    page = office.visitor(Role.VIEWER).get("/console/records/contact/c-001").text

    assert "Not sent: enough &lt;b&gt;videos&lt;/b&gt;." in page
    assert "Onboarding" in page


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


def test_a_list_of_carts_names_the_people(office: Office) -> None:
    """A cart shows its contact by name; one whose contact is gone shows the id."""
    with office.store.write() as tx:
        records.put(tx, "local", "cart", "cart-2", {"contact_id": "c-999"})
    page = office.visitor(Role.VIEWER).get("/console/records/cart").text

    assert "Ana Prieto" in page
    assert "c-999" in page


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


def test_an_admin_says_whose_contacts_a_rep_sees(office: Office) -> None:
    """On the page of users, for a new user and an old one; a connection that is not there is refused."""
    connect_local(office.store, office.app.extensions[NAME].keyring, "branch", [new_secret()])
    admin, rep_id = office.visitor(Role.ADMIN), office.ids[Role.REP]
    page = "/console/users"
    new = {"email": "new@example.com", "password": PASSWORD, "role": "rep", "connection": "branch"}
    assert 'name="connection"' in admin.get(page).text
    admin.post(page, new, page=page)
    admin.post(f"{page}/{rep_id}", {"role": "rep", "connection": "branch"}, page=page)
    with office.store.read() as tx:
        standing = {one.email: one.only for one in users.everyone(tx)}
    assert (standing["new@example.com"], standing["rep@example.com"]) == ("branch", "branch")

    admin.post(f"{page}/{rep_id}", {"role": "rep", "connection": "nowhere"}, page=page)
    assert "there is no connection" in admin.get(page).text
    admin.post(f"{page}/{rep_id}", {"role": "rep", "connection": ""}, page=page)
    with office.store.read() as tx:
        changed = users.get(tx, rep_id)
        told = next(one for one in audit.entries(tx) if one.action == "user_change")
    assert changed is not None
    assert changed.only is None
    assert told.facts["connection"] is None


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
