"""
Salesforce's side of outbound messages: sent until they are answered rightly, in any order, and again.

A message holds what the records say when it is sent, not when it was ordered.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.fakes.salesforce.messages import (
    MESSAGE_TYPE,
    Told,
    acknowledged,
    envelope,
    made_id,
)
from tests.fakes.salesforce.org import FakeOrg

MOST = 100
# after 30 s, 1 min, 2 min and so on up to 2 h, a day has gone by
TRIES = 20


@dataclass
class Message:
    """One message: where it goes, and which record each notification is about."""

    endpoint: str
    object: str
    action_id: str
    fields: tuple[str, ...]
    about: dict[str, str]
    answers: list[int] = field(default_factory=list)
    acknowledged: int = 0


@dataclass
class Sender:
    """
    Sends what *org* has to tell; a retry comes at the next `deliver`.

    *answers* of a message are the statuses that came back, 0 where nothing did; *dropped* are those
    that Salesforce has given up, or whose records are all gone.
    """

    org: FakeOrg
    timeout: float = 5.0
    pending: list[Message] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    dropped: list[Message] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def notify(
        self,
        endpoint: str,
        object: str,
        ids: Iterable[str],
        *,
        fields: Sequence[str] = (),
        action_id: str = "",
    ) -> Message:
        """Order a message about up to 100 records; without *fields* it tells their ids alone."""
        records = list(ids)
        if not 1 <= len(records) <= MOST:
            raise ValueError(f"a message tells of 1 to {MOST} records, not of {len(records)}")
        about = {made_id("04l", f"notification {next(self.numbers)}"): one for one in records}
        action = action_id or made_id("04k", endpoint)
        message = Message(endpoint, object, action, tuple(fields), about)
        self.pending.append(message)
        return message

    def fire(self, name: str, object: str, id: str) -> Message:
        """
        Order what the flow or outbound message *name* tells of a record; LookupError where it does not.

        *name* is `Send_Video` of *object*, or a flow that is active.
        """
        told = self.org.outbound_messages.get(self._message_of(name, object))
        if told is None:
            raise LookupError(f"{object} has no outbound message {name}")
        return self.notify(str(told["endpointUrl"]), object, [id], fields=told["fields"])

    def deliver(self) -> list[int]:
        """Send all that waits, and keep what was not acknowledged; return what came back."""
        waiting, self.pending = self.pending, []
        return [self._send(message) for message in waiting]

    def repeat(self) -> None:
        """Let all that was taken be sent once more, as happens now and then."""
        self.pending += self.taken
        self.taken = []

    def shuffle(self, seed: int) -> None:
        """Let all that waits be sent in another order."""
        random.Random(seed).shuffle(self.pending)

    def body(self, message: Message) -> bytes:
        """Return the envelope of a message, as its records stand now."""
        return envelope(
            self.org.org_id, self.org.url, message.action_id, message.object, self._told(message)
        )

    def _told(self, message: Message) -> list[Told]:
        with self.org.lock:
            records = self.org.records.get(message.object, {})
            return [
                Told(id, record, {name: records[record].get(name) for name in message.fields})
                for id, record in message.about.items()
                if record in records
            ]

    def _send(self, message: Message) -> int:
        if not self._told(message):
            self.dropped.append(message)
            return 0
        status, good = self._post(message)
        message.answers.append(status)
        message.acknowledged += good
        if good:
            self.taken.append(message)
        elif len(message.answers) >= TRIES:
            self.dropped.append(message)
        else:
            self.pending.append(message)
        return status

    def _post(self, message: Message) -> tuple[int, bool]:
        headers = {"Content-Type": MESSAGE_TYPE, "SOAPAction": '""'}
        try:
            answer = requests.post(
                message.endpoint,
                data=self.body(message),
                headers=headers,
                timeout=self.timeout,
                allow_redirects=False,
            )
        except requests.RequestException:
            return 0, False
        kind = answer.headers.get("Content-Type", "")
        return answer.status_code, acknowledged(answer.status_code, kind, answer.content)

    def _message_of(self, name: str, object: str) -> str:
        flow = self.org.flows.get(name)
        if flow is None:
            return f"{object}.{name}" if "." not in name else name
        if flow["status"] != "Active":
            raise LookupError(f"the flow {name} is not active")
        return next((one for one in flow["messages"] if one.startswith(f"{object}.")), "")
