"""
The web application: blueprints, error pages, health and metrics.
"""

from __future__ import annotations

import shutil
from datetime import timedelta

import structlog
from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFProtect
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from connector import web
from connector.errors import ConnectorError, TemporaryError
from connector.limits import Limits
from connector.queues import Doorbell
from connector.secrets import open_keyring
from connector.settings import Settings, load_settings
from connector.store import Store, leases
from connector.store.migrate import is_current
from connector.web import api, beacons, console, crm_cards, hooks, oauth, rep, watch
from connector.web.desk import NAME, Desk, desk

LARGEST_FORM = 2_000_000
log = structlog.get_logger(__name__)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application, ready to be served by any WSGI server."""
    settings = settings or load_settings()
    app = Flask(__name__, root_path=_web_folder())
    keyring = open_keyring(settings)
    app.extensions[NAME] = Desk(
        settings=settings,
        store=Store(settings.database),
        keyring=keyring,
        doorbell=Doorbell(settings.redis_url or None),
        limits=Limits(settings.redis_url or None),
    )
    _configure(app, settings, keyring.session_key())
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    _register(app)
    return app


def _web_folder() -> str:
    return next(iter(web.__path__))


def _configure(app: Flask, settings: Settings, keys: list[str]) -> None:
    app.config.update(
        SECRET_KEY=keys[0],
        SECRET_KEY_FALLBACKS=keys[1:],
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        SESSION_COOKIE_NAME="cuereel_form",
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        RATELIMIT_STORAGE_URI="memory://",
    )


def _register(app: Flask) -> None:
    csrf = CSRFProtect(app)
    for module in (hooks, beacons, watch, api, crm_cards):
        # these carry a proof of their own: a signature or a token
        csrf.exempt(module.blueprint)
    for module in (hooks, beacons, watch, crm_cards, oauth):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(rep.blueprint)
    app.register_blueprint(api.blueprint, url_prefix="/api/v1")
    console.register(app)
    app.register_error_handler(ConnectorError, _connector_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    app.add_url_rule("/", "front", _front)
    app.add_url_rule("/healthz", "healthz", _healthz)
    app.add_url_rule("/readyz", "readyz", _readyz)
    app.add_url_rule("/metrics", "metrics", _metrics)


def _front() -> BaseResponse:
    return redirect(url_for("console.contacts"))


def _healthz() -> Response:
    return Response("ok\n", content_type="text/plain")


def _readyz() -> tuple[Response, int]:
    here = desk()
    findings = {
        "database": _database_ready(here),
        "redis": here.doorbell.ping().level != "error",
        "disk": shutil.disk_usage(here.settings.folder).free
        >= here.settings.free_megabytes * 1_000_000,
    }
    # without Redis work is only slower: the sweep rings when it is back
    ready = bool(findings["database"])
    return jsonify(findings), 200 if ready else 503


def _database_ready(here: Desk) -> bool:
    try:
        return is_current(here.store)
    except TemporaryError:
        return False


def _metrics() -> Response:
    """Numbers for Prometheus; served only to this machine."""
    forwarded = {"X-Forwarded-For", "Forwarded"} & set(request.headers.keys())
    if request.remote_addr not in ("127.0.0.1", "::1") or forwarded:
        # behind a proxy on this machine everybody would be this machine
        return Response(status=404)
    here = desk()
    with here.store.read() as tx:
        lines = [
            f'cuereel_backlog{{noun="{noun}",work="{work}"}} {count}'
            for noun, counts in leases.backlog(tx).items()
            for work, count in counts.items()
        ]
    body = generate_latest() + ("\n".join(lines) + "\n").encode()
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _connector_error(error: ConnectorError) -> Response:
    log.warning("request failed", path=request.endpoint, reason=error.reason, why=error.sentence)
    response = _say(503 if isinstance(error, TemporaryError) else 400, error.reason)
    if isinstance(error, TemporaryError):
        response.headers["Retry-After"] = str(int(error.after or 5))
    return response


def _http_error(error: HTTPException) -> Response:
    response = _say(error.code or 500, error.name.lower().replace(" ", "_"))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _unexpected(error: Exception) -> Response:
    log.error("unexpected", path=request.endpoint, exc_info=error)
    return _say(500, "internal_error")


SENTENCES = {
    400: "This request could not be understood.",
    401: "Please sign in.",
    403: "You are not allowed to do this.",
    404: "There is nothing here.",
    405: "This cannot be done here.",
    413: "This is too large.",
    429: "That was too often; please wait a moment.",
    503: "We are busy; please try again in a moment.",
}


def _say(status: int, reason: str) -> Response:
    sentence = SENTENCES.get(status, "Something went wrong on our side; it has been noted.")
    if request.accept_mimetypes.best == "text/html" or request.accept_mimetypes.accept_html:
        page = render_template("error.html", status=status, sentence=sentence)
        return Response(page, status, content_type="text/html; charset=utf-8")
    body = jsonify({"error": reason, "sentence": sentence})
    body.status_code = status
    return body
