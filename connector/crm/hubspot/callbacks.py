"""
Tells a workflow that waits for our action how it went.

A workflow must never wait in vain, so a failure is told as well and lets it go on. To complete one
twice does no harm, and one that no longer waits leaves nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import structlog

from connector.crm.hubspot.batches import MOST, Door, Word, result
from connector.crm.hubspot.complaints import NOT_ABOUT_INPUTS, Complaint, told
from connector.crm.hubspot.refusals import RefusedError
from connector.errors import NotFoundError, TemporaryError
from connector.model import JSON, Change, WriteResult

ALL_AT_ONCE = "/automation/actions/callbacks/{V}/complete"
NO_LONGER_WAITING = (400, 404, 409, 410)

log = structlog.get_logger(__name__)


def write(gateway: Door, changes: Sequence[Change]) -> list[WriteResult]:
    """Complete each callback, a hundred to a call."""
    words: dict[str, Word] = {}
    for start in range(0, len(changes), MOST):
        words |= _complete(gateway, changes[start : start + MOST])
    return [result(change.id, words[change.id]) for change in changes]


def outputs(change: Change) -> dict[str, str]:
    """Return the output fields of our action, which are texts all."""
    failed = change.values.get("state") == "failed"
    fields = {
        "hs_execution_state": "FAIL_CONTINUE" if failed else "SUCCESS",
        "cuereel_video_url": _text(change, "video_url"),
        "cuereel_thumbnail_url": _text(change, "thumbnail_url"),
        "cuereel_status": _text(change, "video_status"),
        "cuereel_reason": _text(change, "sentence") or _text(change, "reason"),
    }
    if failed:
        fields["errorCode"] = (_text(change, "reason") or "failed").upper()
    return fields


def _text(change: Change, word: str) -> str:
    value = change.values.get(word)
    return "" if value is None else str(value)


def _complete(gateway: Door, changes: Sequence[Change]) -> dict[str, Word]:
    inputs = [{"callbackId": change.key, **_body(change)} for change in changes]
    try:
        gateway.call("POST", ALL_AT_ONCE, {"inputs": inputs})
    except TemporaryError as error:
        return {change.id: error for change in changes}
    except (RefusedError, NotFoundError) as error:
        if _about_us(error):
            return {change.id: Complaint(error.reason, told(error)) for change in changes}
        # one that has expired may spoil the call for all
        return {change.id: _complete_one(gateway, change) for change in changes}
    return dict.fromkeys((change.id for change in changes), None)


def _complete_one(gateway: Door, change: Change) -> Word:
    path = f"/automation/actions/callbacks/{{V}}/{quote(change.key, safe='')}/complete"
    try:
        gateway.call("POST", path, _body(change))
    except TemporaryError as error:
        return error
    except NotFoundError:
        log.info("callback no longer waits", change=change.id)
    except RefusedError as error:
        if error.status not in NO_LONGER_WAITING:
            return Complaint(error.reason, told(error))
        log.info("callback no longer waits", change=change.id, reason=error.reason)
    return None


def _body(change: Change) -> dict[str, JSON]:
    # the specification demands typed outputs, which a workflow does not read
    return {"outputFields": outputs(change), "typedOutputs": {}}


def _about_us(error: RefusedError | NotFoundError) -> bool:
    return isinstance(error, RefusedError) and error.status in NOT_ABOUT_INPUTS
