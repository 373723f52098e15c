"""
Triggers in: the outbound messages that an org's flows send to the address of its connection.

They are not signed. The secret at the end of the address proves who sends, the org's id for whom; the
rest is a hint at most, because every record is read anew before anything is made of it. What an
address says behind its `?` is an admin's: `trigger`, `campaign`, and `subject`, the field of the message
that holds the record which the video is about.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import structlog

from connector.crm import Connection, Surroundings
from connector.crm.salesforce.envelope import (
    ACKNOWLEDGED,
    CONTENT_TYPE,
    Notification,
    parse_envelope,
)
from connector.crm.salesforce.ids import CONTACT, LEAD, is_id, object_of, whole
from connector.errors import PayloadError, SignatureError
from connector.model import Answer, Delivery, Intake, Subject, Trigger

SECRETS = ("hook_secret", "old_hook_secret")
PREFIX = "salesforce-"
RECORD_CHANGED, VIDEO_REQUESTED = "record_changed", "video_requested"
REQUEST = "Cuereel_Request__c"
ASKED = frozenset({"trigger", "subject", "campaign"})
MOST_ASKED = 20
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
# what these do cannot be taken back, and a message proves little, so they are found by asking the org
RESERVED = frozenset({"contact_deleted", "contact_merged"})
KINDS = {CONTACT: "contact", LEAD: "contact", "Account": "account", "Opportunity": "deal"}
LONGEST_CAMPAIGN = 64

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wish:
    """What an address asks for: the kind of trigger, the field of its subject, the only campaign."""

    kind: str = RECORD_CHANGED
    subject: str = ""
    campaign: str = ""


def receive(delivery: Delivery, connection: Connection, surroundings: Surroundings) -> Intake:
    """Verify one message to *connection*, then say what it holds."""
    address, _, query = delivery.url.partition("?")
    _prove_secret(address.rpartition("/")[2], connection)
    envelope = parse_envelope(delivery.body)
    _prove_org(envelope.org, connection)
    wish = _wish(query)
    found: dict[str, Trigger] = {}
    for told in envelope.notifications:
        trigger = _trigger(told, wish, delivery, surroundings.dictionary.objects)
        if trigger is not None:
            found[trigger.key] = trigger
    _say_what_was_left(envelope.notifications, found, connection)
    # always in the order of keys, so that two messages about the same are stored without waiting for
    # one another in a circle
    triggers = tuple(found[key] for key in sorted(found))
    return Intake(
        "om:" + hashlib.sha256(delivery.body).hexdigest(),
        triggers,
        Answer(200, ACKNOWLEDGED, CONTENT_TYPE),
    )


def subject_kind(name: str, objects: Mapping[str, str]) -> str | None:
    """Return our kind for one of the org's objects, or None for what has no videos."""
    if name in KINDS:
        return KINDS[name]
    return next((kind for kind, way in objects.items() if way.partition(".")[0] == name), None)


def _prove_secret(given: str, connection: Connection) -> None:
    # both are compared in any case, so that the time taken tells nothing
    same = [_same(given, str(connection.secrets.get(name) or "")) for name in SECRETS]
    if not any(same):
        raise SignatureError("the address does not end in this connection's secret")


def _prove_org(given: str, connection: Connection) -> None:
    # fifteen characters tell orgs apart, capitals and all; the last three only repeat them
    org = str(connection.config.get("org") or connection.id.removeprefix(PREFIX))
    if not _same(given[:15], org[:15]):
        raise SignatureError("the message is of another Salesforce org")


def _same(given: str, known: str) -> bool:
    same = hmac.compare_digest(given.encode(errors="replace"), known.encode(errors="replace"))
    return bool(known) and same


def _wish(query: str) -> Wish:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_ASKED)
    except ValueError:
        raise PayloadError("the address of the outbound message asks for too much") from None
    asked = [(name, value) for name, value in pairs if name in ASKED]
    given = dict(asked)
    if len(given) < len(asked):
        raise PayloadError("the address of the outbound message asks for the same thing twice")
    kind = _name(given.get("trigger") or RECORD_CHANGED, "trigger")
    if kind in RESERVED:
        raise PayloadError(f"an outbound message cannot be of kind {kind}")
    campaign, subject = given.get("campaign", ""), given.get("subject", "")
    if subject and not FIELD.fullmatch(subject):
        raise PayloadError("subject must be a field of the message, such as ContactId")
    return Wish(kind, subject, _name(campaign, "campaign") if campaign else "")


def _name(value: str, what: str) -> str:
    if not NAME.fullmatch(value):
        raise PayloadError(f"{what} must be a name in lower case, such as abandoned_cart")
    return value


def _trigger(
    told: Notification, wish: Wish, delivery: Delivery, objects: Mapping[str, str]
) -> Trigger | None:
    """Return what a notification starts; None where it names nobody, which stops none of the others."""
    if told.object == REQUEST:
        return _requested(told, delivery)
    subject = _named(told, wish.subject, objects) if wish.subject else _itself(told, objects)
    if subject is None:
        return None
    return Trigger(
        _key(told), wish.kind, subject, delivery.received_at, facts={}, campaign=wish.campaign
    )


def _requested(told: Notification, delivery: Delivery) -> Trigger | None:
    """Return the wish of a rep or a flow, which waits under the request's id to hear how it went."""
    ways = ((CONTACT, "Contact__c"), (LEAD, "Lead__c"))
    people = (told.fields.get(field, "") for name, field in ways if _is(told, field, name))
    person = next(people, None)
    if person is None:
        return None
    # an unknown campaign is answered as such, for the request waits
    campaign = "".join(c for c in told.fields.get("Campaign__c", "") if c.isprintable())
    return Trigger(
        key=_key(told),
        kind=VIDEO_REQUESTED,
        subject=Subject("contact", whole(person)),
        occurred_at=delivery.received_at,
        facts={"callback": told.record_id},
        campaign=campaign[:LONGEST_CAMPAIGN],
    )


def _is(told: Notification, field: str, name: str) -> bool:
    value = told.fields.get(field, "")
    return is_id(value) and object_of(value) == name


def _itself(told: Notification, objects: Mapping[str, str]) -> Subject:
    kind = subject_kind(told.object, objects)
    if kind is None:
        raise PayloadError(
            "no videos are made for this type of record; add it to [objects] of "
            "mappings/crm/salesforce.toml, or name the field of a contact by ?subject="
        )
    return Subject(kind, told.record_id)


def _named(told: Notification, field: str, objects: Mapping[str, str]) -> Subject | None:
    value = told.fields.get(field, "")
    if not value:
        return None
    if not is_id(value):
        raise PayloadError("the field that ?subject= names does not hold an id")
    kind = subject_kind(object_of(value), objects)
    if kind is None:
        raise PayloadError("the field that ?subject= names leads to a record without videos")
    return Subject(kind, whole(value))


def _key(told: Notification) -> str:
    # a notification keeps its id in whatever envelope it is sent again
    return f"om:{told.id}"


def _say_what_was_left(
    told: tuple[Notification, ...], found: Mapping[str, Trigger], connection: Connection
) -> None:
    left = sum(_key(one) not in found for one in told)
    if left:
        log.warning("notifications without a person", connection=connection.id, count=left)
