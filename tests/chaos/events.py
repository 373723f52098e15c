"""
Signed events of the local CRM, each posted one to three times at once, until it is acknowledged.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests

from connector.crm.local.gateway import Announcement, event_body
from connector.model import Subject
from connector.signing import signed_headers
from tests.chaos.stack import Stack, contact_id

SENDERS = 6
TRIES = 40


@dataclass
class Posted:
    """What was sent and what was answered 2xx; posts are counted, repeats included."""

    attempted: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    posts: int = 0
    refused: int = 0
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, contact: str, seconds: float, accepted: bool) -> None:
        """Write down one answer."""
        with self.lock:
            self.posts += 1
            self.slowest = max(self.slowest, seconds)
            if accepted:
                self.acknowledged.add(contact)
            else:
                self.refused += 1


class Senders:
    """Posts one event for each contact, spread over *seconds*, from several threads."""

    def __init__(self, stack: Stack, dice: random.Random, count: int, seconds: float) -> None:
        self.posted = Posted()
        self._stack = stack
        self._plan = sorted(
            (dice.uniform(0, seconds), contact_id(number), dice.randint(1, 3))
            for number in range(count)
        )

    def run(self) -> None:
        """Send everything; return when each event was acknowledged or given up."""
        begun = time.monotonic()
        sent: list[Future[None]] = []
        with ThreadPoolExecutor(SENDERS) as pool:
            for at, contact, times in self._plan:
                time.sleep(max(0.0, at - (time.monotonic() - begun)))
                self.posted.attempted.add(contact)
                delivery = Delivery.of(contact)
                sent += [pool.submit(self._send, delivery) for _ in range(times)]
        for future in sent:
            future.result()

    def _send(self, delivery: Delivery) -> None:
        for _ in range(TRIES):
            begun = time.monotonic()
            accepted = self._post(delivery)
            self.posted.note(delivery.contact, time.monotonic() - begun, accepted)
            if accepted:
                return
            time.sleep(0.5)

    def _post(self, delivery: Delivery) -> bool:
        headers = signed_headers(
            self._stack.secret, delivery.identity, delivery.body, datetime.now(UTC)
        )
        try:
            answer = requests.post(
                self._stack.hooks, data=delivery.body, headers=headers, timeout=20
            )
        except requests.RequestException:
            return False
        return answer.ok


@dataclass(frozen=True)
class Delivery:
    """One event as it is posted, the same on every try."""

    contact: str
    identity: str
    body: bytes

    @classmethod
    def of(cls, contact: str) -> Delivery:
        """Return the event that a contact has been onboarded now."""
        event = Announcement("contact.onboarding", Subject("contact", contact), contact)
        body = event_body(event, datetime.now(UTC)).encode()
        return cls(contact, f"evt_{contact}", body)
