"""
The local CRM as the contract tests see it: its far side is our own database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import event, text

from connector.crm import Connection, Surroundings, open_crm
from connector.crm.local.gateway import Announcement, event_body
from connector.decide.dictionary import load_dictionary
from connector.limits import Limits
from connector.model import JSON, Delivery, Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.signing import new_secret, signed_headers
from connector.store import Store, connections, record_rows, records
from tests.fakes.headers import SignedByHeader

UNMAPPED = {"diary": "a private remark that no mapping names"}


class LocalAdapter(SignedByHeader):
    """One connection of the local CRM with two signing secrets."""

    connection_id = "local"
    proofs: tuple[str, ...] = ("webhook-id", "webhook-timestamp", "webhook-signature")
    secret_count = 2
    has_rows = True

    def __init__(self, store: Store, settings: Settings, keyring: Keyring) -> None:
        # a short patience, so that a busy database shows at once
        self.store = Store(store.url, busy_seconds=0.2)
        if not store.sqlite:
            event.listen(self.store.engine, "connect", _impatient)
        self.dictionary = load_dictionary("local", ())
        self.secrets = [new_secret(), new_secret()]
        connect_local(self.store, keyring, self.connection_id, self.secrets)
        connection = Connection(
            self.connection_id, "local", "Local", secrets={"signing": self.secrets}
        )
        self.crm = open_crm(
            connection, Surroundings(settings, self.store, self.dictionary, keyring, Limits(None))
        )

    def delivery(
        self, contact: str, *, at: datetime, occurred_at: datetime, identity: str = "msg-1"
    ) -> Delivery:
        """Sign one onboarding with the newest secret."""
        happened = Announcement("contact.onboarding", Subject("contact", contact))
        body = event_body(happened, occurred_at).encode()
        return self.sign(body, self.secrets[0], at, identity)

    def signed_with(self, place: int, contact: str, at: datetime) -> Delivery:
        """Sign with one of the connection's secrets."""
        body = self.delivery(contact, at=at, occurred_at=at).body
        return self.sign(body, self.secrets[place], at, "msg-1")

    def signed_body(self, body: bytes, at: datetime) -> Delivery:
        """Sign whatever *body* holds."""
        return self.sign(body, self.secrets[0], at, "msg-1")

    def signed_by_another(self, contact: str, at: datetime) -> Delivery:
        """Sign with a secret that this connection does not know."""
        body = self.delivery(contact, at=at, occurred_at=at).body
        return self.sign(body, new_secret(), at, "msg-1")

    def sign(self, body: bytes, secret: str, at: datetime, identity: str) -> Delivery:
        """Return *body* as it would arrive."""
        return Delivery(
            connection_id=self.connection_id,
            method="POST",
            url=f"http://127.0.0.1:8400/hooks/local/{self.connection_id}",
            headers=signed_headers(secret, identity, body, at),
            body=body,
            received_at=at,
        )

    def add_contact(self, contact: str, fields: Mapping[str, JSON]) -> None:
        """Put a contact, with one field beside that no mapping names."""
        named = {self._name(word): value for word, value in fields.items()}
        with self.store.write() as tx:
            records.put(tx, self.connection_id, "contact", contact, {**named, **UNMAPPED})

    def remove_contact(self, contact: str) -> None:
        """Delete the record."""
        with self.store.write() as tx:
            records.remove(tx, self.connection_id, "contact", contact)

    def spoil_consent(self, contact: str) -> None:
        """Put an answer that is neither yes nor no."""
        self.add_contact(contact, {"email_opt_out": "see attachment"})

    def written(self, contact: str) -> Mapping[str, JSON]:
        """Return our fields by our words."""
        with self.store.read() as tx:
            record = records.get(tx, self.connection_id, "contact", contact)
        fields = record.fields if record else {}
        names = {spec.name: word for word, spec in self.dictionary.write_fields.items()}
        return {names[name]: value for name, value in fields.items() if name in names}

    def rows(self, contact: str) -> Mapping[str, Mapping[str, JSON]]:
        """Return the rows of a contact by their keys."""
        with self.store.read() as tx:
            found = record_rows.of_contact(tx, self.connection_id, contact)
        return {row.key: row.values for row in found}

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Hold the lock that every write needs."""
        with self.store.engine.connect() as other:
            if self.store.sqlite:
                other.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                other.execute(text("LOCK TABLE records IN ACCESS EXCLUSIVE MODE"))
            yield
            other.rollback()

    def close(self) -> None:
        """Give back all connections."""
        self.store.close()

    def _name(self, word: str) -> str:
        name = self.dictionary.field(f"contact.{word}")
        assert name is not None
        return name


def connect_local(store: Store, keyring: Keyring, connection_id: str, secrets: list[str]) -> None:
    """Store a connection of the local CRM, as `cuereel crm install` does."""
    with store.write() as tx:
        connections.add(
            tx,
            keyring,
            connection_id=connection_id,
            crm="local",
            title="Local",
            secrets={"signing": secrets},
        )


def _impatient(raw: Any, _record: Any) -> None:
    with raw.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    raw.commit()
