"""One trigger's road, from a signed webhook to the fields on the contact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from connector.cli.prepare import LOCAL
from connector.model import Subject
from connector.store import decisions, subjects
from connector.store.tables import deliveries, triggers, videos
from tests.road.conftest import Road

CART = Subject("cart", "A1")


def count(road: Road, table: object) -> int:
    with road.store.read() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_signed_event_ends_as_a_link_on_the_contact(road: Road) -> None:
    """A contact that is onboarded gets a video, and its record the link, status and template."""
    road.contact("c1", first_name="Nguyễn", plan="team")
    assert road.post().status_code == 202
    road.travel()
    [video] = road.videos()
    assert video.status in ("ready", "ready_with_fallback")
    fields = road.fields()
    assert fields["cuereel_video_url"].startswith(f"{road.settings.base_url}/v/")
    assert fields["cuereel_video_status"] == video.status
    assert fields["cuereel_video_template"] == "onboarding"
    assert fields.get("cuereel_percent_watched") is None
    [row] = road.rows()
    assert row.values["video_url"] == fields["cuereel_video_url"]


def test_the_link_is_on_the_record_before_the_video_is_rendered(road: Road) -> None:
    """The link is minted with the plan, so that an e-mail can go out at once."""
    road.contact("c1")
    road.post()
    road.travel("triggers", "changes")
    assert road.fields()["cuereel_video_status"] == "queued"
    assert road.fields()["cuereel_video_url"]


def test_one_event_posted_many_times_is_one_video(road: Road) -> None:
    """The same delivery again, and the same event in another delivery, change nothing."""
    road.contact("c1")
    when = datetime.now(UTC)
    answers = [road.post(identity="msg_same", occurred_at=when).status_code for _ in range(5)]
    answers.append(road.post(identity="msg_other", occurred_at=when).status_code)
    road.travel()
    assert answers == [202] * 6
    assert len(road.videos()) == 1
    assert count(road, triggers) == 1


def test_a_second_run_of_every_station_changes_nothing(road: Road) -> None:
    """Jobs that are rung for twice find their work done."""
    road.contact("c1")
    road.post()
    road.travel()
    before = (road.videos(), road.fields(), road.rows())
    road.travel()
    assert (road.videos(), road.fields(), road.rows()) == before


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


def test_a_repeat_within_the_limit_is_refused_with_the_day(road: Road) -> None:
    """The same campaign for the same subject again is a repeat; the first link keeps working."""
    road.contact("c1")
    road.post(occurred_at=datetime.now(UTC) - timedelta(minutes=5))
    road.travel()
    url = road.fields()["cuereel_video_url"]
    road.post()
    road.travel()
    assert len(road.videos()) == 1
    assert road.fields()["cuereel_video_url"] == url
    assert road.fields()["cuereel_video_status"].startswith("ready")
    with road.store.read() as tx:
        latest, *_ = decisions.of_contact(tx, LOCAL, "c1")
    assert latest.outcome in ("blocked_repeat", "blocked_cap")


def test_events_out_of_order_end_with_the_newest(road: Road) -> None:
    """An older event that arrives late is superseded by the newer one that already waits."""
    road.contact("c1")
    now = datetime.now(UTC)
    road.post(occurred_at=now)
    road.post(occurred_at=now - timedelta(hours=1))
    road.travel()
    assert len(road.videos()) == 1
    with road.store.read() as tx:
        reasons = {row.reason for row in decisions.of_contact(tx, LOCAL, "c1")}
    assert reasons == {"ok", "superseded"}


def test_a_deleted_contact_is_erased_and_a_replay_does_not_bring_it_back(road: Road) -> None:
    """Deletion in the CRM removes files and rows; the link answers that it is gone."""
    road.contact("c1")
    when = datetime.now(UTC) - timedelta(minutes=1)
    road.post(occurred_at=when)
    road.travel()
    link = road.fields()["cuereel_video_url"].removeprefix(road.settings.base_url)
    assert road.client.get(link).status_code == 200
    road.post("contact.deleted")
    road.travel()
    assert road.client.get(link).status_code == 410
    assert road.videos() == []
    assert not list((road.settings.folder / "files" / LOCAL).rglob("*.mp4"))
    road.post(occurred_at=datetime.now(UTC))
    road.travel()
    assert road.videos() == []


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
    assert count(road, videos) == 0
    assert count(road, deliveries) == 1
    road.travel()
    assert count(road, videos) == 1
