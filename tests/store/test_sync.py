"""How writing back stands, as an admin reads it, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from connector.secrets import Keyring
from connector.store import Store, changes, connections, leases
from connector.store.sync import SyncState, sync_states, writing
from connector.store.tables import attempts
from connector.store.tables import changes as table

DAY = 86_400_000


@pytest.fixture
def owing(store: Store, keyring: Keyring) -> Store:
    """A store with two connections."""
    with store.write() as tx:
        for name in ("local", "other"):
            connections.add(
                tx, keyring, connection_id=name, crm="local", title=name, secrets={"signing": []}
            )
    return store


def owe(store: Store, contact: str, connection: str = "local") -> str:
    with store.write() as tx:
        return changes.owe(
            tx,
            connection_id=connection,
            kind="property",
            contact_id=contact,
            key=contact,
            values={"views": 1},
        )


def write(store: Store, *contacts: str) -> None:
    for contact in contacts:
        with store.write() as tx:
            [claim] = leases.claim(tx, "changes", [owe_in(tx, contact)], 60)
            changes.settle(tx, [(claim, 1)])


def owe_in(tx: object, contact: str) -> str:
    return changes.owe(
        tx,  # type: ignore[arg-type]
        connection_id="local",
        kind="property",
        contact_id=contact,
        key=contact,
        values={"views": 1},
    )


def fail(store: Store, contact: str, reason: str, sentence: str, *, dead: bool = False) -> None:
    change = owe(store, contact)
    with store.write() as tx:
        [claim] = leases.claim(tx, "changes", [change], 60)
        (leases.bury if dead else leases.put_back)(tx, claim, reason, sentence)


def states(store: Store, connection: str = "local") -> list[SyncState]:
    with store.read() as tx:
        return sync_states(tx, connection)


def test_nothing_owed_is_nothing_told(owing: Store) -> None:
    """A new connection has an empty table."""
    assert states(owing) == []
    with owing.read() as tx:
        assert writing(tx) == {}


def test_each_state_and_reason_has_a_row(owing: Store) -> None:
    """What is written, waits, is tried again or was given up is told apart, with why."""
    write(owing, "1", "2", "3")
    owe(owing, "4")
    fail(owing, "5", "crm_busy", "HubSpot asks us to slow down")
    fail(owing, "6", "field_missing", "no such property")
    fail(owing, "7", "crm_busy", "HubSpot asks us to slow down")
    fail(owing, "8", "validation_error", "a rule of the portal forbids it", dead=True)

    assert states(owing) == [
        SyncState("written", "", 3, ""),
        SyncState("waiting", "", 1, ""),
        SyncState("retrying", "crm_busy", 2, "HubSpot asks us to slow down"),
        SyncState("retrying", "field_missing", 1, "no such property"),
        SyncState("refused", "validation_error", 1, "a rule of the portal forbids it"),
    ]


def test_the_sentence_is_of_the_newest_try(owing: Store) -> None:
    """An older sentence of the same reason does not hide what happens now."""
    fail(owing, "1", "refused", "the old one", dead=True)
    with owing.write() as tx:
        tx.execute(update(attempts).values(at=attempts.c.at - 60_000))
    fail(owing, "2", "refused", "the new one", dead=True)
    fail(owing, "0", "refused", "the newest one", dead=True)
    with owing.write() as tx:
        tx.execute(
            update(attempts)
            .where(attempts.c.sentence == "the new one")
            .values(at=attempts.c.at - 50)
        )

    assert states(owing) == [SyncState("refused", "refused", 3, "the newest one")]


def test_what_is_older_than_a_day_is_left_out_unless_it_waits(owing: Store) -> None:
    """Yesterday's writes and refusals are history; what still waits never is."""
    write(owing, "1")
    fail(owing, "2", "refused", "long ago", dead=True)
    fail(owing, "3", "crm_down", "HubSpot is not well")
    with owing.write() as tx:
        tx.execute(update(table).where(table.c.work == "done").values(written_at=1))
        tx.execute(update(attempts).values(at=attempts.c.at - 2 * DAY))

    assert states(owing) == [SyncState("retrying", "crm_down", 1, "HubSpot is not well")]


def test_what_is_being_written_just_now_waits(owing: Store) -> None:
    """A claimed change is not told as failing, even if it failed before."""
    fail(owing, "1", "crm_down", "HubSpot is not well")
    with owing.write() as tx:
        tx.execute(update(table).values(due_at=0))
        assert leases.claim(tx, "changes", [owe_in(tx, "1")], 60) != []

    assert [(one.state, one.count) for one in states(owing)] == [("waiting", 1)]


def test_connections_do_not_see_one_another(owing: Store) -> None:
    """Each has its own table."""
    owe(owing, "1", "other")

    assert states(owing) == []
    assert [one.count for one in states(owing, "other")] == [1]


def test_every_connection_says_when_it_was_written_and_what_waits(owing: Store) -> None:
    """A change that was given up does not wait."""
    write(owing, "1")
    owe(owing, "2")
    fail(owing, "3", "refused", "no", dead=True)
    owe(owing, "1", "other")
    with owing.read() as tx:
        told = writing(tx)

    assert told["local"].waiting == 1
    assert told["local"].last_written is not None
    assert (told["other"].waiting, told["other"].last_written) == (1, None)
