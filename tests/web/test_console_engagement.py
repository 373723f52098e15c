"""What was watched, as the console shows it: beacons come in at the door, numbers come out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.model import VideoStatus
from connector.store import records, users
from connector.store.ids import new_id
from connector.store.users import Role
from connector.web.desk import NAME
from tests.web.colleagues import Visitor, stored_password
from tests.web.viewing import Reel, Viewing, post, state

HOME = "/console/engagement"
CAMPAIGN = f"{HOME}/onboarding"
SCANNER = "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/141.0.0.0 Safari/537.36"


@dataclass
class Looking:
    """Somebody at the console of an installation whose videos are watched."""

    viewing: Viewing
    client: FlaskClient

    def text(self, path: str) -> str:
        """Return what a page says, without its tags."""
        answer = self.client.get(path)
        assert answer.status_code == 200
        return plain(answer.text)

    def row(self, path: str, words: str) -> str:
        """Return what the row of a table says that begins with some words."""
        rows = re.findall(r"<tr>(.*?)</tr>", self.client.get(path).text, re.S)
        [found] = [text for row in rows if (text := plain(row)).startswith(words)]
        return found


def plain(html: str) -> str:
    """Return the words of some HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def watch(
    viewing: Viewing, reel: Reel, *played: tuple[float, float], agent: str = "", **more: Any
) -> None:
    """Watch parts of a video in a session of one's own."""
    own = bool(more.pop("own", False))
    beacon = state(viewing.ticket(reel, own=own), new_id(), 1, *played, **more)
    flags = more.get("f")
    if flags:
        beacon["f"] = {**state("", "", 0)["f"], **flags}
    sent = (beacon, agent) if agent else (beacon,)
    assert post(viewing.client, *sent) == 204


def click() -> list[dict[str, Any]]:
    """Return the click of a call to action as the player reports it."""
    return [{"i": new_id(), "n": "cta_click", "c": "cta", "pos": 10.0, "at": 0}]


def look(viewing: Viewing, role: Role = Role.VIEWER) -> Looking:
    """Sign in as a user of *role*."""
    with viewing.store.write() as tx:
        users.add(tx, f"{role}@example.com", stored_password(), role)
    visitor = Visitor(viewing.client)
    assert visitor.sign_in(f"{role}@example.com").status_code == 303
    return Looking(viewing, visitor.client)


@pytest.fixture
def looking(viewing_sqlite: Viewing) -> Looking:
    """A viewer at the console."""
    return look(viewing_sqlite)


def test_before_anything_is_sent_the_page_says_what_to_do(looking: Looking) -> None:
    """An empty list explains itself."""
    assert "Send one from a contact's page" in looking.text(HOME)


def test_a_campaign_without_views_says_what_it_waits_for(looking: Looking) -> None:
    """What was sent is told, and no chart of nothing is drawn."""
    looking.viewing.reel()
    assert "No views yet of 1 video sent" in looking.text(HOME)
    assert "1 video was sent. The curve appears with the first person" in looking.text(CAMPAIGN)
    assert "<svg" not in looking.client.get(CAMPAIGN).text


@pytest.mark.parametrize(
    "path", [f"{HOME}/nothing", f"{HOME}/videos/nothing", f"{HOME}/videos/%00"]
)
def test_what_does_not_exist_is_not_found(looking: Looking, path: str) -> None:
    """An address that somebody made up leads nowhere."""
    assert looking.client.get(path).status_code == 404


def test_a_campaign_comes_to_views_viewers_averages_and_clicks(viewing: Viewing) -> None:
    """Each with its denominator; the numbers are those of known sessions."""
    ana, bo = viewing.reel(contact_id="ana"), viewing.reel(contact_id="bo")
    viewing.reel(contact_id="cy")
    viewing.reel(VideoStatus.FAILED, contact_id="dee")
    watch(viewing, ana, (0, 20), e=click())
    watch(viewing, ana, (0, 5))
    watch(viewing, bo, (0, 11))
    looking = look(viewing)
    text = looking.text(HOME)
    assert "Viewers 2 different people Average" in looking.text(CAMPAIGN)
    assert "Views 3 from 3 videos sent" in text
    assert "Average watched 60 % over 3 views" in text
    assert "Seen through 33 % 6–79 % 1 of 3" in text
    assert "Clicked 33 % 6–79 % 1 of 3" in text


def test_the_funnel_counts_each_video_by_its_best_view(viewing: Viewing) -> None:
    """Seeing all twice counts once, 49.95 % is not 50, and seeing a part twice adds nothing."""
    ana, bo, cy = (viewing.reel(contact_id=name) for name in ("ana", "bo", "cy"))
    viewing.reel(contact_id="dee")
    watch(viewing, ana, (0, 20), e=click())
    watch(viewing, ana, (0, 20))
    watch(viewing, bo, (0, 9.99))
    watch(viewing, cy, (0, 4), (0, 4))
    looking = look(viewing)
    assert looking.row(CAMPAIGN, "Sent") == "Sent 4 – – –"
    assert looking.row(CAMPAIGN, "Played") == "Played 3 75 % 30–95 % 3 of 4 – –"
    found = [looking.row(CAMPAIGN, f"Saw {mark} %").split()[3] for mark in (25, 50, 75, 95)]
    assert found == ["2", "1", "1", "1"]
    assert looking.row(CAMPAIGN, "Clicked the").endswith("33 % 6–79 % 1 of 3 25 % 5–70 % 1 of 4")
    assert looking.row(CAMPAIGN, "Saw 95 %").endswith("50 % 15–85 % 2 of 4")


def test_the_curve_and_its_table_say_the_same(looking: Looking) -> None:
    """What two sessions saw, hundredth by hundredth, with the rewatch and the last position."""
    viewing = looking.viewing
    reel = viewing.reel()
    watch(viewing, reel, (0, 10), (4, 6))
    watch(viewing, reel, (0, 20))
    assert looking.row(CAMPAIGN, "10–11 %") == "10–11 % 2 100 % 2 0 0"
    assert looking.row(CAMPAIGN, "25–26 %") == "25–26 % 2 100 % 3 1 0"
    assert looking.row(CAMPAIGN, "30–31 %") == "30–31 % 2 100 % 2 0 1"
    assert looking.row(CAMPAIGN, "99–100 %") == "99–100 % 1 50 % 1 0 1"
    page = looking.client.get(CAMPAIGN).text
    assert 'role="img" aria-labelledby="curve-title curve-words"' in page
    assert "Reach: share of 2 views" in page
    assert "that takes 10 views, and there are 2" in looking.text(CAMPAIGN)


def test_a_sudden_drop_is_named_by_its_scene_and_the_rule_is_printed(looking: Looking) -> None:
    """Half of twelve people stop where the plan begins to bore them."""
    for number in range(12):
        reel = looking.viewing.reel(contact_id=f"c{number}")
        watch(looking.viewing, reel, (0, 20) if number % 2 else (0, 8))
    text = looking.text(CAMPAIGN)
    assert "50 points of reach are lost near 40 %, in “Plan”." in text
    assert "fall of reach by at least 10 points within 5 % of the length" in text
    assert "at least 5 rewatches per 100 views" in text


def test_a_scene_tells_who_reached_it_and_who_left(looking: Looking) -> None:
    """With the parts that each share is of."""
    viewing = looking.viewing
    reel = viewing.reel()
    watch(viewing, reel, (0, 20))
    watch(viewing, reel, (0, 8), (5, 8))
    row = looking.row(CAMPAIGN, "Plan")
    assert row.startswith("Plan 100 % 34–100 % 2 of 2 8.0 s over 2 50 %")
    assert row.count("1 of 2") == 3


def test_variants_are_set_side_by_side(viewing: Viewing) -> None:
    """How many of each variant's views reached a scene."""
    for variant, end in (("short", 20.0), ("short", 4.0), ("warm", 20.0)):
        reel = viewing.reel(variant=variant)
        watch(viewing, reel, (0, end))
    page = look(viewing).client.get(CAMPAIGN).text
    [table] = re.findall(r'aria-label="Scene by variant">(.*?)</table>', page, re.S)
    assert plain(table).startswith("Scene short warm ")
    assert "Farewell 50 % 9–91 % 1 of 2 100 % 21–100 % 1 of 1" in plain(table)


def plans(viewing: Viewing, *given: tuple[str, int, float]) -> None:
    """Have people watch videos that name a plan: its value, how many, and up to which second."""
    for plan, count, end in given:
        for _ in range(count):
            slots = {
                "plan": {"value": plan, "text": plan},
                "first_name": {"value": f"Name {end:.0f}", "text": ""},
            }
            watch(viewing, viewing.reel(contact_id=new_id(), slots=slots), (0, end))


def test_values_of_a_slot_are_compared(viewing: Viewing) -> None:
    """By average watched, with counts; rare values stand together."""
    plans(viewing, ("Team", 6, 20.0), ("Solo", 5, 10.0), ("Rare", 3, 5.0), ("Odd", 2, 5.0))
    looking = look(viewing)
    asked = f"{CAMPAIGN}?slot=plan"
    assert looking.row(asked, "Team") == "Team 6 6 100 % 100–100 % over 6"
    assert looking.row(asked, "Solo") == "Solo 5 5 50 % 50–50 % over 5"
    assert looking.row(asked, "others together") == "others together 5 5 25 % 25–25 % over 5"
    assert "Rare" not in looking.text(asked)


def test_of_a_handful_of_people_no_average_is_told(looking: Looking) -> None:
    """Whoever stands together with few others is not given away."""
    plans(looking.viewing, ("Team", 5, 20.0), ("Solo", 2, 7.0))
    row = looking.row(f"{CAMPAIGN}?slot=plan", "others together")
    assert row == "others together 2 2 too few to show"


def test_names_of_people_are_never_compared(looking: Looking) -> None:
    """A slot that its template marks as personal is not offered, even when it is asked for."""
    plans(looking.viewing, ("Team", 5, 20.0), ("Solo", 5, 7.0))
    page = looking.client.get(f"{CAMPAIGN}?slot=first_name").text
    assert "Name 20" not in page
    assert "slot=plan" in page
    assert "slot=first_name" not in page


def test_without_its_template_no_slot_is_offered(looking: Looking) -> None:
    """When nobody can tell which slots are personal, none is shown."""
    plans(looking.viewing, ("Team", 5, 20.0), ("Solo", 5, 7.0))
    looking.viewing.change(looking.viewing.reel().id, template="gone")
    assert "By what the video says" not in looking.text(CAMPAIGN)


def test_filtered_traffic_is_shown_with_its_reasons_and_counts_nowhere(viewing: Viewing) -> None:
    """Scanners, previews, ourselves and those who only looked in."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20), agent=SCANNER)
    watch(viewing, reel, (0, 20), agent=SCANNER, f={"wd": 1})
    watch(viewing, reel, agent="Slackbot-LinkExpanding 1.0")
    watch(viewing, reel, (0, 20), own=True)
    watch(viewing, reel, (0, 20), f={"g": 0})
    text = look(viewing).text(CAMPAIGN)
    assert "No views yet" in text
    assert "2 sessions: link scanners and other software." in text
    assert "calls itself a program (2 of 2), a browser that software drives (1 of 2)" in text
    assert "1 session: chats and mail programs" in text
    assert "1 session: people who were signed in here" in text
    assert "1 session: opened, but nobody pressed play" in text


def test_a_videos_page_shows_each_session_with_its_verdict(looking: Looking) -> None:
    """Who watched what, what was watched again, and why a scanner does not count."""
    viewing = looking.viewing
    reel = viewing.reel(contact_id="c1")
    with viewing.store.write() as tx:
        records.put(tx, "local", "contact", "c1", {"first_name": "Ana", "last_name": "Prieto"})
    watch(viewing, reel, (0, 10), (4, 6), e=click())
    watch(viewing, reel, (0, 20), agent=SCANNER)
    page = looking.client.get(f"{HOME}/videos/{reel.id}").text
    text = plain(page)
    assert "of “ Onboarding ” for Ana Prieto" in text
    assert "50 % seen, as far as 50 %, 12 s played, 10 of 100 parts again" in text
    assert "call to action clicked" in text
    assert "Signs against it: calls itself a program" in text
    assert page.count('class="chart heat"') == 2
    assert page.count("counted as a view") == 1
    assert "Reach: share of 1 view that" in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert sorted(set(ids)) == sorted(ids)


def test_a_video_that_nobody_opened_says_so(looking: Looking) -> None:
    """With a way back to the video."""
    reel = looking.viewing.reel()
    assert "Nobody has opened it yet" in looking.text(f"{HOME}/videos/{reel.id}")


def test_who_asks_not_to_be_tracked_is_not_listed(viewing: Viewing) -> None:
    """Their view is part of the campaign's numbers and of no list of sessions."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20), f={"dnt": 1})
    looking = look(viewing)
    assert "Views 1 from 1 video sent" in looking.text(CAMPAIGN)
    assert "Nobody has opened it yet" in looking.text(f"{HOME}/videos/{reel.id}")


def test_where_only_campaigns_are_measured_no_video_tells_of_its_viewer(
    viewing_sqlite: Viewing,
) -> None:
    """In the aggregate mode sessions are nobody's to look at."""
    reel = viewing_sqlite.reel()
    watch(viewing_sqlite, reel, (0, 20))
    looking = look(viewing_sqlite)
    here = viewing_sqlite.app.extensions[NAME]
    counting = here.settings.model_copy(update={"tracking": "aggregate"})
    viewing_sqlite.app.extensions[NAME] = replace(here, settings=counting)
    text = looking.text(f"{HOME}/videos/{reel.id}")
    assert "People are not told apart here" in text
    assert "seen" not in text


def test_the_pages_are_one_click_from_where_one_is(looking: Looking) -> None:
    """The menu leads to the campaigns, a video's page to what was watched of it."""
    reel = looking.viewing.reel()
    assert f'href="{HOME}"' in looking.client.get("/console/videos").text
    assert f"{HOME}/videos/{reel.id}" in looking.client.get(f"/console/videos/{reel.id}").text
