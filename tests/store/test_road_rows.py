"""The rows along the road: deliveries, triggers, videos, changes, erasure, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from connector.errors import LeaseLostError
from connector.model import Decision, Intake, Outcome, Subject, Trigger
from connector.secrets import Keyring, new_token, token_hash
from connector.store import (
    Store,
    changes,
    connections,
    decisions,
    deliveries,
    leases,
    subjects,
    triggers,
    videos,
)
from connector.store.erase import erase
from connector.store.tables import WORK, metadata
from connector.store.videos import NewVideo

WHEN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def road(store: Store, keyring: Keyring) -> Store:
    """A store with one connected CRM."""
    with store.write() as tx:
        connections.add(
            tx,
            keyring,
            connection_id="local",
            crm="local",
            title="Local",
            secrets={"signing": ["a"]},
        )
    return store


def a_trigger(contact: str = "c1", key: str = "t1") -> Trigger:
    return Trigger(key, "contact_onboarding", Subject("contact", contact), WHEN, {"plan": "team"})


def a_video(trigger_id: str, contact: str = "c1") -> NewVideo:
    return NewVideo(
        connection_id="local",
        trigger_id=trigger_id,
        campaign="onboarding",
        campaign_version="v1",
        step=0,
        subject_kind="contact",
        subject_id=contact,
        contact_id=contact,
        template="onboarding",
        variant="",
        locale="en",
        format="16:9",
        slots={"first_name": {"value": "Ana", "text": "Ana"}},
        fallback_slots=[],
        call_to_action=None,
        fresh_seconds=None,
        expires_seconds=3600,
        queue="render",
        on_open=False,
    )


def mint(store: Store, keyring: Keyring, contact: str = "c1", key: str = "t1") -> str:
    with store.write() as tx:
        trigger_id = triggers.add(tx, "local", a_trigger(contact, key))
        assert trigger_id
        token = new_token()
        video_id = videos.mint(
            tx, a_video(trigger_id, contact), token_hash(token), keyring.encrypt(token)
        )
    assert video_id
    return video_id


def test_a_repeated_delivery_is_stored_once(road: Store) -> None:
    """The same delivery twice leaves one trigger and says that it is a repeat."""
    intake = Intake("msg_1", (a_trigger(),))
    with road.write() as tx:
        first = deliveries.take(tx, "local", intake, b"{}")
    with road.write() as tx:
        again = deliveries.take(tx, "local", intake, b"{}")
    assert len(first.trigger_ids) == 1
    assert again == deliveries.Taken(repeated=True)


def test_the_same_id_with_another_body_is_a_counted_conflict(road: Store) -> None:
    """The first body is kept; the second is answered but noted."""
    with road.write() as tx:
        deliveries.take(tx, "local", Intake("msg_1", (a_trigger(),)), b"{}")
        again = deliveries.take(tx, "local", Intake("msg_1", (a_trigger(key="t2"),)), b"[]")
    assert again.conflict
    assert again.trigger_ids == ()


def test_the_same_event_under_another_delivery_id_is_one_trigger(road: Store) -> None:
    """A trigger is recognised by its own key, whatever envelope it comes in."""
    with road.write() as tx:
        deliveries.take(tx, "local", Intake("msg_1", (a_trigger(),)), b"{}")
        again = deliveries.take(tx, "local", Intake("msg_2", (a_trigger(),)), b"{}")
    assert again.trigger_ids == ()
    assert not again.repeated


def test_a_trigger_and_step_gets_one_video(road: Store, keyring: Keyring) -> None:
    """A plan that runs twice mints one link."""
    with road.write() as tx:
        trigger_id = triggers.add(tx, "local", a_trigger())
        assert trigger_id
        one = videos.mint(tx, a_video(trigger_id), "hash1", "sealed")
        two = videos.mint(tx, a_video(trigger_id), "hash2", "sealed")
    assert one
    assert two is None


def test_only_one_worker_holds_a_row_and_a_stale_one_cannot_publish(
    road: Store, keyring: Keyring
) -> None:
    """After the lease has run out another worker takes over, and the first one's result is void."""
    video_id = mint(road, keyring)
    with road.write() as tx:
        [first] = leases.claim(tx, "videos", [video_id], seconds=-1)
        [second] = leases.claim(tx, "videos", [video_id], seconds=60)
        assert leases.claim(tx, "videos", [video_id], seconds=60) == []
    with road.write() as tx, pytest.raises(LeaseLostError):
        leases.finish(tx, first)
    with road.write() as tx:
        leases.finish(tx, second)
        assert leases.claim(tx, "videos", [video_id], seconds=60) == []


def test_a_worker_that_dies_is_counted(road: Store, keyring: Keyring) -> None:
    """A row that was left running has crashed its worker once more."""
    video_id = mint(road, keyring)
    for _ in range(3):
        with road.write() as tx:
            [held] = leases.claim(tx, "videos", [video_id], seconds=-1)
    with road.read() as tx:
        assert leases.crashed_too_often(tx, held, 2)
        assert not leases.crashed_too_often(tx, held, 3)


def test_a_dead_letter_keeps_its_reason_and_can_be_revived(road: Store, keyring: Keyring) -> None:
    """What was given up is listed with why, and is due again after a revival."""
    video_id = mint(road, keyring)
    with road.write() as tx:
        [held] = leases.claim(tx, "videos", [video_id], seconds=60)
        leases.bury(tx, held, "missing_glyph", "No font draws the name.")
    with road.read() as tx:
        [letter] = leases.dead(tx)
    assert (letter.noun, letter.id, letter.reason) == ("videos", video_id, "missing_glyph")
    with road.write() as tx:
        assert leases.revive(tx, "videos") == [video_id]
        assert len(leases.claim(tx, "videos", [video_id], seconds=60)) == 1


def owe(store: Store, contact: str = "c1", **values: object) -> str:
    with store.write() as tx:
        return changes.owe(
            tx, connection_id="local", kind="property", contact_id=contact, key=contact,
            values=values,
        )  # fmt: skip


def test_changes_of_a_contact_become_one_write(road: Store) -> None:
    """Values that come one after the other are owed together, the newest of each."""
    change_id = owe(road, views=1, video_url="u")
    assert owe(road, views=2) == change_id
    with road.read() as tx:
        found = changes.owed(tx, [change_id])[change_id]
    assert found.change.values == {"views": 2, "video_url": "u"}


def test_a_value_that_comes_while_the_last_is_written_stays_owed(road: Store) -> None:
    """A write settles only the version that it took."""
    change_id = owe(road, views=1)
    with road.write() as tx:
        [held] = leases.claim(tx, "changes", [change_id], seconds=60)
        version = changes.owed(tx, [change_id])[change_id].version
    owe(road, views=2)
    with road.write() as tx:
        changes.settle(tx, [(held, version)])
        assert changes.due_ids(tx, "local") == [change_id]
        [held] = leases.claim(tx, "changes", [change_id], seconds=60)
        changes.settle(tx, [(held, version + 1)])
        assert changes.due_ids(tx, "local") == []


def test_a_change_that_another_worker_has_taken_over_is_left_to_that_one(road: Store) -> None:
    """Of a batch that took too long only what is still ours counts as written."""
    slow, ours = owe(road, views=1), owe(road, contact="c2", views=1)
    with road.write() as tx:
        stale = leases.claim(tx, "changes", [slow], seconds=0)
        held = leases.claim(tx, "changes", [ours], seconds=60)
        leases.claim(tx, "changes", [slow], seconds=60)
    with road.write() as tx:
        changes.settle(tx, [(claim, 1) for claim in stale + held])
    with road.read() as tx:
        found = {row.id: row.work for row in tx.execute(select(WORK["changes"]))}
    assert found == {slow: "running", ours: "done"}


def test_what_was_written_is_not_written_again(road: Store) -> None:
    """After a settled write only new values are owed."""
    change_id = owe(road, views=1, video_url="u")
    with road.write() as tx:
        [held] = leases.claim(tx, "changes", [change_id], seconds=60)
        changes.settle(tx, [(held, 1)])
    owe(road, views=2)
    with road.read() as tx:
        assert changes.owed(tx, [change_id])[change_id].change.values == {"views": 2}


def test_only_one_worker_writes_for_a_connection(road: Store) -> None:
    """The pen is held by one, and a stale holder cannot lay down another's."""
    with road.write() as tx:
        first = connections.take_pen(tx, "local", -1)
        second = connections.take_pen(tx, "local", 60)
        assert first
        assert second
        assert connections.take_pen(tx, "local", 60) is None
        assert not connections.keep_pen(tx, "local", first, 60)
        connections.lay_down_pen(tx, "local", first)
        assert connections.take_pen(tx, "local", 60) is None
        connections.lay_down_pen(tx, "local", second)
        assert connections.take_pen(tx, "local", 60)


def test_an_erased_contact_leaves_no_personal_value(road: Store, keyring: Keyring) -> None:
    """After an erasure no table holds the contact's id or values; the tombstone is a hash."""
    video_id = mint(road, keyring, contact="canary-77")
    with road.write() as tx:
        video = videos.get(tx, video_id)
        assert video
        decisions.record(
            tx,
            connection_id="local",
            trigger_id=video.trigger_id,
            campaign="onboarding",
            campaign_version="v1",
            step=0,
            contact_id="canary-77",
            decision=Decision(Outcome.SEND, "send", "Sent."),
        )
        changes.owe(
            tx,
            connection_id="local",
            kind="property",
            contact_id="canary-77",
            key="canary-77",
            values={"views": 1},
        )
        subjects.opt_out(tx, "local", "canary-77", "watch page")
        [held] = leases.claim(tx, "videos", [video_id], 60)
        leases.put_back(tx, held, "odd", "The far side said: canary-77 is odd.")
        other = triggers.add(tx, "local", a_trigger("canary-77", "t2"))
        assert other
        decisions.record(
            tx,
            connection_id="local",
            trigger_id=other,
            campaign="onboarding",
            campaign_version="v1",
            step=0,
            contact_id="canary-77",
            decision=Decision(Outcome.BLOCKED_VALIDATION, "subject_gone", "Gone: canary-77."),
        )
    with road.write() as tx:
        assert erase(tx, "local", "canary-77").video_ids == (video_id,)
    with road.read() as tx:
        dump = [str(tx.execute(select(table)).all()) for table in metadata.sorted_tables]
        assert not [rows for rows in dump if "canary-77" in rows or "Ana" in rows]
        assert subjects.is_erased(tx, "local", Subject("contact", "canary-77"))
        after = videos.get(tx, video_id)
        assert after
        assert after.status == "erased"
        assert (
            tx.execute(select(func.count()).select_from(metadata.tables["changes"])).scalar() == 0
        )
