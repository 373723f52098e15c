"""An installation that HubSpot reaches over https, its admins at their browsers, and a portal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.secrets import Keyring, new_key
from connector.settings import Settings
from connector.store import Store, audit, connections
from connector.store.connections import ConnectionRow
from connector.store.users import Role
from tests.fakes.hubspot import FakeHubSpot, serving
from tests.web.colleagues import PASSWORD, open_office

BASE = "https://video.example.com"
PAGE = {"Accept": "text/html"}


@dataclass
class Browser:
    """One browser of somebody who comes over https."""

    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, base_url=BASE, headers=PAGE)

    def press(self, page: str, **data: str) -> TestResponse:
        """Press a button on *page*, which its form sends to the page's own address."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert found is not None, f"{page} has no form"
        return self.client.post(
            page,
            base_url=BASE,
            headers={**PAGE, "Referer": BASE + page},
            data={"csrf_token": found[1], **data},
        )

    def let_in(self) -> str:
        """Begin connecting and agree on HubSpot's page; return the address that it leads back to."""
        begun = self.get("/oauth/hubspot/start")
        assert begun.status_code == 303, begun.text
        answer = requests.get(begun.location, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"].removeprefix(BASE)


@dataclass
class Installation:
    """An installation with its users, and a portal of HubSpot's that nobody has connected yet."""

    app: Flask
    store: Store
    fake: FakeHubSpot
    keyring: Keyring = field(repr=False)

    def browser(self, role: Role | None = Role.ADMIN) -> Browser:
        """Return a fresh browser, signed in as a user of *role*."""
        browser = Browser(self.app.test_client())
        if role is not None:
            answer = browser.press(
                "/console/sign-in", email=f"{role}@example.com", password=PASSWORD
            )
            assert answer.status_code == 303
        return browser

    @property
    def connection_id(self) -> str:
        """The id under which the portal is connected."""
        return f"hubspot-{self.fake.portal}"

    def row(self) -> ConnectionRow | None:
        """Return the portal's connection as it is stored."""
        with self.store.read() as tx:
            return connections.get(tx, self.keyring, self.connection_id)

    def connected(self) -> ConnectionRow:
        """Return the portal's connection, which is there."""
        row = self.row()
        assert row is not None
        return row

    def connect(self, config: Mapping[str, Any] | None = None) -> None:
        """Connect the portal, as somebody did some time ago."""
        with self.store.write() as tx:
            connections.add(
                tx,
                self.keyring,
                connection_id=self.connection_id,
                crm="hubspot",
                title="Casa Verde",
                secrets=self.fake.secrets(),
                config={"portal": self.fake.portal, **(config or {})},
            )

    def actions(self) -> list[str]:
        """Return what the audit log tells of connections, oldest first."""
        with self.store.read() as tx:
            found = audit.entries(tx, subject=self.connection_id)
        return [entry.action for entry in reversed(found)]


@contextmanager
def installation(settings: Settings, store: Store) -> Iterator[Installation]:
    """Serve a portal, and open an installation whose app it knows."""
    with serving(FakeHubSpot()) as fake:
        here = settings.model_copy(
            update={
                "public_base_url": BASE,
                "secret_keys": new_key(),
                "hubspot_api": fake.url,
                "hubspot_site": fake.url,
                "hubspot_client_id": fake.client_id,
                "hubspot_client_secret": fake.client_secret,
            }
        )
        assert urlsplit(here.base_url).scheme == "https"
        office = open_office(here, store)
        yield Installation(office.app, store, fake, office.app.extensions["cuereel"].keyring)
