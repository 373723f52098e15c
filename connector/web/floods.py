"""
How often one key may knock, in a web process; bounded in memory whatever arrives.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable


class Meter:
    """Lets each key through *most* times in *seconds*, counted in fixed windows."""

    def __init__(self, most: int, seconds: float, *, room: int = 20_000) -> None:
        self.seconds = seconds
        self._most = most
        self._room = room
        self._counts: dict[Hashable, int] = {}
        self._until = 0.0
        self._lock = threading.Lock()

    def allows(self, key: Hashable) -> bool:
        """Count one knock of *key* and tell whether it is let through."""
        moment = time.monotonic()
        with self._lock:
            if moment >= self._until or len(self._counts) >= self._room:
                self._counts.clear()
                self._until = moment + self.seconds
            count = self._counts.get(key, 0) + 1
            self._counts[key] = count
        return count <= self._most
