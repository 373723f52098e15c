"""A field as the Metadata API writes it, in the words of describe calls."""

from __future__ import annotations

from typing import Any

from tests.fakes.salesforce.packages import Component

# a type of the Metadata API: what describe calls it
TYPES = {
    "AutoNumber": "string", "Checkbox": "boolean", "Currency": "currency", "Date": "date",
    "DateTime": "datetime", "Email": "email", "Html": "textarea", "LongTextArea": "textarea",
    "Lookup": "reference", "MasterDetail": "reference", "MultiselectPicklist": "multipicklist",
    "Number": "double", "Percent": "percent", "Phone": "phone", "Picklist": "picklist",
    "Text": "string", "TextArea": "textarea", "Url": "url",
}  # fmt: skip
SHORT_TEXT_AREA = 255


def described(one: Component) -> dict[str, Any]:
    """Return what a field is, as definition() and FakeOrg.define() take it."""
    type_ = one.text("type")
    more: dict[str, Any] = {"type": TYPES[type_], "label": one.text("label")}
    if type_ in ("Lookup", "MasterDetail"):
        more["refers"] = (one.text("referenceTo"),)
        more["child"] = f"{one.text('relationshipName')}__r" if one.text("relationshipName") else ""
        more["cascade"] = type_ == "MasterDetail" or one.text("deleteConstraint") == "Cascade"
    if type_ == "TextArea":
        more["length"] = SHORT_TEXT_AREA
    elif one.text("length"):
        more["length"] = int(one.text("length"))
    if type_ in ("Picklist", "MultiselectPicklist"):
        values = "valueSet/valueSetDefinition/value/fullName"
        more |= {"values": one.texts(values), "restricted": one.flag("valueSet/restricted")}
    external = one.flag("externalId")
    more |= {"external": external, "id_lookup": external, "unique": one.flag("unique")}
    more["required"] = one.flag("required")
    return more
