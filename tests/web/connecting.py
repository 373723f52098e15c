"""An installation beside a portal, and the way of an admin there and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.secrets import Keyring, new_key
from connector.settings import Settings
from connector.store import Store, audit, connections
from connector.store.connections import ConnectionRow
from tests.fakes.hubspot import FakeHubSpot, serving
from tests.web.colleagues import Office, Visitor, open_office

START = "/oauth/hubspot/start"
HOST = "video.example.com"
COOKIE = "__Host-cuereel_oauth"


class PublicBrowser(FlaskClient):
    """A browser that reaches us at the public address, as HubSpot sends one back there."""

    def open(self, *args: Any, **options: Any) -> Any:
        """Send a request."""
        return super().open(*args, **{"base_url": f"https://{HOST}"} | options)


@dataclass
class Beside:
    """Our installation, the portal, and what is stored of it."""

    office: Office
    fake: FakeHubSpot

    @property
    def id(self) -> str:
        """The id of the portal's connection."""
        return f"hubspot-{self.fake.portal}"

    @property
    def page(self) -> str:
        """The connection's page."""
        return f"/console/connections/{self.id}"

    @property
    def keyring(self) -> Keyring:
        """The keys of the installation."""
        found: Keyring = self.office.app.extensions["cuereel"].keyring
        return found

    def row(self) -> ConnectionRow | None:
        """Return the connection as it is stored."""
        with self.office.store.read() as tx:
            return connections.get(tx, self.keyring, self.id)

    def known(self) -> ConnectionRow:
        """Return the connection, which must be there."""
        row = self.row()
        assert row is not None
        return row

    def plant(self, **config: Any) -> None:
        """Store the connection as it is after an admin has let us in."""
        with self.office.store.write() as tx:
            connections.add(
                tx,
                self.keyring,
                connection_id=self.id,
                crm="hubspot",
                title=self.fake.domain,
                secrets=self.fake.secrets(),
                config={"portal": self.fake.portal, "domain": self.fake.domain, **config},
            )

    def actions(self) -> list[str]:
        """Return what the log tells of the connection, oldest first."""
        with self.office.store.read() as tx:
            return [one.action for one in audit.entries(tx, subject=self.id)][::-1]

    def kept(self, visitor: Visitor) -> str:
        """Return the cookie of a browser in which connecting was begun; empty where it is spent."""
        cookie = visitor.client.get_cookie(COOKIE, HOST)
        return "" if cookie is None else cookie.value

    def keep(self, visitor: Visitor, value: str) -> None:
        """Put another cookie into a browser."""
        visitor.client.set_cookie(COOKIE, value, domain=HOST, secure=True)

    def agreed(self, visitor: Visitor) -> str:
        """Go to the portal's page and agree there; return the way back that it sends one."""
        there = visitor.get(START).location
        with requests.get(there, allow_redirects=False, timeout=5) as answer:
            back = urlsplit(answer.headers["Location"])
        return f"{back.path}?{back.query}"

    def connect(self, visitor: Visitor) -> TestResponse:
        """Go the whole way."""
        return visitor.get(self.agreed(visitor))


@contextmanager
def beside(settings: Settings, store: Store, **more: Any) -> Iterator[Beside]:
    """Open an installation whose HubSpot is a fake."""
    with serving(FakeHubSpot()) as fake:
        at = {"hubspot_api": fake.url, "hubspot_site": fake.url, "hubspot_client_id": "client-1"}
        ours = {"public_base_url": f"https://{HOST}", "secret_keys": new_key()}
        known = {**at, **ours, "hubspot_client_secret": fake.client_secret, **more}
        office = open_office(settings.model_copy(update=known), store)
        office.app.test_client_class = PublicBrowser
        yield Beside(office, fake)


def asked(address: str) -> dict[str, str]:
    """Return the query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
