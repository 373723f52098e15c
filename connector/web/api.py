"""
The API under /api/v1: records, triggers and videos for programs.

JSON in and out; `Authorization: Bearer <token>` with a token of `cuereel user token`, which has the
rights of its user. A browser's session is of no use here, so no page elsewhere can act through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint, Response, abort, g, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException

from connector.crm.local.editing import delete_record, put_record
from connector.crm.local.gateway import Announcement, announce
from connector.crm.local.triggers import Event
from connector.crm.local.watched import percent_by_video
from connector.decide.dictionary import load_dictionary
from connector.errors import ConnectorError, NotFoundError, PayloadError, TemporaryError
from connector.model import JSON, Subject
from connector.store import audit, connections, logins, record_rows, records, videos
from connector.store.clock import moment, now
from connector.store.logins import Use
from connector.store.records import StoredRecord
from connector.store.users import Role, User
from connector.store.videos import VideoRow
from connector.strict_json import parse_json
from connector.web.desk import desk
from connector.web.review import find, review

LARGEST_BODY = 1_000_000
MOST_ROWS = 200
SENTENCES = {
    400: "This request could not be understood.",
    401: "Send a token of `cuereel user token` as `Authorization: Bearer …`.",
    403: "The token's user may not do this.",
    404: "There is nothing here.",
    405: "This cannot be done here.",
    413: f"A body may have {LARGEST_BODY:,} bytes.",
}

blueprint = Blueprint("api", __name__)
M = TypeVar("M", bound=BaseModel)


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    fields: dict[str, JSON]


class _Review(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    approved: bool


class _Paging(BaseModel):
    model_config = ConfigDict(frozen=True)

    q: str = Field("", max_length=200)
    limit: int = Field(50, ge=1, le=MOST_ROWS)
    offset: int = Field(0, ge=0, le=10_000_000)


@blueprint.before_request
def _ask_who() -> None:
    request.max_content_length = LARGEST_BODY
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    with desk().store.read() as tx:
        user, _ = logins.user_of(tx, token.strip(), Use.API)
    if user is None or scheme.lower() != "bearer":
        abort(401)
    if request.method not in ("GET", "HEAD") and user.role is Role.VIEWER:
        abort(403)
    g.api_user = user


@blueprint.get("/records/<kind>")
def list_records(kind: str) -> Response:
    """List records of a kind, the last changed first."""
    paging = _read_query()
    with desk().store.read() as tx:
        found = records.search(
            tx,
            _connection(tx),
            kind,
            text=paging.q,
            limit=paging.limit,
            offset=paging.offset,
        )
    return jsonify({"records": [_record(row) for row in found.rows], "total": found.total})


@blueprint.get("/records/<kind>/<path:record_id>")
def get_record(kind: str, record_id: str) -> Response:
    """Return one record."""
    with desk().store.read() as tx:
        return jsonify(_record(_found(tx, kind, record_id)))


@blueprint.put("/records/<kind>/<path:record_id>")
def write_record(kind: str, record_id: str) -> tuple[Response, int]:
    """Set the given fields of a record, making it where needed; null empties a field."""
    fields = _read_body(_Fields).fields
    with desk().store.write() as tx:
        connection_id = _connection(tx)
        made = records.get(tx, connection_id, kind, record_id) is None
        owed = put_record(tx, connection_id, Subject(kind, record_id), fields)
        _note(tx, "create" if made else "edit", f"{kind}:{record_id}", fields=sorted(fields))
        answer = _record(_found(tx, kind, record_id))
    desk().doorbell.ring("send_webhooks", owed)
    return jsonify(answer), 201 if made else 200


@blueprint.delete("/records/<kind>/<path:record_id>")
def remove_record(kind: str, record_id: str) -> tuple[str, int]:
    """Delete a record."""
    with desk().store.write() as tx:
        _found(tx, kind, record_id)
        owed = delete_record(tx, _connection(tx), Subject(kind, record_id))
        _note(tx, "delete", f"{kind}:{record_id}")
    desk().doorbell.ring("send_webhooks", owed)
    return "", 204


@blueprint.post("/triggers")
def send_trigger() -> tuple[Response, int]:
    """Say that something happened, in the format of the local CRM's events."""
    event = _read_body(Event)
    subject = event.subject
    told = Announcement(event.type, subject, event.contact_id, event.facts, event.happened_at)
    window = timedelta(seconds=desk().settings.signature_window_seconds)
    with desk().store.write() as tx:
        if event.happened_at > moment(now(tx)) + window:
            raise PayloadError("occurred_at lies in the future")
        webhook = announce(tx, _connection(tx), told)
        _note(tx, "trigger", f"{subject.kind}:{subject.id}", type=event.type)
    desk().doorbell.ring("send_webhooks", [webhook])
    return jsonify({"webhook": webhook}), 202


@blueprint.get("/videos")
def list_videos() -> Response:
    """List the videos of a contact, newest first."""
    contact = request.args.get("contact", "")
    if not contact or not contact.isprintable():
        raise PayloadError("say whose videos: ?contact=<id>")
    with desk().store.read() as tx:
        connection_id = _connection(tx)
        person = records.get(tx, connection_id, "contact", contact)
        rows = record_rows.of_contact(tx, connection_id, contact)
        found = videos.of_contact(tx, connection_id, contact)
    dictionary = load_dictionary("local", desk().settings.mapping_folders)
    watched = percent_by_video(rows, person.fields if person else {}, dictionary)
    links = {row.key: row.values for row in rows if row.kind == "video"}
    told = [_video(one, links.get(one.id, {}), watched.get(one.id)) for one in found]
    return jsonify({"videos": told})


@blueprint.post("/videos/<video_id>/review")
def review_video(video_id: str) -> tuple[Response, int]:
    """Approve or reject a video that was kept back."""
    approved = _read_body(_Review).approved
    user: User = g.api_user
    with desk().store.read() as tx:
        video = find(tx, video_id)
    if video is not None and not user.sees(video.connection_id):
        abort(404)
    judged = review(desk(), video_id, approved=approved, actor=user.email)
    if judged is None:
        sentence = "This video is not one that can be approved or rejected now."
        return jsonify({"error": "not_to_be_judged", "sentence": sentence}), 409
    return jsonify({"id": judged.id, "status": judged.status}), 200


@blueprint.errorhandler(HTTPException)
def _refuse(error: HTTPException) -> tuple[Response, int]:
    status = error.code or 500
    reason = HTTPStatus(status).phrase.lower().replace(" ", "_")
    return jsonify({"error": reason, "sentence": SENTENCES.get(status, error.name)}), status


@blueprint.errorhandler(ConnectorError)
def _explain(error: ConnectorError) -> tuple[Response, int]:
    response = jsonify({"error": error.reason, "sentence": error.sentence})
    if isinstance(error, TemporaryError):
        response.headers["Retry-After"] = str(int(error.after or 5))
        return response, 503
    return response, 404 if isinstance(error, NotFoundError) else 400


@blueprint.after_request
def _guard(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _connection(tx: Connection) -> str:
    wanted = request.args.get("connection", "local")
    row = connections.get(tx, desk().keyring, wanted) if wanted.isprintable() else None
    user: User = g.api_user
    if row is None or row.crm != "local" or not user.sees(row.id):
        raise NotFoundError(f"there is no local CRM called {wanted[:64]!r}")
    return row.id


def _found(tx: Connection, kind: str, record_id: str) -> StoredRecord:
    record = records.get(tx, _connection(tx), kind, record_id)
    if record is None:
        raise NotFoundError(f"there is no {kind[:40]} with the id {record_id[:200]!r}")
    return record


def _read_query() -> _Paging:
    try:
        return _Paging.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise _complaint(error) from None


def _read_body(model: type[M]) -> M:
    try:
        return model.model_validate(parse_json(request.get_data()))
    except ValidationError as error:
        raise _complaint(error) from None


def _complaint(error: ValidationError) -> PayloadError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return PayloadError(f"{where}: {first['msg']}")


def _note(tx: Connection, action: str, subject: str, **facts: JSON) -> None:
    user: User = g.api_user
    audit.record(tx, user.email, action, subject, {**facts, "by": "api"})


def _record(row: StoredRecord) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "id": row.id,
        "fields": dict(row.fields),
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def _video(video: VideoRow, row: Mapping[str, JSON], percent: int | None) -> dict[str, Any]:
    return {
        "id": video.id,
        "campaign": video.campaign,
        "template": video.template,
        "status": video.status,
        "reason": video.reason,
        "sentence": video.sentence,
        "url": row.get("video_url", ""),
        "thumbnail_url": row.get("thumbnail_url", ""),
        "percent_watched": percent,
        "findings": (video.receipt or {}).get("findings", []),
    }
