"""The org's door: faults, tokens, the limit of calls and the version, before any view is asked."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask, Response, jsonify, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.fakes.faults import Fault
from tests.fakes.salesforce import limits
from tests.fakes.salesforce.calls import Asked, Call, View
from tests.fakes.salesforce.org import FakeOrg
from tests.fakes.salesforce.refusals import RefusalError

# each has ROUTES: method, rule ({V} is the way to the API in a version), view
PARTS = ("collections_", "composite", "describe", "limits", "oauth", "objects",
         "bulk", "consent", "deploys", "replicate")  # fmt: skip
DATA = "/services/data/v<version>"
LONGEST = 16_384
NO_SUCH = "The requested resource does not exist"


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            logging.getLogger(__name__).error(message, *args)


@contextmanager
def serving(org: FakeOrg) -> Iterator[FakeOrg]:
    """Serve *org* on a free port of this machine until the block ends."""
    server = make_server("127.0.0.1", 0, app_of(org), threaded=True, request_handler=_Silent)
    server.daemon_threads = True
    org.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield org
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def app_of(org: FakeOrg) -> Flask:
    """Return the org as a WSGI application."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for part in _parts():
        for method, rule, view in part.ROUTES:
            app.add_url_rule(
                rule.replace("/{V}", DATA),
                endpoint=f"{method} {rule}",
                view_func=partial(_run, org, view),
                methods=[method],
                strict_slashes=False,
            )
    app.before_request(partial(_before, org))
    app.register_error_handler(HTTPException, _unknown)
    org.inside = partial(_inside, org, app)
    return app


def _parts() -> Iterator[Any]:
    for name in PARTS:
        path = f"tests.fakes.salesforce.{name}"
        if importlib.util.find_spec(path):
            yield importlib.import_module(path)


def _before(org: FakeOrg) -> Response | None:
    body = request.get_data()
    with org.lock:
        if not request.path.startswith("/services/oauth2/"):
            org.calls.append((request.method, request.path))
        query = request.query_string.decode()
        org.requests.append(Asked(request.method, request.path, query, body, dict(request.headers)))
        fault = org.faults.take(request.method, request.path)
    request.environ["fake.fault"] = fault
    if len(request.environ.get("REQUEST_URI", "")) > LONGEST:
        return Response("<h1>URI Too Long</h1>", 414, mimetype="text/html")
    return _broken(fault) if fault and not fault.after_work else None


def _broken(fault: Fault) -> Response:
    if fault.kind == "drop":
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return Response()
    if fault.kind == "nonsense":
        return Response("<!doctype html><title>Down for Maintenance</title>", mimetype="text/html")
    if isinstance(fault.body, str | bytes):
        kind = "text/html" if b"<" in _bytes(fault.body) else "text/plain"
        return Response(fault.body, fault.status, dict(fault.headers), content_type=kind)
    return _answer(fault.body, fault.status, fault.headers)


def _run(org: FakeOrg, view: View, version: str = "", **parts: str) -> Response:
    headers: dict[str, str] = {}
    with org.lock:
        try:
            if version:
                _admit(org, version)
                headers = limits.headers(org)
            answered = view(_call(org, version), **parts)
        except RefusalError as no:
            answered = no.body, no.status
            headers = limits.headers(org) if version else {}
    fault: Fault | None = request.environ["fake.fault"]
    if fault:
        return _broken(fault)
    made = answered if isinstance(answered, Response) else _answer(*answered)
    made.headers.update(headers)
    return made


def _call(org: FakeOrg, version: str) -> Call:
    return Call(
        org, version, request.args, request.get_data(), request.form.to_dict(), request.headers
    )


def _admit(org: FakeOrg, version: str) -> None:
    """Check version, token and limit, and count the call."""
    _speaks(org, version)
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token not in org.grants.accesses:
        raise RefusalError(401, "INVALID_SESSION_ID", "Session expired or invalid")
    limits.spend(org)


def _speaks(org: FakeOrg, version: str) -> None:
    oldest, newest = org.versions
    if not re.fullmatch(r"\d{2,3}\.0", version) or float(version) > newest:
        raise RefusalError(404, "NOT_FOUND", NO_SUCH)
    if float(version) < oldest:
        message = "The requested API version is no longer supported"
        raise RefusalError(410, "UNSUPPORTED_API_VERSION", message)


def _inside(org: FakeOrg, app: Flask, method: str, url: str, body: Any) -> tuple[int, Any]:
    """Run one request that is part of another; it is neither counted nor spoilt."""
    parts = urlsplit(url)
    try:
        endpoint, found = app.url_map.bind("").match(parts.path, method)
        version = found.pop("version", "")
        _speaks(org, version)
        view = app.view_functions[endpoint].args[1]  # type: ignore[attr-defined]
        query = MultiDict(parse_qsl(parts.query, keep_blank_values=True))
        raw = b"" if body is None else json.dumps(body).encode()
        answered = view(Call(org, version, query, raw), **found)
    except HTTPException:
        return 404, [{"message": NO_SUCH, "errorCode": "NOT_FOUND"}]
    except RefusalError as no:
        return no.status, no.body
    if isinstance(answered, Response):
        return answered.status_code, answered.get_json(silent=True)
    told, status = answered
    # as it would have come over the wire
    return status, json.loads(json.dumps(told))


def _answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    made = Response(status=204) if status == 204 else jsonify(body)
    made.status_code = status
    made.headers.update(headers or {})
    return made


def _unknown(error: HTTPException) -> Response:
    code = "METHOD_NOT_ALLOWED" if error.code == 405 else "NOT_FOUND"
    return _answer([{"errorCode": code, "message": NO_SUCH}], error.code or 404)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
