"""
What HubSpot says against one input, as a sentence for an admin without anybody's data.

Every part of an error may be absent, values that we sent may be quoted in it, and the same fault is
named by a code here and by words there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.crm.hubspot.refusals import RefusedError
from connector.errors import NotFoundError, PayloadError, PermanentError
from connector.model import JSON
from connector.strict_json import parse_json

LONGEST_SENTENCE = 300
# a missing scope refuses every call alike
NOT_ABOUT_INPUTS = (403,)
SHORTEST_SECRET = 4  # shorter values, such as numbers, tell nothing of a person
DEEPEST = 3  # errors hold errors
GONE = re.compile(r"\b(archived|merged|has been deleted)\b", re.IGNORECASE)
NO_FIELD = re.compile(r'property \\*"?([a-z][a-z0-9_]*)\\*"? does(?: not|n.t) exist', re.IGNORECASE)
NO_FIELD_CODES = frozenset({"PROPERTY_DOESNT_EXIST", "PROPERTY_DOES_NOT_EXIST"})
ADDRESS = re.compile(r"[^\s\"'<>]+@[^\s\"'<>]+")
# where an error may name the inputs that it is about
BY_TRACE = ("objectWriteTraceId", "objectWriteTraceIds")
BY_RECORD = ("ids", "id", "objectId", "objectIds")
BY_FIELD = ("propertyName", "propertyNames", "name")
BY_SCOPE = ("requiredGranularScopes", "requiredScopes", "scopes")

Error = Mapping[str, JSON]
Input = Mapping[str, JSON]


@dataclass(frozen=True)
class Complaint:
    """What is wrong with one input; *missing* are fields of it that the portal does not have."""

    reason: str
    sentence: str
    gone: bool = False
    missing: frozenset[str] = frozenset()


def complain(error: Error | RefusedError | NotFoundError, one: Input) -> Complaint:
    """Read what *error* says against *one*."""
    if isinstance(error, NotFoundError):
        return Complaint(error.reason, error.sentence, gone=True)
    if isinstance(error, RefusedError):
        return _refused(error, one)
    parts = _parts(error)
    held = _held(one)
    missing = frozenset(name for part in parts for name in _missing(part) if name in held)
    fields = [name for name in dict.fromkeys(n for p in parts for n in _fields(p)) if name in held]
    return Complaint(
        _reason(error),
        _sentence(_message(error), fields, one),
        gone=not fields and not missing and _gone(parts),
        missing=missing,
    )


def concerned(error: Error, batch: Sequence[Input]) -> list[Input]:
    """Find the inputs that *error* is about; nobody where it does not say."""
    traces, records = set(_texts(error, BY_TRACE)), set(_texts(error, BY_RECORD))
    named = [
        one
        for one in batch
        if one["objectWriteTraceId"] in traces or str(one.get("id", "")) in records
    ]
    if named:
        return named
    missing = {name for part in _parts(error) for name in _missing(part)}
    return [one for one in batch if missing & _held(one)]


def told(error: PermanentError) -> str:
    """Return the sentence of a refusal that is about no input of ours, bounded, with its scopes."""
    scopes = sorted(
        {
            scope
            for part in getattr(error, "errors", ())
            for scope in _texts(part, BY_SCOPE)
            if scope not in error.sentence
        }
    )
    tail = f" Missing: {', '.join(scopes)}." if scopes else ""
    return ADDRESS.sub("…", error.sentence)[: LONGEST_SENTENCE - len(tail)] + tail


def particulars(error: PermanentError) -> list[Error]:
    """Return the errors within a refusal, the most telling first, and the refusal itself as one."""
    return [*error.errors, _whole(error)] if isinstance(error, RefusedError) else []


def _refused(error: RefusedError, one: Input) -> Complaint:
    if error.status in NOT_ABOUT_INPUTS:
        return Complaint(error.reason, told(error))
    return complain(_whole(error), one)


def _whole(error: RefusedError) -> Error:
    said = [*map(_message, error.errors), str(getattr(error, "message", ""))]
    number = f"correlation id {error.correlation_id}" if error.correlation_id else ""
    codes = [error.category, error.sub_category, number]
    return {
        "category": error.category,
        "subCategory": error.sub_category,
        "message": next(filter(None, said), "") or ", ".join(filter(None, codes)),
        "context": getattr(error, "context", None),
        "errors": list(error.errors),
    }


def _held(one: Input) -> frozenset[str]:
    return frozenset(one.get("properties") or ())


def _parts(error: Error, depth: int = 0) -> list[Error]:
    inner = [*_mappings(error.get("errors")), *_quoted(str(error.get("message") or ""))]
    if depth == DEEPEST:
        return [error]
    return [error, *(part for one in inner for part in _parts(one, depth + 1))]


def _mappings(value: JSON) -> list[Error]:
    if not isinstance(value, list | tuple):
        return []
    return [part for part in value if isinstance(part, Mapping)]


def _quoted(message: str) -> list[Error]:
    # "Property values were not valid: [{"isValid":false,"message":"…","name":"…"}]"
    head, bracket, tail = message.partition("[{")
    if not head or not bracket:
        return []
    try:
        return _mappings(parse_json(("[{" + tail.strip()).encode()))
    except PayloadError:
        return []


def _texts(error: Error, names: Sequence[str]) -> Iterator[str]:
    context = error.get("context")
    for source in (context if isinstance(context, Mapping) else {}, error):
        for name in names:
            value = source.get(name)
            if isinstance(value, list | tuple):
                yield from map(str, value)
            elif value is not None:
                yield str(value)


def _codes(error: Error) -> set[str]:
    words = (error.get(name) for name in ("category", "subCategory", "code", "error"))
    return {str(word).rpartition(".")[2].upper() for word in words if word}


def _fields(error: Error) -> Iterator[str]:
    yield from _texts(error, BY_FIELD)
    yield from NO_FIELD.findall(str(error.get("message") or ""))
    if error.get("in"):
        yield str(error["in"]).rpartition(".")[2]


def _missing(error: Error) -> Iterator[str]:
    if NO_FIELD_CODES & _codes(error):
        yield from _fields(error)
    yield from NO_FIELD.findall(str(error.get("message") or ""))


def _gone(parts: Sequence[Error]) -> bool:
    return any(
        "OBJECT_NOT_FOUND" in _codes(part) or GONE.search(str(part.get("message") or ""))
        for part in parts
    )


def _reason(error: Error) -> str:
    words = (error.get(name) for name in ("category", "code"))
    reason = next((str(word).lower() for word in words if word), "refused")
    return reason if re.fullmatch(r"[a-z][a-z0-9_]{0,63}", reason) else "refused"


def _message(error: Error) -> str:
    message = str(error.get("message") or "")
    inner = [str(part["message"]) for part in _quoted(message) if part.get("message")]
    return "; ".join(inner) if inner else message


def _sentence(message: str, fields: Sequence[str], one: Input) -> str:
    for value in sorted(map(str, (one.get("properties") or {}).values()), key=len, reverse=True):
        if len(value) >= SHORTEST_SECRET:
            message = message.replace(value, "…")
    what = ", ".join(fields) or "the change"
    text = f"HubSpot refused {what}: {ADDRESS.sub('…', message) or 'it gave no reason'}"
    return text if len(text) <= LONGEST_SENTENCE else text[: LONGEST_SENTENCE - 1] + "…"
