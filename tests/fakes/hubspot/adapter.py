"""HubSpot as the contract tests see it: its far side is the fake portal."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime

from connector.crm import Connection, Surroundings
from connector.decide.dictionary import load_dictionary
from connector.limits import Limits
from connector.model import JSON, Delivery
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, connections
from tests.fakes.headers import SignedByHeader
from tests.fakes.hubspot.portal import FakeHubSpot
from tests.fakes.hubspot.server import serving
from tests.fakes.hubspot.signing import sign_v3

NOT_OAUTH = r"^/(?!oauth/)"
BUSY = {"status": "error", "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}  # fmt: skip


class HubSpotAdapter(SignedByHeader):
    """One connected portal, while our client secret is being replaced."""

    proofs: tuple[str, ...] = ("x-hubspot-signature-v3", "x-hubspot-request-timestamp")
    secret_count = 2
    has_rows = False

    def __init__(self, store: Store, settings: Settings, keyring: Keyring) -> None:
        # written at integration, after this
        from connector.crm.hubspot import open_hubspot

        self.opened = ExitStack()
        self.fake = self.opened.enter_context(serving(FakeHubSpot()))
        self.fake.old_secrets = ["older-secret-of-the-app"]
        self.secrets = [self.fake.client_secret, *self.fake.old_secrets]
        self.settings = pointed_at(self.fake, settings)
        self.dictionary = load_dictionary("hubspot", ())
        connection = connect(self.fake, store, keyring)
        self.connection_id = connection.id
        surroundings = Surroundings(self.settings, store, self.dictionary, keyring, Limits(None))
        self.crm = open_hubspot(connection, surroundings)

    def delivery(
        self, contact: str, *, at: datetime, occurred_at: datetime, identity: str = "msg-1"
    ) -> Delivery:
        """Tell that a contact has become a customer, signed with the newest secret."""
        return self._sign(self._told(contact, occurred_at, identity), self.secrets[0], at)

    def signed_with(self, place: int, contact: str, at: datetime) -> Delivery:
        """Sign with one of the app's secrets."""
        return self._sign(self._told(contact, at, "msg-1"), self.secrets[place], at)

    def signed_body(self, body: bytes, at: datetime) -> Delivery:
        """Sign whatever *body* holds."""
        return self._sign(body, self.secrets[0], at)

    def signed_by_another(self, contact: str, at: datetime) -> Delivery:
        """Sign with the secret of somebody else's app."""
        return self._sign(self._told(contact, at, "msg-1"), "secret-of-another-app", at)

    def add_contact(self, contact: str, fields: Mapping[str, JSON]) -> None:
        """Make a contact, or change it."""
        named = {self._name(word): value for word, value in fields.items()}
        self.fake.add("contacts", named, contact)

    def remove_contact(self, contact: str) -> None:
        """Delete the contact; the portal could restore it."""
        self.fake.remove("contacts", contact)

    def spoil_consent(self, contact: str) -> None:
        """Put an answer that is neither yes nor no."""
        self.fake.records["contacts"][contact][self._name("email_opt_out")] = "maybe"

    def written(self, contact: str) -> Mapping[str, JSON]:
        """Return our properties by our words; numbers as numbers."""
        held = self.fake.records["contacts"].get(contact, {})
        return {
            word: json.loads(held[spec.name]) if spec.type == "number" else held[spec.name]
            for word, spec in self.dictionary.write_fields.items()
            if spec.name in held
        }

    def rows(self, _contact: str) -> Mapping[str, Mapping[str, JSON]]:
        """HubSpot has no place for rows."""
        return {}

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Refuse every call as one too many."""
        self.fake.fail(429, BUSY, times=-1, path=NOT_OAUTH)
        yield
        self.fake.heal()

    def close(self) -> None:
        """Close the gateway, where there is one, and the portal."""
        getattr(self.crm, "close", lambda: None)()
        self.opened.close()

    def _told(self, contact: str, occurred_at: datetime, identity: str) -> bytes:
        event = self.fake.event(
            "contact.lifecyclestage",
            contact,
            occurred_at,
            propertyValue="customer",
            eventId=zlib.crc32(identity.encode()),
        )
        return json.dumps([event]).encode()

    def _sign(self, body: bytes, secret: str, at: datetime) -> Delivery:
        url = f"{self.settings.base_url}/hooks/hubspot/{self.connection_id}"
        return Delivery(
            connection_id=self.connection_id,
            method="POST",
            url=url,
            headers=sign_v3(secret, "POST", url, body, int(at.timestamp() * 1000)),
            body=body,
            received_at=at,
        )

    def _name(self, word: str) -> str:
        name = self.dictionary.field(f"contact.{word}")
        assert name is not None
        return name


def pointed_at(fake: FakeHubSpot, settings: Settings) -> Settings:
    """Return settings under which HubSpot is the fake, with all secrets that it accepts."""
    return settings.model_copy(
        update={
            "hubspot_api": fake.url,
            "hubspot_site": fake.url,
            "hubspot_client_id": fake.client_id,
            "hubspot_client_secret": ",".join([fake.client_secret, *fake.old_secrets]),
        }
    )


def connect(fake: FakeHubSpot, store: Store, keyring: Keyring) -> Connection:
    """Store a connection of the portal, as an admin's consent does."""
    secrets = fake.secrets()
    config = {"portal": fake.portal, "domain": fake.domain, "scopes": sorted(fake.scopes),
              "account_type": fake.account["accountType"],
              "time_zone": fake.account["timeZone"]}  # fmt: skip
    made = Connection(
        f"hubspot-{fake.portal}", "hubspot", fake.domain, secrets=secrets, config=config
    )
    with store.write() as tx:
        connections.add(
            tx,
            keyring,
            connection_id=made.id,
            crm="hubspot",
            title=made.title,
            secrets=secrets,
            config=config,
        )
    return made
