"""HubSpot's side of what reaches us: events with their retries, workflow actions, dropdowns."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.fakes.hubspot.answers import Body
from tests.fakes.hubspot.events import legacy, number
from tests.fakes.hubspot.kinds import IDS, NAMES, SINGULAR
from tests.fakes.hubspot.portal import FakeHubSpot
from tests.fakes.hubspot.signing import sign_v1, sign_v2, sign_v3

MOST, RETRIES = 100, 10


@dataclass
class Attempt:
    """One request of HubSpot's, and what came back; status 0 where nothing did."""

    events: Sequence[Body]
    status: int
    number: int


@dataclass
class Sender:
    """
    Sends to our web at *target_url*, which is where the app's events go.

    A retry comes after *gap* seconds instead of hours. *repeat* sends each batch so many times,
    *shuffle* a seed for another order, *delay* seconds before each batch.
    """

    fake: FakeHubSpot
    target_url: str
    shape: str = "generic"
    gap: float = 0.05
    timeout: float = 5.0
    repeat: int = 1
    shuffle: int | None = None
    delay: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def flush(self) -> list[Attempt]:
        """Send all that has happened since the last time, until it is taken or given up."""
        return self.send(self.fake.take_events())

    def send(self, events: Sequence[Body]) -> list[Attempt]:
        """Send *events* in arrays of at most 100; return every attempt that this took."""
        before, ordered = len(self.attempts), list(events)
        if self.shuffle is not None:
            random.Random(self.shuffle).shuffle(ordered)
        batches = [ordered[place : place + MOST] for place in range(0, len(ordered), MOST)]
        for batch in batches * self.repeat:
            time.sleep(self.delay)
            self._deliver(batch)
        return self.attempts[before:]

    @contextmanager
    def running(self, every: float = 0.05) -> Iterator[None]:
        """Send on and on in a thread of its own, until the block ends."""
        ended = threading.Event()
        thread = threading.Thread(target=self._run, args=(ended, every), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def run_action(
        self,
        record: str,
        inputs: Body,
        *,
        kind: str = "contacts",
        callback: str = "",
        url: str = "",
    ) -> str:
        """Let a workflow reach our action for a record; the answer stands in `answers`."""
        place = next(self.fake.event_ids)
        callback = callback or f"ap-{self.fake.portal}-{place}-7-0"
        body = {
            "callbackId": callback,
            "origin": self._origin(),
            "context": {"source": "WORKFLOWS", "workflowId": 192814114},
            "object": self._object(kind, record),
            "inputFields": inputs,
        }
        self.answers[callback] = self._post_v2(url or self._beside("action"), body)
        return callback

    def options(self, query: str = "", *, name: str = "campaign", url: str = "") -> tuple[int, Any]:
        """Ask for what a dropdown offers; return status and answer."""
        body = {
            "origin": self._origin(),
            "objectTypeId": "0-1",
            "inputFieldName": name,
            "inputFields": {},
            "fetchOptions": {"q": query, "after": None},
        }
        return self._post_v2(url or self._beside("options"), body)

    def webhook_action(self, url: str, body: Body, secret: str = "") -> int:
        """Let a workflow's "Send a webhook" reach *url*, with our secret in its header or signed."""
        raw = json.dumps(body).encode()
        proof = {"x-cuereel-secret": secret} if secret else {}
        headers = proof or sign_v2(self.fake.client_secret, "POST", url, raw)
        headers["Content-Type"] = "application/json"
        return requests.post(url, data=raw, headers=headers, timeout=30).status_code

    def signed(self, body: bytes, url: str = "") -> dict[str, str]:
        """Return the headers of a delivery of events: v3 and v1."""
        secret, now = self.fake.client_secret, int(time.time() * 1000)
        v3 = sign_v3(secret, "POST", url or self.target_url, body, now)
        return {"Content-Type": "application/json", **sign_v1(secret, body), **v3}

    def _run(self, ended: threading.Event, every: float) -> None:
        while not ended.wait(every):
            self.flush()
        self.flush()

    def _deliver(self, batch: Sequence[Body]) -> None:
        for attempt in range(RETRIES + 1):
            told = [{**one, "attemptNumber": attempt} for one in batch]
            body = [legacy(one) for one in told] if self.shape == "legacy" else told
            status = self._post(json.dumps(body, separators=(",", ":")).encode())
            self.attempts.append(Attempt(batch, status, attempt))
            if 200 <= status < 300:
                return
            time.sleep(self.gap)

    def _post(self, raw: bytes) -> int:
        try:
            answer = requests.post(
                self.target_url, data=raw, headers=self.signed(raw), timeout=self.timeout
            )
        except requests.RequestException:
            return 0
        return answer.status_code

    def _post_v2(self, url: str, body: Body) -> tuple[int, Any]:
        raw = json.dumps(body).encode()
        signed = sign_v2(self.fake.client_secret, "POST", url, raw)
        headers = {"Content-Type": "application/json", **signed}
        answer = requests.post(url, data=raw, headers=headers, timeout=30)
        told = answer.headers.get("Content-Type", "")
        return answer.status_code, answer.json() if "json" in told and answer.content else None

    def _origin(self) -> Body:
        return {
            "portalId": int(self.fake.portal),
            "actionDefinitionId": 10646377,
            "actionDefinitionVersion": 1,
        }

    def _object(self, kind: str, record: str) -> Body:
        kind = NAMES[kind]
        held = self.fake.records[kind].get(record, {})
        return {
            "objectId": number(record),
            "properties": {name: held[name] for name in ("email",) if name in held},
            "objectType": SINGULAR[kind].upper(),
            "objectTypeId": IDS[kind],
        }

    def _beside(self, door: str) -> str:
        return f"{self.target_url.rsplit('/', 1)[0]}/{door}"
