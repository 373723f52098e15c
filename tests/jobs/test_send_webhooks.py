"""The station that posts webhooks: once each when all is well, again when not, and never elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from connector.crm.local.gateway import Announcement, announce
from connector.jobs.send_webhooks import send_webhooks
from connector.jobs.station import close_station, open_station
from connector.model import Subject
from connector.settings import Settings
from connector.signing import new_secret
from connector.store import Store, connections, leases, webhooks
from connector.store.tables import webhooks as table
from tests.fakes.local import connect_local
from tests.notify.receiver import Receiver, receiving

ONBOARDING = Announcement("contact.onboarding", Subject("contact", "c-001"))


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch, sqlite_store: Store) -> Iterator[Receiver]:
    """Our own address, with somebody on it who only listens."""
    with receiving() as found:
        monkeypatch.setenv("PORT", str(found.port))
        close_station()
        station = open_station(Settings())
        connect_local(station.store, station.keyring, "local", [new_secret()])
        yield found
        close_station()


def owe(store: Store, times: int = 1) -> list[str]:
    with store.write() as tx:
        return [announce(tx, "local", ONBOARDING) for _ in range(times)]


def state(store: Store, webhook: str) -> tuple[str, str | None]:
    with store.read() as tx:
        row = tx.execute(table.select().where(table.c.id == webhook)).one()
    return row.work, row.error_reason


def test_each_webhook_arrives_once_under_its_own_id(
    receiver: Receiver, sqlite_store: Store
) -> None:
    """A batch is posted to our hooks, and what was posted is not posted again."""
    ids = owe(sqlite_store, 3)
    send_webhooks(ids)
    send_webhooks(ids)

    assert [headers["webhook-id"] for _, headers, _ in receiver.arrived] == ids
    assert {path for path, _, _ in receiver.arrived} == {"/hooks/local/local"}
    assert json.loads(receiver.arrived[0][2])["type"] == "contact.onboarding"
    assert {state(sqlite_store, one) for one in ids} == {("done", None)}


def test_a_failed_one_comes_back_under_the_same_id(receiver: Receiver, sqlite_store: Store) -> None:
    """An error puts it back with its reason; the next try says the same id."""
    receiver.status = 503
    [webhook] = owe(sqlite_store)
    send_webhooks([webhook])
    assert state(sqlite_store, webhook) == ("due", "status_503")

    receiver.status = 202
    with sqlite_store.write() as tx:
        tx.execute(table.update().values(due_at=0))
    send_webhooks([webhook])
    assert state(sqlite_store, webhook) == ("done", None)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.arrived}) == 1


def test_one_that_is_gone_is_a_dead_letter(receiver: Receiver, sqlite_store: Store) -> None:
    """A 410 is kept with its reason and stops nobody else."""
    receiver.status = 410
    [webhook] = owe(sqlite_store)
    send_webhooks([webhook])

    assert state(sqlite_store, webhook) == ("dead", "gone")


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "https://example.com/hooks", "//evil/hooks/x", "/v/x"]
)
def test_nothing_is_sent_to_another_address(
    receiver: Receiver, sqlite_store: Store, url: str
) -> None:
    """Only paths of our own hooks are posted to."""
    with sqlite_store.write() as tx:
        webhook = webhooks.owe(tx, "local", url=url, body="{}")
    send_webhooks([webhook])

    assert receiver.arrived == []
    assert state(sqlite_store, webhook) == ("dead", "address_refused")


def test_without_a_secret_it_says_what_to_do(receiver: Receiver, sqlite_store: Store) -> None:
    """A connection that lost its secret sends nothing unsigned."""
    with sqlite_store.write() as tx:
        connections.change_secrets(tx, open_station().keyring, "local", {})
    [webhook] = owe(sqlite_store)
    send_webhooks([webhook])

    assert receiver.arrived == []
    assert state(sqlite_store, webhook) == ("dead", "no_signing_secret")


def test_a_worker_that_lost_its_claim_changes_nothing(
    receiver: Receiver, sqlite_store: Store
) -> None:
    """What another worker holds is not posted by us."""
    [webhook] = owe(sqlite_store)
    with sqlite_store.write() as tx:
        leases.claim(tx, "webhooks", [webhook], 60)
    send_webhooks([webhook])

    assert receiver.arrived == []
    assert state(sqlite_store, webhook) == ("running", None)
