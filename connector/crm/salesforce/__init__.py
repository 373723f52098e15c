"""
Salesforce: one connection is one org.

Flows send outbound messages to an address that only the org knows; what they say is a hint, and every
record is read anew. Reads are queries, writes go in collections or bulk jobs. We write only our own
fields and objects, and never make a contact or a lead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from connector.crm import CRM, Bulk, Connection, Surroundings
from connector.crm.salesforce import (
    changed,
    check,
    consent,
    erasing,
    install,
    members,
    outbound,
    outcomes,
    records,
    uninstall,
    write,
)
from connector.crm.salesforce.bulk import SalesforceBulk
from connector.crm.salesforce.gateway import Gateway, open_gateway
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


class SalesforceCRM:
    """The verbs of the protocol on one org."""

    most_at_once = 2000

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._connection = connection
        self._surroundings = surroundings
        self._dictionary = surroundings.dictionary

    @cached_property
    def _gateway(self) -> Gateway:
        # opened at the first call, because deliveries need none
        return open_gateway(self._connection, self._surroundings)

    def receive(self, delivery: Delivery) -> Intake:
        """Verify and read one outbound message of this org."""
        return outbound.receive(delivery, self._connection, self._surroundings)

    def changed(self, since: datetime) -> Iterable[Trigger]:
        """Yield what flows should have told since, and what none tells."""
        return changed.changed(self._gateway, self._dictionary, since)

    def read(self, subjects: Sequence[Subject], words: Collection[str]) -> Mapping[Subject, Record]:
        """Read just *words* of the subjects that exist, in a few queries."""
        return records.read(self._gateway, self._dictionary, subjects, words)

    def consent(self, contacts: Sequence[str]) -> Mapping[str, Consent]:
        """Say what opt-out fields, Individual and, where allowed, the Consent API say."""
        return consent.consent(
            self._gateway, self._dictionary, contacts, asks_api=self._asks_consent_api()
        )

    def members(self, segment: str) -> Iterator[str]:
        """Yield ids of contacts and leads: `all`, `campaign:<id>`, or `field=value`."""
        return members.members(self._gateway, self._dictionary, segment)

    def outcomes(self, since: datetime) -> Iterable[Happening]:
        """Yield opportunity stages, cases and meetings since."""
        return outcomes.outcomes(self._gateway, since)

    def write(self, changes: Sequence[Change]) -> list[WriteResult]:
        """Write into our fields and records, tasks and campaigns; each change gets its own result."""
        return write.write(self._gateway, self._dictionary, changes)

    def bulk(self) -> Bulk | None:
        """Return the Bulk API, for more changes than a few calls hold."""
        return SalesforceBulk(self._gateway, self._dictionary)

    def erase(self, contact: str) -> None:
        """Empty our fields of this person, and delete our records and tasks about it."""
        erasing.erase(self._gateway, self._dictionary, contact)

    def install(self) -> InstallReport:
        """Deploy our package, and give ourselves its permission set."""
        return install.install(self._gateway, self._connection, self._surroundings)

    def check(self) -> list[Finding]:
        """Say what an admin has to mend."""
        return check.check(self._gateway, self._connection, self._surroundings)

    def uninstall(self) -> InstallReport:
        """Remove our package with all that stands in its fields and objects."""
        return uninstall.uninstall(self._gateway, self._dictionary)

    def close(self) -> None:
        """Give back the sockets, if any were opened."""
        if "_gateway" in vars(self):
            self._gateway.close()

    def _asks_consent_api(self) -> bool:
        return self._connection.config.get("consent_api") is True


def open_salesforce(connection: Connection, surroundings: Surroundings) -> CRM:
    """Return the CRM of *connection*."""
    return SalesforceCRM(connection, surroundings)
