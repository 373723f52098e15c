"""
Opens the CRM behind a connection for the stations of the road.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from connector.crm import CRM, Connection, Surroundings, open_crm
from connector.decide.dictionary import Dictionary, load_dictionary
from connector.errors import CredentialError, NotFoundError
from connector.jobs.station import Station
from connector.store import connections

Answer = TypeVar("Answer")


def ask(station: Station, connection_id: str, question: Callable[[CRM], Answer]) -> Answer:
    """Ask the CRM of a connection; one that lets us in no more waits for an admin from then on."""
    crm, _ = open_source(station, connection_id)
    try:
        return question(crm)
    except CredentialError:
        with station.store.write() as tx:
            connections.set_state(tx, connection_id, "needs_reauth")
        raise


def open_source(station: Station, connection_id: str) -> tuple[CRM, Dictionary]:
    """
    Return the CRM of a connection and its dictionary.

    Raises CredentialError while the connection waits for an admin, so that its work is parked.
    """
    with station.store.read() as tx:
        row = connections.get(tx, station.keyring, connection_id)
    if row is None:
        raise NotFoundError(f"there is no connection {connection_id!r} any more")
    if row.state != "active":
        raise CredentialError(f"connection {row.title!r} is {row.state}; connect it again")
    dictionary = load_dictionary(row.crm, station.settings.mapping_folders)
    connection = Connection(row.id, row.crm, row.title, row.state, row.secrets, row.config)
    surroundings = Surroundings(
        station.settings, station.store, dictionary, station.keyring, station.limits
    )
    return open_crm(connection, surroundings), dictionary
