"""
Users and the audit log, for admins.
"""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for

from connector.errors import PayloadError
from connector.store import audit, users
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
        return render_template("console/users.html", people=users.everyone(tx), roles=list(Role))


@blueprint.post("/users")
@needs(Role.ADMIN)
def add_user() -> Page:
    """Add a user with the password of the form."""
    try:
        role = _role()
        stored = users.hash_password(request.form.get("password", ""))
        with desk().store.write() as tx:
            made = users.add(tx, request.form.get("email", ""), stored, role)
            audit.record(tx, signed_in().email, "user_add", made.email, {"role": role})
    except PayloadError as error:
        flash(f"Not added: {error.sentence}.", "error")
    else:
        flash(f"{made.email} may sign in now. Tell them the password on another way than e-mail.")
    return redirect(url_for("console.user_list"), 303)


@blueprint.post("/users/<user_id>")
@needs(Role.ADMIN)
def change_user(user_id: str) -> Page:
    """Give a user another role, or let them in no more."""
    if user_id == signed_in().id:
        flash("You cannot change yourself; ask another admin.", "error")
        return redirect(url_for("console.user_list"), 303)
    with desk().store.write() as tx:
        person = users.get(tx, user_id)
        if person is None:
            abort(404)
        role, disabled = _role(), "disabled" in request.form
        users.change(tx, user_id, role=role, disabled=disabled)
        audit.record(tx, signed_in().email, *_what_changed(person, role, disabled))
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


def _role() -> Role:
    try:
        return Role(request.form.get("role", ""))
    except ValueError:
        abort(400)


def _what_changed(person: User, role: Role, disabled: bool) -> tuple[str, str, dict[str, object]]:
    action = "user_change"
    if disabled != person.disabled:
        action = "user_disable" if disabled else "user_enable"
    return action, person.email, {"role": role, "before": person.role}
