"""A workflow that waits for us hears how it went: once, and whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.cli.prepare import LOCAL
from connector.decide.campaigns import parse_campaign
from connector.errors import CredentialError, CRMDownError
from connector.jobs import plan_video as planning
from connector.jobs.callbacks import answer_erased
from connector.jobs.tidy import expire_links
from connector.jobs.update_engagement import update_engagement
from connector.model import Subject, Trigger
from connector.store import (
    campaigns,
    changes,
    connections,
    decisions,
    leases,
    sessions,
    subjects,
    triggers,
    videos,
)
from connector.store.awaited import awaited
from connector.store.erase import erase
from connector.store.tables import changes as change_table
from connector.store.tables import triggers as trigger_table
from renderers import render
from renderers.quality.findings import Finding
from tests.road.conftest import Road

CALLBACK = "ap-102670506-56776413549-7-0"
PALE = Finding("contrast_low", "review", "The text of slot 'plan' is pale.", "plan", "plan")
BROKEN = Finding("frames_wrong", "fail", "The file has 9 frames, the storyboard 10.")


def ask(
    road: Road, key: str = "t1", *, kind: str = "contact_onboarding", campaign: str = ""
) -> str:
    """Let a workflow ask for a video of c1 and wait."""
    made = Trigger(
        key, kind, Subject("contact", "c1"), datetime.now(UTC), {"callback": CALLBACK}, campaign
    )
    with road.store.write() as tx:
        row = triggers.add(tx, LOCAL, made)
    assert row
    return row


def told(road: Road) -> dict[str, Any] | None:
    """Return what the workflow is told, or None."""
    with road.store.read() as tx:
        found = changes.values_of(tx, LOCAL, "callback", CALLBACK)
    return None if found is None else dict(found)


def times_told(road: Road) -> list[int]:
    with road.store.read() as tx:
        rows = tx.execute(change_table.select().where(change_table.c.kind == "callback")).all()
    return [row.version for row in rows]


def rewrite(road: Road, old: str, new: str) -> None:
    """Install the onboarding campaign with another line."""
    with road.store.write() as tx:
        [row] = [one for one in campaigns.active(tx) if one.name == "onboarding"]
        assert old in row.body
        body = row.body.replace(old, new)
        campaigns.install(tx, row.name, parse_campaign(body, row.name).version, body)


def test_a_workflow_hears_when_the_video_is_ready(any_road: Road) -> None:
    """Not when it is planned: only what can be watched may be sent."""
    any_road.contact("c1", plan="team")
    ask(any_road)
    any_road.travel("triggers")
    assert told(any_road) is None

    any_road.travel()

    [video] = any_road.videos()
    answer = told(any_road)
    assert answer
    assert (answer["state"], answer["video_status"]) == ("done", video.status)
    assert answer["video_url"].startswith("http")
    assert answer["thumbnail_url"] == f"{answer['video_url']}/poster.jpg"
    assert times_told(any_road) == [1]


def test_a_trigger_that_nobody_waits_for_owes_no_answer(road: Road) -> None:
    """Most triggers are events."""
    road.contact("c1", plan="team")
    road.post()
    road.travel()
    assert len(road.videos()) == 1
    assert times_told(road) == []


def test_a_video_that_renders_on_open_can_be_sent_at_once(road: Road) -> None:
    """It has its link, and that is what the workflow's e-mail needs."""
    rewrite(road, '"on_trigger"', '"on_open"')
    road.contact("c1", plan="team")
    ask(road)
    road.travel("triggers")
    answer = told(road)
    assert answer
    assert (answer["state"], answer["video_status"]) == ("done", "minted")
    assert answer["video_url"]


def test_a_video_that_failed_is_told_with_its_reason(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workflow goes on without it; a retry later does not call it back again."""
    monkeypatch.setattr(render, "look", lambda _order, _made: (BROKEN,))
    road.contact("c1", plan="team")
    ask(road)
    road.travel()
    answer = told(road)
    assert answer
    assert (answer["state"], answer["reason"]) == ("failed", "frames_wrong")
    assert answer["sentence"] == BROKEN.sentence
    assert answer["video_url"] == ""

    monkeypatch.setattr(render, "look", lambda _order, _made: ())
    with road.store.write() as tx:
        videos.redo(tx, leases.revive(tx, "videos"))
    road.travel()
    assert road.videos()[0].status in ("ready", "ready_with_fallback")
    assert told(road) == answer
    assert times_told(road) == [1]


@pytest.mark.parametrize(("approved", "state"), [(True, "done"), (False, "failed")])
def test_a_doubtful_video_waits_for_a_person(
    road: Road, monkeypatch: pytest.MonkeyPatch, approved: bool, state: str
) -> None:
    """While it is kept back nothing is told; then what the person said."""
    monkeypatch.setattr(render, "look", lambda _order, _made: (PALE,))
    road.contact("c1", plan="team")
    ask(road)
    road.travel()
    [video] = road.videos()
    assert (video.status, told(road)) == ("needs_review", None)

    with road.store.write() as tx:
        assert videos.review(tx, video, approved=approved)
        sessions.owe_measure(tx, [video.id], 0)
    update_engagement([video.id])

    answer = told(road)
    assert answer
    assert answer["state"] == state


def test_a_link_that_runs_out_before_anybody_approved_it_has_failed(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow does not wait for ever."""
    monkeypatch.setattr(render, "look", lambda _order, _made: (PALE,))
    road.contact("c1", plan="team")
    ask(road)
    road.travel()
    with road.store.write() as tx:
        videos.change(tx, road.videos()[0].id, expires_at=1)
    assert expire_links(road.station) == 1
    answer = told(road)
    assert answer
    assert (answer["state"], answer["reason"]) == ("failed", "expired")


def test_a_refusal_is_told_with_its_code_and_sentence(any_road: Road) -> None:
    """The workflow's history shows why there is no video."""
    any_road.contact("c1", plan="team")
    with any_road.store.write() as tx:
        subjects.suppress(tx, LOCAL, Subject("contact", "c1"), "complained")
    ask(any_road)
    any_road.travel("triggers")
    answer = told(any_road)
    assert answer
    assert (answer["state"], answer["video_status"]) == ("failed", "blocked_suppressed")
    assert answer["reason"]
    assert answer["sentence"].startswith("Not sent")


def test_a_contact_that_is_gone_and_a_campaign_that_is_gone_are_told(road: Road) -> None:
    """Whatever keeps a video from being made, the workflow goes on."""
    ask(road)
    road.travel("triggers")
    answer = told(road)
    assert answer
    assert (answer["state"], answer["reason"]) == ("failed", "subject_gone")


def test_no_campaign_is_told(road: Road) -> None:
    """An action that names a campaign which nobody installed does not hang."""
    road.contact("c1")
    ask(road, kind="workflow_action", campaign="no_such")
    road.travel("triggers")
    answer = told(road)
    assert answer
    assert (answer["state"], answer["reason"]) == ("failed", "no_campaign")


def test_an_erased_contact_is_answered_without_a_name(road: Road) -> None:
    """The workflow goes on, and the answer is not kept under who was erased."""
    road.contact("c1")
    with road.store.write() as tx:
        subjects.entomb(tx, LOCAL, Subject("contact", "c1"))
    ask(road)
    road.travel("triggers")
    answer = told(road)
    assert answer
    assert (answer["state"], answer["reason"]) == ("failed", "erased")
    with road.store.read() as tx:
        [row] = tx.execute(change_table.select().where(change_table.c.kind == "callback")).all()
    assert row.contact_id == ""


def erased(road: Road) -> None:
    """Erase c1's rows, and answer who waited."""
    with road.store.write() as tx:
        waited = awaited(tx, LOCAL, "c1")
        erase(tx, LOCAL, "c1")
        answer_erased(tx, waited)


@pytest.mark.parametrize("nouns", [(), ("triggers",)])
def test_whoever_is_erased_meanwhile_keeps_no_workflow_waiting(
    any_road: Road, nouns: tuple[str, ...]
) -> None:
    """Before it was planned, or before the video was ready."""
    any_road.contact("c1", plan="team")
    ask(any_road)
    if nouns:
        any_road.travel(*nouns)
    erased(any_road)
    answer = told(any_road)
    assert answer
    assert (answer["state"], answer["reason"]) == ("failed", "erased")
    with any_road.store.read() as tx:
        [row] = tx.execute(change_table.select()).all()
    assert row.contact_id == ""


def test_a_workflow_that_heard_already_is_not_told_of_an_erasure(any_road: Road) -> None:
    """It has gone on; what was owed but never sent is put in other words."""
    any_road.contact("c1", plan="team")
    ask(any_road)
    any_road.travel("triggers", "videos")
    with any_road.store.read() as tx:
        assert [row.trigger.key for row in awaited(tx, LOCAL, "c1")] == ["t1"]
        assert awaited(tx, LOCAL, "c2") == []
    any_road.travel("changes")
    erased(any_road)
    assert told(any_road) is None


def test_one_campaigns_refusal_is_no_answer_while_another_makes_a_video(any_road: Road) -> None:
    """Whichever of two is asked first, the workflow hears of the video."""
    with any_road.store.write() as tx:
        [row] = [one for one in campaigns.active(tx) if one.name == "onboarding"]
        for name in ("aaa_never", "zzz_never"):
            body = row.body.replace("[[steps]]", "[[steps]]\nwhen = \"contact.plan == 'gold'\"", 1)
            campaigns.install(tx, name, parse_campaign(body, name).version, body)
    any_road.contact("c1", plan="team")
    ask(any_road)
    any_road.travel("triggers")
    assert len(any_road.videos()) == 1
    assert told(any_road) is None
    any_road.travel()
    answer = told(any_road)
    assert answer
    assert answer["state"] == "done"


def test_a_holdout_looks_like_any_other_end(road: Road) -> None:
    """Nobody who builds a workflow learns who is only compared with."""
    rewrite(road, "[limits]", "[experiment]\nholdout = 0.5\n\n[limits]")
    road.contact("c1", plan="team")
    with road.store.write() as tx:
        decisions.assign(
            tx, connection_id=LOCAL, unit="c1", experiment="onboarding", variant="holdout",
            probability=0.5,
        )  # fmt: skip
    ask(road)
    road.travel("triggers")
    answer = told(road)
    assert answer
    assert (answer["state"], answer["video_status"]) == ("done", "no_video")
    assert (answer["reason"], answer["sentence"]) == ("", "")


def test_quiet_hours_are_waited_for(road: Road) -> None:
    """What is only put off has not ended."""
    begin, end = (datetime.now(UTC) + timedelta(hours=h) for h in (-2, 2))
    rewrite(road, "[limits]", f'[limits]\nquiet = "{begin:%H:%M}-{end:%H:%M}"')
    road.contact("c1", plan="team", time_zone="UTC")
    row = ask(road)
    road.travel("triggers", rounds=1)
    with road.store.read() as tx:
        work = tx.execute(trigger_table.select().where(trigger_table.c.id == row)).one()
    assert (work.work, work.error_reason) == ("due", "quiet_hours")
    assert told(road) is None


def test_a_trigger_that_is_given_up_is_told(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last try the workflow hears what went wrong, and a retry does not call it again."""

    def down(*_given: object) -> None:
        raise CRMDownError("the CRM does not answer", after=0)

    road.contact("c1", plan="team")
    ask(road)
    with monkeypatch.context() as patch:
        patch.setattr(planning, "ask", down)
        road.travel("triggers", rounds=road.settings.attempts + 1)
    answer = told(road)
    assert answer
    assert (answer["state"], answer["reason"]) == ("failed", "crm_down")

    with road.store.write() as tx:
        leases.revive(tx, "triggers")
    road.travel()
    assert len(road.videos()) == 1
    assert told(road) == answer
    assert times_told(road) == [1]


def test_a_connection_that_waits_for_an_admin_loses_no_trigger(
    any_road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes: nothing is given up, nothing is told, and then everything goes on."""

    def revoked(*_given: object) -> None:
        raise CredentialError("the token was revoked")

    any_road.contact("c1", plan="team")
    row = ask(any_road)
    with monkeypatch.context() as patch:
        patch.setattr(planning, "_read", revoked)
        planning.plan_video([row])
    with any_road.store.read() as tx:
        connection = connections.get(tx, any_road.station.keyring, LOCAL)
    assert connection
    assert connection.state == "needs_reauth"
    for _ in range(any_road.settings.attempts + 2):
        with any_road.store.write() as tx:
            tx.execute(trigger_table.update().values(due_at=0))
        planning.plan_video([row])
    with any_road.store.read() as tx:
        parked = tx.execute(trigger_table.select()).one()
    assert (parked.work, parked.error_reason) == ("due", "needs_reauth")
    assert told(any_road) is None

    with any_road.store.write() as tx:
        connections.set_state(tx, LOCAL, "active")
        assert leases.wake(tx, LOCAL) == 1
        assert leases.wake(tx, "another") == 0
    any_road.travel()
    answer = told(any_road)
    assert answer
    assert answer["state"] == "done"
