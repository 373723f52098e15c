"""A CRM whose answers a test decides, behind the same protocol as every other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connector.crm import CRM, Connection, Surroundings
from connector.model import Change, WriteResult, Written

Answer = Callable[[Change], Written | Exception | None]


def done(_change: Change) -> Written:
    return Written.DONE


@dataclass
class Flaky:
    """Remembers every write that it was asked for, and answers as it is told to."""

    most_at_once: int = 100
    answer: Answer = done
    failure: Exception | None = None
    after: float | None = None
    calls: list[list[Change]] = field(default_factory=list)

    def write(self, changes: Sequence[Change]) -> list[WriteResult]:
        """Answer each change, or fail as a whole."""
        self.calls.append(list(changes))
        if self.failure is not None:
            raise self.failure
        answers = [(change, self.answer(change)) for change in changes]
        return [
            WriteResult(change.id, answer, "told_so", "The test says so.", self.after)
            for change, answer in answers
            if isinstance(answer, Written)
        ]

    def bulk(self) -> None:
        """Return None: this one has no bulk jobs."""

    @property
    def contacts(self) -> list[str]:
        """The contacts that were written, in order."""
        return [change.contact_id for call in self.calls for change in call]


here = Flaky()


def open_flaky(connection: Connection, surroundings: Surroundings) -> CRM:
    """Return the one fake that the running test has prepared."""
    return here  # type: ignore[return-value]
