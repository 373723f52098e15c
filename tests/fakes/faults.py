"""What a test may let go wrong: refusals, nonsense, dropped connections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """One thing that goes wrong, a number of times; -1 is until it is healed."""

    kind: str
    path: str = ".*"
    method: str | None = None
    times: int = 1
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after_work: bool = False

    def fits(self, method: str, path: str) -> bool:
        """Tell whether it is this call's turn to go wrong."""
        return (
            self.times != 0
            and self.method in (None, method)
            and re.search(self.path, path) is not None
        )


class Faults:
    """The faults of a fake, first prepared first served."""

    def __init__(self) -> None:
        self.prepared: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Prepare one more."""
        self.prepared.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault of this call, and count it."""
        for fault in self.prepared:
            if fault.fits(method, path):
                fault.times -= 1 if fault.times > 0 else 0
                return fault
        return None

    def clear(self) -> None:
        """Forget all."""
        self.prepared.clear()
