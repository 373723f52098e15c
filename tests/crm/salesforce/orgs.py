"""An org to write to: what opens it, what goes into it, and the dictionary of what is ours."""
# For B: part C overwrote your file by mistake at 05:22 and rebuilt this from its users and your brief;
# put your own back where you still have it.

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
ORG = "00D5g000004AbcDEAS"


def dictionary() -> Dictionary:
    """Our words in Salesforce."""
    return load_dictionary("salesforce", ())


def around(store: Store, settings: Settings, keyring: Keyring, url: str) -> Surroundings:
    """Return surroundings in which all of Salesforce is at *url*."""
    at = settings.model_copy(update={"salesforce_api": url})
    return Surroundings(at, store, dictionary(), keyring, Limits(None))


def open_org(connection: Connection, surroundings: Surroundings) -> Gateway:
    """Return the way to the org of *connection*, which is stored if it is not yet."""
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


def prepared_connection() -> Connection:
    """Return an org whose token is there already."""
    held = {"kind": "client_credentials", "login": API, "access": "access-1", "instance": API}
    return Connection(
        f"salesforce-{ORG}",
        "salesforce",
        "Casa Verde",
        secrets={**held, "consumer_key": "key-1", "consumer_secret": "secret-1"},
        config={"org": ORG, "instance": API},
    )


def owed(contact: str, number: int = 1, **values: Any) -> Change:
    """Return a change of our fields."""
    return Change(f"change-{number}", "property", contact, contact, values)
