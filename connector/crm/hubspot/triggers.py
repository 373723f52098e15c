"""
Triggers in, at the address of one portal: webhooks of its own app, and "Send a webhook" of workflows.

A static app has no address for all portals, so its webhooks come here. The workflow action proves
itself by this portal's secret in a header. HubSpot's v2 signature would prove only that some portal
which knows our app has sent it, so it opens nobody's door here.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from connector.crm import Connection, Surroundings
from connector.crm.hubspot import signatures
from connector.crm.hubspot.events import identifier, read_events
from connector.errors import PayloadError, SignatureError
from connector.model import JSON, Delivery, Intake, Subject, Trigger
from connector.strict_json import parse_json

SECRET_HEADER = "x-cuereel-secret"  # noqa: S105 - its name, not its value
PREFIX = "hubspot-"
WEBHOOK_ACTION = "webhook_action"
# HubSpot's names and numbers of what a workflow can be about, as our kinds
SUBJECTS = {
    "CONTACT": "contact", "0-1": "contact", "COMPANY": "company", "0-2": "company",
    "DEAL": "deal", "0-3": "deal", "CART": "cart", "0-142": "cart",
}  # fmt: skip
IDS = ("contact_id", "hs_object_id", "objectId", "vid")
TYPES = ("objectTypeId", "objectType", "object_type")
PORTALS = ("portalId", "portal_id", "portal-id")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# what these do cannot be taken back, so they are taken from HubSpot alone, not from an admin's form
RESERVED = frozenset({"contact_deleted", "contact_merged"})


def receive(delivery: Delivery, connection: Connection, surroundings: Surroundings) -> Intake:
    """Verify one delivery to *connection*, then say what it holds."""
    portal = connection.id.removeprefix(PREFIX)
    if SECRET_HEADER in delivery.headers:
        _prove_secret(delivery.headers[SECRET_HEADER], connection)
        return _asked(parse_json(delivery.body), portal, delivery)
    secrets = signatures.client_secrets(surroundings.settings)
    window = surroundings.settings.signature_window_seconds
    signatures.verify(secrets, delivery, window, signatures.verify_v1)
    payload = parse_json(delivery.body)
    found = read_events(payload, surroundings.dictionary, delivery.received_at)
    return Intake(delivery_key(delivery), found.get(portal, ()))


def delivery_key(delivery: Delivery) -> str:
    """Return the identity of a batch of events: HubSpot gives it none, so what it holds."""
    return "events:" + hashlib.sha256(delivery.body).hexdigest()


def connection_id(portal: str) -> str:
    """Return the id of a portal's connection."""
    return PREFIX + portal


def subject_kind(stated: JSON) -> str | None:
    """Return our kind for HubSpot's name or number of one, or None for what has no videos."""
    return SUBJECTS.get(str(stated).upper())


def _prove_secret(given: str, connection: Connection) -> None:
    known = str(connection.secrets.get("hook_secret") or "")
    same = hmac.compare_digest(given.encode(errors="replace"), known.encode())
    if not (known and same):
        raise SignatureError(f"the header {SECRET_HEADER} does not hold this connection's secret")


def _asked(body: JSON, portal: str, delivery: Delivery) -> Intake:
    if not isinstance(body, dict):
        raise PayloadError("the body of a workflow's webhook must be one JSON object")
    named = next((str(body[name]) for name in PORTALS if body.get(name)), portal)
    if named != portal:
        raise PayloadError("the webhook tells of a record of another HubSpot account")
    key = _asked_key(body, delivery)
    kind = _name(body.get("kind") or WEBHOOK_ACTION, "kind")
    if kind in RESERVED:
        raise PayloadError(f"a workflow's webhook cannot be of kind {kind}")
    campaign = body.get("campaign") or body.get("template") or ""
    trigger = Trigger(
        key=key,
        kind=kind,
        subject=_subject(body),
        occurred_at=delivery.received_at,
        campaign=_name(campaign, "campaign") if campaign else "",
    )
    return Intake(key, (trigger,))


def _asked_key(body: Mapping[str, JSON], delivery: Delivery) -> str:
    given = body.get("event_id") or body.get("id")
    if given:
        identity = identifier(given, "id").encode()
    else:
        # the same words mean the same within a minute, and later that it is asked for again
        minute = int(delivery.received_at.timestamp()) // 60
        identity = b"%d\0%b" % (minute, delivery.body)
    return "webhook:" + hashlib.sha256(identity).hexdigest()


def _subject(body: Mapping[str, JSON]) -> Subject:
    properties = body.get("properties")
    whole = properties if isinstance(properties, dict) else {}
    found = next((body[name] for name in IDS if body.get(name)), whole.get("hs_object_id"))
    if isinstance(found, dict):  # older records wrap each value
        found = found.get("value")
    stated = next((body[name] for name in TYPES if body.get(name)), "CONTACT")
    kind = "contact" if body.get("contact_id") else subject_kind(stated)
    if kind is None:
        raise PayloadError("no videos are made for this type of record")
    return Subject(kind, identifier(found, "contact_id"))


def _name(value: JSON, what: str) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise PayloadError(f"{what} must be a name in lower case, such as abandoned_cart")
    return value
