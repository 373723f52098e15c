"""
Whether a contact may be written to: HubSpot's opt-out from all e-mail, and from one subscription.

A contact that opted out of either is not written to. Whatever cannot be read is never a yes.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from weakref import WeakKeyDictionary

from connector.crm.hubspot.fetched import allowed
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.objects import Properties, read_objects
from connector.crm.hubspot.properties import definitions
from connector.decide.dictionary import Dictionary
from connector.model import JSON, Consent

OPTED_OUT = "hs_email_optout"
# what was read a moment ago is not asked again; longer than that and somebody may have opted out
MOMENT_SECONDS = 30.0

_ANSWERS = {"true": Consent.DENIED, "false": Consent.GRANTED, "": Consent.UNKNOWN}
# the first of these that any property says is what counts
_ORDER = (Consent.DENIED, Consent.UNREADABLE, Consent.GRANTED)

_latest: WeakKeyDictionary[Gateway, dict[str, tuple[float, Properties]]] = WeakKeyDictionary()


def consent(
    gateway: Gateway, dictionary: Dictionary, contacts: Sequence[str], subscription: str = ""
) -> dict[str, Consent]:
    """Say what each contact's opt-outs say; *subscription* is the id of an e-mail subscription."""
    names = opt_outs(dictionary, subscription)
    found, asked = _remembered(gateway, contacts, names)
    read = allowed("consent", lambda: _read(gateway, asked, names)) if asked else {}
    # where it is forbidden to read them, nothing could say yes
    found |= {contact: {} for contact in asked} if read is None else read
    return {contact: _said(found.get(contact), names) for contact in contacts}


def opt_outs(dictionary: Dictionary, subscription: str = "") -> frozenset[str]:
    """Return the names of the properties that may say no."""
    mapped = dictionary.field("contact.email_opt_out") or OPTED_OUT
    narrow = {f"{OPTED_OUT}_{subscription}"} if subscription else set()
    return frozenset({OPTED_OUT, mapped} | narrow)


def remember(gateway: Gateway, contacts: Mapping[str, Properties]) -> None:
    """Keep what was just read of contacts, so that their consent need not be asked for again."""
    now = time.monotonic()
    _latest[gateway] = {contact: (now, properties) for contact, properties in contacts.items()}


def _read(
    gateway: Gateway, contacts: Collection[str], names: frozenset[str]
) -> dict[str, Properties]:
    existing = names & set(definitions(gateway, "contacts"))
    return read_objects(gateway, "contacts", contacts, existing)


def _remembered(
    gateway: Gateway, contacts: Sequence[str], names: Collection[str]
) -> tuple[dict[str, Properties], list[str]]:
    # each is used once: who asks again wants to know anew
    kept = _latest.pop(gateway, {})
    since = time.monotonic() - MOMENT_SECONDS
    found = {
        contact: kept[contact][1]
        for contact in contacts
        if contact in kept and kept[contact][0] > since and set(names) <= set(kept[contact][1])
    }
    return found, [contact for contact in contacts if contact not in found]


def _said(properties: Properties | None, names: Collection[str]) -> Consent:
    # gone: nobody is written to, whatever is answered here
    if properties is None:
        return Consent.UNKNOWN
    said = {_one(properties[name]) if name in properties else Consent.UNREADABLE for name in names}
    return next((verdict for verdict in _ORDER if verdict in said), Consent.UNKNOWN)


def _one(value: JSON) -> Consent:
    text = "" if value is None else str(value).strip().casefold()
    return _ANSWERS.get(text, Consent.UNREADABLE)
