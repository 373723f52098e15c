"""The CRM makes one contact of two, and the record that is left tells of everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.cli.prepare import LOCAL
from connector.jobs.update_engagement import update_engagement
from connector.model import Subject, Trigger
from connector.store import leases, subjects, triggers
from tests.road.conftest import Road


def merged(road: Road, losers: list[str], winner: str, key: str = "m1") -> str:
    """Store what the CRM says of a merge."""
    facts = {"from": losers, "into": winner}
    made = Trigger(key, "contact_merged", Subject("contact", winner), datetime.now(UTC), facts)
    with road.store.write() as tx:
        row = triggers.add(tx, LOCAL, made)
    assert row
    return row


def has_video(road: Road, contact: str) -> str:
    road.contact(contact, plan="team")
    road.post(subject=Subject("contact", contact))
    road.travel()
    [video] = road.videos(contact)
    return video.id


def test_the_winners_record_tells_of_the_losers_video(any_road: Road) -> None:
    """Link and status move to the record that is left, and watching counts there."""
    any_road.contact("w")
    video = has_video(any_road, "a")
    assert any_road.fields("w").get("cuereel_video_url") is None

    merged(any_road, ["a"], "w")
    any_road.travel()

    assert [one.id for one in any_road.videos("w")] == [video]
    assert any_road.fields("w")["cuereel_video_url"] == any_road.fields("a")["cuereel_video_url"]
    assert [row.key for row in any_road.rows("w") if row.kind == "video"] == [video]
    with any_road.store.read() as tx:
        assert leases.due(tx, "measures", ring_again=-1, limit=10) == [video]
    update_engagement([video])


def test_the_same_merge_told_twice_owes_nothing_more(road: Road) -> None:
    """Another key, the same merge."""
    road.contact("w")
    has_video(road, "a")
    merged(road, ["a"], "w")
    road.travel()
    merged(road, ["a"], "w", "m2")
    road.travel("triggers")
    with road.store.read() as tx:
        assert leases.due(tx, "changes", ring_again=-1, limit=10) == []
    assert len(road.videos("w")) == 1


def test_what_waits_in_the_same_batch_is_decided_for_the_winner(road: Road) -> None:
    """A merge goes before all else, so that nobody is decided on who is no more."""
    road.contact("w", plan="team")
    happened = Trigger("t1", "contact_onboarding", Subject("contact", "a"), datetime.now(UTC))
    with road.store.write() as tx:
        triggers.add(tx, LOCAL, happened)
    merged(road, ["a"], "w")
    road.travel()
    assert len(road.videos("w")) == 1
    assert road.videos("a") == []


def test_a_deletion_in_the_same_batch_leaves_the_winner_alone(road: Road) -> None:
    """A CRM may say both: merged into another, and gone."""
    road.contact("w")
    has_video(road, "a")
    gone = Trigger("d1", "contact_deleted", Subject("contact", "a"), datetime.now(UTC))
    with road.store.write() as tx:
        triggers.add(tx, LOCAL, gone)
    merged(road, ["a"], "w")
    road.travel()
    assert len(road.videos("w")) == 1
    with road.store.read() as tx:
        assert not subjects.is_erased(tx, LOCAL, Subject("contact", "w"))
        assert subjects.is_erased(tx, LOCAL, Subject("contact", "a"))


def test_whoever_was_erased_stays_erased(road: Road) -> None:
    """The others are the same person: what is held under their ids goes too."""
    has_video(road, "a")
    with road.store.write() as tx:
        subjects.entomb(tx, LOCAL, Subject("contact", "w"))
    merged(road, ["a"], "w")
    road.travel()
    assert road.videos("w") == []
    assert road.videos("a") == []
    with road.store.read() as tx:
        assert subjects.is_erased(tx, LOCAL, Subject("contact", "a"))
    assert not list((road.settings.folder / "files").rglob("video.mp4"))


def test_a_repeat_of_the_campaign_counts_what_the_loser_got(road: Road) -> None:
    """Nobody is welcomed twice because a CRM had two records of them."""
    has_video(road, "a")
    road.contact("w", plan="team")
    merged(road, ["a"], "w")
    road.travel()
    road.post(subject=Subject("contact", "w"), occurred_at=datetime.now(UTC) - timedelta(seconds=1))
    road.travel()
    assert len(road.videos("w")) == 1
