"""Which scope a call needs."""

from __future__ import annotations

from tests.fakes.hubspot.kinds import NAMES

READS = ("/batch/read", "/search")
FAMILIES = {"tickets": "tickets", "notes": "contacts", "tasks": "contacts", "meetings": "contacts"}
Alternatives = tuple[str, ...]


def needed(method: str, path: str) -> list[Alternatives]:
    """Return what a token must have: one scope of each tuple."""
    parts = path.strip("/").split("/")
    area = "/".join(parts[:2])
    reads = method == "GET" or path.endswith(READS)
    if area == "crm/objects":
        return [_object(parts[3], reads)]
    if area == "crm/associations":
        return [_object(kind, reads) for kind in parts[3:5]]
    if area == "crm/properties":
        return [_schema(parts[3], reads)]
    if area == "crm/lists":
        return [("crm.lists.read",)] if reads else [("crm.lists.read",), ("crm.lists.write",)]
    if area == "crm/owners":
        return [("crm.objects.owners.read",)]
    return [("automation",)] if parts[0] == "automation" else []


def missing(scopes: set[str], method: str, path: str) -> list[str]:
    """Return the scopes that *scopes* lacks for a call."""
    return [
        alternatives[0] for alternatives in needed(method, path) if scopes.isdisjoint(alternatives)
    ]


def _object(kind: str, reads: bool) -> Alternatives:
    name = NAMES.get(kind, kind)
    family = FAMILIES.get(name, name)
    verb = "read" if reads else "write"
    return ("tickets",) if family == "tickets" else (f"crm.objects.{family}.{verb}",)


def _schema(kind: str, reads: bool) -> Alternatives:
    name = NAMES.get(kind, kind)
    family = FAMILIES.get(name, name)
    if family == "tickets":
        return ("tickets",)
    if not reads:
        return (f"crm.schemas.{family}.write",)
    return (f"crm.schemas.{family}.read", f"crm.objects.{family}.read")
