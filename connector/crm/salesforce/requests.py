"""
Tells a request for a video how it went: on the record that a rep or a flow made and now watches.

A request that somebody deleted waits for nothing any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog

from connector.crm.salesforce.batches import Input, send_all, update
from connector.crm.salesforce.considerate import Door
from connector.crm.salesforce.ids import is_id, whole
from connector.crm.salesforce.properties import settled
from connector.crm.salesforce.refusals import Complaint
from connector.model import JSON, Change, WriteResult

OBJECT = "Cuereel_Request__c"
CONTACT, LEAD, CAMPAIGN = "Contact__c", "Lead__c", "Campaign__c"
PERSON = "Person_Id__c"
STATUS, REASON = "Status__c", "Reason__c"
VIDEO_URL, THUMBNAIL_URL = "Video_Url__c", "Thumbnail_Url__c"
LONGEST = 255

log = structlog.get_logger(__name__)


def write(gateway: Door, changes: Sequence[Change]) -> list[WriteResult]:
    """Write on each request how it went."""
    inputs = [
        Input(change.id, OBJECT, fields(change), whole(change.key))
        for change in changes
        if is_id(change.key)
    ]
    outcome = send_all(inputs, partial(update, gateway))
    for change in changes:
        word = outcome.words.get(change.id)
        if change.id not in outcome.words or (isinstance(word, Complaint) and word.gone):
            log.info("request no longer waits", id=change.id)
            outcome.words[change.id] = None
    return [settled(change.id, outcome) for change in changes]


def fields(change: Change) -> dict[str, JSON]:
    """Return the fields of a request: `done` or `failed`, why, and where the video is."""
    return {
        # a contact that was erased is not named again
        PERSON: whole(change.contact_id) if is_id(change.contact_id) else None,
        STATUS: _text(change, "state") or _text(change, "video_status"),
        REASON: _text(change, "sentence") or _text(change, "reason"),
        VIDEO_URL: _text(change, "video_url"),
        THUMBNAIL_URL: _text(change, "thumbnail_url"),
    }


def _text(change: Change, word: str) -> str | None:
    return str(change.values.get(word) or "")[:LONGEST] or None
