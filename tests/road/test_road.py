"""One trigger's road, from a signed webhook to the fields on the contact."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from connector.cli.prepare import LOCAL, install_campaigns
from connector.model import Subject
from connector.store import campaigns, decisions, leases, subjects, videos
from connector.store.clock import now_ms
from connector.store.tables import assignments, deliveries, metadata, triggers
from connector.store.tables import videos as video_table
from renderers import render
from renderers.errors import SlotError
from renderers.order import Made, Order
from tests import instant
from tests.road.conftest import Road

CART = Subject("cart", "A1")


def count(road: Road, table: object) -> int:
    with road.store.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_signed_event_ends_as_a_link_on_the_contact(any_road: Road) -> None:
    """A contact that is onboarded gets a video, and its record the link, status and template."""
    any_road.contact("c1", first_name="Nguyễn", plan="team")
    assert any_road.post().status_code == 202
    any_road.travel()
    [video] = any_road.videos()
    assert video.status in ("ready", "ready_with_fallback")
    fields = any_road.fields()
    assert fields["cuereel_video_url"].startswith(f"{any_road.settings.base_url}/v/")
    assert fields["cuereel_video_status"] == video.status
    assert fields["cuereel_video_template"] == "onboarding"
    assert fields.get("cuereel_percent_watched") is None
    [row] = any_road.rows()
    assert row.values["video_url"] == fields["cuereel_video_url"]


def test_the_link_is_on_the_record_before_the_video_is_rendered(road: Road) -> None:
    """The link is minted with the plan, so that an e-mail can go out at once."""
    road.contact("c1")
    road.post()
    road.travel("triggers", "changes")
    assert road.fields()["cuereel_video_status"] == "queued"
    assert road.fields()["cuereel_video_url"]


def test_one_event_posted_many_times_is_one_video(any_road: Road) -> None:
    """The same delivery again, and the same event in another delivery, change nothing."""
    any_road.contact("c1")
    when = datetime.now(UTC)
    answers = [any_road.post(identity="msg_same", occurred_at=when).status_code for _ in range(5)]
    answers.append(any_road.post(identity="msg_other", occurred_at=when).status_code)
    any_road.travel()
    assert answers == [202] * 6
    assert len(any_road.videos()) == 1
    assert count(any_road, triggers) == 1


def test_a_second_run_of_every_station_changes_nothing(any_road: Road) -> None:
    """Jobs that are rung for twice find their work done."""
    any_road.contact("c1")
    any_road.post()
    any_road.travel()
    before = (any_road.videos(), any_road.fields(), any_road.rows())
    any_road.travel()
    assert (any_road.videos(), any_road.fields(), any_road.rows()) == before


def test_a_cart_with_pictures_and_prices_becomes_a_video_for_its_contact(road: Road) -> None:
    """The viewer of an abandoned cart is the contact it belongs to; money is written in their way."""
    road.contact("c1", first_name="Jürgen", locale="de_DE")
    items = [{"title": "Wanderschuh", "price": 129.9, "quantity": 1},
             {"title": "Socken", "price": 12, "quantity": 2}]  # fmt: skip
    road.record("cart", "A1", {"contact_id": "c1", "items": items, "total": 153.9,
                               "currency": "EUR", "checkout_url": "https://shop.example.com/c/A1"})  # fmt: skip
    road.post("cart.abandoned", CART, contact_id="c1")
    road.travel()
    [video] = road.videos()
    assert video.template == "abandoned_cart"
    assert video.slots["total"]["text"] == "153,90\xa0€"
    assert [row["title"]["text"] for row in video.slots["items"]["rows"]] == [
        "Wanderschuh", "Socken",
    ]  # fmt: skip
    assert video.call_to_action
    assert video.call_to_action["url"] == "https://shop.example.com/c/A1"


def test_who_opted_out_gets_nothing_and_the_record_says_why(road: Road) -> None:
    """A refusal makes no video and leaves its reason on the contact."""
    road.contact("c1")
    with road.store.write() as tx:
        subjects.opt_out(tx, LOCAL, "c1", "watch page")
    road.post()
    road.travel()
    assert road.videos() == []
    assert road.fields()["cuereel_video_status"] == "blocked_consent"
    assert "opted out" in road.fields()["cuereel_video_status_reason"]
    assert road.fields().get("cuereel_video_url") is None


def test_a_no_in_the_crm_is_obeyed(road: Road) -> None:
    """The CRM's own opt-out field refuses too."""
    road.contact("c1", email_opt_out=True)
    road.post()
    road.travel()
    assert road.videos() == []
    assert "consent_denied" in road.fields()["cuereel_video_status_reason"]


def test_a_contact_that_does_not_exist_is_decided_on_and_nothing_breaks(road: Road) -> None:
    """A trigger about a record that is gone ends as a decision, not as a dead letter."""
    road.contact("c2")
    road.post(subject=Subject("contact", "gone"))
    road.post(subject=Subject("contact", "c2"))
    road.travel()
    assert len(road.videos("c2")) == 1
    with road.store.read() as tx:
        outcomes = decisions.count_by_outcome(tx)
    assert outcomes == {"send": 1, "blocked_validation": 1}


def test_a_repeat_within_the_limit_is_refused_with_the_day(any_road: Road) -> None:
    """The same campaign for the same subject again is a repeat; the first link keeps working."""
    any_road.contact("c1")
    any_road.post(occurred_at=datetime.now(UTC) - timedelta(minutes=5))
    any_road.travel()
    url = any_road.fields()["cuereel_video_url"]
    any_road.post()
    any_road.travel()
    assert len(any_road.videos()) == 1
    assert any_road.fields()["cuereel_video_url"] == url
    assert any_road.fields()["cuereel_video_status"].startswith("ready")
    with any_road.store.read() as tx:
        latest, *_ = decisions.of_contact(tx, LOCAL, "c1")
    assert latest.outcome in ("blocked_repeat", "blocked_cap")


def test_events_out_of_order_end_with_the_newest(any_road: Road) -> None:
    """An older event that arrives late is superseded by the newer one that already waits."""
    any_road.contact("c1")
    now = datetime.now(UTC)
    any_road.post(occurred_at=now)
    any_road.post(occurred_at=now - timedelta(hours=1))
    any_road.travel()
    assert len(any_road.videos()) == 1
    with any_road.store.read() as tx:
        reasons = {row.reason for row in decisions.of_contact(tx, LOCAL, "c1")}
    assert reasons == {"ok", "superseded"}


def test_a_deleted_contact_is_erased_and_a_replay_does_not_bring_it_back(any_road: Road) -> None:
    """Deletion in the CRM removes files and rows; the link answers that it is gone."""
    any_road.contact("c1")
    when = datetime.now(UTC) - timedelta(minutes=1)
    any_road.post(occurred_at=when)
    any_road.travel()
    link = any_road.fields()["cuereel_video_url"].removeprefix(any_road.settings.base_url)
    assert any_road.client.get(link).status_code == 200
    any_road.post("contact.deleted")
    any_road.travel()
    assert any_road.client.get(link).status_code == 410
    assert any_road.videos() == []
    assert not list((any_road.settings.folder / "files" / LOCAL).rglob("*.mp4"))
    any_road.post(occurred_at=datetime.now(UTC))
    any_road.travel()
    assert any_road.videos() == []


def test_who_was_erased_is_not_written_about_again(road: Road) -> None:
    """The deletion leaves no id behind, and a later event puts nothing on a record that remains."""
    road.contact("canary-9")
    road.post(subject=Subject("contact", "canary-9"))
    road.travel()
    road.post("contact.deleted", Subject("contact", "canary-9"))
    road.travel()
    with road.store.read() as tx:
        rows = {
            table.name: str(tx.execute(select(table)).all())
            for table in metadata.sorted_tables
            if table.name != "records"  # the far side's own
        }
    assert [name for name, text in rows.items() if "canary-9" in text] == []
    road.post(subject=Subject("contact", "canary-9"))
    road.travel()
    assert not {name for name, value in road.fields("canary-9").items()
                if name.startswith("cuereel_") and value is not None}  # fmt: skip


def test_an_unknown_kind_of_trigger_is_kept_and_explained(road: Road) -> None:
    """Any trigger may come; without a campaign that answers it, the decision says so."""
    road.contact("c1")
    road.post("contact.birthday")
    road.travel()
    with road.store.read() as tx:
        [decision] = decisions.of_contact(tx, LOCAL, "c1")
    assert decision.reason == "no_campaign"


def test_what_a_plan_promised_is_delivered_after_a_restart(road: Road) -> None:
    """Work that nobody was told of is still due, because the rows say so."""
    road.contact("c1")
    road.post()
    assert count(road, video_table) == 0
    assert count(road, deliveries) == 1
    road.travel()
    assert count(road, video_table) == 1


def install(road: Road, name: str, **edits: str) -> None:
    """Install an own version of a packaged campaign with some words replaced."""
    text = (Path(str(files("mappings"))) / "campaigns" / f"{name}.toml").read_text()
    for old, new in edits.values():
        assert old in text
        text = text.replace(old, new)
    folder = road.settings.folder / "mappings" / "campaigns"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(text)
    findings = install_campaigns(road.settings, road.store)
    assert [finding for finding in findings if finding.level == "error"] == []


def test_a_video_that_renders_on_open_has_its_link_first_and_is_made_when_asked_for(
    road: Road,
) -> None:
    """The link is minted only; a GET changes nothing, the page's POST renders at once."""
    install(road, "onboarding", render=('render    = "on_trigger"', 'render    = "on_open"'))
    road.contact("c1")
    road.post()
    road.travel()
    link = road.fields()["cuereel_video_url"].removeprefix(road.settings.base_url)
    assert road.fields()["cuereel_video_status"] == "minted"
    assert road.client.get(link).status_code == 200
    road.travel()
    assert road.videos()[0].status == "minted"
    assert road.client.post(f"{link}/open").status_code == 303
    assert road.videos()[0].queue == "render-now"
    road.travel()
    assert road.fields()["cuereel_video_status"].startswith("ready")


def test_who_is_held_out_gets_no_video_and_does_not_learn_it(road: Road) -> None:
    """A holdout is assigned before anything is rendered and stays out of the CRM."""
    install(road, "abandoned_cart", holdout=("holdout  = 0.0", "holdout  = 0.9"))
    held = 0
    for number in range(12):
        road.contact(f"c{number}")
        road.record("cart", f"A{number}", {"contact_id": f"c{number}", "total": 20, "currency": "EUR",
                    "items": [{"title": "Mug", "price": 20}]})  # fmt: skip
        road.post("cart.abandoned", Subject("cart", f"A{number}"))
    road.travel()
    for number in range(12):
        if not road.videos(f"c{number}"):
            held += 1
            assert "cuereel_video_status" not in road.fields(f"c{number}")
    assert held > 6
    assert count(road, assignments) == 12


def test_a_later_step_of_a_journey_is_another_video_after_its_wait(road: Road) -> None:
    """The second step becomes due when the first is sent, and is decided anew then."""
    second = '[[steps]]\ntemplate = "onboarding"\nafter = "3 days"\n\n[slots]                            #'
    install(road, "onboarding", step=("[slots]                            #", second))
    road.contact("c1")
    road.post()
    road.travel()
    assert len(road.videos()) == 1
    with road.store.write() as tx:
        waiting = tx.execute(select(triggers).where(triggers.c.step == 1)).one()
        tx.execute(update(triggers).where(triggers.c.id == waiting.id).values(due_at=now_ms()))
    assert waiting.due_at - waiting.occurred_at > 2.9 * 86_400_000
    road.travel()
    assert sorted(video.step for video in road.videos()) == [0, 1]


def test_quiet_hours_put_a_video_off_and_do_not_forget_it(road: Road) -> None:
    """In quiet hours nothing is made; the trigger waits for their end."""
    install(
        road,
        "onboarding",
        quiet=('repeat = "90 days"', 'repeat = "90 days"\nquiet = "00:00-23:59"'),
    )
    road.contact("c1", time_zone="UTC")
    road.post()
    road.travel()
    assert road.videos() == []
    with road.store.read() as tx:
        row = tx.execute(select(triggers.c.work, triggers.c.error_reason)).one()
    assert (row.work, row.error_reason) == ("due", "quiet_hours")


def test_a_template_that_is_missing_is_a_reason_not_a_crash(road: Road) -> None:
    """A campaign that was installed and whose template has gone since says so on each decision."""
    text = 'title="x"\nstage="retention"\npurpose="video_service"\ntrigger="contact_odd"\n[[steps]]\ntemplate="gone"\n'
    with road.store.write() as tx:
        campaigns.install(tx, "odd", "v1", text)
    road.contact("c1")
    road.post("contact.odd")
    road.travel()
    with road.store.read() as tx:
        [decision] = decisions.of_contact(tx, LOCAL, "c1")
    assert decision.reason == "template_unusable"


def test_a_name_that_no_font_draws_fails_that_video_alone_and_can_be_tried_again(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The video says why it failed, its neighbour is made, and a retry makes it after the repair."""

    def picky(order: Order) -> Made:
        if "Broken" in repr(order.board.scenes):
            raise SlotError("No font draws it.", reason="missing_glyph", slot="first_name")
        return instant.make(order)

    monkeypatch.setitem(render.RENDERERS, render.DEFAULT, picky)
    road.contact("c1", first_name="Broken")
    road.contact("c2")
    road.post()
    road.post(subject=Subject("contact", "c2"))
    road.travel()
    [failed], [fine] = road.videos("c1"), road.videos("c2")
    assert (failed.status, failed.reason) == ("failed", "missing_glyph")
    assert fine.status.startswith("ready")
    assert road.fields()["cuereel_video_status"] == "failed"
    assert road.fields().get("cuereel_video_url") is None
    link = road.station.keyring.decrypt(failed.token_sealed)
    page = road.client.get(f"/v/{link}")
    assert page.status_code == 200
    assert "missing_glyph" not in page.text
    monkeypatch.setitem(render.RENDERERS, render.DEFAULT, instant.make)
    with road.store.write() as tx:
        videos.redo(tx, leases.revive(tx, "videos"))
    road.travel()
    assert road.fields()["cuereel_video_status"].startswith("ready")
    assert road.fields()["cuereel_video_url"]


def test_a_full_disk_puts_the_render_off(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room nothing is begun, nothing is lost, and the reason is on the row."""
    road.contact("c1")
    road.post()
    road.travel("triggers")
    usage = shutil.disk_usage(road.settings.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    road.travel("videos")
    assert road.videos()[0].status == "queued"
    with road.store.read() as tx:
        assert tx.execute(select(video_table.c.error_reason)).scalar_one() == "disk_full"
    assert not list((road.settings.folder / "work").glob("*"))


def test_an_opt_out_stops_what_is_not_made_yet(road: Road) -> None:
    """Who opts out on one page gets no other video either."""
    road.contact("c1")
    road.post()
    road.travel("triggers", "changes")
    link = road.fields()["cuereel_video_url"].removeprefix(road.settings.base_url)
    assert road.client.post(f"{link}/opt-out").status_code == 303
    road.travel()
    assert not any(video.status.startswith("ready") for video in road.videos())
