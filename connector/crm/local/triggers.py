"""
Triggers in: what the local CRM, or a script that speaks its format, posts to `/hooks/local/…`.

The format is ours and is described in `install.md`. A payload is a hint: names and amounts are read
again from the record before anything is made of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from connector.errors import PayloadError, SettingError, SignatureError
from connector.model import JSON, Delivery, Intake, Subject, Trigger
from connector.signing import verify
from connector.strict_json import parse_json

LARGEST_BODY = 1_000_000
MOST_EVENTS = 500
OWN_PREFIX = "cuereel_"
RECORD_CHANGED = "record.changed"

# any other type `x.y` becomes the kind `x_y`
KINDS = {
    "contact.onboarding": "contact_onboarding",
    "cart.abandoned": "cart_abandoned",
    "account.review_due": "account_review_due",
    "contact.deleted": "contact_deleted",
}


def _identifier(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _sensible(value: datetime) -> datetime:
    # at the ends of the calendar a change of time zone has no answer
    if not 1970 < value.year < 9000:
        raise ValueError("is not a time at which this can have happened")
    return value


Identifier = Annotated[str, BeforeValidator(_identifier), Field(min_length=1, max_length=200)]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Object(BaseModel):
    """The record that an event is about."""

    model_config = ConfigDict(frozen=True, strict=True)

    kind: Kind
    id: Identifier


class Event(BaseModel):
    """One thing that happened, as it is posted; further keys are ignored."""

    model_config = ConfigDict(frozen=True, strict=True)

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=64)
    occurred_at: Annotated[datetime, Field(strict=False), AfterValidator(_sensible)]
    object: Object | None = None
    contact_id: Identifier | None = None
    facts: dict[str, JSON] = Field(default_factory=dict)

    @property
    def happened_at(self) -> datetime:
        """When it happened, in UTC; a time without a zone is taken as UTC."""
        at = self.occurred_at
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)

    @property
    def subject(self) -> Subject:
        """Return the record that this is about: the object, else the contact."""
        if self.object is not None:
            return Subject(self.object.kind, self.object.id)
        if self.contact_id is not None:
            return Subject("contact", self.contact_id)
        raise PayloadError(f"an event of type {self.type} names neither object nor contact_id")


def receive(delivery: Delivery, secrets: Sequence[str], window: float) -> Intake:
    """Verify *delivery* against any of *secrets*, then say what it holds."""
    if len(delivery.body) > LARGEST_BODY:
        raise PayloadError(f"a delivery may hold {LARGEST_BODY:,} bytes", reason="too_large")
    try:
        key = verify(
            secrets, delivery.headers, delivery.body, at=delivery.received_at, window=window
        )
    except SettingError as error:
        # fail closed: a broken secret proves nobody
        raise SignatureError(error.sentence) from error
    latest = delivery.received_at + timedelta(seconds=window)
    return Intake(key, read_events(delivery.body, latest))


def read_events(body: bytes, latest: datetime) -> tuple[Trigger, ...]:
    """Return the triggers in *body*, each once; PayloadError where an event cannot be used."""
    triggers = (_trigger(event) for event in _events(parse_json(body), latest))
    unique = {trigger.key: trigger for trigger in triggers if trigger is not None}
    return tuple(unique.values())


def trigger_key(kind: str, subject: Subject, occurred_at: datetime) -> str:
    """Return what makes an event recognisable, by whatever delivery it comes (time in UTC)."""
    identity = "\0".join((kind, subject.kind, subject.id, occurred_at.isoformat()))
    return hashlib.sha256(identity.encode()).hexdigest()


def _events(payload: JSON, latest: datetime) -> Iterable[Event]:
    for place, item in enumerate(_items(payload)):
        event = _event(item, place)
        if event.happened_at > latest:
            raise PayloadError(f"event {place + 1}: occurred_at lies in the future")
        yield event


def _items(payload: JSON) -> list[JSON]:
    if not isinstance(payload, dict):
        raise PayloadError('the body must be one event or {"events": [...]}')
    items = payload.get("events", [payload])
    if not isinstance(items, list) or len(items) > MOST_EVENTS:
        raise PayloadError(f"`events` must be a list of at most {MOST_EVENTS} events")
    return items


def _event(item: JSON, place: int) -> Event:
    try:
        return Event.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "event"
        raise PayloadError(f"event {place + 1}: {where}: {first['msg']}") from None


def _trigger(event: Event) -> Trigger | None:
    facts = event.facts
    if event.type == RECORD_CHANGED:
        facts = _foreign(facts)
        if not facts.get("fields"):
            return None
    if event.contact_id is not None:
        facts = {**facts, "contact_id": event.contact_id}
    kind = KINDS.get(event.type, event.type.replace(".", "_"))
    key = trigger_key(kind, event.subject, event.happened_at)
    return Trigger(key, kind, event.subject, event.happened_at, facts)


def _foreign(facts: Mapping[str, JSON]) -> dict[str, JSON]:
    # our own write must not come back to us as something that happened
    names = facts.get("fields")
    changed = [str(name) for name in names] if isinstance(names, list) else []
    return {**facts, "fields": [name for name in changed if not name.startswith(OWN_PREFIX)]}
