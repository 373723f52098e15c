"""
What a CRM must be able to do for us, and the table of those that can.

A CRM is one folder: `gateway` (transport), `triggers` (in), `records` (read and write), `install`.
Its dictionary stands in `mappings/crm/<crm>.toml`. `tests/crm/test_contract.py` tells what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from typing import Protocol, cast

from connector.decide.dictionary import Dictionary
from connector.errors import MappingError
from connector.limits import Limits
from connector.model import (
    JSON,
    Answer,
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
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store

CRMS = {
    "local": "connector.crm.local:open_local",
    "hubspot": "connector.crm.hubspot:open_hubspot",
    "salesforce": "connector.crm.salesforce:open_salesforce",
}
# those that reach all accounts at one address of ours, as one app
APPS = {
    "hubspot": "connector.crm.hubspot.doors:open_app",
    "salesforce": "connector.crm.salesforce.doors:open_app",
}
# those that also take credentials of one account's own, and those that take back what lets us in
CONNECTORS = {
    "hubspot": "connector.crm.hubspot.tokens:static_account",
    "salesforce": "connector.crm.salesforce.accounts:own_account",
}
LEAVERS = {
    "hubspot": "connector.crm.hubspot.tokens:give_back",
    "salesforce": "connector.crm.salesforce.tokens:give_back",
}


@dataclass(frozen=True)
class Connection:
    """One CRM account that installed us, with its secrets in clear; never log it."""

    id: str
    crm: str
    title: str
    state: str = "active"
    secrets: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    config: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Surroundings:
    """What a CRM may need of us: settings, the store, our words, keys, and who may call how often."""

    settings: Settings
    store: Store
    dictionary: Dictionary
    keyring: Keyring
    limits: Limits


class BulkState(StrEnum):
    """Where a bulk job stands at the CRM; `open` means that it was not sent off."""

    OPEN = "open"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Bulk(Protocol):
    """
    Thousands of changes in one job of the CRM's own, which takes its time.

    A job is opened, remembered, sent and asked for until it is done; so whoever dies in between
    leaves nothing that a successor could not go on with or give up. *identity* is what the CRM tells
    a change by. All raise as `CRM.write` does.
    """

    least: int
    most: int

    def lot(self, change: Change) -> str:
        """Name those that *change* can be written together with; empty where it goes by `write`."""

    def identity(self, change: Change) -> str:
        """Return by what a result of *change* is recognised: its contact, or its key."""

    def open(self, lot: str) -> str:
        """Open a job and return its ticket; nothing is written yet."""

    def send(self, ticket: str, lot: str, changes: Iterable[Change]) -> None:
        """Send *changes*, none of which is kept in memory, and let the job begin."""

    def state(self, ticket: str) -> BulkState:
        """Ask where the job stands."""

    def results(self, ticket: str, lot: str) -> Iterator[tuple[str, WriteResult]]:
        """Yield identity and result of each change; `change_id` is empty, for the CRM knows none."""

    def abandon(self, ticket: str) -> None:
        """Give up a job that was not sent off; one that is gone is no mistake."""


class CRM(Protocol):
    """
    The verbs of every CRM; a kind that it lacks is answered "unsupported", never ignored.

    *most_at_once* is how many changes one `write` takes best.
    """

    most_at_once: int

    def receive(self, delivery: Delivery) -> Intake:
        """Verify the raw bytes first, then parse; SignatureError or PayloadError otherwise."""

    def changed(self, since: datetime) -> Iterable[Trigger]:
        """Yield triggers for what changed since, to make up for deliveries that were lost."""

    def read(self, subjects: Sequence[Subject], words: Collection[str]) -> Mapping[Subject, Record]:
        """Read just *words*; a subject that is gone is absent from the answer."""

    def consent(self, contacts: Sequence[str]) -> Mapping[str, Consent]:
        """Say for each contact whether it agreed to be written to."""

    def members(self, segment: str) -> Iterator[str]:
        """Yield the contact ids of a list."""

    def outcomes(self, since: datetime) -> Iterable[Happening]:
        """Yield deals, meetings, tickets and forms since."""

    def write(self, changes: Sequence[Change]) -> list[WriteResult]:
        """Write each change; one result per change, and a refused one never blocks the others."""

    def bulk(self) -> Bulk | None:
        """Return the way for thousands of changes, or None where `write` is the only one."""

    def erase(self, contact: str) -> None:
        """Empty our fields and rows of this contact."""

    def install(self) -> InstallReport:
        """Create our fields by priority; running it again changes nothing."""

    def check(self) -> list[Finding]:
        """Say what an admin has to mend."""

    def uninstall(self) -> InstallReport:
        """Remove our fields with all that stands in them, and give back what lets us in."""


@dataclass(frozen=True)
class Account:
    """An account that has just let us in: what its connection is to be."""

    id: str
    title: str
    secrets: Mapping[str, JSON] = field(repr=False)
    config: Mapping[str, JSON]


@dataclass(frozen=True)
class Taken:
    """What one delivery to an app holds for each connection, and what the CRM is answered."""

    intakes: Mapping[str, Intake]
    answer: Answer


class App(Protocol):
    """An app of ours that accounts of a CRM install; it has one address and one secret for all."""

    def receive(self, door: str, delivery: Delivery) -> Taken:
        """
        Verify the raw bytes first, then say what they hold; *door* is the end of our address.

        SignatureError, PayloadError, or NotFoundError where there is no such door.
        """

    def authorize(self, *, state: str, challenge: str, back: str, place: str) -> str:
        """
        Return the CRM's page on which an admin lets us in; *challenge* is PKCE's, S256.

        *place* is where that page is, in a CRM that has several: `sandbox`, or an account's domain.
        """

    def connect(self, *, code: str, verifier: str, back: str, place: str) -> Account:
        """Turn the code that the CRM sent back into an account."""


def open_crm(connection: Connection, surroundings: Surroundings) -> CRM:
    """Return the CRM of *connection*, ready to be called."""
    return cast(CRM, _opener(CRMS, connection.crm)(connection, surroundings))


def open_app(crm: str, surroundings: Surroundings) -> App:
    """Return our app for *crm*; MappingError where there is none."""
    return cast(App, _opener(APPS, crm)(surroundings))


def _opener(table: Mapping[str, str], crm: str) -> Callable[..., object]:
    if crm not in table:
        known = ", ".join(sorted(table)) or "none"
        raise MappingError(f"there is no CRM called {crm!r} for this; known are: {known}")
    module, name = table[crm].split(":")
    return cast(Callable[..., object], getattr(import_module(module), name))
