"""Up to twenty-five calls in one; a later one may name what an earlier one answered."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.salesforce.calls import Call, Route
from tests.fakes.salesforce.refusals import RefusalError

MOST, MOST_LARGE = 25, 5
REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
LARGE = re.compile(r"/services/data/v[\d.]+/(query|queryAll|composite/sobjects)(/|\?|$)")


def together(call: Call) -> tuple[Any, int]:
    """Make the calls one after the other; each answers for itself."""
    body = call.body()
    parts = body.get("compositeRequest")
    if not isinstance(parts, list) or not parts:
        raise _refused("compositeRequest must have at least one request")
    if body.get("allOrNone"):
        raise _refused("this fake takes nothing back: allOrNone is false")
    _within_limits(parts)
    answers: dict[str, Any] = {}
    return {"compositeResponse": [_answer(call, one, answers) for one in parts]}, 200


def _within_limits(parts: list[dict[str, Any]]) -> None:
    if len(parts) > MOST:
        raise _refused(f"Limit exceeded: at most {MOST} subrequests, but {len(parts)} were sent")
    large = sum(1 for one in parts if LARGE.match(str(one.get("url", ""))))
    if large > MOST_LARGE:
        raise _refused(f"Limit exceeded: at most {MOST_LARGE} of the subrequests may be queries or collections")  # fmt: skip
    names = [str(one.get("referenceId") or "") for one in parts]
    if len(set(names)) < len(names) or not all(re.fullmatch(r"\w+", one) for one in names):
        raise _refused("referenceId must be unique, of letters, digits and underscores")


def _answer(call: Call, part: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    name = str(part["referenceId"])
    try:
        url, body = _filled(part["url"], answers), _filled(part.get("body"), answers)
    except LookupError:
        told = "Invalid reference specified. No value for " + name
        status, answer = 400, [{"errorCode": "PROCESSING_HALTED", "message": told}]
    else:
        assert call.org.inside is not None
        status, answer = call.org.inside(str(part["method"]), url, body)
    if status < 300:
        answers[name] = answer
    return {"body": answer, "httpHeaders": {}, "httpStatusCode": status, "referenceId": name}


def _filled(value: Any, answers: dict[str, Any]) -> Any:
    """Return *value* with each `@{name.path}` replaced by what was answered; LookupError if nothing was."""
    if isinstance(value, dict):
        return {key: _filled(one, answers) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers) for one in value]
    if not isinstance(value, str):
        return value
    return REFERENCE.sub(lambda found: str(_looked_up(found, answers)), value)


def _looked_up(found: re.Match[str], answers: dict[str, Any]) -> Any:
    value = answers[found[1]]
    for key, place in re.findall(r"\.(\w+)|\[(\d+)\]", found[2]):
        value = value[key] if key else value[int(place)]
    return value


def _refused(message: str) -> RefusalError:
    return RefusalError(400, "INVALID_INPUT", message)


ROUTES: tuple[Route, ...] = (("POST", "/{V}/composite", together),)
