"""One org: what stands in it, what a test may do to it from the far side, and its switches."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.fakes.salesforce import memory, ours, schema
from tests.fakes.salesforce.calls import Asked
from tests.fakes.salesforce.grants import Grants, key_pair
from tests.fakes.salesforce.lookups import Index
from tests.fakes.salesforce.schema import Field, Sobject, whole
from tests.fakes.salesforce.standard import standard
from tests.fakes.salesforce.trouble import Trouble
from tests.fakes.salesforce.values import ID, Values, key_of, native


class FakeOrg(Trouble):
    """An org with one app of ours; every switch is an attribute."""

    url = ""

    def __init__(self, number: int = 1) -> None:
        super().__init__()
        self.lock = threading.RLock()
        self.org_id = whole(f"00D5e{number:010d}")
        self.user_id = whole(f"0055e{1:010d}")
        self.admin_id = whole(f"0055e{2:010d}")
        self.username = "cuereel@casa-verde.example"
        self._app()
        self._contents()
        self._switches()
        self._protocol()
        self._people()

    def _app(self) -> None:
        self.client_id = "3MVG9" + secrets.token_hex(20)
        self.client_secret = secrets.token_hex(32).upper()
        self.grants = Grants()
        self.refreshes = 0

    def _contents(self) -> None:
        self.objects: dict[str, Sobject] = {}
        self.records: dict[str, dict[str, Values]] = {}
        self.deleted: dict[str, dict[str, Values]] = {}
        self.index: dict[tuple[str, str], Index] = {}
        self.indexed: dict[str, list[str]] = defaultdict(list)
        self.hidden: set[tuple[str, str]] = set()
        self.numbers = itertools.count(900_001)
        self.cursors: dict[str, Any] = {}
        # asked after each change of a record: object and id
        self.watchers: list[Callable[[str, str], None]] = []
        for one in standard().values():
            self._know(one)

    def _switches(self) -> None:
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.sandbox = False
        self.approved = True  # whether an admin has let our user use the app
        self.blocked = False  # whether the app was taken out of the org
        self.rotates = True
        self.declines = False
        self.field_errors = "request"
        self.versions = (31.0, 67.0)
        self.page = 2000
        self.api_used, self.api_limit = 0, 100_000
        # for the parts that work slowly
        self.bulk_polls, self.deploy_polls = 2, 1
        self.admin_sees_all = False
        self.privacy_permission = True

    def _protocol(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.requests: deque[Asked] = deque(maxlen=1000)
        self.jobs: dict[str, Any] = {}
        self.deploys: list[Any] = []
        self.outbound_messages: dict[str, Any] = {}
        self.flows: dict[str, Any] = {}
        self.components: dict[str, Any] = {}
        # runs one request inside another; the server sets it
        self.inside: Callable[[str, str, Any], tuple[int, Any]] | None = None

    def _people(self) -> None:
        self.add("Organization", {"Name": "Casa Verde", "OrganizationType": "Enterprise Edition", "InstanceName": "EU45", "TimeZoneSidKey": "Europe/Madrid", "DefaultLocaleSidKey": "en_IE", "LanguageLocaleKey": "en_US", "Country": "ES"}, id=self.org_id)  # fmt: skip
        self.add("User", {"Username": self.username, "FirstName": "Cuereel", "LastName": "Integration", "Email": self.username, "TimeZoneSidKey": "Europe/Madrid", "UserType": "Standard"}, id=self.user_id)  # fmt: skip
        self.add("User", {"Username": "admin@casa-verde.example", "FirstName": "Marta", "LastName": "Ruiz", "Email": "admin@casa-verde.example", "TimeZoneSidKey": "Europe/Madrid", "UserType": "Standard"}, id=self.admin_id)  # fmt: skip

    # what stands in the org

    def id(self, name: str, number: str | int) -> str:
        """Return the id that a number stands for, always the same."""
        text = str(number)
        if ID.fullmatch(text):
            return whole(text)
        if not text.isdigit():
            text = str(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16))
        return whole(f"{self.objects[name].prefix}5e{int(text):010d}")

    def new_id(self, name: str) -> str:
        """Return an id that no record has yet."""
        return self.id(name, next(self.numbers))

    def add(
        self,
        name: str,
        values: Mapping[str, Any],
        id: str | None = None,
        *,
        at: datetime | None = None,
        by: str | None = None,
    ) -> str:
        """Make a record or change it as somebody in the org does; ValueError for a field it has not."""
        with self.lock:
            record = self.id(name, id) if id else self.new_id(name)
            what = self.objects[name]
            lacking = [key for key in values if key not in what.fields]
            if lacking:
                raise ValueError(f"{name} has no fields {lacking}; define() them first")
            read = {key: native(what.fields[key], value) for key, value in values.items()}
            self.deleted[name].pop(record, None)
            memory.put(self, name, record, read, by or self.admin_id, at)
            return record

    def remove(
        self, name: str, id: str, into: str | None = None, *, at: datetime | None = None
    ) -> None:
        """Delete a record as somebody in the org does; *into* is the one it is merged into."""
        with self.lock:
            winner = self.id(name, into) if into else ""
            memory.remove(self, name, self.id(name, id), self.admin_id, at, winner)

    def restore(self, name: str, id: str) -> None:
        """Take a record out of the recycle bin."""
        with self.lock:
            memory.restore(self, name, self.id(name, id), self.admin_id)

    def define(self, name: str, field_name: str, type: str = "string", **more: Any) -> Field:
        """Make a field of the org's own, or change one."""
        with self.lock:
            one = self.objects[name].add(schema.definition(field_name, type, **more))
            self._index(name, one)
            return one

    def define_object(self, name: str, prefix: str, fields: Mapping[str, Any]) -> Sobject:
        """Make an object of the org's own; *fields* by name: a type, or a dictionary with more."""
        with self.lock:
            read = [
                schema.definition(key, **({"type": told} if isinstance(told, str) else told))
                for key, told in fields.items()
            ]
            return self._know(schema.sobject(name, prefix, read))

    def undefine(self, name: str, field_name: str = "") -> None:
        """Take a field, or a whole object, out of the org with all that stands in it."""
        with self.lock:
            if field_name:
                self._forget(name, field_name)
                return
            del self.objects[name], self.records[name], self.deleted[name]
            self.indexed.pop(name, None)

    def hide(self, name: str, field_name: str = "") -> None:
        """Let our user no longer see a field; without one, the object."""
        self.hidden.add((name, field_name))

    def show(self, name: str, field_name: str = "") -> None:
        """Let our user see it again."""
        self.hidden.discard((name, field_name))

    def sees(self, name: str, field_name: str = "") -> bool:
        """Tell whether our user sees a field, or the object."""
        return (name, "") not in self.hidden and (name, field_name) not in self.hidden

    def field(self, name: str, field_name: str) -> Field | None:
        """Return a field as far as our user sees it."""
        found = self.objects[name].find(field_name)
        return found if found and self.sees(name, found.name) else None

    def object(self, name: str) -> Sobject | None:
        """Return an object as far as our user sees it, however its name is written."""
        found = self.objects.get(name) or next(
            (one for key, one in self.objects.items() if key.lower() == name.lower()), None
        )
        return found if found and self.sees(found.name) else None

    def install_ours(self) -> None:
        """Make all fields and objects of our package at once."""
        with self.lock:
            for what in ours.objects():
                self._know(what)
            for name, fields in ours.fields().items():
                for one in fields:
                    self._index(name, self.objects[name].add(one))

    def _know(self, one: Sobject) -> Sobject:
        self.objects[one.name] = one
        self.records.setdefault(one.name, {})
        self.deleted.setdefault(one.name, {})
        for each in one.fields.values():
            self._index(one.name, each)
        return one

    def _index(self, name: str, one: Field) -> None:
        if not one.indexed or one.name == "Id" or one.name in self.indexed[name]:
            return
        self.indexed[name].append(one.name)
        index = self.index[name, one.name] = Index()
        for record, values in self.records.get(name, {}).items():
            index.move(record, None, key_of(one, values.get(one.name)))

    def _forget(self, name: str, field_name: str) -> None:
        self.objects[name].drop(field_name)
        if field_name in self.indexed[name]:
            self.indexed[name].remove(field_name)
        for values in self.records[name].values():
            values.pop(field_name, None)

    # letting us in

    def secrets(self, kind: str = "client_credentials") -> Values:
        """Return the secrets of a connection of this kind, with a token that is good."""
        with self.lock:
            held: Values = {
                "kind": kind,
                "login": self.url,
                "access": self.grants.access(self.org_id),
            }
            held |= {"instance": self.url, "hook_secret": "hook-secret-1", "old_hook_secret": "hook-secret-0"}  # fmt: skip
            held["consumer_key"] = self.client_id
            if kind == "client_credentials":
                held["consumer_secret"] = self.client_secret
            if kind == "jwt_bearer":
                held |= {"username": self.username, "private_key": key_pair()[0]}
            if kind == "web_server":
                held["refresh"] = self.grants.refresh()
            return held

    def expire_tokens(self) -> None:
        """Let all access tokens run out now."""
        with self.lock:
            self.grants.accesses.clear()

    def revoke(self) -> None:
        """Take the app out of the org, as an admin does: no token is good, and none is given."""
        with self.lock:
            self.blocked = True
            self.grants = Grants()
