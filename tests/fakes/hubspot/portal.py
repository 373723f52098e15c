"""One portal: what stands in it, what a test may do to it from the far side, and its switches."""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.fakes.faults import Fault, Faults
from tests.fakes.hubspot import events, links, memory
from tests.fakes.hubspot.answers import Body
from tests.fakes.hubspot.grants import SCOPES, Grants
from tests.fakes.hubspot.kinds import IDS, NAMES, definition, standard
from tests.fakes.hubspot.memory import FAR_SIDE
from tests.fakes.hubspot.quota import Quota

Rule = Callable[[str, str, Mapping[str, str | None]], str | None]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: str
    body: bytes


class FakeHubSpot:
    """A portal with one app of ours; every switch is an attribute."""

    url = ""

    def __init__(self, portal: str = "4242001") -> None:
        self.portal = portal
        self.lock = threading.RLock()
        self._app()
        self._contents()
        self._switches()
        self._protocol()

    def _app(self) -> None:
        self.app_id = 51879189
        self.client_id = "client-1"
        self.client_secret = "newest-" + secrets.token_hex(16)
        self.old_secrets: list[str] = []
        self.static_token = "pat-eu1-" + secrets.token_hex(16)
        self.scopes = set(SCOPES)
        self.grants = Grants()
        self.refreshes = 0

    def _contents(self) -> None:
        self.account: Body = {"accountType": "STANDARD", "timeZone": "Europe/Madrid",
                              "companyCurrency": "EUR", "uiDomain": "app.hubspot.com",
                              "dataHostingLocation": "eu1"}  # fmt: skip
        self.domain = "casa-verde.example"
        self.records: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in IDS}
        self.archived: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in IDS}
        self.merged: dict[str, dict[str, str]] = {kind: {} for kind in IDS}
        self.times: dict[tuple[str, str], memory.Times] = {}
        self.history: dict[tuple[str, str], dict[str, list[Body]]] = {}
        self.links: dict[tuple[str, str], dict[str, dict[str, list[int]]]] = defaultdict(dict)
        self.properties = {kind: standard(kind) for kind in IDS}
        self.groups: dict[str, dict[str, Body]] = {kind: {} for kind in IDS}
        self.owners: dict[str, Body] = {}
        self.lists: dict[str, set[str]] = {}
        self.list_facts: dict[str, Body] = {}
        self.list_orders: dict[str, tuple[set[str], list[str]]] = {}
        self.callbacks: dict[str, Body] = {}
        self.expired_callbacks: set[str] = set()
        self.ids = itertools.count(60_001)

    def _switches(self) -> None:
        self.legacy = False
        self.deny = False
        self.token_seconds = 1800.0
        self.rotate_refresh = False
        # the specification says `token`, the guides say `access_token` and `refresh_token`
        self.introspect_names: tuple[str, ...] = ("token", "access_token", "refresh_token")
        self.property_limit: int | None = None
        self.property_conflicts = 207
        self.validation_rules: list[Rule] = []
        self.honour_trace_ids = True
        self.hints: tuple[str, ...] = ("objectWriteTraceId", "ids")
        self.merged_ids_resolve = False
        self.association_page = 500
        self.latency = 0.0

    def _protocol(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.requests: deque[Asked] = deque(maxlen=1000)
        self.faults = Faults()
        self.quota = Quota()
        self.subscriptions: dict[str, int] = {}
        self.events: list[Body] = []
        self.event_ids = itertools.count(1_765_889_350)

    # what stands in the portal

    def add(
        self,
        kind: str,
        properties: Mapping[str, Any],
        id: str | None = None,
        *,
        at: datetime | None = None,
    ) -> str:
        """Make a record, or change it; properties that are new to the portal become text."""
        with self.lock:
            made = id or str(next(self.ids))
            self._know(kind, properties)
            self.archived[kind].pop(made, None)
            memory.put(self, kind, made, memory.planted(properties), FAR_SIDE, at)
            return made

    def change(
        self, kind: str, record: str, properties: Mapping[str, Any], *, at: datetime | None = None
    ) -> None:
        """Change a record as somebody in the portal does."""
        with self.lock:
            self._know(kind, properties)
            memory.put(self, kind, record, memory.planted(properties), FAR_SIDE, at)

    def remove(self, kind: str, record: str, *, at: datetime | None = None) -> None:
        """Delete a record as somebody in the portal does; it can be restored."""
        with self.lock:
            memory.archive(self, kind, record, FAR_SIDE, at)

    def restore(self, kind: str, record: str, *, at: datetime | None = None) -> None:
        """Bring a deleted record back."""
        with self.lock:
            memory.restore(self, kind, record, FAR_SIDE, at)

    def forget(self, contact: str, *, at: datetime | None = None) -> None:
        """Delete a contact for good, as privacy law has it."""
        with self.lock:
            memory.forget(self, contact, FAR_SIDE, at)

    def merge(self, kind: str, winner: str, loser: str, *, at: datetime | None = None) -> None:
        """Merge *loser* into *winner*."""
        with self.lock:
            memory.merge(self, kind, winner, loser, FAR_SIDE, at)

    def define(self, kind: str, name: str, type_: str = "string", **more: Any) -> None:
        """Make a property of the portal's own."""
        self.properties[kind][name] = definition(name, type_, **more)

    def associate(
        self, kind: str, record: str, other: str, other_id: str, type_id: int | None = None
    ) -> None:
        """Associate two records, both ways; a contact's first company is its primary one."""
        with self.lock:
            links.associate(self, (NAMES[kind], record), (NAMES[other], other_id), type_id)

    def add_owner(self, owner: str, email: str, first: str, last: str) -> str:
        """Make a colleague."""
        self.owners[owner] = {"id": owner, "email": email, "firstName": first, "lastName": last,
                              "type": "PERSON", "userId": 9_000_000 + int(owner), "teams": [],
                              "archived": False}  # fmt: skip
        return owner

    def add_list(
        self, list_id: str, members: Iterable[str], processing: str = "MANUAL", name: str = ""
    ) -> str:
        """Make a list of contacts; *processing* MANUAL, SNAPSHOT or DYNAMIC."""
        self.lists[list_id] = set(members)
        self.list_facts[list_id] = {"name": name or f"List {list_id}", "processingType": processing}
        return list_id

    def _know(self, kind: str, properties: Mapping[str, Any]) -> None:
        for name in properties:
            if name not in self.properties[kind]:
                self.define(kind, name)

    # letting us in

    def token(self) -> str:
        """Return a live access token."""
        return str(self.secrets()["access"])

    def secrets(self) -> Body:
        """Return what a connection made by OAuth keeps."""
        with self.lock:
            refresh = self.grants.grant(tuple(self.scopes))
            access = self.grants.access(refresh, self.token_seconds)
        return {"kind": "oauth", "access": access, "refresh": refresh,
                "expires_at": time.time() + self.token_seconds, "hook_secret": "hook-secret-1"}  # fmt: skip

    def expire_tokens(self) -> None:
        """Let all access tokens run out now."""
        with self.lock:
            held = self.grants.accesses
            self.grants.accesses = {
                access: (one, time.time() - 1) for access, (one, _) in held.items()
            }

    def uninstall(self) -> None:
        """Remove our app, as an admin of the portal does."""
        with self.lock:
            self.grants.end()

    # what goes wrong

    def fail(
        self,
        status: int,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        path: str = ".*",
        method: str | None = None,
    ) -> None:
        """Answer the next calls with *status*; *times* -1 is until heal()."""
        told = {"status": "error", "message": "prepared by a test"} if body is None else body
        self.faults.add(Fault("fail", path, method, times, status, told, dict(headers or {})))

    def nonsense(self, path: str = ".*", times: int = 1) -> None:
        """Answer with a page of HTML and 200."""
        self.faults.add(Fault("nonsense", path, None, times))

    def drop(self, path: str = ".*", times: int = 1, *, after_work: bool = False) -> None:
        """Close the connection without an answer, after doing what was asked or before."""
        self.faults.add(Fault("drop", path, None, times, after_work=after_work))

    def heal(self) -> None:
        """Take back all that was prepared to go wrong."""
        self.faults.clear()

    # events and limits

    def subscribe(self, types: Iterable[str]) -> None:
        """Tell of these from now on: `contact.creation`, `contact.lifecyclestage`, `contact.merge`."""
        for one in types:
            self.subscriptions.setdefault(one, 7_662_269 + len(self.subscriptions))

    def take_events(self) -> list[Body]:
        """Return what has happened and was subscribed to, once."""
        with self.lock:
            taken, self.events = self.events, []
        return taken

    def event(self, what: str, record: str, at: datetime | None = None, **more: Any) -> Body:
        """Return an event in the generic shape, as if it had just happened."""
        return events.event(self, what, record, at or datetime.now(UTC), **more)

    @property
    def limit(self) -> tuple[int, float] | None:
        """How many calls in how many seconds; None only tells the usual limit and never refuses."""
        return self.quota.limit

    @limit.setter
    def limit(self, value: tuple[int, float] | None) -> None:
        self.quota.limit = value

    @property
    def search_limit(self) -> tuple[int, float] | None:
        """The same for searches; five a second unless told."""
        return self.quota.search_limit

    @search_limit.setter
    def search_limit(self, value: tuple[int, float] | None) -> None:
        self.quota.search_limit = value

    @property
    def daily_left(self) -> int | None:
        """How many calls the day still has; None is no limit."""
        return self.quota.daily_left

    @daily_left.setter
    def daily_left(self, value: int | None) -> None:
        self.quota.daily_left = value

    @property
    def refused_429(self) -> int:
        """How many calls were refused for coming too often."""
        return self.quota.refused
