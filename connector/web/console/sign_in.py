"""
Signing in and out. Whatever was wrong, the answer is the same and takes as long.
"""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, session, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from connector.store import audit, logins, users
from connector.store.logins import LONGEST, Use
from connector.store.users import User
from connector.web.console.door import (
    Page,
    blueprint,
    cookie_name,
    home_of,
    signed_in,
    user_of_request,
)
from connector.web.desk import desk

WRONG = 401
limiter = Limiter(get_remote_address)


@blueprint.get("/sign-in")
def sign_in_form() -> Page:
    """Show the form."""
    if user_of_request() is not None:
        return redirect(home_of(request.args.get("next", "")), 303)
    return render_template("console/sign_in.html", next=request.args.get("next", ""))


@blueprint.post("/sign-in")
@limiter.limit(
    "30 per minute; 300 per hour", deduct_when=lambda answer: answer.status_code == WRONG
)
@limiter.limit(
    "5 per minute; 30 per hour",
    key_func=lambda: f"{get_remote_address()} {_address()}",
    deduct_when=lambda answer: answer.status_code == WRONG,
)
def sign_in() -> Page:
    """Check the password and open a session."""
    user = _proven(_address(), request.form.get("password", ""))
    if user is None:
        page = render_template(
            "console/sign_in.html",
            next=request.form.get("next", ""),
            email=request.form.get("email", ""),
            wrong=True,
        )
        return page, WRONG
    return _open_session(user)


@blueprint.post("/sign-out")
def sign_out() -> Page:
    """End the session."""
    with desk().store.write() as tx:
        logins.close_login(tx, request.cookies.get(cookie_name(), ""))
        audit.record(tx, signed_in().email, "sign_out", signed_in().email)
    session.clear()
    flash("You are signed out.")
    response = redirect(url_for("console.sign_in_form"), 303)
    response.delete_cookie(cookie_name(), path="/", secure=desk().settings.production)
    return response


def _address() -> str:
    return request.form.get("email", "").strip().lower()[:254]


def _proven(email: str, password: str) -> User | None:
    with desk().store.read() as tx:
        user, stored = users.credentials(tx, email)
    if users.proves(stored, password):
        return user
    # a wrong name is not written down: people type passwords into the wrong field
    with desk().store.write() as tx:
        audit.record(tx, user.email if user else "unknown", "sign_in_refused", "console")
    return None


def _open_session(user: User) -> Response:
    old = request.cookies.get(cookie_name(), "")
    with desk().store.write() as tx:
        # a session from before the sign-in must not live on after it
        logins.close_login(tx, old)
        logins.forget_old(tx)
        token = logins.open_login(tx, user.id, Use.BROWSER)
        audit.record(tx, user.email, "sign_in", user.email)
    session.clear()
    response = make_response(redirect(home_of(request.form.get("next", "")), 303))
    response.set_cookie(
        cookie_name(),
        token,
        max_age=(LONGEST[Use.BROWSER] or 0) // 1000,
        path="/",
        httponly=True,
        secure=desk().settings.production,
        samesite="Lax",
    )
    return response
