"""People at their browsers and programs with a token, as the console's and the API's tests need them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.app import create_app
from connector.decide.dictionary import load_dictionary
from connector.settings import Settings
from connector.signing import new_secret
from connector.store import Store, logins, records, users
from connector.store.logins import Use
from connector.store.users import Role
from tests.fakes.local import connect_local

PASSWORD = "correct horse battery"
CONTACT = "/console/records/contact/c-001"


@cache
def stored_password() -> str:
    """The password of everybody in these tests, hashed with less effort than a real one."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass
class Visitor:
    """One browser."""

    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, headers={"Accept": "text/html"})

    def post(
        self, path: str, data: dict[str, Any], *, page: str = "/console/sign-in"
    ) -> TestResponse:
        """Press a button on *page*, with the proof that its form carries."""
        sent = {"csrf_token": self.proof(page), **data}
        return self.client.post(path, data=sent, headers={"Accept": "text/html"})

    def proof(self, page: str) -> str:
        """Return the forgery token of a page's first form."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert found is not None, f"{page} has no form"
        return found[1]

    def sign_in(self, email: str, password: str = PASSWORD, **more: str) -> TestResponse:
        """Send the sign-in form."""
        return self.post("/console/sign-in", {"email": email, "password": password, **more})


@dataclass
class Office:
    """An installation with three users and one contact."""

    app: Flask
    store: Store
    ids: dict[Role, str] = field(default_factory=dict)

    def visitor(self, role: Role | None = None) -> Visitor:
        """Return a fresh browser, signed in as a user of *role*."""
        visitor = Visitor(self.app.test_client())
        if role is not None:
            assert visitor.sign_in(f"{role}@example.com").status_code == 303
        return visitor

    def token(self, role: Role) -> str:
        """Return an API token of a user of *role*."""
        with self.store.write() as tx:
            return logins.open_login(tx, self.ids[role], Use.API)

    def fields(self, kind: str, record_id: str) -> dict[str, Any] | None:
        """Return a record as it is stored."""
        with self.store.read() as tx:
            found = records.get(tx, "local", kind, record_id)
        return None if found is None else dict(found.fields)


def open_office(settings: Settings, store: Store) -> Office:
    """Make an installation that people work with."""
    app = create_app(settings)
    app.testing = True
    connect_local(store, app.extensions["cuereel"].keyring, "local", [new_secret()])
    office = Office(app, store)
    with store.write() as tx:
        for role in Role:
            added = users.add(tx, f"{role}@example.com", stored_password(), role)
            office.ids[role] = added.id
        ours = {spec.name: None for spec in load_dictionary("local", ()).write_fields.values()}
        ana = {"first_name": "Ana", "last_name": "Prieto", "email": "ana@example.com"}
        records.put(tx, "local", "contact", "c-001", {**ours, **ana, "loyalty": "00123"})
        records.put(tx, "local", "cart", "cart-1", {"contact_id": "c-001", "total": 129.5})
    return office
