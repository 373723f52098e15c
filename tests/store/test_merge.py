"""One contact of several: everything that was known of the others is the winner's, nothing looser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from connector.model import Decision, Outcome, Subject, Trigger
from connector.secrets import Keyring, new_token, token_hash
from connector.store import Store, changes, connections, decisions, subjects, triggers, videos
from connector.store.merge import merge
from connector.store.tables import metadata
from connector.store.tables import triggers as trigger_table
from connector.store.videos import NewVideo

WHEN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
def books(store: Store, keyring: Keyring) -> Store:
    """A store with two connected accounts."""
    with store.write() as tx:
        for name in ("here", "there"):
            connections.add(tx, keyring, connection_id=name, crm="local", title=name, secrets={})
    return store


def happened(store: Store, contact: str, key: str, **facts: Any) -> str:
    """Store a trigger about a contact; with the fact contact_id, about a cart of theirs."""
    subject = Subject("cart", f"cart-{contact}") if facts else Subject("contact", contact)
    with store.write() as tx:
        row = triggers.add(tx, "here", Trigger(key, "contact_onboarding", subject, WHEN, facts))
    assert row
    return row


def promised(store: Store, keyring: Keyring, contact: str, key: str) -> str:
    """Mint a video for a contact, decided on and owed."""
    trigger_id = happened(store, contact, key)
    token = new_token()
    made = NewVideo(
        connection_id="here", trigger_id=trigger_id, campaign="onboarding", campaign_version="v1",
        step=0, subject_kind="contact", subject_id=contact, contact_id=contact, template="onboarding",
        variant="", locale="en", format="16:9", slots={}, fallback_slots=[], call_to_action=None,
        fresh_seconds=None, expires_seconds=3600, queue="render", on_open=False,
    )  # fmt: skip
    with store.write() as tx:
        video = videos.mint(tx, made, token_hash(token), keyring.encrypt(token))
        assert video
        decisions.record(
            tx, connection_id="here", trigger_id=trigger_id, campaign="onboarding",
            campaign_version="v1", step=0, contact_id=contact,
            decision=Decision(Outcome.SEND, "ok", "Made."),
        )  # fmt: skip
        owe(tx, "property", contact, contact)
        owe(tx, "video_row", contact, video)
    return video


def owe(tx: Any, kind: str, contact: str, key: str) -> None:
    changes.owe(
        tx, connection_id="here", kind=kind, contact_id=contact, key=key, values={"views": 1}
    )


def everything(store: Store) -> dict[str, list[Any]]:
    """Return all rows of all tables."""
    with store.read() as tx:
        return {
            table.name: sorted(map(repr, tx.execute(select(table)).all()))
            for table in metadata.sorted_tables
        }


def join(store: Store, losers: list[str], winner: str) -> list[str]:
    with store.write() as tx:
        return merge(tx, "here", losers, winner)


def test_videos_and_decisions_follow_and_are_named_newest_first(
    books: Store, keyring: Keyring
) -> None:
    """The winner's history has all of it, so that caps and repeats count it too."""
    older = promised(books, keyring, "a", "t1")
    newer = promised(books, keyring, "b", "t2")
    own = promised(books, keyring, "w", "t3")

    assert join(books, ["a", "b", "w"], "w") == [newer, older]

    with books.read() as tx:
        assert {video.id for video in videos.of_contact(tx, "here", "w")} == {older, newer, own}
        assert {video.subject_id for video in videos.of_contact(tx, "here", "w")} == {"w"}
        assert len(decisions.of_contact(tx, "here", "w")) == 3
        assert len(decisions.sends(tx, "here", "w")) == 3
        assert decisions.of_contact(tx, "here", "a") == []


def test_what_waits_is_about_the_winner_from_now_on(books: Store) -> None:
    """Triggers are planned for whoever is left, also those of a cart that names its contact."""
    happened(books, "a", "t1")
    happened(books, "a", "t2", contact_id="a", plan="team")
    join(books, ["a"], "w")
    with books.read() as tx:
        rows = {row.key: row for row in tx.execute(select(trigger_table))}
    assert rows["t1"].subject_id == "w"
    assert rows["t2"].subject_id == "cart-a"
    assert rows["t2"].facts == {"contact_id": "w", "plan": "team"}


def test_the_news_that_a_loser_is_deleted_never_means_the_winner(books: Store) -> None:
    """A CRM may delete what it has merged away; the one who is left is not erased for it."""
    gone = Trigger("t1", "contact_deleted", Subject("contact", "a"), WHEN)
    with books.write() as tx:
        triggers.add(tx, "here", gone)
    join(books, ["a"], "w")
    with books.read() as tx:
        assert tx.execute(select(trigger_table.c.subject_id)).scalar_one() == "a"


def test_records_that_are_gone_are_owed_nothing_but_workflows_still_wait(
    books: Store, keyring: Keyring
) -> None:
    """A callback is owed to a workflow, whoever its contact has become."""
    promised(books, keyring, "a", "t1")
    with books.write() as tx:
        owe(tx, "callback", "a", "cb-1")
        owe(tx, "property", "w", "w")
    join(books, ["a"], "w")
    with books.read() as tx:
        rows = tx.execute(select(metadata.tables["changes"])).all()
    assert {(row.kind, row.contact_id) for row in rows} == {("callback", "w"), ("property", "w")}


def test_the_stricter_standing_holds(books: Store) -> None:
    """An opt-out of any of them is an opt-out; the winner's own stays as it was."""
    with books.write() as tx:
        subjects.opt_out(tx, "here", "a", "page")
        subjects.suppress(tx, "here", Subject("contact", "b"), "complained")
        subjects.suppress(tx, "here", Subject("contact", "w"), "bounced")
    join(books, ["a", "b"], "w")
    with books.read() as tx:
        standing = subjects.standing(tx, "here", Subject("contact", "w"))
    assert (standing.opted_out, standing.suppression_reason) == (True, "bounced")


def test_an_opt_out_taken_back_stays_taken_back_when_the_merge_is_repeated(books: Store) -> None:
    """A delivery may come twice; the second must not undo what happened in between."""
    with books.write() as tx:
        subjects.opt_out(tx, "here", "a", "page")
    join(books, ["a"], "w")
    with books.write() as tx:
        subjects.opt_in(tx, "here", "w")
    join(books, ["a"], "w")
    with books.read() as tx:
        assert not subjects.standing(tx, "here", Subject("contact", "w")).opted_out


def test_the_first_assignment_holds_where_the_winner_has_none(books: Store) -> None:
    """Who was assigned before stays comparable; the winner's own assignment is never changed."""

    def assign(unit: str, experiment: str, variant: str) -> str:
        with books.write() as tx:
            return decisions.assign(
                tx, connection_id="here", unit=unit, experiment=experiment, variant=variant,
                probability=0.5,
            )  # fmt: skip

    assign("w", "welcome", "short")
    assign("a", "welcome", "long")
    assign("a", "cart", "holdout")
    join(books, ["a"], "w")
    assert assign("w", "welcome", "other") == "short"
    assert assign("w", "cart", "other") == "holdout"
    assert assign("a", "cart", "other") == "other"


def test_running_it_twice_changes_nothing(books: Store, keyring: Keyring) -> None:
    """The same delivery twice, and a merge that names the winner among the losers."""
    promised(books, keyring, "a", "t1")
    with books.write() as tx:
        subjects.opt_out(tx, "here", "a", "page")
    join(books, ["a", "w"], "w")
    before = everything(books)
    assert join(books, ["a", "w"], "w") == []
    assert join(books, ["w"], "w") == []
    assert everything(books) == before


def test_an_erased_winner_gets_nothing_back(books: Store, keyring: Keyring) -> None:
    """What was erased is not filled again from another record."""
    promised(books, keyring, "a", "t1")
    with books.write() as tx:
        subjects.entomb(tx, "here", Subject("contact", "w"))
    before = everything(books)
    assert join(books, ["a"], "w") == []
    assert everything(books) == before


def test_another_account_is_left_alone(books: Store, keyring: Keyring) -> None:
    """Ids are one account's own: the same number elsewhere is somebody else."""
    promised(books, keyring, "a", "t1")
    before = everything(books)
    with books.write() as tx:
        assert merge(tx, "there", ["a"], "w") == []
    assert everything(books) == before
