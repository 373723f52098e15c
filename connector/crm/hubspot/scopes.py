"""
What each scope of a portal is good for, and which of them it has granted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from connector.crm import Connection, Surroundings
from connector.crm.hubspot import tokens
from connector.errors import PermanentError, SettingError
from connector.model import Finding

NEEDED = {
    "crm.objects.contacts.read": "no contact can be read",
    "crm.objects.contacts.write": "nothing can be written on contacts",
    "crm.schemas.contacts.read": "our fields cannot be looked at",
    "crm.schemas.contacts.write": "our fields cannot be made",
    "crm.objects.owners.read": "videos and tasks have no owner as their sender",
    "automation": "a waiting workflow is not told how it went, and waits a day",
}
WANTED = {
    "crm.objects.companies.read": "no company.* and account.* words",
    "crm.objects.deals.read": "no deal.* words, and deals are not counted as outcomes",
    "crm.objects.carts.read": "no campaigns about carts",
    "crm.objects.orders.read": "no order.* words",
    "crm.objects.line_items.read": "carts, orders and deals show no goods",
    "crm.lists.read": "no campaigns to lists",
    "crm.lists.write": "contacts are not put on static lists",
    "tickets": "tickets are not counted as outcomes",
}


def granted(connection: Connection, surroundings: Surroundings) -> frozenset[str] | None:
    """Return the scopes that our token has now; None where HubSpot does not tell."""
    access = tokens.access_token(connection, surroundings)
    try:
        told = tokens.introspect(surroundings.settings, access).get("scopes")
    except SettingError:
        told = None
    except PermanentError:
        # a static token is not our app's, so HubSpot may tell us nothing of it
        if connection.secrets.get("kind") != "static":
            raise
        told = None
    listed = told if isinstance(told, list) else connection.config.get("scopes")
    return frozenset(map(str, listed)) if isinstance(listed, list) else None


def check_scopes(held: Collection[str] | None) -> Iterator[Finding]:
    """Say what each missing scope costs."""
    if held is None:
        yield Finding(
            "ok",
            "scopes",
            "HubSpot does not tell what this token may do; what it may not do is told when it is tried",
        )
        return
    for scope, cost in NEEDED.items():
        if scope not in held:
            yield Finding("error", "scopes", f"{scope} is not granted: {cost}; connect again")
    for scope, cost in WANTED.items():
        if scope not in held:
            yield Finding("warning", "scopes", f"{scope} is not granted: {cost}")
    yield Finding("ok", "scopes", f"granted: {', '.join(sorted(held)) or 'none'}")
