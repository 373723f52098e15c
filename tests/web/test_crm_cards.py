"""What HubSpot's own screens show of us: the card on a contact, another video, the settings page."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from connector.model import Decision, Outcome, VideoStatus
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, campaigns, connections, decisions, sessions
from connector.store.tables import audit, triggers
from connector.store.tables import videos as videos_table
from connector.web import crm_cards
from connector.web.floods import Meter
from tests.fakes.hubspot.signing import sign_v3
from tests.web.viewing import HOUR, Reel, Viewing, make_viewing

SECRET = "client-secret"
BASE = "https://video.example.com"
PORTAL = "hubspot-123"
OWN_VIDEO = """
title = "Spring greeting"
stage = "retention"
purpose = "video_service"
trigger = "contact_onboarding"
steps = [{ template = "onboarding" }]

[slots]
first_name = { from = "contact.first_name", otherwise = "there" }
"""
CART_VIDEO = """
title = "Cart"
stage = "acquisition"
purpose = "video_service"
trigger = "cart_abandoned"
steps = [{ template = "abandoned_cart" }]

[slots]
total = { from = "cart.total" }
"""


@dataclass
class Screens:
    """HubSpot's side: passes requests of its pages on, signed."""

    viewing: Viewing
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.viewing.client

    def ask(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        portal: str = "123",
        at: float | None = None,
        **query: str,
    ) -> TestResponse:
        """Send one request as `hubspot.fetch` does."""
        who = {"userId": "77", "portalId": portal, "userEmail": "rep@example.com", "appId": "9"}
        target = f"/crm/hubspot/{path}?{urlencode({**query, **who})}"
        raw = b"" if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "POST"
        stamp = int((at or time.time()) * 1000)
        headers = sign_v3(SECRET, method, BASE + target, raw, stamp)
        return self.client.open(target, method=method, data=raw, headers=headers)

    def card(self, contact: str = "101", **options: Any) -> dict[str, Any]:
        """Read the card of a contact."""
        answer = self.ask("card", contact=contact, **options)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        told: dict[str, Any] = answer.get_json()
        return told

    def reel(self, status: VideoStatus = VideoStatus.READY, **options: Any) -> Reel:
        """Store a video of the portal's contact 101."""
        options = {"contact_id": "101", "connection_id": PORTAL} | options
        return self.viewing.reel(status, **options)

    def triggers(self) -> list[Any]:
        """Return the triggers that came from a card."""
        with self.viewing.store.read() as tx:
            found = tx.execute(select(triggers).where(triggers.c.kind == "rep_request"))
            return list(found.all())


@pytest.fixture
def screens(
    settings: Settings, sqlite_store: Store, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> Screens:
    """An installation that one portal is connected to, with two campaigns."""
    monkeypatch.setattr(crm_cards, "makes", Meter(most=30, seconds=60))
    ours = settings.model_copy(update={"public_base_url": BASE, "hubspot_client_secret": SECRET})
    viewing = make_viewing(ours, sqlite_store, keyring)
    with sqlite_store.write() as tx:
        connections.add(
            tx, keyring, connection_id=PORTAL, crm="hubspot", title="Bäckerei", secrets={},
            config={"left_out": ["cuereel_views"]},
        )  # fmt: skip
        campaigns.install(tx, "greeting", "1", OWN_VIDEO)
        campaigns.install(tx, "cart", "1", CART_VIDEO)
    return Screens(viewing)


def watched(screens: Screens, reel: Reel, session: str, *stretch: float, **columns: Any) -> None:
    """Store a session of somebody who watched a stretch of a video."""
    row = {
        "id": session, "video_id": reel.id, "sequence": 1, "first_at": 1_000, "last_at": 2_000,
        "duration_ms": 20_000, "segments": [[*stretch, 1.0]], "counts": b"", "unique_ms": 0,
        "watch_ms": 0, "furthest_ms": 0, "last_ms": 0, "viewed": True, "viewer": "human",
        "score": 0, "reasons": [], "flags": {}, **columns,
    }  # fmt: skip
    with screens.viewing.store.write() as tx:
        sessions.keep(tx, [sessions.SessionRow(**row)])


class Tags(HTMLParser):
    """The tags of a piece of HTML with what stands in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each tag of a kind."""
        return [attributes for name, attributes in self.found if name == tag]


def test_a_ready_video_comes_with_link_picture_and_words(screens: Screens) -> None:
    """What a person who writes to the contact needs."""
    reel = screens.reel()
    told = screens.card()
    link = f"{BASE}/v/{reel.token}"
    assert (told["status"], told["label"], told["tone"]) == ("ready", "Ready", "good")
    assert told["link"] == link
    assert told["thumbnail"] == f"{link}/poster.jpg"
    assert told["email_text"] == f"A video for Ana (0:20): {link}"
    assert told["sentence"] == "The video can be watched."


def test_a_contact_without_a_video_can_get_one(screens: Screens) -> None:
    """Only what can be told from a contact is offered."""
    told = screens.card()
    assert (told["status"], told["label"], told["videos"]) == ("", "No video yet", [])
    assert (told["link"], told["thumbnail"], told["email_html"]) == ("", "", "")
    assert told["campaigns"] == [{"value": "greeting", "label": "Spring greeting"}]


@pytest.mark.parametrize("status", [VideoStatus.FAILED, VideoStatus.REJECTED, VideoStatus.EXPIRED])
def test_a_video_that_nobody_can_watch_has_no_link(screens: Screens, status: VideoStatus) -> None:
    """A link that leads nowhere must not get into an e-mail."""
    screens.reel(status, rendered=True)
    told = screens.card()
    assert (told["status"], told["link"], told["email_html"]) == (status, "", "")


def test_a_link_that_has_run_out_is_not_shown_before_the_sweep_says_so(screens: Screens) -> None:
    """The time counts, not the status."""
    screens.reel(expires_at=1)
    assert screens.card()["link"] == ""


@pytest.mark.parametrize("status", [VideoStatus.MINTED, VideoStatus.QUEUED])
def test_a_video_that_is_not_made_yet_has_a_link_but_no_picture(
    screens: Screens, status: VideoStatus
) -> None:
    """The link works from the first moment."""
    reel = screens.reel(status)
    told = screens.card()
    assert told["link"].endswith(reel.token)
    assert told["thumbnail"] == ""
    assert Tags(told["email_html"]).of("img") == []
    assert told["waiting"] is (status == VideoStatus.QUEUED)


def test_an_erased_video_is_not_told_of(screens: Screens) -> None:
    """Not even that there was one."""
    screens.reel(VideoStatus.ERASED)
    assert screens.card()["videos"] == []


def test_the_five_newest_videos_are_listed(screens: Screens) -> None:
    """The newest first, and the card is about that one."""
    reels = [screens.reel(minted_at=number * HOUR) for number in range(1, 8)]
    told = screens.card()
    assert [video["id"] for video in told["videos"]] == [reel.id for reel in reels[:1:-1]]
    assert told["link"].endswith(reels[-1].token)


def test_views_and_percent_count_verified_people(screens: Screens) -> None:
    """Machines, sessions without a view and those that may not be told of do not count."""
    newest, older = screens.reel(minted_at=2 * HOUR), screens.reel(minted_at=HOUR)
    watched(screens, newest, "s1", 0, 8)
    watched(screens, newest, "s2", 6, 10, last_at=1_763_755_331_000)
    watched(screens, newest, "s3", 0, 20, viewer="machine")
    watched(screens, newest, "s4", 0, 20, viewed=False)
    watched(screens, newest, "s5", 0, 20, flags={"untracked": True})
    watched(screens, older, "s6", 0, 20)
    told = screens.card()
    assert (told["views"], told["percent"]) == (3, 50)
    assert told["last_viewed"] == "2025-11-21T20:02:11Z"
    assert [video["percent"] for video in told["videos"]] == [50, 100]


def test_what_is_not_known_is_null_and_not_zero(screens: Screens) -> None:
    """Nobody has watched."""
    screens.reel()
    told = screens.card()
    assert (told["views"], told["percent"], told["last_viewed"]) == (None, None, None)


def test_without_identified_tracking_the_card_tells_of_no_views(screens: Screens) -> None:
    """The setting holds here too."""
    reel = screens.reel()
    watched(screens, reel, "s1", 0, 20)
    desk = screens.viewing.app.extensions["cuereel"]
    quiet = desk.settings.model_copy(update={"tracking": "aggregate"})
    object.__setattr__(desk, "settings", quiet)
    assert screens.card()["views"] is None


def refused(screens: Screens, outcome: Outcome, sentence: str) -> None:
    """Record that a later trigger of the contact was not answered with a video."""
    with screens.viewing.store.write() as tx:
        trigger_id = tx.execute(select(triggers.c.id)).scalars().first()
        assert trigger_id
        decisions.record(
            tx, connection_id=PORTAL, trigger_id=trigger_id, campaign="greeting",
            campaign_version="1", step=1, contact_id="101",
            decision=Decision(outcome, "consent_denied", sentence),
        )  # fmt: skip


def test_a_refusal_after_the_newest_video_is_what_the_card_says(screens: Screens) -> None:
    """The video before it can still be sent."""
    reel = screens.reel()
    refused(screens, Outcome.BLOCKED_CONSENT, "The CRM says that the contact said no.")
    told = screens.card()
    assert told["label"] == "Not sent: no consent"
    assert told["sentence"] == "The CRM says that the contact said no."
    assert told["link"].endswith(reel.token)


def test_who_is_held_out_does_not_see_it(screens: Screens) -> None:
    """An experiment that its subjects' colleagues know of is none."""
    screens.reel()
    refused(screens, Outcome.HOLDOUT, "Held out.")
    assert screens.card()["status"] == "ready"


def test_a_piece_of_email_is_a_table_that_works_without_styles(screens: Screens) -> None:
    """The block of the pages for reps: a width that may shrink, a picture with words, a link."""
    reel = screens.reel()
    tags = Tags(screens.card()["email_html"])
    link = f"{BASE}/v/{reel.token}"
    (table,), (image,) = tags.of("table"), tags.of("img")
    assert (table["width"], table["role"], table["dir"]) == ("480", "presentation", "ltr")
    assert "max-width:480px" in str(table["style"])
    assert (image["src"], image["width"]) == (f"{link}/poster.jpg", "480")
    assert image["height"] == "270"
    assert image["alt"] == "A video for Ana (0:20). Play video"
    assert {anchor["href"] for anchor in tags.of("a")} == {link}
    assert {tag for tag, _ in tags.found} == {"table", "tr", "td", "a", "img"}


@pytest.mark.parametrize(
    "name", ['<script>alert(1)</script>"', 'a" onload="x', "{link}", "Ana\r\nBcc: x"]
)
def test_a_name_stays_a_name_in_the_email(screens: Screens, name: str) -> None:
    """It comes from a record that anybody may have filled in."""
    screens.reel(slots={"first_name": {"value": name, "text": name}})
    told = screens.card()
    tags = Tags(told["email_html"])
    assert [tag for tag, _ in tags.found].count("img") == 1
    assert tags.of("script") == []
    assert set(tags.of("img")[0]) == {"src", "width", "height", "alt", "border", "style"}
    alt = "A video for " + " ".join(name.split()) + " (0:20). Play video"
    assert tags.of("img")[0]["alt"] == alt
    assert "\n" not in told["email_text"]


def test_the_picture_has_a_button_and_may_move(screens: Screens) -> None:
    """Where there are both, the usual block stands still and another one moves."""
    reel = screens.reel()
    told = screens.card()
    assert told["email_moving"] == ""

    receipt = screens.viewing.receipt(reel.id)
    more = dict.fromkeys(("poster-play.jpg", "preview.gif"), receipt["files"]["poster.jpg"])
    receipt["files"] |= more
    screens.viewing.change(reel.id, receipt=receipt)
    told = screens.card()
    shown = [Tags(told[key]).of("img")[0]["src"] for key in ("email_html", "email_moving")]
    assert shown == [f"{told['link']}/poster-play.jpg", f"{told['link']}/preview.gif"]
    assert all(len(told[key].encode()) <= 2048 for key in ("email_html", "email_moving"))


def test_the_email_speaks_the_videos_language_in_its_direction(screens: Screens) -> None:
    """Right to left where the language is."""
    screens.reel(locale="ar")
    (table,) = Tags(screens.card()["email_html"]).of("table")
    assert (table["lang"], table["dir"]) == ("ar", "rtl")


WISH = {"contact": "101", "campaign": "greeting", "request": "press-0001"}


def test_another_video_is_a_trigger_of_the_usual_kind(screens: Screens) -> None:
    """It goes before everything else, as somebody waits, and the log says who asked."""
    answer = screens.ask("card/make", WISH)
    assert answer.status_code == 202
    (trigger,) = screens.triggers()
    assert (trigger.subject_kind, trigger.subject_id) == ("contact", "101")
    assert (trigger.campaign, trigger.queue) == ("greeting", "render-now")
    assert trigger.connection_id == PORTAL
    assert trigger.facts == {"asked_by": "hubspot:77"}
    assert screens.viewing.bells.rung == [("plan_video", [trigger.id], None)]
    with screens.viewing.store.read() as tx:
        entry = tx.execute(select(audit)).all()[-1]
    assert (entry.actor, entry.action, entry.subject) == ("hubspot:77", "trigger", PORTAL)


def test_a_request_that_hubspot_repeats_makes_one_video(screens: Screens) -> None:
    """HubSpot asks once more where it got no answer; another press is another request."""
    for request in ("press-0001", "press-0001", "press-0002"):
        assert screens.ask("card/make", {**WISH, "request": request}).status_code == 202
    assert len(screens.triggers()) == 2


@pytest.mark.parametrize("campaign", ["cart", "gone", "", "x" * 200])
def test_only_what_is_offered_can_be_made(screens: Screens, campaign: str) -> None:
    """Whatever the page sends."""
    answer = screens.ask("card/make", {**WISH, "campaign": campaign})
    assert answer.status_code == 400
    assert answer.get_json()["sentence"]
    assert screens.triggers() == []


@pytest.mark.parametrize(
    "wish",
    [{}, {**WISH, "contact": "1/2"}, {**WISH, "contact": 101}, {**WISH, "request": "x"},
     {**WISH, "kind": "contact_deleted"}],
)  # fmt: skip
def test_a_wish_of_another_shape_is_refused(screens: Screens, wish: dict[str, Any]) -> None:
    """Strictly what the card sends, and nothing more."""
    assert screens.ask("card/make", wish).status_code == 400
    assert screens.triggers() == []


def test_who_presses_too_often_has_to_wait(
    screens: Screens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One person, that is; and it is said in words."""
    monkeypatch.setattr(crm_cards, "makes", Meter(most=2, seconds=60))
    answers = [
        screens.ask("card/make", {**WISH, "request": f"press-000{number}"}) for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert "wait" in answers[-1].get_json()["sentence"]


def test_a_portal_sees_only_its_own_contacts(screens: Screens) -> None:
    """The same contact id in another account is another person."""
    screens.reel(connection_id="local")
    store, keyring = screens.viewing.store, screens.viewing.keyring
    with store.write() as tx:
        connections.add(
            tx, keyring, connection_id="hubspot-124", crm="hubspot", title="Other", secrets={}
        )
    screens.reel(connection_id="hubspot-124")
    assert screens.card()["videos"] == []
    assert len(screens.card(portal="124")["videos"]) == 1


@pytest.mark.parametrize("path", ["card", "settings"])
def test_an_account_that_is_not_connected_is_told_where_to_connect(
    screens: Screens, path: str
) -> None:
    """Our app may be installed where nobody has connected it, or no longer."""
    answer = screens.ask(path, portal="999", contact="101")
    assert answer.status_code == 404
    assert answer.get_json()["error"] == "not_connected"
    assert f"{BASE}/console/connections" in answer.get_json()["sentence"]


def test_a_disabled_connection_shows_nothing(screens: Screens) -> None:
    """As if it were not connected."""
    with screens.viewing.store.write() as tx:
        connections.set_state(tx, PORTAL, "disabled")
    assert screens.ask("card", contact="101").status_code == 404


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_request_from_another_time_is_refused(screens: Screens, seconds: int) -> None:
    """It may have been recorded."""
    answer = screens.ask("card", contact="101", at=time.time() + seconds)
    assert answer.status_code == 401


def test_whatever_is_wrong_with_a_signature_the_answer_is_the_same(screens: Screens) -> None:
    """A forger learns nothing."""
    stale = screens.ask("card", contact="101", at=time.time() - 999)
    target = "/crm/hubspot/card?contact=101&portalId=123&userId=77"
    bare = screens.client.get(target)
    stamp = int(time.time() * 1000)
    forged = sign_v3("other", "GET", BASE + target, b"", stamp)
    foreign = screens.client.get(target, headers=forged)
    assert {answer.status_code for answer in (stale, bare, foreign)} == {401}
    assert stale.data == bare.data == foreign.data


def test_a_signature_does_not_fit_another_body_or_method(screens: Screens) -> None:
    """The body is signed as it is, byte by byte."""
    target = "/crm/hubspot/card/make?portalId=123&userId=77"
    raw = json.dumps(WISH).encode()
    headers = sign_v3(SECRET, "POST", BASE + target, raw, int(time.time() * 1000))
    changed = raw.replace(b"101", b"102")
    assert screens.client.post(target, data=changed, headers=headers).status_code == 401
    assert screens.client.post(target, data=raw, headers=headers).status_code == 202
    assert len(screens.triggers()) == 1


def test_the_settings_page_shows_connection_and_fields(screens: Screens) -> None:
    """Those that an install left out are shown as missing."""
    told = screens.ask("settings").get_json()
    assert (told["title"], told["state"]) == ("Bäckerei", "active")
    there = {item["name"]: item["there"] for item in told["fields"]}
    assert there["cuereel_views"] is False
    assert there["cuereel_video_url"] is True
    assert told["console"] == f"{BASE}/console/connections/{PORTAL}"


def test_the_settings_page_says_that_the_account_must_be_connected_again(screens: Screens) -> None:
    """The card goes on working meanwhile."""
    with screens.viewing.store.write() as tx:
        connections.set_state(tx, PORTAL, "needs_reauth")
    assert "connects it again" in screens.ask("settings").get_json()["sentence"]
    assert screens.ask("card", contact="101").status_code == 200


def test_there_are_no_cards_of_a_crm_that_has_none(screens: Screens) -> None:
    """Nor an error of ours."""
    assert screens.client.get("/crm/local/card?contact=101").status_code == 404


@pytest.mark.parametrize("contact", ["", "a b", "../1", "x" * 65, "1\n"])
def test_a_contact_id_of_another_shape_is_refused(screens: Screens, contact: str) -> None:
    """Before anything is looked up."""
    assert screens.ask("card", contact=contact).status_code == 400


def test_answers_are_kept_by_nobody(screens: Screens) -> None:
    """They hold links."""
    answer = screens.ask("card", contact="101")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert re.search("frame-ancestors 'none'", answer.headers["Content-Security-Policy"])


def test_a_large_body_is_not_read(screens: Screens) -> None:
    """Nobody needs more than a few words."""
    wish = {**WISH, "request": "x" * 20_000}
    assert screens.ask("card/make", wish).status_code == 413
    with screens.viewing.store.read() as tx:
        assert tx.execute(select(videos_table)).all() == []
