"""
Records by the hundred.

Without a trace id one bad input fails its whole batch with 400; with trace ids on all that are bad
the others are written, and 207 names those that were not. `hints` says how it names them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.fakes.hubspot import memory
from tests.fakes.hubspot.answers import Body, RefusalError, invalid
from tests.fakes.hubspot.call import Call, Route, kind_of
from tests.fakes.hubspot.checks import fitting, gone, trouble
from tests.fakes.hubspot.objects import make
from tests.fakes.hubspot.values import iso

Look = Callable[[Call, str, Body], Body | None]
Write = Callable[[Call, str, Body], Body]


def read(call: Call, kind: str) -> tuple[Any, int]:
    """Show up to 100 records, 50 with histories; those that are not there make it 207."""
    kind, body = kind_of(kind), call.body()
    with_history = body.get("propertiesWithHistory") or []
    inputs = call.inputs(50 if with_history else 100)
    wanted = [str(one["id"]) for one in inputs]
    pairs = {one: memory.find(call.fake, kind, one, body.get("idProperty")) for one in wanted}
    # HubSpot promises no order, so there is none to rely on
    found = sorted({record for record in pairs.values() if record}, reverse=True)
    results = [_shown(call, kind, record, body) for record in found]
    missing = [one for one, record in pairs.items() if record is None]
    error = {**gone(kind, ""), "context": {"ids": missing}}
    return _answer(results, [error] if missing else [], 200)


def create(call: Call, kind: str) -> tuple[Any, int]:
    """Make up to 100 records."""
    return _batch(call, kind_of(kind), _look_new, make, 201)


def update(call: Call, kind: str) -> tuple[Any, int]:
    """Change up to 100 records; an id may stand in a batch once."""
    ids = [str(one.get("id")) for one in call.inputs()]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise invalid(f"Duplicate IDs found in batch input: {twice}. IDs must be unique")
    return _batch(call, kind_of(kind), _look_old, _change, 200)


def upsert(call: Call, kind: str) -> tuple[Any, int]:
    """Change what a unique property finds, and make the rest."""
    return _batch(call, kind_of(kind), _look_upsert, _upsert, 200)


def archive(call: Call, kind: str) -> tuple[Any, int]:
    """Archive up to 100 records; those that are gone are fine."""
    for one in call.inputs():
        memory.archive(call.fake, kind_of(kind), str(one["id"]), call.origin)
    return None, 204


def _batch(call: Call, kind: str, look: Look, write: Write, status: int) -> tuple[Any, int]:
    inputs = call.inputs()
    looked = [(one, look(call, kind, one)) for one in inputs]
    bad = [(one, said) for one, said in looked if said]
    traced = call.fake.honour_trace_ids and all(one.get("objectWriteTraceId") for one, _ in bad)
    if bad and not traced:
        raise _whole(bad[0][1])
    results = [write(call, kind, one) for one, said in looked if said is None]
    return _answer(results[::-1], [_named(call, one, said) for one, said in bad], status)


def _look_new(call: Call, kind: str, one: Body) -> Body | None:
    return trouble(call.fake, kind, "", one.get("properties", {}), new=True)


def _look_old(call: Call, kind: str, one: Body) -> Body | None:
    found = memory.find(call.fake, kind, str(one.get("id")), one.get("idProperty"))
    if found is None:
        return gone(kind, str(one.get("id")))
    return trouble(call.fake, kind, found, one.get("properties", {}))


def _look_upsert(call: Call, kind: str, one: Body) -> Body | None:
    return trouble(call.fake, kind, str(one.get("id")), one.get("properties", {}))


def _change(call: Call, kind: str, one: Body) -> Body:
    found = memory.find(call.fake, kind, str(one["id"]), one.get("idProperty"))
    assert found is not None
    values, _ = fitting(call.fake, kind, one.get("properties", {}))
    memory.put(call.fake, kind, found, values, call.origin)
    return _traced(memory.shown(call.fake, kind, found, list(values)), one)


def _upsert(call: Call, kind: str, one: Body) -> Body:
    by = one.get("idProperty")
    if memory.find(call.fake, kind, str(one["id"]), by):
        return {**_change(call, kind, one), "new": False}
    properties = {**one.get("properties", {}), **({by: one["id"]} if by else {})}
    return {**_traced(make(call, kind, {"properties": properties}), one), "new": True}


def _traced(shown: Body, one: Body) -> Body:
    trace = one.get("objectWriteTraceId")
    return {**shown, "objectWriteTraceId": trace} if trace else shown


def _shown(call: Call, kind: str, record: str, body: Body) -> Body:
    shown = memory.shown(call.fake, kind, record, body.get("properties"))
    if names := body.get("propertiesWithHistory"):
        shown["propertiesWithHistory"] = memory.histories(call.fake, kind, record, names)
    return shown


def _named(call: Call, one: Body, said: Body) -> Body:
    about = {"objectWriteTraceId": [one.get("objectWriteTraceId")], "ids": [str(one.get("id"))]}
    context = {name: value for name, value in said["context"].items() if name != "ids"}
    context |= {name: value for name, value in about.items() if name in call.fake.hints}
    return {**said, "context": context}


def _whole(said: Body) -> RefusalError:
    refusal = RefusalError(400, said["category"], said["message"])
    refusal.body = said
    return refusal


def _answer(results: Sequence[Body], errors: Sequence[Body], status: int) -> tuple[Body, int]:
    now = iso(datetime.now(UTC))
    body: Body = {"status": "COMPLETE", "results": list(results), "startedAt": now}
    body["completedAt"] = now
    if not errors:
        return body, status
    return {**body, "numErrors": len(errors), "errors": list(errors)}, 207


AT = "/crm/objects/{V}/<kind>/batch/"
ROUTES: tuple[Route, ...] = (
    ("POST", AT + "read", read),
    ("POST", AT + "create", create),
    ("POST", AT + "update", update),
    ("POST", AT + "upsert", upsert),
    ("POST", AT + "archive", archive),
)
