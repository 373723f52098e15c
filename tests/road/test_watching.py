"""
Watching, from a link of the demo to the contact's record, with browsers that really play.

The company is the demo's: its records, its campaigns, events posted to our hooks over HTTP, the
renderer that users have. Nothing in the product knows of tests; a press is a mouse's or a finger's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from selenium import webdriver
from sqlalchemy import select

from connector.measure import scoring
from connector.measure.engagement import percent
from connector.signing import verify
from connector.store import endpoints, sessions
from connector.store.clock import moment
from connector.store.curves import of_campaign
from connector.store.sessions import SessionRow
from connector.store.tables import changes as changes_table
from tests.notify.receiver import Receiver, receiving
from tests.road.company import TELEPHONE, WATCHER, open_company
from tests.road.conftest import Road
from tests.road.test_scanners import ALERT_TAKES, measure, told
from tests.road.viewers import APART, Viewer, fetch_everything, on_a_telephone, open_at_once
from tests.web.browser import chromium, need_browser, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
SHARE = 0.6


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A program outside that wants to hear of everything."""
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Road]:
    """The demo's company an hour after its videos were sent."""
    need_browser()
    with open_company(tmp_path_factory.mktemp("demo") / "home") as road:
        with road.store.write() as tx:
            endpoints.add(tx, road.station.keyring, url=f"{receiver.url}/told")
        yield road


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    """A browser as a person has it."""
    with chromium(APART) as opened:
        yield opened


def link(road: Road, contact: str = WATCHER) -> str:
    """Return the link that stands on a contact's record."""
    return str(road.fields(contact)["cuereel_video_url"])


def links(road: Road) -> list[str]:
    """Return the links of all videos of the contact, as their rows in the CRM have them."""
    return [str(row.values["video_url"]) for row in road.rows(WATCHER) if row.kind == "video"]


def heard(road: Road, contact: str = WATCHER) -> list[SessionRow]:
    """Return all sessions of a contact's videos."""
    with road.store.read() as tx:
        return sessions.of_videos(tx, [video.id for video in road.videos(contact)])


def settle(road: Road, waited: int = 0) -> None:
    """Measure, as if all sessions were older by *waited* milliseconds; write and tell what is owed."""
    measure(road, waited)
    road.travel("webhooks")


def everything(road: Road, receiver: Receiver) -> dict[str, list[str]]:
    """Return all that anybody outside has learnt or can learn."""
    return {**told(road), "arrived": [body.decode() for _, _, body in receiver.arrived]}


def signed(road: Road, _path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Return the event of a delivery that is signed with the endpoint's secret."""
    with road.store.read() as tx:
        [endpoint] = endpoints.everyone(tx)
        secrets = endpoints.secrets_of(tx, road.station.keyring, endpoint.id)
    verify(secrets, headers, body, at=datetime.now(UTC), window=60)
    event: dict[str, Any] = json.loads(body)
    return event


def newer(road: Road, known: set[str], contact: str = WATCHER) -> list[SessionRow]:
    """Return the sessions of a contact's videos that are not *known*."""
    return [row for row in heard(road, contact) if row.id not in known]


def clicks(road: Road, row: SessionRow) -> list[str]:
    """Return the calls to action that were clicked in a session."""
    with road.store.read() as tx:
        return sessions.clicks(tx, [row.id]).get(row.id, [])


def tasks(road: Road) -> list[str]:
    """Return the subjects of the tasks that the owner of the contact was given."""
    with road.store.read() as tx:
        rows = tx.execute(
            select(changes_table.c["values"]).where(
                changes_table.c.kind == "task", changes_table.c.contact_id == WATCHER
            )
        )
        return [str(values["subject"]) for (values,) in rows]


def test_a_browser_that_says_it_is_driven_is_a_bot_whatever_it_does(
    company: Road, receiver: Receiver
) -> None:
    """A plain webdriver run plays, goes back and follows every button: kept, and never counted."""
    before, known = everything(company, receiver), {row.id for row in heard(company)}
    with chromium(APART, driven=True) as robot:
        machine = Viewer(robot, link(company))
        machine.play()
        machine.watch_until(2.2)
        machine.press_all()
        [row] = until(
            lambda: [r for r in newer(company, known) if r.unique_ms > 2000 and clicks(company, r)],
            "the robot's click",
        )
    settle(company)
    settle(company, ALERT_TAKES)
    assert (row.viewed, row.viewer) == (True, "bot")
    assert "webdriver" in row.reasons
    assert everything(company, receiver) == before


def test_who_only_fetches_what_is_on_the_pages_is_not_even_seen(
    company: Road, receiver: Receiver
) -> None:
    """GET and HEAD of every address of every link: no session, no number, nothing rendered."""
    before, known = everything(company, receiver), heard(company)
    for one in links(company):
        fetched = fetch_everything(one)
        assert {"/video.mp4", "/poster.jpg", "/captions.vtt", "/opt-out", "/cta"} <= fetched
    settle(company)
    assert heard(company) == known
    assert everything(company, receiver) == before


def test_a_browser_that_opens_all_links_of_a_message_changes_nothing(
    company: Road, receiver: Receiver, browser: webdriver.Chrome
) -> None:
    """It says nothing of software and scrolls like a person; it presses nothing, so nobody watched."""
    before, known = everything(company, receiver), {row.id for row in heard(company)}
    first = browser.current_window_handle
    windows = open_at_once(browser, links(company))
    found = until(lambda: len(rows := newer(company, known)) == 3 and rows, "its three sessions")
    for window in windows:
        browser.switch_to.window(window)
        browser.close()
    browser.switch_to.window(first)
    settle(company)
    settle(company, ALERT_TAKES)
    assert len({row.video_id for row in found}) == 3
    stored = newer(company, known)
    assert {row.viewed for row in stored} == {False}
    assert "human" not in {row.viewer for row in stored}
    assert everything(company, receiver) == before


def test_what_a_person_watched_and_clicked_stands_on_their_record(
    company: Road, receiver: Receiver, browser: webdriver.Chrome
) -> None:
    """
    Sixty percent, a scene seen again, a click: fields, rows, score and sums say just that.

    The owner and programs outside hear of it when it has stood long enough to be a person's.
    """
    arrived, known = len(receiver.arrived), {row.id for row in heard(company)}
    [video] = [one for one in company.videos(WATCHER) if one.campaign == "abandoned_cart"]
    person = Viewer(browser, link(company))
    person.play()
    begun = time.monotonic()
    # paused as soon as 60 % were passed: until the press arrives a fraction of a second is played on
    person.watch_until(SHARE * person.length)
    assert time.monotonic() - begun >= 10
    again = person.go_back_to(1)
    person.watch_until(again + 2.5)
    person.follow(str(video.call_to_action["url"]))
    settle(company)

    [row] = newer(company, known)
    fields = company.fields(WATCHER)
    assert (row.viewed, row.viewer, row.video_id) == (True, "human", video.id)
    assert fields["cuereel_percent_watched"] == percent(row.unique_ms, row.duration_ms)
    assert 60 <= fields["cuereel_percent_watched"] <= 62, row.segments
    assert fields["cuereel_rewatches"] == 1
    assert fields["cuereel_cta_clicks"] == 1
    assert fields["cuereel_last_cta"] == video.slots["cta_label"]["text"]
    assert fields["cuereel_views"] == 1
    assert fields["cuereel_drop_off_scene"] == video.receipt["scenes"][1]["name"]
    points = scoring.points(
        scoring.Watched(moment(row.last_at), fields["cuereel_percent_watched"], 1, clicked=True)
    )
    assert fields["cuereel_engagement_score"] == points > 0
    assert fields["cuereel_engagement_tier"] == scoring.tier(points)
    [view] = [one for one in company.rows(WATCHER) if one.kind == "view"]
    assert (view.key, view.values["percent_watched"]) == (row.id, fields["cuereel_percent_watched"])
    with company.store.read() as tx:
        assert of_campaign(tx, "abandoned_cart").plays == 1

    assert tasks(company) == []
    assert len(receiver.arrived) == arrived
    settle(company, ALERT_TAKES)
    seen = fields["cuereel_percent_watched"]
    assert tasks(company) == [f"Get in touch: Abandoned cart, {seen} % watched"]
    told_of = [signed(company, *one) for one in receiver.arrived[arrived:]]
    assert sorted(event["type"] for event in told_of) == [
        "cta.clicked", "watch.first_view", "watch.milestone", "watch.milestone",
    ]  # fmt: skip
    assert {event["data"]["session_id"] for event in told_of} == {row.id}
    assert {event["data"].get("milestone") for event in told_of} == {None, 25, 50}


def test_a_person_who_taps_on_a_telephone_is_a_person(company: Road) -> None:
    """A finger on a small screen is a gesture as good as a mouse's press."""
    with chromium(APART, "--window-size=390,844") as telephone:
        on_a_telephone(telephone)
        person = Viewer(telephone, link(company, TELEPHONE), finger=True)
        person.play()
        until(lambda: person.position >= 2.2, "as much of the film as makes a view")
        person.leave()
        [row] = until(
            lambda: [r for r in newer(company, set(), TELEPHONE) if r.unique_ms > 2000],
            "the session",
        )
    settle(company)
    assert (row.viewed, row.viewer, row.flags["gesture"]) == (True, "human", 1)
    assert company.fields(TELEPHONE)["cuereel_views"] == 1
