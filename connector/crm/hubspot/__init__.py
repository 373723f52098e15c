"""
HubSpot: one connection is one portal.

Events come through one app for all portals; reads and writes go in batches through one gateway that
keeps inside the portal's limits. We write only our own properties, and never make a contact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from connector.crm import CRM, Connection, Surroundings
from connector.crm.hubspot import (
    changed,
    check,
    consent,
    install,
    lists,
    outcomes,
    records,
    triggers,
    write,
)
from connector.crm.hubspot import uninstall as uninstalling
from connector.crm.hubspot.erasing import erase
from connector.crm.hubspot.gateway import Gateway, open_gateway
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


class HubSpotCRM:
    """The verbs of the protocol on one portal."""

    most_at_once = 100

    def __init__(self, connection: Connection, surroundings: Surroundings) -> None:
        self._connection = connection
        self._surroundings = surroundings
        self._dictionary = surroundings.dictionary
        # the kind of e-mail whose opt-out counts beside the general one
        self._subscription = str(connection.config.get("subscription_id") or "")

    @cached_property
    def _gateway(self) -> Gateway:
        # opened at the first call, because most deliveries need none
        return open_gateway(self._connection, self._surroundings)

    def receive(self, delivery: Delivery) -> Intake:
        """Verify and read one delivery of this portal."""
        return triggers.receive(delivery, self._connection, self._surroundings)

    def changed(self, since: datetime) -> Iterable[Trigger]:
        """Yield what webhooks should have told since."""
        return changed.changed(self._gateway, self._dictionary, since)

    def read(self, subjects: Sequence[Subject], words: Collection[str]) -> Mapping[Subject, Record]:
        """Read just *words* of the subjects that exist, in batches."""
        return records.read(self._gateway, self._dictionary, subjects, words, self._subscription)

    def consent(self, contacts: Sequence[str]) -> Mapping[str, Consent]:
        """Say what the portal's opt-out properties say."""
        return consent.consent(self._gateway, self._dictionary, contacts, self._subscription)

    def members(self, segment: str) -> Iterator[str]:
        """Yield contact ids of a list, of `all`, or of `property=value`."""
        return lists.members(self._gateway, self._dictionary, segment)

    def outcomes(self, since: datetime) -> Iterable[Happening]:
        """Yield deals, tickets, meetings, forms and e-mails since."""
        return outcomes.outcomes(self._gateway, self._dictionary, since)

    def write(self, changes: Sequence[Change]) -> list[WriteResult]:
        """Write our properties in batches, complete callbacks, add notes, tasks and list members."""
        left_out = self._connection.config.get("left_out") or ()
        return write.write(self._gateway, self._dictionary, changes, left_out)

    def bulk(self) -> None:
        """All goes by `write`."""

    def erase(self, contact: str) -> None:
        """Empty our properties of this contact and remove our notes and tasks."""
        erase(self._gateway, self._dictionary, contact)

    def install(self) -> InstallReport:
        """Make our properties by priority."""
        return install.install(self._gateway, self._dictionary)

    def check(self) -> list[Finding]:
        """Say what an admin has to mend."""
        return check.check(self._gateway, self._dictionary, self._connection, self._surroundings)

    def uninstall(self) -> InstallReport:
        """Remove our properties with all that stands in them."""
        return uninstalling.uninstall(self._gateway, self._dictionary)

    def close(self) -> None:
        """Give back the sockets, if any were opened."""
        if "_gateway" in self.__dict__:
            self._gateway.close()


def open_hubspot(connection: Connection, surroundings: Surroundings) -> CRM:
    """Return the CRM of one portal."""
    return HubSpotCRM(connection, surroundings)
