"""
Takes our package out of an org again, with all that stands in its fields and objects.

Flows must be switched off before they can be deleted, and they are deleted by version. What an admin
has built upon (a report, a layout, a flow of their own) the org does not let go; the rest goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from connector.crm.salesforce.bundle import SPACE, Bundle, Filling, bundles, manifest
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.install import CARTS, PEOPLE
from connector.crm.salesforce.kept import described, forget
from connector.crm.salesforce.metadata import Door, deploy
from connector.crm.salesforce.permission import permission_sets
from connector.crm.salesforce.soql import any_of, select
from connector.decide.dictionary import Dictionary
from connector.errors import PermanentError
from connector.model import InstallReport

REMOVED = "removed"
PREFIX = "Cuereel_"
MOST_AT_ONCE = 200
# nothing of this is deployed, so it needs no address
NOTHING = Filling(base="", user="", endpoint=lambda query: "")

Members = Mapping[str, Sequence[str]]


def uninstall(gateway: Gateway, dictionary: Dictionary) -> InstallReport:
    """Delete what an install made; `present` are those of our fields that the org would not let go."""
    left_out: dict[str, str] = {}
    stages = bundles(NOTHING, commerce=described(gateway, CARTS).known)
    door = Door(gateway)
    for members in _in_order(gateway, door, stages):
        left_out |= _delete(door, members)
    forget(gateway)
    wanted = [spec.name for spec in dictionary.write_fields.values()]
    kept = {
        name: left_out.get(
            f"{person}.{name}", "not removed; delete it under Setup > Object Manager"
        )
        for person in PEOPLE
        for name in wanted
        if name in described(gateway, person).fields
    }
    removed = {name: REMOVED for name in wanted if name not in kept}
    others = {name: why for name, why in left_out.items() if name.partition(".")[0] not in PEOPLE}
    return InstallReport(made=(), present=tuple(kept), left_out={**removed, **kept, **others})


def _in_order(gateway: Gateway, door: Door, stages: Sequence[Bundle]) -> Iterator[Members]:
    """Yield what goes together: whatever leans on something goes before it."""
    yield from _flows(gateway, door)
    _take_back_permissions(gateway)
    for stage in reversed(stages):
        members = {type_: names for type_, names in stage.members.items() if type_ != "Flow"}
        if members:
            yield members


def _flows(gateway: Gateway, door: Door) -> Iterator[Members]:
    """Switch our flows off, then yield their versions."""
    fields = ["VersionNumber", "Definition.DeveloperName"]
    soql = select(fields, "Flow", "Definition.DeveloperName LIKE 'Cuereel\\_%'")
    told = gateway.call("GET", "tooling/query/", query={"q": soql})
    versions: dict[str, list[str]] = {}
    for row in (told or {}).get("records") or ():
        name = str((row.get("Definition") or {}).get("DeveloperName") or "")
        if name.startswith(PREFIX):
            versions.setdefault(name, []).append(f"{name}-{row.get('VersionNumber')}")
    if not versions:
        return
    off = Bundle("flows")
    for name in versions:
        off.files[f"flowDefinitions/{name}.flowDefinition"] = _switched_off()
        off.add("FlowDefinition", name)
    if not deploy(door, off.zipped(), "flows, switched off").well:
        raise PermanentError(
            "the org does not let our flows be switched off; deactivate those that begin with Cuereel "
            "under Setup > Flows, then try again",
            reason="flows_active",
        )
    yield {"Flow": [one for listed in versions.values() for one in listed]}


def _switched_off() -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<FlowDefinition xmlns="{SPACE}">'
        "<activeVersionNumber>0</activeVersionNumber></FlowDefinition>\n"
    ).encode()


def _take_back_permissions(gateway: Gateway) -> None:
    """Take our permission sets off everybody, because one that is in use stays."""
    held = list(permission_sets(gateway).values())
    if not held:
        return
    rows = gateway.query(select(["Id"], "PermissionSetAssignment", any_of("PermissionSetId", held)))
    ids = [str(row["Id"]) for row in rows]
    for start in range(0, len(ids), MOST_AT_ONCE):
        listed = ",".join(ids[start : start + MOST_AT_ONCE])
        gateway.call("DELETE", "composite/sobjects", query={"ids": listed, "allOrNone": "false"})


def _delete(door: Door, members: Members) -> dict[str, str]:
    """Delete what can be; return by name why something else could not."""
    left_out: dict[str, str] = {}
    rest = {type_: list(names) for type_, names in members.items()}
    while any(rest.values()):
        done = deploy(door, _destructive(rest), f"removal of {', '.join(sorted(rest))}")
        if done.well:
            return left_out
        blamed = {name: one.sentence for one in done.problems for name in _named(one.file, rest)}
        if not blamed:
            return left_out | {name: "not removed" for names in rest.values() for name in names}
        left_out |= {name: f"not removed: {why}" for name, why in blamed.items()}
        rest = {
            type_: [name for name in names if name not in blamed] for type_, names in rest.items()
        }
    return left_out


def _named(file: str, members: Members) -> list[str]:
    """Return what a problem is about: its file is the member's full name, or a path that ends in it."""
    last = file.rpartition("/")[2]
    return [
        name
        for names in members.values()
        for name in names
        if name in (file, last) or last.rpartition(".")[0] == name
    ]


def _destructive(members: Members) -> bytes:
    bundle = Bundle("removal")
    listed = {type_: list(names) for type_, names in members.items() if names}
    bundle.files["destructiveChanges.xml"] = manifest(
        {type_: [escape(name) for name in names] for type_, names in listed.items()}
    )
    return bundle.zipped()
