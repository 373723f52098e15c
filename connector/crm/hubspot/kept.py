"""
What a portal tells once and is asked again only after a while: its properties and its owners.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from connector.crm import kept as accounts
from connector.crm.hubspot.gateway import Gateway

T = TypeVar("T")


def kept(gateway: Gateway, what: str, ask: Callable[[], T]) -> T:
    """Return what *ask* answered within the last ten minutes for this portal, else ask now."""
    return accounts.kept(_account(gateway), what, ask)


def forget(gateway: Gateway) -> None:
    """Ask this portal for everything anew, as after an installation."""
    accounts.forget(_account(gateway))


def _account(gateway: Gateway) -> accounts.Account:
    api = gateway.client.crm.owners.owners_api.api_client
    return str(api.configuration.host), gateway.portal
