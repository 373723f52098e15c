"""How often the fake may be asked: a rolling window, the day, and searches by themselves."""

from __future__ import annotations

import time
from collections import deque

from tests.fakes.hubspot.answers import RefusalError

USUAL = (110, 10.0)
SEARCHES = (5, 1.0)


class Window:
    """Counts the calls of the last seconds."""

    def __init__(self) -> None:
        self.times: deque[float] = deque()

    def left(self, most: int, seconds: float) -> int:
        """Return how many calls are still allowed now."""
        now = time.monotonic()
        while self.times and self.times[0] <= now - seconds:
            self.times.popleft()
        return most - len(self.times)

    def count(self, most: int, seconds: float) -> bool:
        """Count one call, or say that it is one too many."""
        if self.left(most, seconds) <= 0:
            return False
        self.times.append(time.monotonic())
        return True


class Quota:
    """The limits of one portal; *limit* None only counts."""

    def __init__(self) -> None:
        self.limit: tuple[int, float] | None = None
        self.search_limit: tuple[int, float] | None = SEARCHES
        self.daily_left: int | None = None
        self.refused = 0
        self.calls, self.searches = Window(), Window()

    def spend(self, *, search: bool) -> None:
        """Count one call; RefusalError 429 where it is one too many."""
        if self.daily_left is not None:
            self._spend_day()
        if search:
            self._spend_search()
        elif self.limit is None:
            self.calls.count(10**9, USUAL[1])
        elif not self.calls.count(*self.limit):
            raise self._refusal("TEN_SECONDLY_ROLLING", "ten_secondly_rolling")

    def headers(self, *, search: bool, static: bool) -> dict[str, str]:
        """Return what HubSpot tells of the limit; nothing about searches, no day for OAuth."""
        if search:
            return {}
        most, seconds = self.limit or USUAL
        told = {
            "X-HubSpot-RateLimit-Max": str(most),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.calls.left(most, seconds))),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(seconds * 1000)),
        }
        if static:
            left = 250_000 if self.daily_left is None else self.daily_left
            told["X-HubSpot-RateLimit-Daily"] = "250000"
            told["X-HubSpot-RateLimit-Daily-Remaining"] = str(left)
        return told

    def _spend_day(self) -> None:
        if not self.daily_left:
            raise self._refusal("DAILY", "daily")
        self.daily_left -= 1

    def _spend_search(self) -> None:
        if self.search_limit is not None and not self.searches.count(*self.search_limit):
            raise self._refusal("SECONDLY", "secondly")

    def _refusal(self, policy: str, name: str) -> RefusalError:
        self.refused += 1
        refusal = RefusalError(429, "RATE_LIMITS", f"You have reached your {name} limit.")
        del refusal.body["category"]
        refusal.body |= {"errorType": "RATE_LIMIT", "policyName": policy, "groupName": "publicapi"}
        return refusal
