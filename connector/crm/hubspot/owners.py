"""
Who looks after a record: HubSpot puts an owner's number on it, the rest is told once for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.kept import kept
from connector.crm.hubspot.pages import walk
from connector.model import JSON

PAGE = 100

Owner = Mapping[str, str]


def owners(gateway: Gateway) -> Mapping[str, Owner]:
    """Return each owner's `name`, `first_name`, `last_name` and `email` by id; kept for a while."""
    return kept(gateway, "owners", lambda: _ask(gateway))


def _ask(gateway: Gateway) -> Mapping[str, Owner]:
    page = partial(gateway.ask, gateway.client.crm.owners.owners_api.get_page, limit=PAGE)
    return {str(one["id"]): _owner(one) for one in walk(lambda after: page(**after))}


def _owner(told: Mapping[str, JSON]) -> Owner:
    first, last, email = (
        str(told.get(n) or "").strip() for n in ("firstName", "lastName", "email")
    )
    name = f"{first} {last}".strip()
    return {"name": name, "first_name": first, "last_name": last, "email": email}
