"""
The gateway as writing sees it: one that stops calling when that would only make things worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from connector.crm.salesforce.gateway import Row
from connector.errors import CRMBusyError, CRMDownError, TemporaryError
from connector.model import JSON

MOST_SILENCES = 2


class Door(Protocol):
    """What writing needs of a gateway."""

    def call(
        self,
        method: str,
        path: str,
        body: JSON = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JSON:
        """Call a path and return the JSON of the answer."""

    def query(self, soql: str, *, deleted: bool = False) -> Iterator[Row]:
        """Yield the rows of a query."""

    def together(self, requests_: Iterable[tuple[str, str, JSON]]) -> list[tuple[int, JSON]]:
        """Make several calls as one."""


class Considerate:
    """A gateway that calls no more once the org is busy, or was silent twice in a row."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._silences = 0
        self._stopped: TemporaryError | None = None

    def call(
        self,
        method: str,
        path: str,
        body: JSON = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> JSON:
        """Call a path, or raise again what the org said before."""
        return self._unless_stopped(lambda: self._door.call(method, path, body, query, headers))

    def query(self, soql: str, *, deleted: bool = False) -> Iterator[Row]:
        """Yield the rows of a query, or raise again what the org said before."""
        return iter(self._unless_stopped(lambda: list(self._door.query(soql, deleted=deleted))))

    def together(self, requests_: Iterable[tuple[str, str, JSON]]) -> list[tuple[int, JSON]]:
        """Make several calls as one, or raise again what the org said before."""
        made: list[tuple[int, JSON]] = self._unless_stopped(lambda: self._door.together(requests_))
        return made

    def _unless_stopped(self, make: Callable[[], JSON]) -> JSON:
        if self._stopped is not None:
            raise self._stopped
        try:
            answer = make()
        except CRMBusyError as error:
            # a lock is about some records only
            self._stopped = None if error.reason == "locked" else error
            raise
        except CRMDownError as error:
            self._silences += 1
            self._stopped = error if self._silences >= MOST_SILENCES else None
            raise
        self._silences = 0
        return answer
