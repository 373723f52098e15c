"""
Users and the audit log, for admins.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort, flash, redirect, render_template, request, url_for

from connector.errors import PayloadError
from connector.model import JSON
from connector.store import audit, contacts, users
from connector.store.users import Role, User
from connector.web.console.door import Page, blueprint, needs, signed_in
from connector.web.console.pages import page_number
from connector.web.desk import desk

PER_PAGE = 50


@blueprint.get("/users")
@needs(Role.ADMIN)
def user_list() -> Page:
    """List everybody who may sign in."""
    with desk().store.read() as tx:
        return render_template(
            "console/users.html",
            people=users.everyone(tx),
            roles=list(Role),
            titles=contacts.titles(tx),
        )


@blueprint.post("/users")
@needs(Role.ADMIN)
def add_user() -> Page:
    """Add a user with the password of the form."""
    try:
        role = _role()
        stored = users.hash_password(request.form.get("password", ""))
        with desk().store.write() as tx:
            made = users.add(tx, request.form.get("email", ""), stored, role, _connection())
            audit.record(tx, signed_in().email, "user_add", made.email, _facts(role, _connection()))
    except PayloadError as error:
        flash(f"Not added: {error.sentence}.", "error")
    else:
        flash(f"{made.email} may sign in now. Tell them the password on another way than e-mail.")
    return redirect(url_for("console.user_list"), 303)


@blueprint.post("/users/<user_id>")
@needs(Role.ADMIN)
def change_user(user_id: str) -> Page:
    """Give a user another role or other contacts to see, or let them in no more."""
    if user_id == signed_in().id:
        flash("You cannot change yourself; ask another admin.", "error")
        return redirect(url_for("console.user_list"), 303)
    try:
        person = _change(user_id)
    except PayloadError as error:
        flash(f"Not changed: {error.sentence}.", "error")
    else:
        flash(f"{person.email} is changed and signed out everywhere.")
    return redirect(url_for("console.user_list"), 303)


@blueprint.get("/history")
@needs(Role.ADMIN)
def history() -> Page:
    """Show who did what, and whether the log is whole."""
    number = page_number()
    with desk().store.read() as tx:
        found = audit.entries(tx, limit=PER_PAGE + 1, offset=(number - 1) * PER_PAGE)
        broken = audit.broken_link(tx) if number == 1 else None
    return render_template(
        "console/history.html",
        entries=found[:PER_PAGE],
        number=number,
        more=len(found) > PER_PAGE,
        broken=broken,
    )


def _change(user_id: str) -> User:
    role, disabled, connection = _role(), "disabled" in request.form, _connection()
    with desk().store.write() as tx:
        person = users.get(tx, user_id) or abort(404)
        users.belong(tx, user_id, connection)
        users.change(tx, user_id, role=role, disabled=disabled)
        facts = _facts(role, connection)
        audit.record(tx, signed_in().email, *_what_changed(person, disabled, facts))
    return person


def _connection() -> str | None:
    return request.form.get("connection") or None


def _facts(role: Role, connection: str | None) -> dict[str, JSON]:
    return {"role": role, "connection": connection}


def _role() -> Role:
    try:
        return Role(request.form.get("role", ""))
    except ValueError:
        abort(400)


def _what_changed(
    person: User, disabled: bool, facts: Mapping[str, JSON]
) -> tuple[str, str, dict[str, JSON]]:
    action = "user_change"
    if disabled != person.disabled:
        action = "user_disable" if disabled else "user_enable"
    return action, person.email, {**facts, "before": person.role}
