"""Further calls to action on the watch page's side: where each leads, what is counted, when it shows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from connector.model import VideoStatus
from connector.store import campaigns
from connector.store.clock import now
from connector.store.ids import new_id
from connector.store.tables import events
from connector.web.screens import View, view_of
from tests.web.test_console_engagement import CAMPAIGN, SCANNER, look, watch
from tests.web.viewing import Reel, Viewing

ADVISOR = {
    "key": "advisor",
    "kind": "calendar",
    "label": "Plan a call with Sam",
    "url": "https://calendar.example.com/sam?c=ana",
    "scenes": ["plan"],
}
COMMUNITY = {
    "key": "community",
    "kind": "group",
    "label": "Meet others",
    "url": "https://community.example.com/",
    "scenes": [],
}


def press(viewing: Viewing, reel: Reel, key: str | None, session: str) -> Any:
    """Press a call to action in a session; None is a page that knows only one."""
    form = {"s": session, "t": viewing.ticket(reel)} | ({} if key is None else {"c": key})
    return viewing.client.post(f"{reel.path}/cta", data=form)


def clicks_of(viewing: Viewing) -> list[tuple[str, str]]:
    """Return session and name of each stored click."""
    with viewing.store.read() as tx:
        rows = tx.execute(select(events.c.session_id, events.c.cta)).all()
    return sorted((row.session_id, row.cta) for row in rows)


def view(viewing: Viewing, reel: Reel) -> View:
    """Return what the page knows of a video."""
    with viewing.store.read() as tx:
        moment = now(tx)
    return view_of(viewing.video(reel), moment, viewing.settings)


def test_each_leads_to_its_own_stored_address(viewing: Viewing) -> None:
    """By its key alone; an old page that names none means the main one."""
    reel = viewing.reel(actions=[ADVISOR, COMMUNITY])
    for key, address in [
        ("advisor", ADVISOR["url"]),
        ("community", COMMUNITY["url"]),
        ("main", "https://example.com/book?for=ana"),
        (None, "https://example.com/book?for=ana"),
    ]:
        answer = press(viewing, reel, key, new_id())
        assert (answer.status_code, answer.headers["Location"]) == (303, address)


def test_a_click_counts_once_for_each_session_and_key(viewing: Viewing) -> None:
    """Two buttons of one page are two clicks, however often each is pressed."""
    reel = viewing.reel(actions=[ADVISOR, COMMUNITY])
    one, other = sorted([new_id(), new_id()])
    for key in ("advisor", "community", None, "main", "advisor"):
        press(viewing, reel, key, one)
    press(viewing, reel, "advisor", other)
    assert clicks_of(viewing) == [
        (one, "advisor"),
        (one, "community"),
        (one, "main"),
        (other, "advisor"),
    ]


@pytest.mark.parametrize("key", ["nothing", "", "MAIN", "https://evil.example", "x" * 3_000])
def test_an_unknown_key_leads_nowhere_and_counts_nothing(viewing_sqlite: Viewing, key: str) -> None:
    """The same page as for a link that never was."""
    reel = viewing_sqlite.reel(actions=[ADVISOR])
    assert press(viewing_sqlite, reel, key, new_id()).status_code == 404
    assert clicks_of(viewing_sqlite) == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://example.com/", "", "https://[::1"])
def test_an_unsafe_address_is_neither_shown_nor_followed(viewing_sqlite: Viewing, url: str) -> None:
    """Whatever came into the row."""
    reel = viewing_sqlite.reel(actions=[{**ADVISOR, "url": url}, COMMUNITY])
    assert [action.key for action in view(viewing_sqlite, reel).actions] == ["community"]
    assert press(viewing_sqlite, reel, "advisor", new_id()).status_code == 404


@pytest.mark.parametrize("actions", [None, []])
def test_a_video_without_further_ones_is_as_it_was(
    viewing_sqlite: Viewing, actions: list[Any] | None
) -> None:
    """Rows from before there were any hold nothing."""
    reel = viewing_sqlite.reel(actions=actions)
    assert view(viewing_sqlite, reel).actions == ()
    assert press(viewing_sqlite, reel, "main", new_id()).status_code == 303
    assert press(viewing_sqlite, reel, "advisor", new_id()).status_code == 404


def test_further_ones_do_without_a_main_one(viewing_sqlite: Viewing) -> None:
    """Each stands for itself."""
    reel = viewing_sqlite.reel(call_to_action=None, actions=[COMMUNITY])
    assert press(viewing_sqlite, reel, "community", new_id()).status_code == 303
    assert press(viewing_sqlite, reel, "main", new_id()).status_code == 404


def test_a_link_that_has_run_out_leads_nowhere(viewing_sqlite: Viewing) -> None:
    """Its buttons went with it."""
    reel = viewing_sqlite.reel(VideoStatus.EXPIRED, actions=[COMMUNITY])
    assert press(viewing_sqlite, reel, "community", new_id()).status_code == 404


@pytest.mark.parametrize(
    ("scenes", "spans"),
    [
        (["plan"], [[5.0, 15.0]]),
        (["welcome", "plan"], [[0.0, 15.0]]),
        (["farewell", "welcome"], [[0.0, 5.0], [15.0, 20.0]]),
        (["plan", "nowhere"], [[5.0, 15.0]]),
        (["nowhere"], []),
        ([], []),
    ],
)
def test_an_action_shows_while_its_scenes_play(
    viewing_sqlite: Viewing, scenes: list[str], spans: list[list[float]]
) -> None:
    """Scenes that follow one another are one stretch; a scene that this video lacks is none."""
    reel = viewing_sqlite.reel(actions=[{**ADVISOR, "scenes": scenes}])
    seen = view(viewing_sqlite, reel)
    assert seen.spans(seen.actions[0]) == spans
    # without a stretch of its own it is one that always shows
    assert bool(seen.actions[0].scenes) == bool(spans)


def happened(name: str, *keys: str) -> list[dict[str, Any]]:
    """Return events about calls to action as the player reports them."""
    return [{"i": new_id(), "n": name, "c": key, "pos": 6.0, "at": 0} for key in keys]


def test_a_campaign_shows_how_each_call_to_action_fares(viewing: Viewing) -> None:
    """In the order of the file, also of an earlier one; each rate is of the views that saw it."""
    entry = (
        '[[actions]]\nname = "{0}"\ntext = "Go"\nurl = "https://example.com/"\nscenes = "steps"\n'
    )
    head = (
        'title = "x"\nstage = "retention"\npurpose = "video_service"\n'
        'trigger = "contact_onboarding"\n[[steps]]\ntemplate = "onboarding"\n'
    )
    with viewing.store.write() as tx:
        campaigns.install(tx, "onboarding", "1", head + entry.format("old_one"))
        campaigns.install(tx, "onboarding", "2", head + entry.format("advisor"))
    reel = viewing.reel(actions=[ADVISOR])
    shown = happened("cta_view", "main", "advisor", "old_one")
    watch(viewing, reel, (0, 20), e=[*shown, *happened("cta_click", "advisor")])
    watch(viewing, reel, (0, 20), e=happened("cta_view", "main", "main", "advisor"))
    # none of these is a view that saw it: a scanner's, one that is never told of, one made up
    watch(viewing, reel, (0, 20), e=shown, agent=SCANNER)
    watch(viewing, reel, (0, 20), e=shown, f={"dnt": 1})
    watch(viewing, reel, (0, 20), e=happened("cta_view", "made-up"))
    looking = look(viewing)
    assert looking.row(CAMPAIGN, "Main button") == "Main button 2 0 % 0–66 % 0 of 2"
    assert looking.row(CAMPAIGN, "Advisor") == "Advisor 2 50 % 9–91 % 1 of 2"
    assert looking.row(CAMPAIGN, "Old one") == "Old one 1 0 % 0–79 % 0 of 1"
    text = looking.text(CAMPAIGN)
    assert text.index("Main button") < text.index("Advisor") < text.index("Old one")
    assert "made-up" not in text.lower()


def test_without_a_call_to_action_that_was_seen_there_is_no_table(viewing_sqlite: Viewing) -> None:
    """A table of nothing is not drawn."""
    watch(viewing_sqlite, viewing_sqlite.reel(), (0, 20))
    assert "Shown, in views" not in look(viewing_sqlite).text(CAMPAIGN)
