"""Salesforce as the contract tests see it: its far side is the fake org."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from urllib.parse import quote

from connector.crm import Connection, Surroundings, kept, open_crm
from connector.decide.dictionary import load_dictionary
from connector.limits import Limits
from connector.model import JSON, Delivery
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, connections
from tests.fakes.salesforce.messages import MESSAGE_TYPE, Told, envelope, made_id
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.server import serving

NOT_TOKENS = r"^/services/(?!oauth2/)"
BUSY = [{"message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
         "errorCode": "REQUEST_LIMIT_EXCEEDED"}]  # fmt: skip
# these say what a row is, and are no words of its own
ABOUT = ("object", "key", "contact", "lead", "person")
# what the dictionary names, but no org has by itself
OWN_TYPES = {"Plan__c": "picklist", "Start_Date__c": "date"}


class SalesforceAdapter:
    """One connected org, while the secret in its endpoints' address is being replaced."""

    signs = False
    hears_yes = False  # a checkbox is never empty
    proofs: tuple[str, ...] = ("secret",)
    secret_count = 2
    has_rows = True
    video_url_field = "Cuereel_Video_Url__c"

    def __init__(self, store: Store, settings: Settings, keyring: Keyring) -> None:
        kept.forget_all()
        self.opened = ExitStack()
        self.org = self.opened.enter_context(serving(FakeOrg()))
        self.settings = pointed_at(self.org, settings)
        self.dictionary = load_dictionary("salesforce", ())
        self.limits = Limits(None)
        # asked for once or twice in each test, which would wait half a second each time
        self.org.deploy_polls = 0
        connection = connect(self.org, store, keyring)
        held = connection.secrets
        self.secrets = [str(held["hook_secret"]), str(held["old_hook_secret"])]
        self.connection_id = connection.id
        self.crm = open_crm(
            connection,
            Surroundings(self.settings, store, self.dictionary, keyring, self.limits),
        )

    def id(self, name: str) -> str:
        """Return the id of a contact that has a number."""
        return self.org.id("Contact", name)

    def proof(self, delivery: Delivery, name: str) -> str:
        """Return the secret in the address."""
        assert name == "secret"
        return delivery.url.partition("?")[0].rpartition("/")[2]

    def with_proof(self, delivery: Delivery, name: str, value: str | None) -> Delivery:
        """Return the delivery at an address with another secret, or with none."""
        assert name == "secret"
        path, mark, query = delivery.url.partition("?")
        door = path.rpartition("/")[0]
        if value is not None:
            door += f"/{quote(value, safe='')}"
        return dataclasses.replace(delivery, url=f"{door}{mark}{query}")

    def told_again(
        self, contact: str, *, at: datetime, occurred_at: datetime, number: int
    ) -> Delivery:
        """Return the same notification in another envelope: the record has changed in between."""
        del occurred_at
        body = self._message(contact, "msg-1", LastName=f"Prieto {number}")
        return self._sent(body, self.secrets[0], at)

    def delivery(
        self, contact: str, *, at: datetime, occurred_at: datetime, identity: str = "msg-1"
    ) -> Delivery:
        """Tell of a contact; when it happened is nothing that an outbound message says."""
        del occurred_at
        return self._sent(self._message(contact, identity), self.secrets[0], at)

    def signed_with(self, place: int, contact: str, at: datetime) -> Delivery:
        """Send to an address with one of the two secrets."""
        secret = self.secrets[place]
        return self._sent(self._message(contact, "msg-1"), secret, at)

    def signed_body(self, body: bytes, at: datetime) -> Delivery:
        """Send whatever *body* holds to the right address."""
        return self._sent(body, self.secrets[0], at)

    def signed_by_another(self, contact: str, at: datetime) -> Delivery:
        """Send to our address with another connection's secret."""
        return self._sent(self._message(contact, "msg-1"), "secret-of-another-org", at)

    def add_contact(self, contact: str, fields: Mapping[str, JSON]) -> None:
        """Make a contact, or change it; a field that no org has by itself is defined."""
        named = {self._name(word): value for word, value in fields.items()}
        for name in named:
            if name not in self.org.objects["Contact"].fields:
                self.org.define("Contact", name, type=OWN_TYPES.get(name, "string"))
        self.org.add("Contact", named, id=contact)

    def remove_contact(self, contact: str) -> None:
        """Delete the contact; it lies in the recycle bin."""
        self.org.remove("Contact", self.id(contact))

    def spoil_consent(self, contact: str) -> None:
        """Take away our sight of the opt-out, of all contacts."""
        del contact
        self.org.hide("Contact", self._name("email_opt_out"))

    def written(self, contact: str) -> Mapping[str, JSON]:
        """Return our fields by our words, those that are set."""
        held = self.org.records["Contact"].get(self.id(contact), {})
        return {
            word: held[spec.name]
            for word, spec in self.dictionary.write_fields.items()
            if held.get(spec.name) is not None
        }

    def rows(self, contact: str) -> Mapping[str, Mapping[str, JSON]]:
        """Return videos and views of a contact by their keys."""
        person, found = self.id(contact), {}
        for names in self.dictionary.rows.values():
            for record in self.org.records.get(names["object"], {}).values():
                if person in (record.get(names["contact"]), record.get(names["lead"])):
                    found[str(record[names["key"]])] = self._row(names, record)
        return found

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Refuse every call as one too many at a time."""
        self.org.fail(403, BUSY, path=NOT_TOKENS, times=-1)
        yield
        self.org.heal()
        # the seconds that we were to rest are over
        self.limits._windows.clear()

    def close(self) -> None:
        """Close the gateway, where there is one, and the org."""
        getattr(self.crm, "close", lambda: None)()
        self.opened.close()

    def _message(self, contact: str, identity: str, **values: JSON) -> bytes:
        told = Told(made_id("04l", identity), self.id(contact), values)
        action = made_id("04k", "Cuereel_Onboarding")
        return envelope(self.org.org_id, self.org.url, action, "Contact", [told])

    def _sent(self, body: bytes, secret: str, at: datetime) -> Delivery:
        door = f"{self.settings.base_url}/hooks/salesforce/{self.connection_id}"
        return Delivery(
            connection_id=self.connection_id,
            method="POST",
            url=f"{door}/{secret}?trigger=contact_onboarding",
            headers={"content-type": MESSAGE_TYPE, "soapaction": '""'},
            body=body,
            received_at=at,
        )

    def _row(self, names: Mapping[str, str], record: Mapping[str, JSON]) -> dict[str, JSON]:
        words = ((word, name) for word, name in names.items() if word not in ABOUT)
        # a checkbox is never empty, so one that nobody ticked holds nothing
        return {word: record[name] for word, name in words if record.get(name) not in (None, False)}

    def _name(self, word: str) -> str:
        name = self.dictionary.field(f"contact.{word}")
        assert name is not None
        return name


def pointed_at(org: FakeOrg, settings: Settings) -> Settings:
    """Return settings under which all of Salesforce is the fake."""
    return settings.model_copy(update={"salesforce_api": org.url})


def connection_of(org: FakeOrg, kind: str = "client_credentials") -> Connection:
    """Return a connection of the org with a grant of *kind*."""
    config = {"org": org.org_id, "instance": org.url, "username": org.username,
              "user": org.user_id, "sandbox": False, "domain": "casa-verde.my.salesforce.com",
              "consent_api": False}  # fmt: skip
    return Connection(
        f"salesforce-{org.org_id}",
        "salesforce",
        "Casa Verde",
        secrets=org.secrets(kind),
        config=config,
    )


def connect(
    org: FakeOrg, store: Store, keyring: Keyring, kind: str = "client_credentials"
) -> Connection:
    """Store a connection of the org, as `cuereel crm connect salesforce` does."""
    made = connection_of(org, kind)
    with store.write() as tx:
        connections.add(
            tx,
            keyring,
            connection_id=made.id,
            crm="salesforce",
            title=made.title,
            secrets=dict(made.secrets),
            config=dict(made.config),
        )
    return made
