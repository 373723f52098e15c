"""What an org has against a package that is well-formed: names that lead nowhere, attributes that lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.packages import Component, Package, Problem, path

# what a field of a type cannot do without
NEEDED = {
    "Text": ("length",),
    "LongTextArea": ("length", "visibleLines"),
    "Number": ("precision", "scale"),
    "Percent": ("precision", "scale"),
    "Lookup": ("referenceTo",),
    "MasterDetail": ("referenceTo", "relationshipName"),
    "Picklist": ("valueSet",),
    "Checkbox": ("defaultValue",),
}
OF_AN_OBJECT = ("label", "pluralLabel", "nameField", "deploymentStatus", "sharingModel")
LONGEST_HELP, LONGEST_DESCRIPTION = 255, 1000
# what a permission on an object cannot be given without
LEANS_ON = {
    "allowCreate": ("allowRead",),
    "allowEdit": ("allowRead",),
    "allowDelete": ("allowRead", "allowEdit"),
    "viewAllRecords": ("allowRead",),
    "modifyAllRecords": ("allowRead", "allowEdit", "allowDelete", "viewAllRecords"),
}
SYSTEM = ("Id", "Name", "CreatedDate", "LastModifiedDate", "SystemModstamp", "OwnerId",
          "CreatedById", "LastModifiedById", "IsDeleted")  # fmt: skip
# addresses are given as a whole
COMPOUND = {"Contact": ("MailingAddress", "OtherAddress"), "Lead": ("Address",),
            "Account": ("BillingAddress", "ShippingAddress")}  # fmt: skip
# elements of a flow that can lead on and be led to
STEPS = ("actionCalls", "assignments", "decisions", "loops", "recordCreates", "recordDeletes",
         "recordLookups", "recordUpdates", "screens", "subflows", "waits")  # fmt: skip

Complaints = Iterator[str]


class Checker:
    """Looks a package over, knowing the org that it is to go into."""

    def __init__(self, org: FakeOrg, package: Package) -> None:
        self.org, self.package = org, package

    def problems(self) -> list[Problem]:
        """Return all that the org has against the package."""
        looks: dict[str, Callable[[Component], Complaints]] = {
            "CustomObject": self._object,
            "CustomField": self._field,
            "PermissionSet": self._permission_set,
            "WorkflowOutboundMessage": self._message,
            "Flow": self._flow,
            "QuickAction": self._quick_action,
            "CustomTab": self._tab,
            "ListView": self._columns,
            "CompactLayout": self._columns,
            "LightningComponentBundle": self._bundle,
            "CspTrustedSite": self._site,
        }
        return [
            Problem(one.file, one.kind, one.name, sentence, getattr(one.root, "sourceline", 0) or 0)
            for one in self.package.components
            for sentence in looks.get(one.kind, _nothing)(one)
        ]

    def has_object(self, name: str) -> bool:
        """Tell whether the org has an object, or is to get it."""
        return name in self.org.objects or self._new_object(name) is not None

    def has_field(self, object: str, name: str) -> bool:
        """Tell whether an object has a field, or is to get it."""
        known = self.org.objects.get(object)
        if known is not None and name in known.fields:
            return True
        if self.package.find("CustomField", f"{object}.{name}"):
            return True
        return self._new_object(object) is not None and name in SYSTEM

    def _new_object(self, name: str) -> Component | None:
        listed = self.package.listed.get("CustomObject", set())
        return self.package.find("CustomObject", name) if listed & {name, "*"} else None

    # one type each

    def _object(self, one: Component) -> Complaints:
        if not one.name.endswith("__c"):
            if one.name not in self.org.objects:
                yield f"Entity Enumeration Or ID: bad value for restricted picklist field: {one.name}"
            return
        if self._new_object(one.name) is not None:
            for tag in OF_AN_OBJECT:
                if one.root.find(path(tag)) is None:
                    yield f"Must specify a non-empty {tag} for the CustomObject"

    def _field(self, one: Component) -> Complaints:
        if not self.has_object(one.within):
            yield f"Entity Of Field Enumeration Or ID: bad value: {one.within}"
        if not one.text("fullName").endswith("__c"):
            yield "A custom field's name must end in __c"
        for tag in ("label", "type", *NEEDED.get(one.text("type"), ())):
            if one.root.find(path(tag)) is None:
                yield f"Must specify '{tag}' for a CustomField of type {one.text('type')}"
        if len(one.text("inlineHelpText")) > LONGEST_HELP:
            yield f"Value too long for field: InlineHelpText maximum length is:{LONGEST_HELP}"
        if len(one.text("description")) > LONGEST_DESCRIPTION:
            yield f"Value too long for field: Description maximum length is:{LONGEST_DESCRIPTION}"
        leads_to = one.text("referenceTo")
        if leads_to and not self.has_object(leads_to):
            yield f"referenceTo value of '{leads_to}' does not resolve to a valid sObject type"

    def _permission_set(self, one: Component) -> Complaints:
        for grant in one.parts("fieldPermissions"):
            yield from self._field_grant(grant)
        for grant in one.parts("objectPermissions"):
            name = grant.text("object")
            if not self.has_object(name):
                yield f"In field: field - no CustomObject named {name} found"
            for flag, needed in LEANS_ON.items():
                if grant.flag(flag) and not all(map(grant.flag, needed)):
                    yield f"Permission {flag} {name} depends on permission(s): {', '.join(needed)}"
        for grant in one.parts("tabSettings"):
            if not self._has("CustomTab", grant.text("tab")):
                yield f"In field: tab - no CustomTab named {grant.text('tab')} found"

    def _field_grant(self, grant: Component) -> Complaints:
        full = grant.text("field")
        name, _, field = full.partition(".")
        if not self.has_field(name, field) and field not in COMPOUND.get(name, ()):
            yield f"In field: field - no CustomField named {full} found"
        if grant.flag("editable") and not grant.flag("readable"):
            yield f"Field {full}: editable needs readable"
        new = self.package.find("CustomField", full)
        if new is not None and (new.flag("required") or new.text("type") == "MasterDetail"):
            yield f"You cannot deploy to a required field: {full}"

    def _message(self, one: Component) -> Complaints:
        if not self.has_object(one.within):
            yield f"Invalid object: {one.within}"
        for name in one.texts("fields"):
            if not self.has_field(one.within, name):
                yield f"Invalid field:{name} in outbound message"
        if not one.text("endpointUrl").startswith(("https://", "http://")):
            yield "In field: endpointUrl - the address is not valid"
        if not self._has_user(one.text("integrationUser")):
            yield f"In field: integrationUser - no User named {one.text('integrationUser')} found"

    def _flow(self, one: Component) -> Complaints:
        [start] = one.parts("start") or [None]
        name = start.text("object") if start is not None else ""
        if start is not None and name:
            yield from self._flow_start(start, name)
        for call in one.parts("actionCalls"):
            yield from self._flow_action(call)
        steps = {step.text("name") for tag in STEPS for step in one.parts(tag)}
        for target in one.root.iter(path("targetReference")):
            if target.text not in steps:
                yield f"The element {target.text} that a connector leads to is not there"
        for used in one.root.iter(path("elementReference")):
            field = (used.text or "").removeprefix("$Record.")
            if name and field != used.text and "." not in field and not self.has_field(name, field):
                yield f"The field {field} of $Record does not exist on {name}"

    def _flow_start(self, start: Component, name: str) -> Complaints:
        if not self.has_object(name):
            yield f"The object {name} of the flow's start does not exist"
            return
        named = [(each, each.text("field")) for each in start.parts("filters")]
        named += [(each, each.text("recordField")) for each in start.parts("scheduledPaths")]
        for _, field in named:
            if field and not self.has_field(name, field):
                yield f"The field {field} does not exist on {name}"
        changes = start.text("recordTriggerType") == "CreateAndUpdate"
        if changes and "ISCHANGED" in start.text("filterFormula").upper():
            yield "ISCHANGED cannot be used in a flow that runs when a record is created"

    def _flow_action(self, call: Component) -> Complaints:
        if call.text("actionType") != "outboundMessage":
            return
        if not self._has("WorkflowOutboundMessage", call.text("actionName")):
            yield f"The outbound message {call.text('actionName')} does not exist"
        if "SObjectRowId" not in [one.text("name") for one in call.parts("inputParameters")]:
            yield "The outbound message needs the input SObjectRowId"

    def _quick_action(self, one: Component) -> Complaints:
        name = one.name.partition(".")[0]
        if "." in one.name and not self.has_object(name):
            yield f"The object {name} does not exist"
        element = one.text("lightningWebComponent")
        if element and not self._has("LightningComponentBundle", element):
            yield f"no LightningComponentBundle named {element} found"

    def _tab(self, one: Component) -> Complaints:
        if one.flag("customObject") and not self.has_object(one.name):
            yield f"no CustomObject named {one.name} found"

    def _columns(self, one: Component) -> Complaints:
        for name in (*one.texts("columns"), *one.texts("fields")):
            # what is written in capitals, as NAME, are list views' own words for standard fields
            if not name.isupper() and not self.has_field(one.within, name):
                yield f"Could not resolve list view column: {name}"

    def _bundle(self, one: Component) -> Complaints:
        for target in one.root.iterfind(path("targetConfigs/targetConfig/objects/object")):
            if not self.has_object(target.text or ""):
                yield f"The object {target.text} does not exist"

    def _site(self, one: Component) -> Complaints:
        if not one.text("endpointUrl").startswith(("https://", "http://", "wss://")):
            yield "EndpointUrl: the address is not valid"

    # what is in the org or the package

    def _has(self, kind: str, name: str) -> bool:
        return name in self.org.components.get(kind, {}) or bool(self.package.find(kind, name))

    def _has_user(self, username: str) -> bool:
        users: Any = self.org.records.get("User", {}).values()
        return username in (self.org.username, *(one.get("Username") for one in users))


def _nothing(_: Component) -> Complaints:
    yield from ()
