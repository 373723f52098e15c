"""
Our properties on a portal's contacts: made in order of priority, as many as there is room for.

What is there already is compared and never changed: its label and place are the admin's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.kept import forget
from connector.crm.hubspot.pages import rows
from connector.crm.hubspot.refusals import RefusedError
from connector.decide.dictionary import Dictionary, FieldSpec
from connector.errors import ConnectorError, NotFoundError
from connector.model import JSON, InstallReport

OBJECT, OBJECT_TYPE = "contacts", "0-1"
GROUP = {"name": "cuereel", "label": "Cuereel", "displayOrder": -1}
# our types: HubSpot's type and the way in which a form would ask for it
TYPES = {
    "text": ("string", "text"),
    "url": ("string", "text"),
    "long_text": ("string", "textarea"),
    "number": ("number", "number"),
    "datetime": ("datetime", "date"),
}
LIMITS = "/crm/limits/{V}/custom-properties"
NO_ROOM = (
    "the account has no room for more custom properties; delete some that nobody needs, or upgrade, "
    "then run `cuereel crm install hubspot` again"
)
DELETED = (
    "a deleted property of this name is in the way; restore it in HubSpot (Settings > Properties > "
    "Archived), then run `cuereel crm install hubspot` again"
)

Body = Mapping[str, JSON]


def install(gateway: Gateway, dictionary: Dictionary) -> InstallReport:
    """
    Make the properties that are missing; a second run only looks.

    Raises RefusedError with the reason `missing_scopes` where we may not make any.
    """
    wanted = list(dictionary.write_fields.values())
    held = held_properties(gateway)
    misfits = {one.name: why for one in wanted if (why := misfit(one, held.get(one.name)))}
    missing = [
        _definition(spec, place) for place, spec in enumerate(wanted) if spec.name not in held
    ]
    made, refused = _make(gateway, missing) if missing else (set(), {})
    forget(gateway)
    left_out = {**misfits, **refused}
    return InstallReport(
        made=tuple(spec.name for spec in wanted if spec.name in made),
        present=tuple(
            one.name for one in wanted if one.name not in made and one.name not in left_out
        ),
        left_out={spec.name: left_out[spec.name] for spec in wanted if spec.name in left_out},
    )


def held_properties(gateway: Gateway) -> dict[str, Body]:
    """Return what properties the portal's contacts have, by name, without those that were deleted."""
    body = gateway.ask(gateway.client.crm.properties.core_api.get_all, OBJECT)
    return {str(one["name"]): one for one in rows(body) if not one.get("archived")}


def misfit(spec: FieldSpec, held: Body | None) -> str:
    """Say why a property that is there cannot be ours; empty where it can, or where there is none."""
    wanted = TYPES[spec.type][0]
    if held is None or held.get("type") == wanted:
        return ""
    return (
        f"has type {held.get('type')}, should be {wanted}: rename or delete it in HubSpot, "
        "then run `cuereel crm install hubspot` again"
    )


def _definition(spec: FieldSpec, place: int) -> Body:
    type_, field_type = TYPES[spec.type]
    return {
        "groupName": GROUP["name"],
        "name": spec.name,
        "label": spec.label,
        "description": spec.description,
        "type": type_,
        "fieldType": field_type,
        "displayOrder": place,
        "formField": False,
        "hasUniqueValue": False,
        "hidden": False,
    }


def _make(gateway: Gateway, missing: Sequence[Body]) -> tuple[set[str], dict[str, str]]:
    """Return which of *missing* were made, and why others were not."""
    _make_group(gateway)
    made = _together(gateway, missing)
    singly, left_out = _one_by_one(gateway, [one for one in missing if one["name"] not in made])
    return made | singly, left_out


def _make_group(gateway: Gateway) -> None:
    groups = gateway.client.crm.properties.groups_api
    try:
        gateway.ask(groups.get_by_name, OBJECT, GROUP["name"])
    except NotFoundError:
        _create_group(gateway)


def _create_group(gateway: Gateway) -> None:
    try:
        gateway.ask(gateway.client.crm.properties.groups_api.create, OBJECT, GROUP)
    except RefusedError as error:
        # somebody else has made it just now
        if error.status != 409:
            raise


def _together(gateway: Gateway, missing: Sequence[Body]) -> set[str]:
    batch = gateway.client.crm.properties.batch_api
    try:
        body = gateway.ask(batch.create, OBJECT, {"inputs": list(missing)})
    except RefusedError as error:
        _raise_if_forbidden(error)
        # one of them was enough to refuse all
        return set()
    return {str(one["name"]) for one in rows(body)}


def _one_by_one(gateway: Gateway, missing: Sequence[Body]) -> tuple[set[str], dict[str, str]]:
    made: set[str] = set()
    left_out: dict[str, str] = {}
    for place, one in enumerate(missing):
        try:
            gateway.ask(gateway.client.crm.properties.core_api.create, OBJECT, one)
        except RefusedError as error:
            _raise_if_forbidden(error)
            if _is_full(gateway, error):
                return made, left_out | {str(later["name"]): NO_ROOM for later in missing[place:]}
            if why := _why(gateway, one, error):
                left_out[str(one["name"])] = why
        else:
            made.add(str(one["name"]))
    return made, left_out


def _raise_if_forbidden(error: RefusedError) -> None:
    # a missing scope refuses them all alike
    if error.status == 403:
        raise error


def _is_full(gateway: Gateway, error: RefusedError) -> bool:
    codes = [error.category, error.sub_category, *(str(e.get("code")) for e in error.errors)]
    if any("LIMIT" in code.upper() for code in codes):
        return True
    return error.status == 400 and _no_room(gateway)


def _no_room(gateway: Gateway) -> bool:
    """Ask the portal whether its contacts may have no more; what is not understood is no answer."""
    try:
        told = gateway.call("GET", LIMITS)
    except ConnectorError:
        return False
    listed = told.get("byObjectType") if isinstance(told, dict) else None
    return any(_used_up(one) for one in listed or () if isinstance(one, dict))


def _used_up(one: Body) -> bool:
    limit, usage = one.get("limit"), one.get("usage")
    if one.get("objectTypeId") != OBJECT_TYPE:
        return False
    return isinstance(limit, int) and isinstance(usage, int) and usage >= limit


def _why(gateway: Gateway, one: Body, error: RefusedError) -> str:
    """Say what stands in the way; empty where somebody else has made the property just now."""
    if error.status != 409:
        return error.sentence
    now = held_properties(gateway).get(str(one["name"]))
    if now is None:
        return DELETED
    return "" if now.get("type") == one["type"] else "a property of another type has this name"
