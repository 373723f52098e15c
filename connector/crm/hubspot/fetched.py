"""
The records that one reading has brought so far, each asked for once and with what is mapped only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import structlog

from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.objects import Properties, read_objects
from connector.crm.hubspot.properties import convert, definitions
from connector.crm.hubspot.refusals import RefusedError
from connector.model import JSON

FORBIDDEN = 403

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Fetched:
    """Records by type and id; *wanted* are the properties that a record of each type may show."""

    def __init__(self, gateway: Gateway, wanted: Mapping[str, frozenset[str]]) -> None:
        self._gateway = gateway
        self._wanted = wanted
        self._types: dict[str, Mapping[str, str]] = {}
        self._records: dict[str, dict[str, Properties]] = {}

    def fetch(self, object_type: str, ids: Iterable[str]) -> None:
        """Bring those that are not here yet; one that is gone stays absent."""
        here = self._records.setdefault(object_type, {})
        missing = [record for record in ids if record not in here]
        if missing:
            names = self._names(object_type)
            here |= read_objects(self._gateway, object_type, missing, names)

    def all(self, object_type: str) -> Mapping[str, Properties]:
        """Return every record of a type that is here."""
        return self._records.get(object_type, {})

    def text(self, object_type: str, record: str, name: str) -> str:
        """Return a property as HubSpot sent it, empty where there is none."""
        value = self.all(object_type).get(record, {}).get(name)
        return "" if value is None else str(value)

    def value(self, object_type: str, record: str, name: str) -> JSON:
        """Return a property by its type, None where it is empty, unknown or no such value."""
        if name not in self._wanted.get(object_type, ()):
            return None
        type_ = self._types.get(object_type, {}).get(name, "string")
        return convert(self.text(object_type, record, name), type_)

    def _names(self, object_type: str) -> frozenset[str]:
        wanted = self._wanted.get(object_type, frozenset())
        if not wanted:
            return wanted
        types = allowed(f"definitions of {object_type}", lambda: self._defined(object_type))
        self._types[object_type] = types or {}
        return wanted if types is None else wanted & set(types)

    def _defined(self, object_type: str) -> Mapping[str, str]:
        return definitions(self._gateway, object_type)


def allowed(what: str, ask: Callable[[], T]) -> T | None:
    """Return what *ask* answers, or None, with a line in the log, where a scope for it is missing."""
    try:
        return ask()
    except RefusedError as error:
        if error.status != FORBIDDEN:
            raise
        log.warning("the portal does not let us read this", what=what, reason=error.reason)
        return None
