"""Workflows that wait for us: a callback completes them."""

from __future__ import annotations

from typing import Any

from tests.fakes.hubspot.answers import Body, absent, invalid
from tests.fakes.hubspot.call import Call, Route


def complete(call: Call, callback: str) -> tuple[Any, int]:
    """Let one workflow go on."""
    body = call.body()
    _check(call, callback, body)
    call.fake.callbacks[callback] = body
    return None, 204


def complete_many(call: Call) -> tuple[Any, int]:
    """Let many go on; one that expired fails all of them."""
    inputs = call.inputs()
    for one in inputs:
        _check(call, str(one.get("callbackId", "")), one)
    for one in inputs:
        kept = {name: value for name, value in one.items() if name != "callbackId"}
        call.fake.callbacks[str(one["callbackId"])] = kept
    return None, 204


def _check(call: Call, callback: str, body: Body) -> None:
    if not callback or callback in call.fake.expired_callbacks:
        raise absent(f"callback {callback}")
    outputs = body.get("outputFields")
    if not isinstance(outputs, dict) or "typedOutputs" not in body:
        raise invalid("Some required fields were not set: [outputFields, typedOutputs]")
    wrong = [name for name, value in outputs.items() if not isinstance(value, str)]
    if wrong:
        raise invalid(f"output fields are text: {wrong}")


AT = "/automation/actions/callbacks/{V}"
ROUTES: tuple[Route, ...] = (
    ("POST", AT + "/complete", complete_many),
    ("POST", AT + "/<callback>/complete", complete),
)
