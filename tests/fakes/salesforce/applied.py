"""What a package changes in an org: objects, fields, permission sets, messages, flows; and what goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.fakes.salesforce import sight
from tests.fakes.salesforce.metadata_fields import described
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.packages import Component, Package, Problem

REMOVED = "destructiveChanges.xml"
VIEW = "FlowDefinitionView"
# children go before what they are parts of, and what leans on something before it
ORDER = (
    "Flow",
    "WorkflowOutboundMessage",
    "PermissionSet",
    "CustomTab",
    "CustomField",
    "CustomObject",
)


def apply(org: FakeOrg, package: Package, files: dict[str, bytes]) -> None:
    """Put a package that has nothing wrong with it into the org."""
    ways = {
        "CustomObject": _object,
        "CustomField": _field,
        "PermissionSet": _permission_set,
        "WorkflowOutboundMessage": _message,
        "Flow": _flow,
        "FlowDefinition": _switch,
    }
    for kind in ("CustomObject", "CustomField"):
        for one in package.of(kind):
            ways[kind](org, one)
    for one in package.components:
        if one.kind not in ("CustomObject", "CustomField") and one.kind in ways:
            ways[one.kind](org, one)
        org.components.setdefault(one.kind, {})[one.name] = one.root
    org.components.setdefault("files", {}).update(files)
    for kind in sorted(package.removed, key=_place):
        for name in sorted(package.removed[kind]):
            if kind in DROPS:
                DROPS[kind](org, name)
            org.components.get(kind, {}).pop(name, None)
    sight.watch(org)
    sight.refresh(org)


def kept(org: FakeOrg, package: Package) -> list[Problem]:
    """Return why the org does not let go what a package removes; what is not there is no mistake."""
    return [
        Problem(name, kind, name, why)
        for kind, names in package.removed.items()
        for name in sorted(names)
        for why in (HOLDS[kind](org, package, name) if kind in HOLDS else ())
    ]


# into the org


def _object(org: FakeOrg, one: Component) -> None:
    if one.name in org.objects or not one.name.endswith("__c"):
        return
    number = sum(1 for name in org.objects if name.endswith("__c"))
    made = org.define_object(one.name, f"a{number + 1:02d}", {})
    made.label = one.text("label")


def _field(org: FakeOrg, one: Component) -> None:
    org.define(one.within, one.text("fullName"), **described(one))


def _permission_set(org: FakeOrg, one: Component) -> None:
    held = org.records["PermissionSet"].items()
    old = next((id for id, values in held if values.get("Name") == one.name), None)
    values = {"Name": one.name, "Label": one.text("label")}
    org.add("PermissionSet", values, id=old)


def _message(org: FakeOrg, one: Component) -> None:
    org.outbound_messages[one.name] = {
        "endpointUrl": one.text("endpointUrl"),
        "fields": one.texts("fields"),
        "integrationUser": one.text("integrationUser"),
    }


def _flow(org: FakeOrg, one: Component) -> None:
    calls = (call for call in one.parts("actionCalls"))
    messages = [c.text("actionName") for c in calls if c.text("actionType") == "outboundMessage"]
    older = org.flows.get(one.name, {}).get("versions", [])
    org.flows[one.name] = {
        "label": one.text("label"),
        "object": one.text("start/object"),
        "status": one.text("status"),
        "messages": messages,
        "versions": [*older, max(older, default=0) + 1],
    }
    _show_flow(org, one.name)


def _switch(org: FakeOrg, one: Component) -> None:
    flow = org.flows.get(one.name)
    if flow is not None:
        on = one.text("activeVersionNumber", "0") == str(flow["versions"][-1])
        flow["status"] = "Active" if on else "Obsolete"
        _show_flow(org, one.name)


def _show_flow(org: FakeOrg, name: str) -> None:
    if VIEW not in org.objects:
        org.define_object(
            VIEW, "3dd", {"ApiName": "string", "Label": "string", "IsActive": "boolean"}
        )
    flow = org.flows[name]
    held = {values["ApiName"]: id for id, values in org.records[VIEW].items()}
    told = {"ApiName": name, "Label": flow["label"], "IsActive": flow["status"] == "Active"}
    org.add(VIEW, told, id=held.get(name))


# out of it


def _field_held(org: FakeOrg, package: Package, name: str) -> Iterator[str]:
    object_, _, field = name.partition(".")
    for message, told in org.outbound_messages.items():
        going = message in package.removed.get("WorkflowOutboundMessage", ())
        if message.startswith(f"{object_}.") and field in told["fields"] and not going:
            yield "This custom field is referenced elsewhere in salesforce.com."


def _message_held(org: FakeOrg, _package: Package, name: str) -> Iterator[str]:
    for flow in org.flows.values():
        if name in flow["messages"]:
            yield f"This outbound message is referenced elsewhere: {flow['label']}"


def _flow_held(org: FakeOrg, _package: Package, name: str) -> Iterator[str]:
    flow_name, _, version = name.rpartition("-")
    flow = org.flows.get(flow_name)
    if flow and flow["status"] == "Active" and str(flow["versions"][-1]) == version:
        yield "insufficient access rights on cross-reference id"


def _permission_set_held(org: FakeOrg, _package: Package, name: str) -> Iterator[str]:
    if sight.assigned(org, name, anybody=True):
        yield "Cannot complete this operation. The permission set is assigned to users."


def _drop_field(org: FakeOrg, name: str) -> None:
    object_, _, field = name.partition(".")
    if object_ in org.objects and field in org.objects[object_].fields:
        org.undefine(object_, field)


def _drop_object(org: FakeOrg, name: str) -> None:
    if name in org.objects:
        org.undefine(name)
    fields = org.components.get("CustomField", {})
    for one in [one for one in fields if one.startswith(f"{name}.")]:
        del fields[one]


def _drop_permission_set(org: FakeOrg, name: str) -> None:
    held = org.records["PermissionSet"].items()
    for id in [id for id, values in held if values.get("Name") == name]:
        org.remove("PermissionSet", id)


def _drop_message(org: FakeOrg, name: str) -> None:
    org.outbound_messages.pop(name, None)


def _drop_flow(org: FakeOrg, version: str) -> None:
    name, _, number = version.rpartition("-")
    flow = org.flows.get(name)
    if flow is None:
        return
    flow["versions"] = [one for one in flow["versions"] if str(one) != number]
    if flow["versions"]:
        return
    del org.flows[name]
    org.components.get("Flow", {}).pop(name, None)
    for id, values in list(org.records.get(VIEW, {}).items()):
        if values["ApiName"] == name:
            org.remove(VIEW, id)


def _place(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else 0


# by type: why one stays, and what else goes with it
HOLDS: Mapping[str, Callable[[FakeOrg, Package, str], Iterator[str]]] = {
    "CustomField": _field_held,
    "WorkflowOutboundMessage": _message_held,
    "Flow": _flow_held,
    "PermissionSet": _permission_set_held,
}
DROPS: Mapping[str, Callable[[FakeOrg, str], None]] = {
    "CustomField": _drop_field,
    "CustomObject": _drop_object,
    "WorkflowOutboundMessage": _drop_message,
    "Flow": _drop_flow,
    "PermissionSet": _drop_permission_set,
}
