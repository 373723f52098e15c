"""Tracking modes at the viewer's door: what a page allows, what a session may be used for, and no."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connector.measure.sums import VIEW_SUMS
from connector.store import connections, curves, erase, merge, tracking
from connector.store.ids import new_id
from connector.store.recount import recount
from connector.web.wire import make_ticket, read_ticket
from tests.web.viewing import CONNECTION, Reel, Viewing, post, state


def page_ticket(viewing: Viewing, reel: Reel, **headers: str) -> str:
    """Load the page as a browser does; return the ticket in it, empty where there is none."""
    answer = viewing.client.get(reel.path, headers=headers)
    assert answer.status_code == 200
    found = re.search(r'data-ticket="([^"]*)"', answer.text)
    return found.group(1) if found else ""


def mode_on_page(viewing: Viewing, reel: Reel, **headers: str) -> str:
    """Return the mode that a page's ticket carries; off without one."""
    ticket = page_ticket(viewing, reel, **headers)
    return read_ticket(viewing.keyring, ticket).m if ticket else "off"


def choose(viewing: Viewing, mode: str) -> None:
    """Let an admin choose how watching is remembered for the connection."""
    with viewing.store.write() as tx:
        connections.set_tracking(tx, CONNECTION, mode)


def ticket_of(viewing: Viewing, reel: Reel, mode: str) -> str:
    """Return a ticket of a page that was shown a minute ago in some mode."""
    known = read_ticket(viewing.keyring, viewing.ticket(reel))
    return make_ticket(viewing.keyring, reel.id, known.at, tracking=mode)


def plays(viewing: Viewing) -> int:
    """Return the views of the campaign."""
    with viewing.store.read() as tx:
        return curves.of_campaign(tx, "onboarding").plays


def say_no(viewing: Viewing, reel: Reel) -> Any:
    """Press the button that asks not to be counted."""
    return viewing.client.post(f"{reel.path}/untracked")


@pytest.mark.parametrize("mode", ["identified", "pseudonymous", "aggregate", "off"])
def test_a_page_allows_what_its_connection_allows(viewing: Viewing, mode: str) -> None:
    """A ticket says so itself, so that a beacon need not ask the database."""
    reel = viewing.reel()
    choose(viewing, mode)
    assert mode_on_page(viewing, reel) == mode


@pytest.mark.parametrize("signal", ["Sec-GPC", "DNT"])
def test_a_browser_that_asks_for_less_is_only_summed_up(
    viewing_sqlite: Viewing, signal: str
) -> None:
    """Global Privacy Control and Do Not Track; a zero asks for nothing."""
    reel = viewing_sqlite.reel()
    assert mode_on_page(viewing_sqlite, reel, **{signal: "1"}) == "aggregate"
    assert mode_on_page(viewing_sqlite, reel, **{signal: "0"}) == "identified"


def test_a_ticket_says_nothing_of_what_goes_without_saying(viewing_sqlite: Viewing) -> None:
    """Most pages are in the usual mode, and their tickets are short."""
    reel = viewing_sqlite.reel()
    usual = ticket_of(viewing_sqlite, reel, "identified")
    assert len(usual) < len(ticket_of(viewing_sqlite, reel, "pseudonymous"))
    assert read_ticket(viewing_sqlite.keyring, usual).m == "identified"


def test_a_session_keeps_the_strictest_mode_that_it_ever_had(viewing: Viewing) -> None:
    """What a later beacon no longer asks for is not loosened again; every view is in the sums."""
    reel, session = viewing.reel(), new_id()
    flags = state("", session, 1)["f"]
    for number, dnt in enumerate((0, 1, 0), 1):
        beacon = state(viewing.ticket(reel), session, number, (0, number), f={**flags, "dnt": dnt})
        assert post(viewing.client, beacon) == 204
    [row] = viewing.sessions(reel)
    assert (row.tracking, row.told) == ("aggregate", False)
    assert plays(viewing) == 1


@pytest.mark.parametrize("mode", ["pseudonymous", "aggregate"])
def test_what_a_page_did_not_allow_is_not_told_later(viewing_sqlite: Viewing, mode: str) -> None:
    """The session remembers the mode of its page; it counts in the sums like any other."""
    reel = viewing_sqlite.reel()
    ticket = ticket_of(viewing_sqlite, reel, mode)
    post(viewing_sqlite.client, state(ticket, new_id(), 1, (0, 12)))
    [row] = viewing_sqlite.sessions(reel)
    assert (row.tracking, row.told) == (mode, False)
    assert plays(viewing_sqlite) == 1


def test_a_page_of_a_mode_that_measures_nothing_stores_nothing(viewing_sqlite: Viewing) -> None:
    """Even if somebody makes a player send."""
    reel = viewing_sqlite.reel()
    ticket = ticket_of(viewing_sqlite, reel, "off")
    assert post(viewing_sqlite.client, state(ticket, new_id(), 1, (0, 12))) == 204
    viewing_sqlite.client.post(f"{reel.path}/cta", data={"t": ticket, "s": new_id()})
    assert viewing_sqlite.sessions(reel) == []


def test_who_says_no_is_measured_no_more_in_any_video(viewing: Viewing) -> None:
    """Pages that are open already included; what was remembered is kept as sums only."""
    reel, other = viewing.reel(), viewing.reel()
    stranger = viewing.reel(contact_id="c2")
    tickets = {one.id: viewing.ticket(one) for one in (reel, other, stranger)}
    for one in (reel, other, stranger):
        post(viewing.client, state(tickets[one.id], new_id(), 1, (0, 12)))
    answer = say_no(viewing, reel)
    assert (answer.status_code, answer.location) == (303, f"{reel.path}/untracked")
    for one in (reel, other, stranger):
        post(viewing.client, state(tickets[one.id], new_id(), 1, (0, 12)))
    assert [row.tracking for row in viewing.sessions(reel)] == ["aggregate"]
    assert [row.tracking for row in viewing.sessions(other)] == ["aggregate"]
    assert [row.tracking for row in viewing.sessions(stranger)] == ["identified"] * 2
    assert [mode_on_page(viewing, one) for one in (reel, stranger)] == ["off", "identified"]
    assert plays(viewing) == 4
    assert recount(viewing.store) == 0


def test_a_click_of_who_said_no_is_not_counted(viewing_sqlite: Viewing) -> None:
    """They still get to where the button leads."""
    reel = viewing_sqlite.reel()
    ticket = viewing_sqlite.ticket(reel)
    say_no(viewing_sqlite, reel)
    answer = viewing_sqlite.client.post(f"{reel.path}/cta", data={"t": ticket, "s": new_id()})
    assert answer.location.startswith("https://example.com/")
    assert viewing_sqlite.sessions(reel) == []


def test_the_choice_holds_for_a_video_without_a_contact_alone(viewing: Viewing) -> None:
    """Nobody knows whose other videos are, so the others go on being measured."""
    mine, other = viewing.reel(contact_id=None), viewing.reel(contact_id=None)
    for one in (mine, other):
        post(viewing.client, state(viewing.ticket(one), new_id(), 1, (0, 12)))
    assert say_no(viewing, mine).status_code == 303
    post(viewing.client, state(viewing.ticket(mine), new_id(), 1, (0, 12)))
    assert [row.tracking for row in viewing.sessions(mine)] == ["aggregate"]
    assert [row.tracking for row in viewing.sessions(other)] == ["identified"]
    assert [mode_on_page(viewing, one) for one in (mine, other)] == ["off", "identified"]


def test_looking_at_the_choice_chooses_nothing(viewing_sqlite: Viewing) -> None:
    """Scanners fetch every address; an unknown link and an erased video lead nowhere."""
    reel = viewing_sqlite.reel()
    before = viewing_sqlite.contents()
    asked = viewing_sqlite.client.get(f"{reel.path}/untracked")
    assert asked.status_code == 200
    assert "<button" in asked.text
    assert viewing_sqlite.client.get("/v/nobody/untracked").status_code == 404
    assert viewing_sqlite.client.post("/v/nobody/untracked").status_code == 404
    assert viewing_sqlite.contents() == before


def test_an_erased_viewer_leaves_no_choice_behind(viewing_sqlite: Viewing) -> None:
    """Neither does pressing the button afterwards."""
    reel = viewing_sqlite.reel()
    say_no(viewing_sqlite, reel)
    with viewing_sqlite.store.write() as tx:
        erase.erase(tx, CONNECTION, "c1")
    before = viewing_sqlite.contents()
    assert before["subjects"] == []
    say_no(viewing_sqlite, reel)
    assert viewing_sqlite.contents() == before


def test_contacts_that_become_one_keep_the_strictest_choice(viewing: Viewing) -> None:
    """What either has watched is then told of neither."""
    kept, gone = viewing.reel(contact_id="kept"), viewing.reel(contact_id="gone")
    post(viewing.client, state(viewing.ticket(kept), new_id(), 1, (0, 12)))
    say_no(viewing, gone)
    with viewing.store.write() as tx:
        merge.merge(tx, CONNECTION, ["gone"], "kept")
    with viewing.store.read() as tx:
        mode = tracking.mode_of_video(tx, "identified", viewing.video(kept))
    assert mode == "off"
    assert [row.tracking for row in viewing.sessions(kept)] == ["aggregate"]


def test_connecting_again_leaves_the_choice_as_it_was(viewing_sqlite: Viewing) -> None:
    """Facts of an account are replaced by others that were read before."""
    choose(viewing_sqlite, "pseudonymous")
    facts: dict[str, Any] = {"portal": 7, "tracking": "identified"}
    with viewing_sqlite.store.write() as tx:
        connections.change_config(tx, CONNECTION, facts)
        connections.reconnect(
            tx, viewing_sqlite.keyring, CONNECTION, secrets={}, config={"portal": 8}
        )
        row = connections.get(tx, viewing_sqlite.keyring, CONNECTION)
    assert row is not None
    assert row.config == {"portal": 8, "tracking": "pseudonymous"}


def test_a_page_that_is_fetched_ahead_is_not_shown(viewing_sqlite: Viewing) -> None:
    """No store keeps the refusal, so whoever really comes gets the page."""
    reel = viewing_sqlite.reel()
    before = viewing_sqlite.contents()
    for headers in (
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
    ):
        answer = viewing_sqlite.client.get(reel.path, headers=headers)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
        assert answer.data == b""
    assert viewing_sqlite.contents() == before
    assert viewing_sqlite.client.get(reel.path).status_code == 200


def test_what_plays_before_anybody_looks_is_no_person(viewing_sqlite: Viewing) -> None:
    """A beacon says by its headers that its page was loaded ahead."""
    reel = viewing_sqlite.reel()
    beacon = state(viewing_sqlite.ticket(reel), new_id(), 1, (0, 12))
    answer = viewing_sqlite.client.post("/e", json=beacon, headers={"Sec-Purpose": "prefetch"})
    assert answer.status_code == 204
    [row] = viewing_sqlite.sessions(reel)
    assert row.viewer == "bot"
    assert "prefetch" in row.reasons


def test_who_follows_a_link_that_nobody_sees_is_no_person(viewing_sqlite: Viewing) -> None:
    """However long they play; without the flag the same session is a view."""
    reel, session = viewing_sqlite.reel(), new_id()
    flags = state("", session, 1)["f"]
    seen = []
    for number, more in enumerate(({"hp": 1}, {}), 1):
        ticket = viewing_sqlite.ticket(reel)
        post(viewing_sqlite.client, state(ticket, session, number, (0, 15), f={**flags, **more}))
        [row] = viewing_sqlite.sessions(reel)
        seen.append((row.viewer, "honeypot" in row.reasons, plays(viewing_sqlite)))
    assert seen == [("bot", True, 0), ("human", False, 1)]


def test_a_click_moves_the_sums_whenever_it_comes(viewing: Viewing) -> None:
    """Before the view, after it, twice, or told by the player: one view in which it was clicked."""
    reel = viewing.reel()
    clicked = VIEW_SUMS.index("clicked")
    for order in ("cv", "vc", "vcc", "e"):
        ticket, session = viewing.ticket(reel), new_id()
        told = [{"i": new_id(), "n": "cta_click", "c": "main", "pos": 1.0, "at": 0}]
        for step in order:
            if step == "c":
                viewing.client.post(f"{reel.path}/cta", data={"t": ticket, "s": session})
            else:
                events = told if step == "e" else []
                post(viewing.client, state(ticket, session, 1, (0, 12), e=events))
    assert VIEW_SUMS[clicked] == "clicked"
    with viewing.store.read() as tx:
        rows = tx.execute(curves.ALL.curves.select()).mappings().all()
    assert [(row["plays"], row["clicked"], row["reached_50"]) for row in rows] == [(4, 4, 4)]
    assert recount(viewing.store) == 0
