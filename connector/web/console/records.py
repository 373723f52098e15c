"""
One record of any kind: shown, made, changed, deleted, and the triggers that a person may send.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from connector.crm.local.editing import delete_record, put_record
from connector.crm.local.gateway import Announcement, announce
from connector.errors import PayloadError
from connector.model import Subject
from connector.store import audit, records
from connector.store.ids import new_id
from connector.store.records import StoredRecord
from connector.store.users import Role
from connector.web.console import cards
from connector.web.console.contacts import LOOKS, contact_page, found_or_404
from connector.web.console.door import LOCAL, Page, blueprint, needs, signed_in
from connector.web.console.forms import OFFERED, changes_in, inputs_of
from connector.web.console.pages import page_number, pages
from connector.web.desk import desk

PER_PAGE = 50
# what a person may say has happened to a record of a kind
TRIGGERS = {
    "contact": (("contact.onboarding", "Send onboarding video"),),
    "cart": (("cart.abandoned", "Send cart video"),),
    "account": (("account.review_due", "Send account review"),),
}


@blueprint.get("/records/<kind>")
def record_list(kind: str) -> Page:
    """List the records of a kind other than contacts."""
    if kind == "contact":
        return redirect(url_for("console.contacts"))
    _known(kind)
    text, number = request.args.get("q", "").strip()[:200], page_number()
    with desk().store.read() as tx:
        found = records.search(
            tx, LOCAL, kind, text=text, limit=PER_PAGE, offset=(number - 1) * PER_PAGE
        )
        owners = [contact for row in found.rows if (contact := _contact_of(row))]
        contacts = records.many(tx, LOCAL, "contact", owners)
    return render_template(
        "console/records.html",
        kind=kind,
        found=found,
        contacts={one.id: cards.name_of(one.id, one.fields) for one in contacts.values()},
        text=text,
        name_of=cards.name_of,
        pages=pages(found.total, PER_PAGE, number),
    )


@blueprint.get("/new/<kind>")
@needs(Role.REP)
def new_record(kind: str) -> Page:
    """Show an empty form."""
    _known(kind)
    return render_template("console/new.html", kind=kind, inputs=inputs_of(kind, {}), form={})


@blueprint.post("/new/<kind>")
@needs(Role.REP)
def make_record(kind: str) -> Page:
    """Make a record from the form."""
    _known(kind)
    record_id = request.form.get("id", "").strip() or new_id()
    try:
        fields = changes_in(kind, {}, request.form)
        with desk().store.write() as tx:
            if records.get(tx, LOCAL, kind, record_id) is not None:
                raise PayloadError(f"there is a {kind} with the id {record_id} already")  # noqa: TRY301
            owed = put_record(tx, LOCAL, Subject(kind, record_id), fields)
            _note(tx, "create", kind, record_id, sorted(fields))
    except PayloadError as error:
        flash(f"Not saved: {error.sentence}.", "error")
        inputs = inputs_of(kind, {})
        page = render_template("console/new.html", kind=kind, inputs=inputs, form=request.form)
        return page, 422
    _ring(owed)
    flash("Saved.")
    return redirect(url_for("console.record", kind=kind, record_id=record_id), 303)


@blueprint.get("/records/<kind>/<path:record_id>")
def record(kind: str, record_id: str) -> Page:
    """Show one record."""
    with desk().store.read() as tx:
        found = found_or_404(tx, kind, record_id)
        if kind == "contact":
            return contact_page(tx, found, request.args.get("part", ""))
        return _plain_page(found)


@blueprint.post("/records/<kind>/<path:record_id>")
@needs(Role.REP)
def change_record(kind: str, record_id: str) -> Page:
    """Do what the pressed button says: save, delete, or send a trigger."""
    action = ACTIONS.get(request.form.get("action", "save"))
    return action(Subject(kind, record_id)) if action is not None else abort(400)


def _save(subject: Subject) -> Response:
    try:
        with desk().store.write() as tx:
            old = found_or_404(tx, subject.kind, subject.id)
            fields = changes_in(subject.kind, old.fields, request.form)
            owed = put_record(tx, LOCAL, subject, fields)
            if fields:
                _note(tx, "edit", subject.kind, subject.id, sorted(fields))
    except PayloadError as error:
        flash(f"Not saved: {error.sentence}.", "error")
        return _back(subject)
    _ring(owed)
    flash("Saved." if fields else "Nothing was changed.")
    return _back(subject)


def _delete(subject: Subject) -> Response:
    with desk().store.write() as tx:
        found_or_404(tx, subject.kind, subject.id)
        owed = delete_record(tx, LOCAL, subject)
        _note(tx, "delete", subject.kind, subject.id, [])
    _ring(owed)
    flash(f"The {subject.kind} is deleted; nothing more is made for it.")
    return redirect(url_for("console.record_list", kind=subject.kind), 303)


def _send(subject: Subject) -> Response:
    wanted = request.form.get("type", "")
    if wanted not in [name for name, _ in TRIGGERS.get(subject.kind, ())]:
        abort(400)
    with desk().store.write() as tx:
        found = found_or_404(tx, subject.kind, subject.id)
        contact = _contact_of(found)
        owed = [announce(tx, LOCAL, Announcement(wanted, subject, contact))]
        audit.record(
            tx, signed_in().email, "trigger", f"{subject.kind}:{subject.id}", {"type": wanted}
        )
    _ring(owed)
    flash("On its way. What comes of it appears under Videos in a moment.")
    shown = Subject("contact", contact) if contact else subject
    return _back(shown, fired=LOOKS)


ACTIONS: dict[str, Callable[[Subject], Response]] = {
    "save": _save,
    "delete": _delete,
    "trigger": _send,
}


def _plain_page(found: StoredRecord) -> str:
    return render_template(
        "console/record.html",
        record=found,
        kind=found.kind,
        name=cards.name_of(found.id, found.fields),
        inputs=inputs_of(found.kind, found.fields),
        contact_id=_contact_of(found),
    )


def _contact_of(found: StoredRecord) -> str | None:
    value = found.id if found.kind == "contact" else found.fields.get("contact_id")
    return str(value) if value else None


def _known(kind: str) -> None:
    if kind not in OFFERED:
        abort(404)


def _note(tx: Connection, action: str, kind: str, record_id: str, fields: list[str]) -> None:
    # names of fields only: the log outlives an erased person
    audit.record(tx, signed_in().email, action, f"{kind}:{record_id}", {"fields": fields})


def _ring(owed: list[str]) -> None:
    desk().doorbell.ring("send_webhooks", owed)


def _back(subject: Subject, fired: int | None = None) -> Response:
    target = url_for("console.record", kind=subject.kind, record_id=subject.id, fired=fired)
    return redirect(target, 303)


@blueprint.context_processor
def _triggers() -> dict[str, object]:
    return {"triggers": TRIGGERS}
