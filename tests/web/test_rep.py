"""A rep's pages without a browser: who is found, what is offered, what is asked for, what is copied."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import select

from connector.model import Decision, Outcome, Subject, Trigger, VideoStatus
from connector.settings import Settings
from connector.store import (
    Store,
    asked,
    audit,
    campaigns,
    connections,
    contact_words,
    contacts,
    decisions,
    records,
    users,
)
from connector.store import triggers as trigger_rows
from connector.store.clock import now
from connector.store.tables import triggers
from connector.store.users import Role
from connector.web import rep
from connector.web.desk import NAME, Desk
from connector.web.floods import Meter
from connector.web.rep_copy import copies_of
from connector.web.screens import view_of
from tests.web.colleagues import Office, Visitor, open_office
from tests.web.test_crm_cards import CART_VIDEO, OWN_VIDEO
from tests.web.viewing import Bells, Reel, Viewing

ANA = "/rep/local/contact/c-001"
BASE = "http://127.0.0.1:8400"


@pytest.fixture(autouse=True)
def unmetered(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test counts against the next one's requests."""
    monkeypatch.setattr(rep, "makes", Meter(most=30, seconds=60))


@pytest.fixture
def office(settings: Settings, sqlite_store: Store) -> Office:
    """An installation on SQLite, where the database makes no difference."""
    return _open(settings, sqlite_store)


@pytest.fixture
def anywhere(settings: Settings, store: Store) -> Office:
    """The same, once on each database."""
    return _open(settings, store)


def _open(settings: Settings, store: Store) -> Office:
    """Make an installation with three users, a contact, and two campaigns."""
    office = open_office(settings.model_copy(update={"database_url": store.url}), store)
    desk: Desk = office.app.extensions[NAME]
    desk.store.close()
    office.app.extensions[NAME] = replace(desk, store=store, doorbell=Bells())
    with store.write() as tx:
        campaigns.install(tx, "greeting", "1", OWN_VIDEO)
        campaigns.install(tx, "cart", "1", CART_VIDEO)
    return office


def studio(office: Office) -> Viewing:
    """The same installation, as the viewers' tests make its videos."""
    desk: Desk = office.app.extensions[NAME]
    assert isinstance(desk.doorbell, Bells)
    made = Viewing(office.app, desk.settings, desk.store, desk.keyring, desk.doorbell)
    found: Viewing = office.app.extensions.setdefault("studio", made)
    return found


def outsider(office: Office, contact_id: str = "901", **more: Any) -> Reel:
    """Make a video for somebody whose record is in another CRM."""
    viewing = studio(office)
    with office.store.write() as tx:
        if "hubspot-1" not in connections.ids(tx):
            connections.add(
                tx, viewing.keyring, connection_id="hubspot-1", crm="hubspot",
                title="Bakery", secrets={},
            )  # fmt: skip
    reel = viewing.reel(contact_id=contact_id, connection_id="hubspot-1", **more)
    with office.store.write() as tx:
        contact_words.renew(tx, "hubspot-1", [contact_id])
    return reel


def names(page: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r'dir="auto">([^<]+)</a>', page)]


def found(visitor: Visitor, query: str) -> list[str]:
    return names(visitor.client.get("/rep/find", query_string={"q": query}).text)


def ask(visitor: Visitor, campaign: str = "greeting") -> str:
    answer = visitor.post(ANA, {"campaign": campaign}, page=ANA)
    assert answer.status_code == 303
    return answer.headers["Location"]


def stored(office: Office) -> list[Any]:
    with office.store.read() as tx:
        return list(tx.execute(select(triggers).where(triggers.c.kind == "rep_request")))


def decide(office: Office, trigger_id: str, outcome: Outcome, sentence: str) -> None:
    with office.store.write() as tx:
        decisions.record(
            tx, connection_id="local", trigger_id=trigger_id, campaign="greeting",
            campaign_version="1", step=0, contact_id="c-001",
            decision=Decision(outcome, "why", sentence),
        )  # fmt: skip


# the door


@pytest.mark.parametrize("path", ["/rep", "/rep/find?q=ana", ANA])
def test_only_reps_and_admins_come_in(office: Office, path: str) -> None:
    """A stranger is led to the sign-in, a viewer is refused."""
    stranger = office.visitor().get(path)

    assert stranger.status_code == 303
    assert "/console/sign-in" in stranger.headers["Location"]
    assert office.visitor(Role.VIEWER).get(path).status_code == 403
    assert office.visitor(Role.REP).get(path).status_code == 200
    assert office.visitor(Role.ADMIN).get(path).status_code == 200


def test_a_part_of_a_page_is_no_place_for_the_sign_in(office: Office) -> None:
    """Where the session has ended, the script loads the whole page, which leads to the form."""
    answer = office.app.test_client().get("/rep/find?q=ana", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


def test_nothing_is_asked_for_without_the_forms_proof(office: Office) -> None:
    """A page of somebody else cannot press the button."""
    answer = office.visitor(Role.REP).client.post(ANA, data={"campaign": "greeting"})

    assert answer.status_code == 400
    assert stored(office) == []


# finding


def test_contacts_are_found_by_name_e_mail_and_id(anywhere: Office) -> None:
    """Each word must occur, in any letter case and script."""
    with anywhere.store.write() as tx:
        records.put(tx, "local", "contact", "c-002", {"first_name": "Ольга"})
    rep_of = anywhere.visitor(Role.REP)

    assert found(rep_of, "prieto an") == ["Ana Prieto"]
    assert found(rep_of, "ANA@example") == ["Ana Prieto"]
    assert found(rep_of, "c-001") == ["Ana Prieto"]
    assert found(rep_of, "ольга") == ["Ольга"]
    assert found(rep_of, "ana ольга") == []
    assert found(rep_of, "100%") == []
    assert found(rep_of, "a\0na") == ["Ana Prieto"]


def test_people_of_other_crms_are_found_by_what_their_video_says(anywhere: Office) -> None:
    """Somebody who has a video is known by name and id, once however many videos there are."""
    outsider(anywhere)
    outsider(anywhere)
    visitor = anywhere.visitor(Role.REP)

    assert found(visitor, "901") == ["Ana"]
    assert sorted(found(visitor, "ana")) == ["Ana", "Ana Prieto"]
    assert "Bakery" in visitor.get("/rep/find?q=901").text
    assert visitor.get("/rep/hubspot-1/contact/901").status_code == 200


def test_a_name_that_only_stood_in_is_nobodys_name(office: Office) -> None:
    """A contact whose video greets “there” is shown by id."""
    outsider(office, slots={"first_name": {"value": "there", "text": "there"}},
             fallback_slots=["first_name"])  # fmt: skip

    assert found(office.visitor(Role.REP), "901") == ["901"]


def test_an_erased_person_is_not_found(anywhere: Office) -> None:
    """What is left of an erased video leads to nobody."""
    outsider(anywhere, status=VideoStatus.ERASED)
    visitor = anywhere.visitor(Role.REP)

    assert found(visitor, "901") == []
    assert visitor.get("/rep/hubspot-1/contact/901").status_code == 404


def test_without_a_query_the_latest_come_first(anywhere: Office) -> None:
    """One letter is no query yet; whoever something happened with last stands on top."""
    with anywhere.store.write() as tx:
        later = now(tx) + 60_000
    outsider(anywhere, minted_at=later)
    visitor = anywhere.visitor(Role.REP)

    assert names(visitor.get("/rep").text) == ["Ana", "Ana Prieto"]
    assert found(visitor, "z") == ["Ana", "Ana Prieto"]


def test_no_more_than_twenty_are_listed(office: Office) -> None:
    """A common name is narrowed down by typing on."""
    with office.store.write() as tx:
        for number in range(25):
            records.put(tx, "local", "contact", f"x-{number}", {"first_name": "Kim"})
        assert len(contacts.find(tx, "kim")) == 20
    page = office.visitor(Role.REP).get("/rep/find?q=kim").text

    assert len(names(page)) == 20
    assert "type more" in page


def test_looking_changes_nothing(office: Office) -> None:
    """Searches, pages and previews leave the database as it was."""
    studio(office).reel(contact_id="c-001")
    visitor = office.visitor(Role.REP)
    before = studio(office).contents()
    for path in ("/rep", "/rep/find?q=ana", ANA, f"{ANA}?part=newest",
                 f"{ANA}?part=email&picture=still"):  # fmt: skip
        assert visitor.get(path).status_code == 200

    assert studio(office).contents() == before


@pytest.mark.parametrize(
    "path", ["/rep/local/contact/nobody", "/rep/elsewhere/contact/c-001", "/rep/local/contact/%00"]
)
def test_an_unknown_contact_has_no_page(anywhere: Office, path: str) -> None:
    """Who is neither in a record nor in a video is not there."""
    assert anywhere.visitor(Role.REP).get(path).status_code == 404


# whose contacts


def belongs(office: Office, role: Role, connection_id: str) -> Visitor:
    """Return somebody of *role* who sees the contacts of one connection."""
    with office.store.write() as tx:
        users.belong(tx, office.ids[role], connection_id)
    return office.visitor(role)


def test_a_rep_finds_the_contacts_of_their_own_connection_only(anywhere: Office) -> None:
    """In the search and in the list of the latest, nobody else's contact is named."""
    outsider(anywhere)
    of_bakery = belongs(anywhere, Role.REP, "hubspot-1")
    assert (found(of_bakery, "ana"), names(of_bakery.get("/rep").text)) == (["Ana"], ["Ana"])
    assert found(of_bakery, "prieto") == []

    at_home = belongs(anywhere, Role.REP, "local")
    assert found(at_home, "ana") == ["Ana Prieto"]
    assert found(at_home, "901") == []


def test_a_foreign_contact_is_as_if_it_were_not_there(anywhere: Office) -> None:
    """No page, no part of one, no e-mail, and nothing is made for them."""
    outsider(anywhere)
    studio(anywhere).reel(contact_id="c-001")
    of_bakery = belongs(anywhere, Role.REP, "hubspot-1")
    asked_for = of_bakery.post(ANA, {"campaign": "greeting"}, page="/rep/hubspot-1/contact/901")

    for part in ("", "?part=newest", "?part=email&picture=still"):
        assert of_bakery.get(f"{ANA}{part}").status_code == 404
    assert asked_for.status_code == 404
    assert stored(anywhere) == []
    assert of_bakery.get("/rep/hubspot-1/contact/901").status_code == 200


def test_an_admin_sees_all_contacts_whatever_they_belong_to(office: Office) -> None:
    """The limit is for reps and viewers."""
    outsider(office)
    admin = belongs(office, Role.ADMIN, "hubspot-1")

    assert sorted(found(admin, "ana")) == ["Ana", "Ana Prieto"]
    assert admin.get(ANA).status_code == 200


def test_the_console_keeps_to_the_connection_too(office: Office) -> None:
    """Who belongs elsewhere comes to the search, and neither records nor others' videos are there."""
    foreign, own = studio(office).reel(contact_id="c-001"), outsider(office)
    of_bakery = belongs(office, Role.REP, "hubspot-1")
    landed = of_bakery.get("/console/contacts")

    assert (landed.status_code, landed.headers["Location"]) == (303, "/rep")
    for path in ("records/contact/c-001", "records/cart", "contacts.csv", "new/contact",
                 f"videos/{foreign.id}", f"videos/{foreign.id}/video.mp4",
                 f"engagement/videos/{foreign.id}"):  # fmt: skip
        assert of_bakery.get(f"/console/{path}").status_code == 404
    listed = of_bakery.get("/console/videos").text
    assert own.id in listed
    assert foreign.id not in listed
    assert '/console/contacts"' not in listed.split("<nav")[1].split("</nav>")[0]
    assert of_bakery.get(f"/console/videos/{own.id}").status_code == 200


def test_a_program_with_a_reps_token_keeps_to_the_connection(office: Office) -> None:
    """A token has the rights of its user and no more."""
    foreign = studio(office).reel(VideoStatus.NEEDS_REVIEW, contact_id="c-001")
    outsider(office)
    belongs(office, Role.REP, "hubspot-1")
    caller = office.app.test_client()
    proof = {"Authorization": f"Bearer {office.token(Role.REP)}"}
    judged = caller.post(
        f"/api/v1/videos/{foreign.id}/review", json={"approved": True}, headers=proof
    )

    assert caller.get("/api/v1/records/contact/c-001", headers=proof).status_code == 404
    assert judged.status_code == 404
    assert studio(office).video(foreign).status == VideoStatus.NEEDS_REVIEW


# one contact


def test_the_page_shows_the_newest_video_and_how_to_take_it_along(office: Office) -> None:
    """Status, picture, and the link in a field that works without script."""
    reel = studio(office).reel(contact_id="c-001")
    page = office.visitor(Role.REP).get(ANA).text

    assert '<span class="chip good">Ready</span>' in page
    assert f'readonly value="{BASE}{reel.path}"' in page
    assert f'<img src="{reel.path}/poster.jpg"' in page
    assert "Copy for e-mail" in page


def test_a_rep_sees_the_page_on_this_host_and_does_not_count(office: Office) -> None:
    """The way to the recipient's page is relative, so that the browser shows who is looking."""
    reel = studio(office).reel(contact_id="c-001", campaign="greeting")
    visitor = office.visitor(Role.REP)
    page = visitor.get(ANA).text
    links = re.findall(r'href="([^"]+)" target="_blank" rel="noopener">See it as', page)
    watch = visitor.get(links[0]).text

    assert links == [reel.path, reel.path]
    assert '"own"' in str(tickets(office, watch))


def tickets(office: Office, page: str) -> list[str]:
    keyring = office.app.extensions[NAME].keyring
    words = re.findall(r'="([^"]{40,500})"', page)
    return [str(said).replace("'", '"') for word in words if (said := _opened(keyring, word))]


def _opened(keyring: Any, word: str) -> Any:
    try:
        return keyring.verify(word, "beacon", 60)
    except Exception:
        return None


def test_an_expired_video_is_not_taken_along(office: Office) -> None:
    """There is nothing to copy where the link leads nowhere."""
    studio(office).reel(VideoStatus.EXPIRED, contact_id="c-001", campaign="greeting")
    page = office.visitor(Role.REP).get(ANA).text

    assert "Copy for e-mail" not in page
    assert "See it as the recipient will" not in page
    assert "Make it again" in page


def test_only_templates_about_a_contact_are_offered(office: Office) -> None:
    """What needs a cart cannot be made from a contact."""
    page = office.visitor(Role.REP).get(ANA).text

    assert "Spring greeting" in page
    assert 'value="cart"' not in page


# asking for a video


def test_make_it_asks_once_and_rings(anywhere: Office) -> None:
    """The trigger names the campaign and goes before others; a second press adds nothing."""
    visitor = anywhere.visitor(Role.REP)
    first, second = ask(visitor), ask(visitor)
    rows = stored(anywhere)
    with anywhere.store.read() as tx:
        entry = next(one for one in audit.entries(tx) if one.action == "trigger")

    assert len({first, second}) == len(rows) == 1 or crossed_a_minute(rows)
    assert (rows[0].campaign, rows[0].subject_id, rows[0].queue) == (
        "greeting", "c-001", "render-now",
    )  # fmt: skip
    assert studio(anywhere).bells.rung[0] == ("plan_video", [rows[0].id], None)
    assert (entry.actor, entry.subject) == ("rep@example.com", "contact:c-001")


def crossed_a_minute(rows: list[Any]) -> bool:
    return len({row.occurred_at // 60_000 for row in rows}) == len(rows) == 2


def test_a_template_that_is_gone_is_named(office: Office) -> None:
    """Nothing is stored for a campaign that is not offered, and the page says so."""
    visitor = office.visitor(Role.REP)
    ask(visitor, "cart")

    assert "no such template any more" in visitor.get(ANA).text
    assert stored(office) == []


def test_one_person_cannot_ask_without_end(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """After as many as the meter allows, the answer is to wait."""
    monkeypatch.setattr(rep, "makes", Meter(most=1, seconds=600))
    visitor = office.visitor(Role.REP)
    ask(visitor)

    assert visitor.post(ANA, {"campaign": "greeting"}, page=ANA).status_code == 429


def test_the_page_looks_by_itself_until_the_video_is_there(anywhere: Office) -> None:
    """While it is undecided or rendered the page asks again; then it stops."""
    visitor = anywhere.visitor(Role.REP)
    address = ask(visitor)
    assert "hx-trigger" in visitor.get(address).text.split('id="newest"')[1]

    trigger_id = stored(anywhere)[0].id
    decide(anywhere, trigger_id, Outcome.SEND, "Every gate was passed.")
    reel = studio(anywhere).reel(VideoStatus.QUEUED, contact_id="c-001", trigger_id=trigger_id)
    part = visitor.get(f"{address}&part=newest").text
    assert "The video is being made" in part
    assert 'hx-trigger="every 2s"' in part
    assert "left=89" in part

    studio(anywhere).change(
        reel.id, status="ready", work="done", receipt=studio(anywhere).receipt(reel.id)
    )
    ready = visitor.get(f"{address}&part=newest").text
    assert "hx-trigger" not in ready
    assert "Copy for e-mail" in ready


def test_the_page_does_not_look_forever(office: Office) -> None:
    """In the end a person is asked to look again."""
    visitor = office.visitor(Role.REP)
    part = visitor.get(f"{ask(visitor)}&part=newest&left=0").text

    assert "hx-trigger" not in part
    assert "takes longer than usual" in part


def test_a_refusal_is_shown_with_its_sentence(office: Office) -> None:
    """Whoever asked for a video that a gate stopped reads why."""
    visitor = office.visitor(Role.REP)
    address = ask(visitor)
    decide(office, stored(office)[0].id, Outcome.BLOCKED_CONSENT, "The contact opted out.")
    part = visitor.get(f"{address}&part=newest").text

    assert "The contact opted out." in part
    assert "hx-trigger" not in part


def test_who_is_held_out_stays_inside(office: Office) -> None:
    """A rep who knew of the experiment would make up for it by hand."""
    visitor = office.visitor(Role.REP)
    address = ask(visitor)
    decide(office, stored(office)[0].id, Outcome.HOLDOUT, "Held out, to show the effect.")
    part = visitor.get(f"{address}&part=newest").text

    assert "Held out" not in part
    assert "No video was made" in part


def test_what_came_of_anothers_trigger_is_not_told(office: Office) -> None:
    """A trigger's id tells only of the contact that it is about."""
    at = datetime.now(UTC) - timedelta(hours=1)
    with office.store.write() as tx:
        other = trigger_rows.add(tx, "local", Trigger("k", "x", Subject("contact", "c-9"), at))
        assert other is not None
        assert asked.came_of(tx, "local", "c-001", other) is None
        assert asked.came_of(tx, "local", "c-9", other) == asked.Asked(pending=True)


# the e-mail


class Block(HTMLParser):
    """Reads an e-mail's block: tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.words += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of all tags of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


def rendered(office: Office, *more: str, **columns: Any) -> Reel:
    """Make a video of Ana's that has the named files beside the usual ones."""
    viewing = studio(office)
    reel = viewing.reel(contact_id="c-001", **columns)
    receipt = viewing.receipt(reel.id)
    receipt["files"] |= dict.fromkeys(more, receipt["files"]["poster.jpg"])
    viewing.change(reel.id, receipt=receipt)
    return reel


def copies(office: Office, reel: Reel) -> dict[str, Any]:
    viewing = studio(office)
    with office.store.read() as tx:
        view = view_of(viewing.video(reel), now(tx), viewing.settings)
    return copies_of(view, f"{BASE}{reel.path}")


def test_the_block_suits_every_mail_program(office: Office) -> None:
    """A fixed width, a picture with words, the link in words, no style sheet, at most 2 kB."""
    reel = rendered(office, "poster-play.jpg", "preview.gif")
    made = copies(office, reel)
    block = Block(made["still"].html)
    picture = block.all("img")[0]

    assert list(made) == ["still", "moving"]
    assert (picture["width"], picture["height"]) == ("480", "270")
    assert picture["src"] == f"{BASE}{reel.path}/poster-play.jpg"
    assert picture["alt"] == "A video for Ana (0:20). Play video"
    assert [link["href"] for link in block.all("a")] == [f"{BASE}{reel.path}"] * 2
    assert block.words == "▶ Play video (0:20)"
    assert {tag for tag, _ in block.tags} <= {"table", "tr", "td", "a", "img"}
    assert Block(made["moving"].html).all("img")[0]["src"] == f"{BASE}{reel.path}/preview.gif"
    assert all(len(copy.html.encode()) <= 2048 for copy in made.values())
    assert made["still"].text == f"A video for Ana (0:20): {BASE}{reel.path}"


def test_a_name_cannot_break_out_of_the_block(office: Office) -> None:
    """A name is text, in the block and on the page that carries it."""
    name = '"><script>alert(1)</script>\nBcc: all@example.com'
    reel = rendered(office, slots={"first_name": {"value": name, "text": name}})
    copy = copies(office, reel)["still"]
    page = office.visitor(Role.REP).get(ANA).text

    assert Block(copy.html).all("script") == []
    assert "\n" not in copy.text
    assert "<script>alert" not in page


def test_a_video_that_is_not_made_yet_is_a_link_alone(office: Office) -> None:
    """No e-mail shows a picture that does not exist."""
    reel = studio(office).reel(VideoStatus.MINTED, contact_id="c-001")
    made = copies(office, reel)

    assert list(made) == ["none"]
    assert Block(made["none"].html).all("img") == []
    assert Block(made["none"].html).all("a")[0]["href"] == f"{BASE}{reel.path}"


def test_the_preview_is_the_block_and_runs_nothing(office: Office) -> None:
    """What is shown is what is copied, in a frame that only we may hold."""
    reel = rendered(office)
    answer = office.visitor(Role.REP).get(f"{ANA}?part=email&picture=still")

    assert copies(office, reel)["still"].html in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
