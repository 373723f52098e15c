"""The events that webhooks tell of, in both shapes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.fakes.hubspot.answers import Body
from tests.fakes.hubspot.kinds import IDS, NAMES, SINGULAR

if TYPE_CHECKING:
    from tests.fakes.hubspot.memory import Origin
    from tests.fakes.hubspot.portal import FakeHubSpot

WHOLE = {"creation", "deletion", "merge", "restore", "privacyDeletion", "associationChange"}


def tell(
    fake: FakeHubSpot,
    what: str,
    kind: str,
    record: str,
    origin: Origin,
    at: datetime,
    **more: Any,
) -> None:
    """Note an event where somebody subscribed to it; *what* is a happening or a property."""
    name = f"{SINGULAR[kind]}.{what}"
    if name in fake.subscriptions:
        told = {"changeSource": origin.source, "sourceId": origin.source_id, **more}
        fake.events.append(event(fake, name, record, at, **told))


def event(fake: FakeHubSpot, name: str, record: str, at: datetime, **more: Any) -> Body:
    """Return one event of the generic shape; *name* such as `contact.lifecyclestage`."""
    kind, _, what = name.partition(".")
    happening = what if what in WHOLE else "propertyChange"
    private = happening == "privacyDeletion"
    made = {
        "eventId": next(fake.event_ids),
        "subscriptionId": fake.subscriptions.get(name, 1),
        "portalId": int(fake.portal),
        "appId": fake.app_id,
        "occurredAt": int(at.timestamp() * 1000),
        "subscriptionType": f"{kind if private else 'object'}.{happening}",
        "attemptNumber": 0,
        "objectId": number(record),
        "objectTypeId": IDS[NAMES[kind]],
        "changeSource": "CRM_UI",
        "sourceId": "userId:98499705",
        "isSensitive": False,
    }
    if happening == "propertyChange":
        made["propertyName"] = what
    return {**made, **more}


def legacy(generic: Body) -> Body:
    """Return the same event in the older shape."""
    kind = SINGULAR[NAMES[generic["objectTypeId"]]]
    happening = generic["subscriptionType"].partition(".")[2]
    left_out = ("objectTypeId", "isSensitive")
    kept = {name: value for name, value in generic.items() if name not in left_out}
    return {**kept, "subscriptionType": f"{kind}.{happening}"}


def number(record: str) -> int | str:
    """Return an id as events have it: a number, wherever it can be one."""
    return int(record) if record.isdigit() else record
