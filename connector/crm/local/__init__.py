"""
The built-in local CRM, for teams and pilots without a CRM and for the demo.

It keeps its records in our own database and is otherwise treated like any CRM outside: events come
by signed webhook, reads name their fields, and what we owe is written back into fields and rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from connector.crm import CRM, Connection, Surroundings
from connector.crm.local import gateway, records, triggers
from connector.crm.local import install as installation
from connector.model import (
    Change,
    Consent,
    Delivery,
    Finding,
    Happening,
    InstallReport,
    Intake,
    Record,
    Subject,
    Trigger,
    WriteResult,
)
from connector.store import webhooks
from connector.store.clock import milliseconds

# what we announced ourselves was checked when it was said
ANY_TIME = datetime.max.replace(tzinfo=UTC)


class LocalCRM:
    """The verbs of the protocol on our own database."""

    most_at_once = 100

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._id = connection.id
        self._secrets = _signing_secrets(connection)
        self._settings = surroundings.settings
        self._store = surroundings.store
        self._dictionary = surroundings.dictionary

    def receive(self, delivery: Delivery) -> Intake:
        """Verify and read one delivery."""
        return triggers.receive(delivery, self._secrets, self._settings.signature_window_seconds)

    def changed(self, since: datetime) -> Iterable[Trigger]:
        """Yield what we announced since, delivered or not; repeats are recognised by their keys."""
        with self._store.read() as tx:
            address = gateway.hooks_path(self._id)
            for body in webhooks.bodies_since(tx, self._id, address, milliseconds(since)):
                yield from triggers.read_events(body.encode(), ANY_TIME)

    def read(self, subjects: Sequence[Subject], words: Collection[str]) -> Mapping[Subject, Record]:
        """Read just *words* of the subjects that exist."""
        with self._store.read() as tx:
            return records.read(tx, self._id, self._dictionary, subjects, words)

    def consent(self, contacts: Sequence[str]) -> Mapping[str, Consent]:
        """Say what each contact's opt-out field says."""
        with self._store.read() as tx:
            return records.consent(tx, self._id, self._dictionary, contacts)

    def members(self, segment: str) -> Iterator[str]:
        """Yield contact ids of `all` or of `field=value`."""
        return records.members(self._store, self._id, segment)

    def outcomes(self, since: datetime) -> Iterable[Happening]:
        """Yield deals, meetings, tickets and forms since."""
        return records.outcomes(self._store, self._id, since)

    def write(self, changes: Sequence[Change]) -> list[WriteResult]:
        """Write into fields and rows; our own writes announce nothing."""
        return records.write(self._store, self._id, self._dictionary, changes)

    def bulk(self) -> None:
        """All goes by `write`."""

    def erase(self, contact: str) -> None:
        """Empty our fields and rows of this contact."""
        with self._store.write() as tx:
            records.erase(tx, self._id, self._dictionary, contact)

    def install(self) -> InstallReport:
        """Make our fields."""
        with self._store.write() as tx:
            return installation.install(tx, self._id, self._dictionary)

    def check(self) -> list[Finding]:
        """Say what an admin has to mend."""
        with self._store.read() as tx:
            return installation.check(tx, self._id, self._secrets, self._settings, self._dictionary)

    def uninstall(self) -> InstallReport:
        """Remove our fields from every contact."""
        with self._store.write() as tx:
            return installation.uninstall(tx, self._id, self._dictionary)


def open_local(connection: Connection, surroundings: Surroundings) -> CRM:
    """Return the local CRM of *connection*."""
    return LocalCRM(connection, surroundings)


def _signing_secrets(connection: Connection) -> tuple[str, ...]:
    secrets = connection.secrets.get("signing", [])
    return tuple(str(secret) for secret in secrets) if isinstance(secrets, list) else ()
