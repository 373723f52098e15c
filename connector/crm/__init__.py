"""
What a CRM must be able to do for us, and the table of those that can.

A CRM is one folder: `gateway` (transport), `triggers` (in), `records` (read and write), `install`.
Its dictionary stands in `mappings/crm/<crm>.toml`. `tests/crm/test_contract.py` tells what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Protocol, cast

from connector.decide.dictionary import Dictionary
from connector.errors import MappingError
from connector.model import (
    JSON,
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
from connector.settings import Settings
from connector.store import Store

CRMS = {"local": "connector.crm.local:open_local"}


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
    """What a CRM may need of us: the store (only the local CRM keeps records there) and settings."""

    settings: Settings
    store: Store
    dictionary: Dictionary


class CRM(Protocol):
    """The verbs of every CRM; a kind that it lacks is answered "unsupported", never ignored."""

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

    def erase(self, contact: str) -> None:
        """Empty our fields and rows of this contact."""

    def install(self) -> InstallReport:
        """Create our fields by priority; running it again changes nothing."""

    def check(self) -> list[Finding]:
        """Say what an admin has to mend."""


def open_crm(connection: Connection, surroundings: Surroundings) -> CRM:
    """Return the CRM of *connection*, ready to be called."""
    try:
        module, opener = CRMS[connection.crm].split(":")
    except KeyError:
        known = ", ".join(sorted(CRMS))
        raise MappingError(
            f"there is no CRM called {connection.crm!r}; known are: {known}"
        ) from None
    return cast(CRM, getattr(import_module(module), opener)(connection, surroundings))
