"""
/rep: a colleague finds a contact, has a video made, and takes it along into an e-mail.

Two clicks lead from a contact to the clipboard. A GET changes nothing; the one POST asks for a video,
and the usual gates decide. Whoever belongs to a connection finds its contacts and no others.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response as BaseResponse

from connector.model import Subject, Trigger
from connector.store import asked, audit, contacts, triggers
from connector.store.clock import moment, now
from connector.store.contacts import KnownContact
from connector.store.users import Role
from connector.web.card_facts import card_of, choices
from connector.web.console.door import (
    HEADERS,
    Page,
    may,
    nonce,
    signed_in,
    user_of_request,
)
from connector.web.console.door import POLICY as CONSOLE_POLICY
from connector.web.desk import desk
from connector.web.floods import Meter
from connector.web.rep_copy import Copy, copies_of
from connector.web.rep_facts import line_of, offers_of, picture_of
from connector.web.screens import view_of

MOST_FOUND = 20
SHORTEST = 2  # letters; one letter finds everybody
LONGEST = 200
LOOKS = 90  # how often the page looks by itself, every two seconds
MINUTE = 60_000
CONTACT = "/<connection_id>/contact/<path:contact_id>"
# the preview of the e-mail is a page in a page
POLICY = (*CONSOLE_POLICY, "frame-src 'self'")
# an e-mail's styles are inline, so its preview allows those and nothing else
PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' {pictures}; "
PREVIEW_FRAME = "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

blueprint = Blueprint("rep", __name__, url_prefix="/rep")
makes = Meter(most=30, seconds=60)  # videos that one person may ask for


@blueprint.before_request
def _ask_who() -> BaseResponse | None:
    if user_of_request() is not None:
        return None if may(Role.REP) else abort(403)
    if request.headers.get("HX-Request"):
        # a part of a page cannot show the form; the whole page can
        return Response(status=204, headers={"HX-Refresh": "true"})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("console.sign_in_form", next=wanted), 303)


@blueprint.after_request
def _guard(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    policy = "; ".join(POLICY).format(nonce=nonce(), pictures=desk().settings.base_url)
    response.headers.setdefault("Content-Security-Policy", policy)
    if desk().settings.production:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


@blueprint.context_processor
def _known_to_every_page() -> dict[str, object]:
    return {"me": user_of_request(), "may": may, "nonce": nonce}


@blueprint.get("")
def home() -> Page:
    """Show the search, and those with whom something happened last."""
    return render_template("rep/find.html", **_found())


@blueprint.get("/find")
def find() -> Page:
    """Return the rows that match what was typed so far."""
    return render_template("rep/found.html", **_found(), part=True)


@blueprint.get(CONTACT)
def contact(connection_id: str, contact_id: str) -> Page:
    """Show one contact with the newest video and what else can be made."""
    part = request.args.get("part", "")
    with desk().store.read() as tx:
        person = _known(tx, connection_id, contact_id)
        if part == "email":
            return _preview(tx, person)
        facts = _facts(tx, person)
    return render_template("rep/newest.html" if part == "newest" else "rep/contact.html", **facts)


@blueprint.post(CONTACT)
def make(connection_id: str, contact_id: str) -> Page:
    """Have a video made; asking again within the minute asks for nothing more."""
    if not makes.allows(signed_in().id):
        abort(429)
    with desk().store.write() as tx:
        person = _known(tx, connection_id, contact_id)
        campaign = request.form.get("campaign", "")
        offered = campaign in {choice["value"] for choice in choices(tx)}
        trigger_id, new = _ask(tx, person, campaign) if offered else (None, False)
    if trigger_id is None:
        flash("There is no such template any more. Choose another one.", "error")
    if new:
        desk().doorbell.ring("plan_video", [str(trigger_id)])
    return redirect(_address(person, asked=trigger_id), 303)


def _found() -> dict[str, Any]:
    text = request.args.get("q", "").strip()[:LONGEST]
    searched = text if len(text) >= SHORTEST else ""
    with desk().store.read() as tx:
        found = contacts.find(tx, searched, MOST_FOUND, only=signed_in().only)
        titles = _titles(tx)
    lines = [line_of(person, titles) for person in found]
    return {"lines": lines, "text": text, "searched": searched, "full": len(lines) == MOST_FOUND}


def _titles(tx: Connection) -> dict[str, str]:
    # where there is only one to choose from, none is named
    return {} if signed_in().only else contacts.titles(tx)


def _known(tx: Connection, connection_id: str, contact_id: str) -> KnownContact:
    if not signed_in().sees(connection_id):
        abort(404)  # as if it were not there: who else is known is nobody's business
    return contacts.known(tx, connection_id, contact_id) or abort(404)


def _facts(tx: Connection, person: KnownContact) -> dict[str, Any]:
    here, newest = desk(), person.newest
    card = card_of(tx, here, person.connection_id, person.id)
    wish = request.args.get("asked", "")
    came = asked.came_of(tx, person.connection_id, person.id, wish) if wish else None
    pending = came.pending if came else bool(newest and newest.status in asked.UNDER_WAY)
    left = _looks_left()
    return {
        "person": line_of(person, _titles(tx)),
        "card": card,
        "copies": _copies(tx, person, card["link"]),
        "picture": picture_of(here, newest, now(tx)),
        "made": moment(newest.minted_at) if newest else None,
        "offers": offers_of(tx, here, person),
        "pending": pending,
        "refusal": came.refusal if came else "",
        "own_page": card["link"].removeprefix(here.settings.base_url),
        "here": _address(person),
        "again": _address(person, part="newest", asked=wish or None, left=left - 1),
        "left": left,
    }


def _copies(tx: Connection, person: KnownContact, link: str) -> dict[str, Copy]:
    if person.newest is None or not link:
        return {}
    return copies_of(view_of(person.newest, now(tx), desk().settings), link)


def _preview(tx: Connection, person: KnownContact) -> Response:
    """Return the e-mail's block by itself, exactly as it goes on the clipboard."""
    base_url = desk().settings.base_url
    card = card_of(tx, desk(), person.connection_id, person.id)
    copies = _copies(tx, person, card["link"])
    copy = copies.get(request.args.get("picture", "")) or abort(404)
    response = Response(render_template("rep/email.html", block=copy.html))
    policy = PREVIEW_POLICY.format(pictures=base_url) + PREVIEW_FRAME
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _ask(tx: Connection, person: KnownContact, campaign: str) -> tuple[str | None, bool]:
    """Store a trigger; return it or the one it repeats, and whether it is new."""
    user, at = signed_in(), now(tx)
    trigger = Trigger(
        key=_key(user.id, person.id, campaign, str(at // MINUTE)),
        kind="rep_request",
        subject=Subject("contact", person.id),
        occurred_at=datetime.fromtimestamp(at / 1000, UTC),
        facts={"asked_by": user.id},
        campaign=campaign,
    )
    made = triggers.add(tx, person.connection_id, trigger, queue="render-now")
    if made is None:
        return asked.trigger_of(tx, person.connection_id, trigger.key, campaign), False
    facts = {"kind": trigger.kind, "campaign": campaign, "connection": person.connection_id}
    audit.record(tx, user.email, "trigger", f"contact:{person.id}"[:LONGEST], facts)
    return made, True


def _key(*parts: str) -> str:
    # ids may be as long as the column, so the key is a digest of them
    return "rep:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _address(person: KnownContact, **more: Any) -> str:
    return url_for("rep.contact", connection_id=person.connection_id, contact_id=person.id, **more)


def _looks_left() -> int:
    text = request.args.get("left", str(LOOKS))
    return min(LOOKS, int(text)) if text.isdecimal() and text.isascii() and len(text) < 4 else 0
