"""
Our Salesforce package as files, for orgs whose admins deploy by their own means.
"""

from __future__ import annotations

from pathlib import Path

from connector.cli.connect import around, find_connection
from connector.crm.accounts import connection_of
from connector.crm.salesforce.bundle import bundles
from connector.crm.salesforce.install import filling
from connector.jobs.station import make_station
from connector.settings import load_settings


def write_package(out: Path, *, commerce: bool) -> list[str]:
    """
    Write one zip for each stage of the package of the connected org; return their names in order.

    Raises NotFoundError where no org is connected.
    """
    station = make_station(load_settings())
    with station.store.read() as tx:
        row = find_connection(tx, station, "salesforce")
    filled = filling(connection_of(row), around(station, row.crm))
    out.mkdir(parents=True, exist_ok=True)
    names = []
    for number, bundle in enumerate(bundles(filled, commerce=commerce), 1):
        name = f"{number}-{bundle.title.replace(' ', '-')}.zip"
        (out / name).write_bytes(bundle.zipped())
        names.append(name)
    return names
