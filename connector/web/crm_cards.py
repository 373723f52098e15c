"""
/crm/<crm>/…: what a CRM's own screens show of us, and the button that has another video made.

Each request carries the CRM's signature over the whole address; the account that it names sees its
own contacts and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, cast

from flask import Blueprint, Response, abort, g, jsonify, request
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from werkzeug.exceptions import HTTPException

from connector.decide.dictionary import load_dictionary
from connector.errors import (
    ConnectorError,
    NotFoundError,
    PayloadError,
    SignatureError,
    TemporaryError,
)
from connector.model import Delivery, Subject, Trigger
from connector.settings import Settings
from connector.store import audit, connections, triggers
from connector.store.connections import ConnectionRow
from connector.strict_json import parse_json
from connector.web.card_facts import card_of, choices
from connector.web.desk import Desk, desk
from connector.web.floods import Meter

if TYPE_CHECKING:
    from connector.crm.hubspot.card import Asker

# how each CRM's signature is read; loaded with the first request, as a CRM brings its client along
ASKERS = {"hubspot": "connector.crm.hubspot.card:asker_of"}
LARGEST_BODY = 10_000
RECORD_ID = r"[A-Za-z0-9_-]{1,64}"
FORGED = "This request is not signed by the CRM, or it is too old. Reload the page."
STATES = {
    "active": "Connected. Videos and what is watched of them are written to your contacts.",
    "needs_reauth": "The account no longer lets us in. An admin connects it again in the console.",
}

blueprint = Blueprint("crm_cards", __name__, url_prefix="/crm/<crm>")
makes = Meter(most=30, seconds=60)  # videos that one person may ask for


class _Wish(BaseModel):
    """A video that somebody asks for; *request* is one press of the button, however often it comes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    contact: Annotated[str, StringConstraints(pattern=f"^{RECORD_ID}$")]
    campaign: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    request: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]


@blueprint.before_request
def _ask_who() -> None:
    request.max_content_length = LARGEST_BODY
    crm = str((request.view_args or {})["crm"])
    if crm not in ASKERS:
        abort(404)
    here = desk()
    asker = _reader(crm)(_delivery(here), here.settings)
    with here.store.read() as tx:
        row = connections.get(tx, here.keyring, asker.connection_id)
    if row is None or row.crm != crm or row.state == "disabled":
        raise NotFoundError(
            "This account is not connected to Cuereel; an admin connects it at "
            f"{here.settings.base_url}/console/connections.",
            reason="not_connected",
        )
    g.asker, g.connection = asker, row


@blueprint.get("/card")
def card(crm: str) -> Response:
    """Return what the card on a contact shows."""
    here, contact = desk(), _contact(request.args.get("contact", ""))
    with here.store.read() as tx:
        return jsonify(card_of(tx, here, _connection().id, contact))


@blueprint.post("/card/make")
def make(crm: str) -> tuple[Response, int]:
    """Have a video made for a contact; the usual gates decide."""
    here, wish = desk(), _wish()
    asker: Asker = g.asker
    if not makes.allows((asker.connection_id, asker.user)):
        abort(429)
    with here.store.write() as tx:
        if wish.campaign not in {choice["value"] for choice in choices(tx)}:
            raise PayloadError("There is no such video any more. Reload the page and choose again.")
        trigger_id = triggers.add(
            tx, asker.connection_id, _trigger(wish, asker), queue="render-now"
        )
        if trigger_id:
            facts = {"kind": "rep_request", "campaign": wish.campaign}
            audit.record(tx, asker.user, "trigger", asker.connection_id, facts)
    if trigger_id:
        here.doorbell.ring("plan_video", [trigger_id])
    return jsonify({"sentence": "The video is being made; it appears here in a moment."}), 202


@blueprint.get("/settings")
def settings(crm: str) -> Response:
    """Return how the connection stands, which of our fields there are, and where the console is."""
    here, row = desk(), _connection()
    written = load_dictionary(crm, here.settings.mapping_folders).write_fields.values()
    missing = frozenset(row.config.get("left_out") or ())
    return jsonify({
        "title": row.title,
        "state": row.state,
        "sentence": STATES.get(row.state, "The console says how the connection stands."),
        "fields": [
            {"label": spec.label, "name": spec.name, "there": spec.name not in missing}
            for spec in written
        ],
        "console": f"{here.settings.base_url}/console/connections/{row.id}",
    })  # fmt: skip


@blueprint.errorhandler(ConnectorError)
def _explain(error: ConnectorError) -> tuple[Response, int]:
    if isinstance(error, SignatureError):
        # the same for every cause: a forger learns nothing
        return jsonify({"error": error.reason, "sentence": FORGED}), 401
    response = jsonify({"error": error.reason, "sentence": error.sentence})
    if isinstance(error, TemporaryError):
        response.headers["Retry-After"] = str(int(error.after or 5))
        return response, 503
    return response, 404 if isinstance(error, NotFoundError) else 400


@blueprint.errorhandler(HTTPException)
def _refuse(error: HTTPException) -> tuple[Response, int]:
    status = error.code or 500
    reason = HTTPStatus(status).phrase.lower().replace(" ", "_")
    often = "That was too often; please wait a minute."
    return jsonify({"error": reason, "sentence": often if status == 429 else error.name}), status


@blueprint.after_request
def _guard(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response


def _reader(crm: str) -> Callable[[Delivery, Settings], Asker]:
    module, name = ASKERS[crm].split(":")
    return cast("Callable[[Delivery, Settings], Asker]", getattr(import_module(module), name))


def _delivery(here: Desk) -> Delivery:
    query = request.query_string.decode("latin-1")
    return Delivery(
        connection_id="",
        method=request.method,
        # from our own settings: Host and X-Forwarded-* say whatever the caller likes
        url=f"{here.settings.base_url}{request.path}" + (f"?{query}" if query else ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.get_data(),
        received_at=datetime.now(UTC),
    )


def _connection() -> ConnectionRow:
    return cast(ConnectionRow, g.connection)


def _contact(given: str) -> str:
    if not re.fullmatch(RECORD_ID, given):
        raise PayloadError("say whose card: ?contact=<id>")
    return given


def _wish() -> _Wish:
    try:
        return _Wish.model_validate(parse_json(request.get_data()))
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise PayloadError(f"{where}: {first['msg']}") from None


def _trigger(wish: _Wish, asker: Asker) -> Trigger:
    return Trigger(
        key=f"card:{asker.user}:{wish.request}",
        kind="rep_request",
        subject=Subject("contact", wish.contact),
        occurred_at=datetime.now(UTC),
        facts={"asked_by": asker.user},
        campaign=wish.campaign,
    )
