"""What an org says of its objects and fields, as far as our user sees them."""

from __future__ import annotations

from typing import Any

from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RefusalError
from tests.fakes.salesforce.schema import NUMBERS, Field, Sobject

SOAP = {"boolean": "xsd:boolean", "int": "xsd:int", "date": "xsd:date", "datetime": "xsd:dateTime",
        "id": "tns:ID", "reference": "tns:ID"}  # fmt: skip


def everything(call: Call) -> tuple[Any, int]:
    """List the objects."""
    seen = [one for one in call.org.objects.values() if call.org.sees(one.name)]
    told = [_object(call, one) for one in seen]
    return {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": told}, 200


def describe(call: Call, name: str) -> tuple[Any, int]:
    """Describe one object with fields and child relations."""
    org, what = call.org, known(call.org, name)
    fields = [_field(one) for one in what.fields.values() if org.sees(what.name, one.name)]
    return {
        **_object(call, what),
        "fields": fields,
        "childRelationships": children(org, what.name),
        "recordTypeInfos": [],
        "supportedScopes": [],
    }, 200


def known(org: FakeOrg, name: str) -> Sobject:
    """Return an object; RefusalError 404 where our user has none of this name."""
    found = org.object(name)
    if found is None:
        raise RefusalError(404, "NOT_FOUND", "The requested resource does not exist")
    return found


def children(org: FakeOrg, name: str) -> list[dict[str, Any]]:
    """Return the relations from other objects to this one."""
    return [
        {
            "childSObject": other.name,
            "field": one.name,
            "relationshipName": one.child or None,
            "cascadeDelete": one.cascade,
            "deprecatedAndHidden": False,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "restrictedDelete": False,
        }
        for other in org.objects.values()
        for one in other.fields.values()
        if name in one.refers and org.sees(other.name, one.name)
    ]


def _object(call: Call, one: Sobject) -> dict[str, Any]:
    base = f"/services/data/v{call.version}/sobjects/{one.name}"
    return {
        "name": one.name,
        "label": one.label,
        "labelPlural": f"{one.label}s",
        "keyPrefix": one.prefix,
        "custom": one.custom,
        "createable": True,
        "updateable": True,
        "deletable": True,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "undeletable": True,
        "urls": {"sobject": base, "describe": f"{base}/describe", "rowTemplate": f"{base}/{{ID}}"},
    }


def _field(one: Field) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": one.label,
        "type": one.type,
        "soapType": SOAP.get(one.type, "xsd:double" if one.type in NUMBERS else "xsd:string"),
        "length": one.length,
        "byteLength": one.length * 3,
        "precision": 18 if one.type in NUMBERS - {"int"} else 0,
        "scale": 0,
        "digits": 9 if one.type == "int" else 0,
        "createable": one.createable,
        "updateable": one.updateable,
        "nillable": not one.required and one.type != "boolean",
        "defaultedOnCreate": one.type == "boolean" or one.name == "OwnerId",
        "filterable": one.filterable,
        "sortable": one.filterable,
        "groupable": one.filterable,
        "custom": one.custom,
        "externalId": one.external,
        "idLookup": one.id_lookup,
        "unique": one.unique,
        "caseSensitive": False,
        "calculated": False,
        "autoNumber": False,
        "restrictedPicklist": one.restricted,
        "referenceTo": list(one.refers),
        "relationshipName": one.relation or None,
        "polymorphicForeignKey": len(one.refers) > 1,
        "cascadeDelete": one.cascade,
        "deprecatedAndHidden": False,
        "inlineHelpText": None,
        "defaultValue": False if one.type == "boolean" else None,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": False,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value in one.values
        ],
    }


ROUTES: tuple[Route, ...] = (
    ("GET", "/{V}/sobjects", everything),
    ("GET", "/{V}/sobjects/<name>/describe", describe),
)
