"""What our user sees of what was deployed: nothing, until a permission set that grants it is assigned."""

from __future__ import annotations

from typing import Any

from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.packages import path

ASSIGNMENT = "PermissionSetAssignment"
# (object, field): whether it may be edited; an object stands with an empty field
Grants = dict[tuple[str, str], bool]


def watch(org: FakeOrg) -> None:
    """Look again whenever somebody is given a permission set."""
    if not any(getattr(one, "looks", None) is org for one in org.watchers):
        org.watchers.append(_Watcher(org))


def refresh(org: FakeOrg) -> None:
    """Show and hide what was deployed, as the permission sets of our user say."""
    granted = _granted(org)
    for name in org.components.get("CustomObject", {}):
        if name.endswith("__c") and name in org.objects:
            _show(org, name, "", (name, "") in granted)
    for full, root in org.components.get("CustomField", {}).items():
        name, _, field = full.partition(".")
        one = org.objects[name].fields.get(field) if name in org.objects else None
        if one is None or _always(root):
            continue
        _show(org, name, field, (name, field) in granted)
        one.createable = one.updateable = org.admin_sees_all or granted.get((name, field), False)


def assigned(org: FakeOrg, permission_set: str, *, anybody: bool = False) -> bool:
    """Tell whether our user, or anybody, has a permission set."""
    ids = {
        id for id, one in org.records["PermissionSet"].items() if one.get("Name") == permission_set
    }
    return any(
        one.get("PermissionSetId") in ids and (anybody or one.get("AssigneeId") == org.user_id)
        for one in org.records[ASSIGNMENT].values()
    )


class _Watcher:
    def __init__(self, org: FakeOrg) -> None:
        self.looks = org

    def __call__(self, name: str, record: str) -> None:
        if name == ASSIGNMENT:
            refresh(self.looks)


def _granted(org: FakeOrg) -> Grants:
    granted: Grants = {}
    for name, root in org.components.get("PermissionSet", {}).items():
        if assigned(org, name):
            for object_, field, may_edit in _grants(root):
                granted[object_, field] = granted.get((object_, field), False) or may_edit
    return granted


def _grants(root: Any) -> list[tuple[str, str, bool]]:
    fields = [
        (*_said(one, "field").partition(".")[::2], _said(one, "editable") == "true")
        for one in root.iterfind(path("fieldPermissions"))
        if _said(one, "readable") == "true"
    ]
    objects = [
        (_said(one, "object"), "", _said(one, "allowEdit") == "true")
        for one in root.iterfind(path("objectPermissions"))
        if _said(one, "allowRead") == "true"
    ]
    return fields + objects


def _show(org: FakeOrg, name: str, field: str, granted: bool) -> None:
    if granted or org.admin_sees_all:
        org.show(name, field)
    else:
        org.hide(name, field)


def _always(root: Any) -> bool:
    # what a record cannot be without is seen by whoever sees the record
    return _said(root, "required") == "true" or _said(root, "type") == "MasterDetail"


def _said(one: Any, tag: str) -> str:
    return (one.findtext(path(tag)) or "").strip()
