"""Write-back: what a CRM takes, refuses or puts off, change by change."""

from __future__ import annotations

import shutil
import time
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import select

from connector import crm
from connector.errors import CredentialError, CRMDownError
from connector.jobs.write_back import write_back
from connector.model import Change, Written
from connector.store import changes, connections, leases
from connector.store.tables import changes as table
from tests.fakes import flaky
from tests.fakes.flaky import Flaky
from tests.road.conftest import Road


@pytest.fixture
def fake(any_road: Road, monkeypatch: pytest.MonkeyPatch) -> Flaky:
    """A connection to a CRM that does what the test says."""
    monkeypatch.setitem(crm.CRMS, "flaky", "tests.fakes.flaky:open_flaky")
    monkeypatch.setattr(flaky, "here", Flaky())
    folder = any_road.settings.folder / "mappings" / "crm"
    folder.mkdir(parents=True)
    shutil.copy(Path(str(files("mappings"))) / "crm" / "local.toml", folder / "flaky.toml")
    with any_road.store.write() as tx:
        connections.add(
            tx, any_road.station.keyring, connection_id="far", crm="flaky", title="Far", secrets={}
        )
    return flaky.here


def owe(road: Road, *contacts: str, connection: str = "far") -> list[str]:
    with road.store.write() as tx:
        return [
            changes.owe(
                tx, connection_id=connection, kind="property", contact_id=one, key=one,
                values={"views": 1},
            )
            for one in contacts
        ]  # fmt: skip


def works(road: Road) -> dict[str, str]:
    with road.store.read() as tx:
        return dict(tx.execute(select(table.c.contact_id, table.c.work)).all())


def test_all_that_is_due_goes_in_one_batch(any_road: Road, fake: Flaky) -> None:
    """A job that names one change writes every due change of the connection with it."""
    first, *_ = owe(any_road, "a", "b", "c")
    write_back([first])
    assert len(fake.calls) == 1
    assert works(any_road) == {"a": "done", "b": "done", "c": "done"}


def test_a_refused_change_never_blocks_its_neighbours(any_road: Road, fake: Flaky) -> None:
    """C3, C4: the refused one becomes a dead letter with the CRM's reason; the others are written."""
    fake.answer = lambda c: Written.REFUSED if c.contact_id == "b" else Written.DONE
    write_back(owe(any_road, "a", "b", "c"))
    assert works(any_road) == {"a": "done", "b": "dead", "c": "done"}
    with any_road.store.read() as tx:
        [letter] = leases.dead(tx)
    assert (letter.reason, letter.sentence) == ("told_so", "The test says so.")


def test_a_contact_that_is_gone_leaves_nothing_owed(any_road: Road, fake: Flaky) -> None:
    """C4: there is nothing to try again on a deleted record."""
    fake.answer = lambda _: Written.GONE
    write_back(owe(any_road, "a"))
    assert works(any_road) == {"a": "done"}


def test_a_crm_that_asks_to_wait_is_waited_for(any_road: Road, fake: Flaky) -> None:
    """C1: nothing is written again before the time that the CRM named."""
    fake.answer, fake.after = lambda _: Written.RETRY, 120
    ids = owe(any_road, "a")
    write_back(ids)
    write_back(ids)
    assert len(fake.calls) == 1
    with any_road.store.read() as tx:
        row = tx.execute(select(table.c.due_at, table.c.error_reason, leases.now_ms())).one()
    assert 110_000 < row.due_at - row[2] <= 120_000
    assert row.error_reason == "told_so"


def test_a_crm_that_is_away_costs_nothing_but_time(any_road: Road, fake: Flaky) -> None:
    """C2: the batch is put back after one call, and written when the CRM answers again."""
    fake.failure = CRMDownError("the CRM does not answer", after=0)
    ids = owe(any_road, *[f"c{n}" for n in range(150)])
    write_back(ids[:1])
    assert len(fake.calls) == 1
    assert set(works(any_road).values()) == {"due"}
    fake.failure = None
    time.sleep(1.1)
    write_back(ids)
    assert set(works(any_road).values()) == {"done"}


def test_a_change_of_which_the_crm_says_nothing_is_tried_again(any_road: Road, fake: Flaky) -> None:
    """C2: silence is not success."""
    fake.answer = lambda c: None if c.contact_id == "a" else Written.DONE
    write_back(owe(any_road, "a", "b"))
    assert works(any_road) == {"a": "due", "b": "done"}


def test_a_revoked_connection_parks_its_work_and_is_not_asked_again(
    any_road: Road, fake: Flaky
) -> None:
    """C6: one call finds out; until an admin connects again there is no storm of tries."""
    fake.failure = CredentialError("the token was revoked")
    ids = owe(any_road, "a")
    write_back(ids)
    write_back(owe(any_road, "b"))
    assert len(fake.calls) == 1
    assert works(any_road) == {"a": "due", "b": "due"}
    with any_road.store.read() as tx:
        row = connections.get(tx, any_road.station.keyring, "far")
    assert row
    assert row.state == "needs_reauth"


def test_a_second_writer_goes_home(any_road: Road, fake: Flaky) -> None:
    """One writer per connection: two could write old over new."""
    ids = owe(any_road, "a")
    with any_road.store.write() as tx:
        pen = connections.take_pen(tx, "far", 60)
    assert pen
    write_back(ids)
    assert fake.calls == []
    with any_road.store.write() as tx:
        connections.lay_down_pen(tx, "far", pen)
    write_back(ids)
    assert fake.contacts == ["a"]


def test_more_than_a_batch_is_written_in_several(any_road: Road, fake: Flaky) -> None:
    """A hundred at a time, all of them, in one job."""
    ids = owe(any_road, *[f"c{n}" for n in range(250)])
    write_back(ids[:1])
    assert [len(call) for call in fake.calls] == [100, 100, 50]


def test_one_change_that_breaks_the_crms_code_is_found_and_costs_its_neighbours_nothing(
    any_road: Road, fake: Flaky
) -> None:
    """C3: the batch is halved until the one is alone, and only that one is tried again."""

    def answer(change: Change) -> Written:
        if change.contact_id == "c7":
            raise ZeroDivisionError("canary@example.com")
        return Written.DONE

    fake.answer = answer
    write_back(owe(any_road, *[f"c{n}" for n in range(20)]))
    found = works(any_road)
    assert found.pop("c7") == "due"
    assert set(found.values()) == {"done"}
    with any_road.store.read() as tx:
        row = tx.execute(select(table).where(table.c.contact_id == "c7")).one()
    assert row.error_reason == "unexpected"
    assert "canary" not in row.error_sentence
