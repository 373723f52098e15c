"""From a change in the console to a trigger on our road: the same signed way as from outside."""

from __future__ import annotations

import pytest

from connector.notify.webhooks import sign
from connector.settings import Settings
from connector.store import Store, connections, webhooks
from connector.store.tables import triggers
from connector.store.tables import webhooks as webhooks_table
from connector.store.users import Role
from tests.web.colleagues import CONTACT, Office, open_office


@pytest.fixture
def office(settings: Settings, sqlite_store: Store) -> Office:
    """An installation with one contact."""
    return open_office(settings, sqlite_store)


def deliver(office: Office) -> list[int]:
    """Post what is owed to our hooks, as the station does, and return the answers."""
    with office.store.read() as tx:
        row = connections.get(tx, office.app.extensions["cuereel"].keyring, "local")
        ids = list(tx.execute(webhooks_table.select()).scalars())
        owed = [webhooks.get_many(tx, [one])[one] for one in ids]
    assert row is not None
    client = office.app.test_client()
    return [
        client.post(
            one.url,
            data=one.body.encode(),
            headers=sign(row.secrets["signing"][0], one.id, one.body.encode()),
        ).status_code
        for one in owed
    ]


def planned(office: Office) -> list[tuple[str, str, str]]:
    with office.store.read() as tx:
        return [
            (row.kind, row.subject_kind, row.subject_id) for row in tx.execute(triggers.select())
        ]


def test_a_button_in_the_console_becomes_a_trigger(office: Office) -> None:
    """What a rep sends arrives through the signed hook, once, however often it is posted."""
    office.visitor(Role.REP).post(
        CONTACT, {"action": "trigger", "type": "contact.onboarding"}, page=CONTACT
    )

    assert [*deliver(office), *deliver(office)] == [202, 202]
    assert planned(office) == [("contact_onboarding", "contact", "c-001")]


def test_a_deletion_becomes_a_trigger_too(office: Office) -> None:
    """Deleting a contact tells the road to stop what waits for it."""
    office.visitor(Role.REP).post(CONTACT, {"action": "delete"}, page=CONTACT)
    deliver(office)

    assert planned(office) == [("contact_deleted", "contact", "c-001")]
