"""
Opens the CRM behind a connection for the stations of the road.
"""

from __future__ import annotations

from connector.crm import CRM, Connection, Surroundings, open_crm
from connector.decide.dictionary import Dictionary, load_dictionary
from connector.errors import CredentialError, NotFoundError
from connector.jobs.station import Station
from connector.store import connections


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
