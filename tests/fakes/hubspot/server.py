"""The portal's door: faults, latency, limits, tokens and scopes, before any view is asked."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.fakes.faults import Fault
from tests.fakes.hubspot import (
    account,
    actions,
    associations,
    batches,
    lists,
    oauth,
    objects,
    properties,
    scopes,
    search,
)
from tests.fakes.hubspot.answers import RefusalError, answer
from tests.fakes.hubspot.call import Call, View
from tests.fakes.hubspot.portal import Asked, FakeHubSpot

PARTS = (account, actions, associations, batches, lists, oauth, objects, properties, search)
V = '/<any("2026-03","2026-09"):version>'
# the old paths, where a test lets them live
LEGACY = (
    (r"^/crm/v[34]/objects/", "/crm/objects/2026-03/"),
    (r"^/crm/v3/(properties|lists|owners|limits)", r"/crm/\1/2026-03"),
    (r"^/crm/v4/associations/", "/crm/associations/2026-03/"),
    (r"^/automation/v4/actions/callbacks/", "/automation/actions/callbacks/2026-03/"),
    (r"^/account-info/v3/", "/account-info/2026-03/"),
    (r"^/oauth/v[13]/token", "/oauth/2026-03/token"),
)


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            logging.getLogger(__name__).error(message, *args)


class _Paths:
    """Lets the old paths live while the fake says so."""

    def __init__(self, fake: FakeHubSpot, app: Any) -> None:
        self.fake, self.app = fake, app

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if self.fake.legacy:
            for old, new in LEGACY:
                environ["PATH_INFO"] = re.sub(old, new, environ["PATH_INFO"])
        answered: Iterable[bytes] = self.app(environ, start)
        return answered


@contextmanager
def serving(fake: FakeHubSpot) -> Iterator[FakeHubSpot]:
    """Serve *fake* on a free port of this machine until the block ends."""
    server = make_server("127.0.0.1", 0, _app(fake), threaded=True, request_handler=_Silent)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _app(fake: FakeHubSpot) -> Flask:
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for part in PARTS:
        for method, rule, view in part.ROUTES:
            _route(app, fake, method, rule, view)
    app.before_request(partial(_before, fake))
    app.register_error_handler(RefusalError, lambda no: answer(no.body, no.status, no.headers))
    app.register_error_handler(HTTPException, _unknown)
    app.wsgi_app = _Paths(fake, app.wsgi_app)  # type: ignore[assignment,method-assign]
    return app


def _route(app: Flask, fake: FakeHubSpot, method: str, rule: str, view: View) -> None:
    app.add_url_rule(
        rule.replace("/{V}", V),
        endpoint=f"{method} {rule}",
        view_func=partial(_run, fake, view),
        methods=[method],
    )


def _before(fake: FakeHubSpot) -> Response | None:
    body = request.get_data()
    with fake.lock:
        fake.calls.append((request.method, request.path))
        query = request.query_string.decode()
        fake.requests.append(Asked(request.method, request.path, query, body))
        fault = fake.faults.take(request.method, request.path)
    if fake.latency:
        time.sleep(fake.latency)
    request.environ["fake.fault"] = fault
    return _broken(fault) if fault and not fault.after_work else None


def _broken(fault: Fault) -> Response:
    if fault.kind == "drop":
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response()
    if fault.kind == "nonsense":
        return Response("<!doctype html><title>Just a moment…</title>", mimetype="text/html")
    if isinstance(fault.body, str | bytes):
        return Response(fault.body, fault.status, dict(fault.headers))
    return answer(fault.body, fault.status, fault.headers)


def _run(fake: FakeHubSpot, view: View, version: str = "2026-03", **parts: str) -> Response:
    with fake.lock:
        token, headers = _admit(fake)
        call = Call(fake, version, request.args, request.get_data(), request.form.to_dict(), token)
        try:
            body, status = view(call, **parts)
        except RefusalError as no:
            body, status, headers = no.body, no.status, headers | no.headers
    fault: Fault | None = request.environ["fake.fault"]
    if fault:
        return _broken(fault)
    return body if isinstance(body, Response) else answer(body, status, headers)


def _admit(fake: FakeHubSpot) -> tuple[str, dict[str, str]]:
    """Check token, limit and scopes; return the token and what the answer tells of the limit."""
    if request.path.startswith("/oauth/"):
        return "", {}
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    held = _scopes_of(fake, token)
    search = request.path.endswith("/search")
    fake.quota.spend(search=search)
    lacking = scopes.missing(held, request.method, request.path)
    if lacking:
        raise _lacking(lacking)
    return token, fake.quota.headers(search=search, static=token == fake.static_token)


def _scopes_of(fake: FakeHubSpot, token: str) -> set[str]:
    if token == fake.static_token:
        return set(fake.scopes)
    grant, left = fake.grants.holder(token)
    if grant is None or not grant.live:
        raise RefusalError(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
    if left <= 0:
        message = f"The OAuth token used to make this call expired {int(-left)} second(s) ago."
        raise RefusalError(401, "EXPIRED_AUTHENTICATION", message)
    return fake.scopes & set(grant.scopes)


def _lacking(names: list[str]) -> RefusalError:
    return RefusalError(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call.",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": names},
            }
        ],
    )


def _unknown(error: HTTPException) -> Response:
    return answer({"status": "error", "message": "resource not found"}, error.code or 404)
