"""
Our permission set on our own user: without it what was deployed is invisible to us.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.crm import Connection
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.ids import is_id
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import quoted, select

ADMIN, REP = "Cuereel_Admin", "Cuereel_Rep"
GIVEN_ALREADY = "DUPLICATE_VALUE"


def assign(gateway: Gateway, connection: Connection) -> dict[str, str]:
    """Give our user the permission set of an admin; return why that was not possible."""
    user, held = str(connection.config.get("user") or ""), permission_sets(gateway)
    if not is_id(user) or ADMIN not in held:
        return {ADMIN: "the permission set could not be given; give it to Cuereel's user by hand"}
    if assigned(gateway, user, held[ADMIN]):
        return {}
    try:
        body = {"AssigneeId": user, "PermissionSetId": held[ADMIN]}
        gateway.call("POST", "sobjects/PermissionSetAssignment", body)
    except RefusedError as error:
        if error.code != GIVEN_ALREADY:
            return {
                ADMIN: "the permission set could not be given to Cuereel's user "
                f"({error.code or 'no reason told'}); an admin gives it under Setup > Permission Sets > "
                "Cuereel admin > Manage Assignments"
            }
    return {}


def permission_sets(gateway: Gateway) -> Mapping[str, str]:
    """Return the ids of our permission sets by name, those that the org has."""
    where = f"Name IN ({quoted(ADMIN)}, {quoted(REP)})"
    rows = gateway.query(select(["Id", "Name"], "PermissionSet", where))
    return {str(row["Name"]): str(row["Id"]) for row in rows}


def assigned(gateway: Gateway, user: str, permission_set: str) -> bool:
    """Tell whether *user* has a permission set."""
    where = f"AssigneeId = {quoted(user)} AND PermissionSetId = {quoted(permission_set)}"
    return bool(list(gateway.query(select(["Id"], "PermissionSetAssignment", where, "LIMIT 1"))))
