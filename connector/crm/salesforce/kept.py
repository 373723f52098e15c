"""
What an org tells once and is asked again only after a while: which fields of an object we may see.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

from connector.crm import kept as accounts
from connector.crm.salesforce.gateway import Gateway, escaped
from connector.errors import CRMDownError, NotFoundError
from connector.model import JSON

T = TypeVar("T")


@dataclass(frozen=True)
class Field:
    """One field as the running user may use it; *leads_to* are the objects of a reference."""

    name: str
    type: str
    updateable: bool = False
    relation: str = ""
    leads_to: tuple[str, ...] = ()


@dataclass(frozen=True)
class Described:
    """An object as the running user sees it: fields and child relations by name; empty if not at all."""

    name: str
    fields: Mapping[str, Field]
    children: Mapping[str, str]

    @property
    def known(self) -> bool:
        """Tell whether the org has this object and we may see it."""
        return bool(self.fields)


def described(gateway: Gateway, name: str) -> Described:
    """Return an object of the org; one that is not there has no fields."""
    return kept(gateway, f"describe:{name}", lambda: _describe(gateway, name))


def readable(gateway: Gateway, name: str, paths: Collection[str]) -> list[str]:
    """Return those of *paths* (`Email`, `Account.Name`, `Owner.Name`) that a query may ask for."""
    return [path for path in paths if _reachable(gateway, name, path)]


def kept(gateway: Gateway, what: str, ask: Callable[[], T]) -> T:
    """Return what *ask* answered within the last ten minutes for this org, else ask now."""
    return accounts.kept((gateway.address, gateway.org), what, ask)


def forget(gateway: Gateway) -> None:
    """Ask this org for everything anew, as after an installation."""
    accounts.forget((gateway.address, gateway.org))


def _reachable(gateway: Gateway, name: str, path: str) -> bool:
    first, dot, rest = path.partition(".")
    here = described(gateway, name)
    if not dot:
        return first in here.fields
    leads = next((one.leads_to for one in here.fields.values() if one.relation == first), ())
    # of several (a queue or a user) only what all have can be asked for, which the query itself tells
    return bool(leads) and (len(leads) > 1 or _reachable(gateway, leads[0], rest))


def _describe(gateway: Gateway, name: str) -> Described:
    try:
        told = gateway.call("GET", f"sobjects/{escaped(name)}/describe")
    except NotFoundError:
        return Described(name, {}, {})
    if not isinstance(told, Mapping):
        raise CRMDownError("Salesforce described nothing; trying again is safe")
    fields = (_field(one) for one in told.get("fields") or ())
    children = {
        str(one["relationshipName"]): str(one.get("childSObject") or "")
        for one in told.get("childRelationships") or ()
        if one.get("relationshipName")
    }
    return Described(name, {one.name: one for one in fields}, children)


def _field(told: Mapping[str, JSON]) -> Field:
    return Field(
        name=str(told.get("name")),
        type=str(told.get("type") or ""),
        updateable=bool(told.get("updateable")),
        relation=str(told.get("relationshipName") or ""),
        leads_to=tuple(str(one) for one in told.get("referenceTo") or ()),
    )
