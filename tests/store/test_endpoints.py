"""Endpoints as rows, and the events that they are owed: each once, none that they did not ask for."""

from __future__ import annotations

import json

import pytest

from connector.secrets import Keyring, new_key
from connector.signing import signing_key
from connector.store import Store, connections, endpoints, webhooks
from connector.store.ids import ALPHABET
from connector.store.outgoing import owe_event, owe_test
from connector.store.tables import endpoints as table
from connector.store.tables import webhooks as webhooks_table

URL = "https://example.com/hooks"


@pytest.fixture
def told(store: Store, keyring: Keyring) -> Store:
    """A store with one connection, whose events somebody may want."""
    with store.write() as tx:
        connections.add(tx, keyring, connection_id="far", crm="far", title="Far", secrets={})
    return store


def add(store: Store, keyring: Keyring, *kinds: str) -> str:
    with store.write() as tx:
        return endpoints.add(tx, keyring, url=URL, kinds=kinds)


def owe(
    store: Store, kind: str = "video.ready", key: str = "v1", connection: str = "far"
) -> list[str]:
    with store.write() as tx:
        return owe_event(
            tx,
            connection_id=connection,
            kind=kind,
            key=key,
            contact_id="c1",
            data={"percent": 50, "gone": None},
        )


def test_without_endpoints_nothing_is_owed(told: Store) -> None:
    """Nobody listens, so nothing is stored."""
    assert owe(told) == []
    with told.read() as tx:
        assert tx.execute(webhooks_table.select()).all() == []


def test_each_endpoint_that_wants_a_kind_is_told(told: Store, keyring: Keyring) -> None:
    """No kinds mean all of them; other kinds mean not this one."""
    everything = add(told, keyring)
    ready = add(told, keyring, "video.ready", "cta.clicked")
    add(told, keyring, "watch.milestone")

    ids = owe(told)
    with told.read() as tx:
        rows = webhooks.get_many(tx, ids)
    assert {row.endpoint_id for row in rows.values()} == {everything, ready}
    assert all(len(one) == 26 and set(one) <= set(ALPHABET) for one in ids)


def test_the_same_event_is_owed_once(told: Store, keyring: Keyring) -> None:
    """A repeat owes nothing; another key, kind or connection is another event."""
    add(told, keyring)
    with told.write() as tx:
        connections.add(tx, keyring, connection_id="near", crm="far", title="Near", secrets={})
    first = owe(told)

    assert owe(told) == []
    others = [owe(told, key="v2"), owe(told, kind="video.failed"), owe(told, connection="near")]
    assert len({*first, *(one for found in others for one in found)}) == 4


def test_an_event_has_type_time_and_data(told: Store, keyring: Keyring) -> None:
    """The body is what Standard Webhooks recommends; what is not known is left out."""
    add(told, keyring)
    [owed] = owe(told)
    with told.read() as tx:
        body = json.loads(webhooks.get_many(tx, [owed])[owed].body)

    assert body.keys() == {"type", "timestamp", "data"}
    assert body["type"] == "video.ready"
    assert body["timestamp"].endswith("Z")
    assert body["data"] == {"connection_id": "far", "contact_id": "c1", "percent": 50}


@pytest.mark.parametrize("state", [endpoints.PAUSED, endpoints.OFF])
def test_who_is_not_active_is_owed_nothing(told: Store, keyring: Keyring, state: str) -> None:
    """Neither while paused nor once switched off, until it is resumed."""
    endpoint = add(told, keyring)
    with told.write() as tx:
        assert endpoints.set_state(tx, endpoint, state, "why")
    assert owe(told) == []

    with told.write() as tx:
        endpoints.set_state(tx, endpoint, endpoints.ACTIVE)
    assert len(owe(told)) == 1


def test_a_secret_is_stored_encrypted(told: Store, keyring: Keyring) -> None:
    """What lies in the database proves nothing to a receiver."""
    endpoint = add(told, keyring)
    with told.read() as tx:
        [secret] = endpoints.secrets_of(tx, keyring, endpoint)
        stored = tx.execute(table.select()).one()
    assert len(signing_key(secret)) == 32
    assert secret not in repr(stored)


def test_a_new_secret_comes_before_the_one_it_replaces(told: Store, keyring: Keyring) -> None:
    """Both sign until the next rotation, so that no event is lost in between."""
    endpoint = add(told, keyring)
    with told.write() as tx:
        [first] = endpoints.secrets_of(tx, keyring, endpoint)
        second = endpoints.rotate_secret(tx, keyring, endpoint)
        assert endpoints.secrets_of(tx, keyring, endpoint) == [second, first]
        third = endpoints.rotate_secret(tx, keyring, endpoint)
        assert endpoints.secrets_of(tx, keyring, endpoint) == [third, second]


def test_secrets_move_to_a_new_key(told: Store) -> None:
    """After the keys were rotated the old key is no longer needed."""
    old, new = new_key(), new_key()
    endpoint = add(told, Keyring([old]))
    with told.write() as tx:
        before = endpoints.secrets_of(tx, Keyring([old]), endpoint)
        assert endpoints.rotate_keys(tx, Keyring([new, old])) == 1
        assert endpoints.secrets_of(tx, Keyring([new]), endpoint) == before


def test_removing_takes_its_events_along(told: Store, keyring: Keyring) -> None:
    """And those of nobody else."""
    gone, kept = add(told, keyring), add(told, keyring)
    ids = owe(told)
    with told.write() as tx:
        endpoints.remove(tx, gone)
        assert [one.id for one in endpoints.everyone(tx)] == [kept]
        assert {row.endpoint_id for row in webhooks.get_many(tx, ids).values()} == {kept}


def test_a_test_event_goes_to_one_endpoint_whatever_it_wants(told: Store, keyring: Keyring) -> None:
    """And to nobody where there is none."""
    endpoint = add(told, keyring, "cta.clicked")
    add(told, keyring)
    with told.write() as tx:
        [owed] = owe_test(tx, endpoint, "far", "one")
        assert webhooks.get_many(tx, [owed])[owed].endpoint_id == endpoint
        assert owe_test(tx, "nobody", "far", "one") == []
