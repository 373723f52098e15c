"""
The console's door: who is signed in, what they may do, and what every page carries.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.store import logins
from connector.store.logins import Use
from connector.store.users import Role, User
from connector.web.desk import desk

blueprint = Blueprint("console", __name__, url_prefix="/console")
OPEN = frozenset({"console.sign_in", "console.sign_in_form"})
# the console shows the records of the built-in CRM; other CRMs show theirs themselves
LOCAL = "local"
LANDING = frozenset({"console.home", "console.contacts"})
OF_LOCAL = frozenset({
    "console.contacts_csv",
    "console.record_list",
    "console.record",
    "console.change_record",
    "console.new_record",
    "console.make_record",
})  # fmt: skip
RANK = {Role.VIEWER: 0, Role.REP: 1, Role.ADMIN: 2}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = (
    "default-src 'none'",
    "script-src 'self' 'nonce-{nonce}'",
    "style-src 'self' 'nonce-{nonce}'",
    # the style sheet draws its check marks and arrows as data
    "img-src 'self' data: {pictures}",
    "media-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
)
P = ParamSpec("P")
Page = str | BaseResponse | tuple[str, int]


def cookie_name() -> str:
    """Return the name of the session's cookie; the prefix binds it to this host over https."""
    return "__Host-cuereel" if desk().settings.production else "cuereel"


def user_of_request() -> User | None:
    """Return who is signed in with this request's cookie, or None."""
    if "user" not in g:
        g.user = _look_up(request.cookies.get(cookie_name(), ""))
    user: User | None = g.user
    return user


def signed_in() -> User:
    """Return who is signed in, on a page that only they can reach."""
    user = user_of_request()
    return user if user is not None else abort(401)


def needs(role: Role) -> Callable[[Callable[P, Page]], Callable[P, Page]]:
    """Let only users of *role* or above reach a page."""

    def guard(view: Callable[P, Page]) -> Callable[P, Page]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Page:
            if not may(role):
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return guard


def may(role: Role | str) -> bool:
    """Tell whether the signed-in user has *role* or a higher one."""
    return RANK[signed_in().role] >= RANK[Role(role)]


def home_of(address: str) -> str:
    """Return *address* if it is a page of the console or for reps, else the list of contacts."""
    parts = urlsplit(address)
    path = parts.path
    inside = path.startswith(("/console/", "/rep/")) or path == "/rep"
    ours = not parts.scheme and not parts.netloc and inside
    return address if ours and "\\" not in address else url_for("console.contacts")


def nonce() -> str:
    """Return this request's word for scripts and styles that we wrote into the page ourselves."""
    if "console_nonce" not in g:
        g.console_nonce = secrets.token_urlsafe(16)
    return str(g.console_nonce)


@blueprint.before_request
def _ask_who() -> BaseResponse | None:
    if request.endpoint in OPEN:
        return None
    user = user_of_request()
    if user is not None:
        return None if user.sees(LOCAL) else _elsewhere()
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("console.sign_in_form", next=wanted), 303)


@blueprint.after_request
def _guard(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    base = urlsplit(desk().settings.base_url)
    policy = "; ".join(POLICY).format(nonce=nonce(), pictures=f"{base.scheme}://{base.netloc}")
    response.headers["Content-Security-Policy"] = policy
    if desk().settings.production:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


@blueprint.context_processor
def _known_to_every_page() -> dict[str, object]:
    return {"me": user_of_request(), "may": may, "nonce": nonce, "local": LOCAL}


def _elsewhere() -> BaseResponse | None:
    """Keep who belongs to another connection from the pages of the built-in CRM's records."""
    if request.endpoint in LANDING:
        # sign-in and the console's name lead here
        return redirect(url_for("rep.home" if may(Role.REP) else "console.videos"), 303)
    return abort(404) if request.endpoint in OF_LOCAL else None


def _look_up(token: str) -> User | None:
    if not token:
        return None
    with desk().store.read() as tx:
        user, stale = logins.user_of(tx, token, Use.BROWSER)
    if user is not None and stale:
        with desk().store.write() as tx:
            logins.seen(tx, token)
    return user
