"""What a test lets go wrong in an org: whole calls, and single records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.faults import Fault, Faults
from tests.fakes.salesforce.refusals import RecordError
from tests.fakes.salesforce.values import Values


@dataclass
class RecordFault:
    """What a test lets go wrong with single records."""

    error: RecordError
    name: str
    where: Callable[[Values], bool]
    times: int


class Trouble:
    """What a test prepares to go wrong, until it heals."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.record_faults: list[RecordFault] = []

    def fail(
        self,
        status: int = 500,
        body: Any = None,
        path: str = ".*",
        method: str | None = None,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        after_work: bool = False,
    ) -> None:
        """Answer the next calls with *status*; *times* -1 is until heal()."""
        usual = [{"errorCode": "UNKNOWN_EXCEPTION", "message": "prepared by a test"}]
        told = usual if body is None else body
        self.faults.add(Fault("fail", path, method, times, status, told, dict(headers or {}), after_work))  # fmt: skip

    def nonsense(self, path: str = ".*", times: int = 1) -> None:
        """Answer with a page of HTML and 200."""
        self.faults.add(Fault("nonsense", path, None, times))

    def drop(self, path: str = ".*", times: int = 1, *, after_work: bool = False) -> None:
        """Close the connection without an answer, after doing what was asked or before."""
        self.faults.add(Fault("drop", path, None, times, after_work=after_work))

    def fail_record(
        self,
        code: str,
        message: str = "prepared by a test",
        fields: tuple[str, ...] = (),
        object: str = "Contact",
        where: Callable[[Values], bool] = lambda values: True,
        times: int = 1,
    ) -> None:
        """Refuse the next records of *object* that *where* picks, one by one."""
        error = RecordError(code, message, tuple(fields))
        self.record_faults.append(RecordFault(error, object, where, times))

    def heal(self) -> None:
        """Take back all that was prepared to go wrong."""
        self.faults.clear()
        self.record_faults.clear()
