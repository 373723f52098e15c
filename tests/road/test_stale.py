"""What a campaign calls too old is read and made anew, behind the same link, when somebody opens it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from connector.cli.prepare import LOCAL
from connector.crm.local import LocalCRM
from connector.errors import CredentialError, CRMDownError, LeaseLostError
from connector.jobs import refreshed
from connector.jobs import render_video as rendering
from connector.jobs.erase_contact import erase_contact
from connector.jobs.render_video import render_video
from connector.jobs.sweep import sweep_once
from connector.model import Subject
from connector.queues import Doorbell
from connector.store import connections, leases, opening, sessions, subjects
from connector.store.clock import now
from connector.store.ids import new_id
from connector.store.tables import records as record_table
from connector.store.tables import videos as video_table
from connector.store.videos import VideoRow
from connector.web.wire import make_ticket
from renderers import render
from renderers.errors import SlotError
from renderers.order import Made, Order
from renderers.quality.findings import Finding
from tests import instant
from tests.road.conftest import Road
from tests.road.test_road import install

WEEK = 7 * 86_400_000
PALE = Finding("contrast_low", "review", "The text of slot 'plan' is pale.", "plan", "plan")
BROKEN = Finding("frames_wrong", "fail", "The file has 9 frames, the storyboard 10.")


def change(road: Road, **columns: Any) -> None:
    """Set columns of every video."""
    with road.store.write() as tx:
        tx.execute(update(video_table).values(**columns))


def age(road: Road) -> None:
    """Let more time pass than the campaign's week."""
    with road.store.read() as tx:
        change(road, filled_at=now(tx) - WEEK - 1)


def link(road: Road) -> str:
    """Return the path of the contact's video."""
    [video] = road.videos()
    return f"/v/{road.station.keyring.decrypt(video.token_sealed)}"


def watched(road: Road, first_name: str = "Ana") -> VideoRow:
    """Onboard a contact, and let the film become too old."""
    road.contact("c1", first_name=first_name, plan="team")
    road.post()
    road.travel()
    age(road)
    [video] = road.videos()
    assert (video.status, video.version) == ("ready", 1)
    return video


def waiting(road: Road) -> VideoRow:
    """Onboard a contact whose video waits for its first viewer, for longer than a week."""
    install(road, "onboarding", render=('render    = "on_trigger"', 'render    = "on_open"'))
    road.contact("c1", plan="team")
    road.post()
    road.travel()
    age(road)
    [video] = road.videos()
    assert video.status == "minted"
    return video


def opened(road: Road) -> VideoRow:
    """Press play, and let the stations do what that leads to."""
    assert road.client.post(f"{link(road)}/open").status_code == 303
    road.travel("videos", "changes")
    return road.videos()[0]


def plays(road: Road) -> bool:
    """Tell whether the page shows a film, and its file is there."""
    page = road.client.get(link(road))
    number = road.videos()[0].version
    film = road.client.get(f"{link(road)}/video.mp4?n={number}")
    return 'id="player"' in page.text and film.status_code == 200


def name_of(video: VideoRow) -> str:
    """Return the name in the film."""
    return str(video.slots["first_name"]["text"])


def away(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the CRM fail at every reading."""

    def read(*_given: object) -> None:
        raise error

    monkeypatch.setattr(LocalCRM, "read", read)


def count_renders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with each film that is drawn."""
    drawn: list[str] = []

    def draw(order: Order) -> Made:
        drawn.append(order.board.key())
        return instant.make(order)

    monkeypatch.setitem(render.RENDERERS, render.DEFAULT, draw)
    return drawn


def test_a_film_that_is_too_old_is_made_afresh_behind_the_same_link(any_road: Road) -> None:
    """The new name is in it, the record and the page tell of it, and the earlier files are gone."""
    before = watched(any_road)
    path = link(any_road)
    any_road.contact("c1", first_name="Beatriz", plan="team")
    assert "data-open" in any_road.client.get(path).text
    any_road.client.post(f"{path}/open")
    assert [row.status for row in any_road.videos()] == ["stale"]
    assert "Your video is being made" in any_road.client.get(path).text
    assert any_road.client.get(f"{path}/poster.jpg").status_code == 200
    any_road.travel("videos", "changes")
    [after] = any_road.videos()
    assert before.receipt
    assert after.receipt
    assert link(any_road) == path
    assert name_of(after) == "Beatriz"
    assert after.receipt["storyboard"] != before.receipt["storyboard"]
    assert after.receipt.keys() == before.receipt.keys()
    assert (after.status, after.version) == ("ready", 2)
    assert after.earlier == {
        "1": {"duration": before.receipt["duration"], "scenes": before.receipt["scenes"]}
    }
    assert plays(any_road)
    assert "Beatriz" in any_road.client.get(path).text
    assert any_road.client.get(f"{path}/video.mp4?n=1").status_code == 410
    [film] = (any_road.settings.folder / "files").rglob("video.mp4")
    assert str(film).endswith(after.receipt["files"]["video.mp4"])
    fields = any_road.fields()
    assert fields["cuereel_video_status"] == "ready"
    assert after.ready_at
    assert before.ready_at
    assert after.ready_at > before.ready_at
    assert fields["cuereel_video_url"].endswith(path)


def test_it_is_fresh_again_for_as_long_as_the_campaign_says(road: Road) -> None:
    """The second opening plays at once; after another week there is a third film."""
    watched(road)
    road.contact("c1", first_name="Beatriz", plan="team")
    assert opened(road).version == 2
    road.contact("c1", first_name="Carla", plan="team")
    assert name_of(opened(road)) == "Beatriz"
    age(road)
    third = opened(road)
    assert (name_of(third), third.version) == ("Carla", 3)
    assert sorted(third.earlier or {}) == ["1", "2"]


def test_views_of_both_films_are_measured_by_their_own_length(road: Road) -> None:
    """A session that began with the first film ends as one of the first film."""
    video = watched(road)
    assert video.receipt
    change(road, receipt={**video.receipt, "duration": 20.0})
    _report(road, video, version=1, seconds=10)
    road.contact("c1", first_name="Beatriz", plan="team")
    assert opened(road).version == 2
    _report(road, video, version=1, seconds=20)
    _report(road, video, version=2, seconds=5)
    with road.store.read() as tx:
        seen = sessions.shown(tx, [video.id])[video.id]
        kept = {row.version: row.unique_ms for row in sessions.of_videos(tx, [video.id])}
    assert seen.of(1).duration == 20.0
    assert seen.of(2).duration == (road.videos()[0].receipt or {})["duration"]
    assert kept[1] == 20_000
    assert 0 < kept[2] <= seen.of(2).duration * 1000


def _report(road: Road, video: VideoRow, *, version: int, seconds: float) -> None:
    """Send what the player of a page with this film says of so many seconds."""
    with road.store.read() as tx:
        at = now(tx) - 60_000
        length = sessions.shown(tx, [video.id])[video.id].of(version).duration
    ticket = make_ticket(road.station.keyring, video.id, at, version=version)
    body = {
        "v": 1, "t": ticket, "s": new_id(), "q": 1, "at": 0, "d": length,
        "r": [[0, min(seconds, length), 1]], "p": min(seconds, length), "f": {}, "e": [],
    }  # fmt: skip
    answer = road.client.post("/e", data=json.dumps(body), content_type="text/plain")
    assert answer.status_code == 204


def test_the_same_data_is_the_same_film_at_once(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is rendered, and nothing but the time of reading is new."""
    before = watched(road)
    drawn = count_renders(monkeypatch)
    after = opened(road)
    assert drawn == []
    assert after.filled_at > before.filled_at
    assert (after.status, after.receipt, after.version) == (before.status, before.receipt, 1)
    assert (after.reason, after.ready_at) == (before.reason, before.ready_at)
    assert plays(road)


def test_what_no_scene_shows_changes_without_a_new_film(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A button that leads elsewhere now is the page's; the film stays."""
    before = watched(road)
    drawn = count_renders(monkeypatch)
    change(road, call_to_action={"label": "Old", "url": "https://example.com/old"})
    after = opened(road)
    assert drawn == []
    assert after.call_to_action == before.call_to_action
    assert (after.receipt, after.version) == (before.receipt, 1)


def test_nothing_is_made_afresh_without_an_opening(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the sweep nor a page that is only looked at makes anything due."""
    watched(road)
    monkeypatch.setattr(Doorbell, "waiting", lambda *_: 0)
    monkeypatch.setattr(Doorbell, "ring", lambda *_, **_more: True)
    road.client.get(link(road))
    assert sweep_once(road.station)["videos"] == 0
    assert road.videos()[0].status == "ready"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CRMDownError("the CRM does not answer"), "the CRM does not answer"),
        (CredentialError("connect it again"), "connect it again"),
        (KeyError("odd"), "something unexpected went wrong"),
    ],
)
def test_a_crm_that_cannot_be_read_leaves_the_film_that_there_was(
    road: Road, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    """After one try it plays again, says why on the record, and is looked at anew soon after."""
    before = watched(road)
    away(monkeypatch, error)
    after = opened(road)
    assert (after.status, after.reason) == (before.status, "refresh_failed")
    assert said in after.sentence
    assert (after.receipt, after.slots, after.version) == (before.receipt, before.slots, 1)
    assert plays(road)
    with road.store.read() as tx:
        row = connections.get(tx, road.station.keyring, LOCAL)
    assert row
    if isinstance(error, CredentialError):
        assert row.state == "needs_reauth"
    else:
        assert said in road.fields()["cuereel_video_status_reason"]
    passing = not isinstance(error, KeyError)
    with road.store.read() as tx:
        soon = now(tx) + opening.AGAIN_MS
    assert opening.is_stale(after, soon) is passing
    assert not opening.is_stale(after, soon - 60_000)


def test_the_next_opening_after_trouble_makes_it_afresh(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of the trouble stays on the record."""
    watched(road)
    with monkeypatch.context() as patch:
        away(patch, CRMDownError("the CRM does not answer"))
        opened(road)
    road.contact("c1", first_name="Beatriz", plan="team")
    age(road)
    after = opened(road)
    assert (name_of(after), after.reason) == ("Beatriz", "")
    assert not road.fields().get("cuereel_video_status_reason")


def test_nobody_waits_long_for_a_crm_that_is_slow(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its seconds the reading is left alone, and the earlier film shown."""
    ended = threading.Event()
    watched(road)
    monkeypatch.setattr(refreshed, "READ_SECONDS", 0.05)
    monkeypatch.setattr(LocalCRM, "read", lambda *_: ended.wait(20) and {})
    after = opened(road)
    ended.set()
    assert (after.reason, after.status) == ("refresh_failed", "ready")
    assert "did not answer within" in after.sentence
    assert plays(road)


def _gone(road: Road) -> None:
    with road.store.write() as tx:
        tx.execute(delete(record_table).where(record_table.c.id == "c1"))


def _suppressed(road: Road) -> None:
    with road.store.write() as tx:
        subjects.suppress(tx, LOCAL, Subject("contact", "c1"), "a complaint")


def _denied(road: Road) -> None:
    road.contact("c1", first_name="Beatriz", plan="team", email_opt_out=True)


def _opted_out(road: Road) -> None:
    assert road.client.post(f"{link(road)}/opt-out").status_code == 303


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (_gone, "the record no longer exists"),
        (_suppressed, "suppression list (a complaint)"),
        (_denied, "has not agreed to this"),
        (_opted_out, "opted out of personal videos"),
    ],
)
def test_who_may_be_shown_nothing_new_keeps_what_there_was(
    road: Road, happens: Callable[[Road], None], said: str
) -> None:
    """For as long as a new film would have held, with the reason on the video."""
    before = watched(road)
    happens(road)
    assert road.client.post(f"{link(road)}/open").status_code == 303
    road.travel("videos")
    [after] = road.videos()
    assert (after.status, after.reason) == (before.status, "refresh_failed")
    assert said in after.sentence
    assert after.receipt == before.receipt
    assert plays(road)
    with road.store.read() as tx:
        assert not opening.is_stale(after, now(tx) + WEEK - 60_000)


def test_the_record_of_somebody_else_is_not_shown(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cart that changed hands since fills no film behind its first owner's link."""
    before = watched(road)
    change(road, contact_id="c2")
    with road.store.write() as tx:
        tx.execute(update(video_table).values(contact_id="c2"))
    road.contact("c1", first_name="Beatriz", plan="team")
    path = f"/v/{road.station.keyring.decrypt(before.token_sealed)}"
    road.client.post(f"{path}/open")
    road.travel("videos")
    [after] = road.videos("c2")
    assert (name_of(after), after.reason) == ("Ana", "refresh_failed")
    assert "does not belong" in after.sentence


@pytest.mark.parametrize("finding", [PALE, BROKEN])
def test_a_newer_film_that_is_not_good_enough_never_takes_the_place_of_a_good_one(
    road: Road, monkeypatch: pytest.MonkeyPatch, finding: Finding
) -> None:
    """Also one that a person would have to look at first: somebody waits for something to watch."""
    before = watched(road)
    road.contact("c1", first_name="Beatriz", plan="team")
    monkeypatch.setattr(render, "look", lambda _order, _made: (finding,))
    after = opened(road)
    assert (after.status, after.reason) == (before.status, "refresh_failed")
    assert finding.sentence in after.sentence
    assert (name_of(after), after.receipt, after.version) == ("Ana", before.receipt, 1)
    assert plays(road)
    assert len(list((road.settings.folder / "files").rglob("video.mp4"))) == 1


def test_a_render_that_fails_leaves_the_film_that_there_was(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is no dead letter: there is nothing to try again."""
    before = watched(road)
    road.contact("c1", first_name="Broken", plan="team")

    def picky(order: Order) -> Made:
        raise SlotError("No font draws it.", reason="missing_glyph", slot="first_name")

    monkeypatch.setitem(render.RENDERERS, render.DEFAULT, picky)
    after = opened(road)
    assert (after.status, after.receipt) == (before.status, before.receipt)
    assert "No font draws it." in after.sentence
    assert plays(road)
    with road.store.read() as tx:
        assert list(leases.dead(tx)) == []


def test_an_approved_film_stays_approved(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keeps us from a newer one, and also where the record says the same."""
    watched(road)
    change(road, status="approved")
    assert opened(road).status == "approved"
    age(road)
    away(monkeypatch, CRMDownError("the CRM does not answer"))
    after = opened(road)
    assert (after.status, after.reason) == ("approved", "refresh_failed")


@pytest.mark.parametrize("step", ["_draw", "finish"])
def test_a_worker_that_dies_at_it_leaves_the_film_and_the_next_one_makes_it(
    any_road: Road, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Nothing was stored between reading and publishing, so the record is simply read again."""
    before = watched(any_road)
    any_road.contact("c1", first_name="Beatriz", plan="team")
    any_road.client.post(f"{link(any_road)}/open")

    def die(*_given: object, **_more: object) -> None:
        # as after a kill: nobody writes how it ended
        change(any_road, lease_until=0)
        raise LeaseLostError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(rendering, step, die)
        render_video([before.id])
    [between] = any_road.videos()
    assert (between.status, name_of(between)) == ("stale", "Ana")
    assert any_road.client.get(f"{link(any_road)}/video.mp4").status_code == 200
    any_road.travel("videos")
    [after] = any_road.videos()
    assert (name_of(after), after.version) == ("Beatriz", 2)
    assert len(list((any_road.settings.folder / "files").rglob("video.mp4"))) == 1


def test_one_that_kills_its_worker_again_and_again_is_left_as_it_was(road: Road) -> None:
    """It does not become a dead letter that hides a film which can be watched."""
    before = watched(road)
    road.contact("c1", first_name="Beatriz", plan="team")
    road.client.post(f"{link(road)}/open")
    crashes = road.settings.crashes
    change(road, work="running", lease_until=0, crashes=crashes, attempt=crashes)
    render_video([before.id])
    [after] = road.videos()
    assert (after.status, after.reason, after.version) == (before.status, "refresh_failed", 1)
    assert plays(road)
    road.travel("videos")
    assert road.videos()[0].version == 1


def test_two_workers_at_once_publish_one_film(
    any_road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has lost the lease publishes nothing, and deletes nothing that is shown."""
    before = watched(any_road)
    any_road.contact("c1", first_name="Beatriz", plan="team")
    any_road.client.post(f"{link(any_road)}/open")
    slow, draw = [True], rendering._draw

    def overtaken(*given: Any) -> Any:
        drawn = draw(*given)
        if slow.pop():
            slow.append(False)
            change(any_road, lease_until=0)
            render_video([before.id])
        return drawn

    monkeypatch.setattr(rendering, "_draw", overtaken)
    render_video([before.id])
    [after] = any_road.videos()
    assert (name_of(after), after.version) == ("Beatriz", 2)
    assert plays(any_road)
    assert len(list((any_road.settings.folder / "files").rglob("video.mp4"))) == 1


@pytest.mark.parametrize("way", ["opt_out", "erase"])
def test_an_opt_out_or_an_erasure_meanwhile_wins(
    any_road: Road, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The new film is never published; who opted out keeps the old one, who was erased nothing."""
    before = watched(any_road)
    path = link(any_road)
    any_road.contact("c1", first_name="Beatriz", plan="team")
    any_road.client.post(f"{path}/open")
    draw = rendering._draw

    def interrupted(*given: Any) -> Any:
        drawn = draw(*given)
        if way == "erase":
            erase_contact(any_road.station, LOCAL, "c1", actor="test")
        else:
            assert any_road.client.post(f"{path}/opt-out").status_code == 303
        return drawn

    monkeypatch.setattr(rendering, "_draw", interrupted)
    render_video([before.id])
    with any_road.store.read() as tx:
        row = tx.execute(select(video_table)).one()
    assert row.version == 1
    films = list((any_road.settings.folder / "files").rglob("video.mp4"))
    if way == "erase":
        assert (row.status, row.receipt, films) == ("erased", None, [])
    else:
        assert (row.status, row.slots["first_name"]["text"]) == (before.status, "Ana")
        assert len(films) == 1


def test_a_video_that_nobody_has_seen_is_filled_anew_before_its_first_render(road: Road) -> None:
    """What was true when the link was minted is not what its first viewer sees."""
    waiting(road)
    road.contact("c1", first_name="Beatriz", plan="team")
    after = opened(road)
    assert (name_of(after), after.status, after.version) == ("Beatriz", "ready", 1)
    assert after.earlier is None
    assert plays(road)


def test_a_first_render_goes_on_with_what_is_known_where_the_crm_cannot_be_read(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older value is better than no film; the next opening looks again."""
    waiting(road)
    away(monkeypatch, CRMDownError("the CRM does not answer"))
    after = opened(road)
    assert (name_of(after), after.status) == ("Ana", "ready")
    assert plays(road)
    with road.store.read() as tx:
        assert opening.is_stale(after, now(tx) + opening.AGAIN_MS)


@pytest.mark.parametrize(
    ("happens", "status", "reason"),
    [
        (_gone, "failed", "subject_gone"),
        (_suppressed, "expired", "suppressed"),
        (_denied, "expired", "consent_denied"),
        (_opted_out, "expired", "opted_out"),
    ],
)
def test_nothing_is_made_for_the_first_time_for_who_may_not_have_it_any_more(
    road: Road, happens: Callable[[Road], None], status: str, reason: str
) -> None:
    """The page says politely that there is nothing, and the video says why."""
    waiting(road)
    happens(road)
    road.client.post(f"{link(road)}/open")
    road.travel("videos")
    [after] = road.videos()
    assert (after.status, after.reason, after.receipt) == (status, reason, None)
    assert "not available" in road.client.get(link(road)).text or status == "expired"


def test_a_fresh_period_that_is_too_short_does_not_end_before_the_film_begins(road: Road) -> None:
    """Whoever waited for a film sees it, however soon the campaign calls it old."""
    watched(road)
    change(road, fresh_seconds=0)
    road.contact("c1", first_name="Beatriz", plan="team")
    assert opened(road).version == 2
    assert plays(road)


def test_only_what_the_campaign_names_is_read_of_the_one_contact(road: Road) -> None:
    """And whether they agree is asked along with it."""
    asked: list[object] = []
    read, consent = LocalCRM.read, LocalCRM.consent
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            LocalCRM, "read", lambda crm, *given: asked.append(given) or read(crm, *given)
        )
        patch.setattr(
            LocalCRM, "consent", lambda crm, *given: asked.append(given) or consent(crm, *given)
        )
        watched(road)
        asked.clear()
        opened(road)
    [(subjects_read, words), (contacts,)] = asked  # type: ignore[misc]
    assert list(subjects_read) == [Subject("contact", "c1")]
    assert "contact.first_name" in words
    assert "contact.phone" not in words
    assert list(contacts) == ["c1"]
