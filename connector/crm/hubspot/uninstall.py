"""
Takes our properties off a portal again, with all that stands in them.
"""

from __future__ import annotations

from collections.abc import Mapping

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.install import GROUP, OBJECT, held_properties, misfit
from connector.crm.hubspot.kept import forget
from connector.crm.hubspot.refusals import RefusedError
from connector.decide.dictionary import Dictionary, FieldSpec
from connector.errors import NotFoundError
from connector.model import JSON, InstallReport

PREFIX = "cuereel_"
REMOVED = "removed"


def uninstall(gateway: Gateway, dictionary: Dictionary) -> InstallReport:
    """
    Delete the properties that an install made; `present` are those that HubSpot would not let go.

    A property that an own dictionary names but that is not ours by name or group is left alone.
    """
    held = held_properties(gateway)
    ours = [
        spec.name for spec in dictionary.write_fields.values() if _ours(spec, held.get(spec.name))
    ]
    left_out = {name: _remove(gateway, name) for name in ours}
    _remove_group(gateway)
    forget(gateway)
    kept = tuple(name for name in ours if left_out[name] != REMOVED)
    return InstallReport(made=(), present=kept, left_out=left_out)


def _ours(spec: FieldSpec, held: Mapping[str, JSON] | None) -> bool:
    if held is None or misfit(spec, held):
        return False
    return spec.name.startswith(PREFIX) or held.get("groupName") == GROUP["name"]


def _remove(gateway: Gateway, name: str) -> str:
    try:
        gateway.ask(gateway.client.crm.properties.core_api.archive, OBJECT, name)
    except NotFoundError:
        return REMOVED
    except RefusedError as error:
        if error.status == 403:
            raise
        return (
            f"not removed: {error.sentence}; take it out of the workflows, lists and forms that use "
            "it, then delete it in HubSpot"
        )
    return REMOVED


def _remove_group(gateway: Gateway) -> None:
    try:
        gateway.ask(gateway.client.crm.properties.groups_api.archive, OBJECT, GROUP["name"])
    except (NotFoundError, RefusedError):
        # gone already, or the admin keeps properties of their own in it
        return
