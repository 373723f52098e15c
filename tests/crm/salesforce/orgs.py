"""An org to read and write: what opens it, what goes into it, and the dictionary of what is ours."""

from __future__ import annotations

from typing import Any

from connector.crm import Connection, Surroundings
from connector.crm.salesforce.gateway import Gateway, open_gateway
from connector.decide.dictionary import Dictionary, load_dictionary
from connector.limits import Limits
from connector.model import Change
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, connections

API = "https://salesforce.example"
ORG = "00D5g000004C92sEAC"
USER = "0055g00000BbQ7TAAV"


def dictionary() -> Dictionary:
    """Our words in Salesforce."""
    return load_dictionary("salesforce", ())


def around(store: Store, settings: Settings, keyring: Keyring, address: str) -> Surroundings:
    """Return surroundings in which all of Salesforce is at *address*."""
    at = settings.model_copy(update={"salesforce_api": address})
    return Surroundings(at, store, dictionary(), keyring, Limits(None))


def prepared_connection() -> Connection:
    """Return a connection of an org whose answers a test prepares; its token is good."""
    return Connection(
        f"salesforce-{ORG}",
        "salesforce",
        "Casa Verde",
        secrets={"kind": "client_credentials", "login": API, "access": "00D5g!token", "instance": API,
                 "consumer_key": "key-1", "consumer_secret": "secret-1", "hook_secret": "hook-secret-1"},
        config={"org": ORG, "instance": API, "username": "cuereel@casa-verde.example", "user": USER,
                "sandbox": False, "domain": "casa-verde.my.salesforce.com"},
    )  # fmt: skip


def open_org(connection: Connection, surroundings: Surroundings) -> Gateway:
    """Return the way to the org of *connection*, which is stored first where it is not yet."""
    store, keyring = surroundings.store, surroundings.keyring
    with store.write() as tx:
        if connections.get(tx, keyring, connection.id) is None:
            connections.add(
                tx,
                keyring,
                connection_id=connection.id,
                crm=connection.crm,
                title=connection.title,
                secrets=dict(connection.secrets),
                config=dict(connection.config),
            )
    return open_gateway(connection, surroundings)


def owed(contact: str, number: int = 1, **values: Any) -> Change:
    """Return a change of our fields."""
    return Change(f"change-{number}", "property", contact, contact, values)
