"""
The viewer's pages: `/v/<token>` and what belongs to it.

A GET changes nothing, because link scanners and previews fetch every address they see. Opening an
unrendered video, opting out and the call to action are POSTs: by the page's script, or by a button
that works without it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import cast

import structlog
from flask import (
    Blueprint,
    Response,
    current_app,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from sqlalchemy import Connection

from connector.decide.schema import MAIN
from connector.errors import TemporaryError
from connector.measure.tracking import OFF, strictest
from connector.model import Subject, VideoStatus
from connector.notify.events import tell_opt_out
from connector.publish import Files, open_files
from connector.secrets import token_hash
from connector.settings import Settings
from connector.store import opening, sessions, subjects, tracking, videos
from connector.store.clock import now
from connector.store.videos import VideoRow
from connector.web import clicks
from connector.web.desk import Desk, desk
from connector.web.floods import Meter
from connector.web.media import send_stored
from connector.web.phrases import language_asked
from connector.web.screens import (
    Screen,
    View,
    address_of,
    brand_of,
    screen_of,
    shows_film,
    stored_key,
    view_of,
)
from connector.web.security import guard_viewer, nonce
from connector.web.visits import asked_for, is_one_of_us, is_prefetch
from connector.web.wire import make_ticket

GONE = 410
HOUR = 3600  # seconds
# what the renderer draws, and nothing that could hold a script
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
LARGEST_FORM = 4096  # bytes; a ticket and a session's id
GUESSES = "cuereel.guesses"

blueprint = Blueprint("watch", __name__, url_prefix="/v")
blueprint.after_request(guard_viewer)
blueprint.record_once(lambda state: state.app.extensions.update({GUESSES: Meter(60, 60)}))
log = structlog.get_logger(__name__)


@blueprint.get("/<token>")
def page(token: str) -> Response:
    """Show the video, or politely what there is instead."""
    if is_prefetch():
        # nothing is shown yet; when somebody really comes, the browser asks again
        return Response(status=503, headers={"Cache-Control": "no-store"})
    here = desk()
    video, moment = _find(here, token)
    if video is None:
        return _unknown()
    view = view_of(video, moment, here.settings)
    if view.screen is Screen.PLAY:
        ticket, mode = _measuring(here, video, moment)
        return _page("video", token, view, ticket=ticket, mode=mode)
    if view.screen in (Screen.WAITING, Screen.MAKING):
        return _page("making", token, view)
    return _page("notice", token, view, status=GONE if view.screen is Screen.OVER else 200)


@blueprint.get("/<token>/<name>")
def file(token: str, name: str) -> Response:
    """Send one of a video's files, whole or in part."""
    here = desk()
    video, moment = _find(here, token)
    if video is None:
        return _unknown()
    if not shows_film(video, moment):
        return _unknown(GONE if screen_of(video, moment) is Screen.OVER else 404)
    if request.args.get("n", str(video.version)) != str(video.version):
        # asked for by a page that shows the film before this one
        return _unknown(GONE)
    key = stored_key(video, name)
    return (send_stored(_opened(here.settings), key) if key else None) or _unknown()


@blueprint.get("/<token>/logo")
def logo(token: str) -> Response:
    """Send the logo of the video's brand."""
    here = desk()
    video, _ = _find(here, token)
    path = brand_of(here.settings, video.template).logo_path if video else None
    if path is None or path.suffix.lower() not in PICTURES or not path.is_file():
        return _unknown()
    return send_file(path.resolve(), conditional=True, max_age=HOUR)


@blueprint.get("/<token>/status")
def status(token: str) -> Response:
    """Tell the page's script whether the video can be played, or is at least on its way."""
    video, moment = _find(desk(), token)
    if video is None:
        return _unknown()
    screen = screen_of(video, moment)
    answer = {"ready": screen is Screen.PLAY, "coming": screen in (Screen.WAITING, Screen.MAKING)}
    response = Response(json.dumps(answer), content_type="application/json")
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/<token>/open")
def open_video(token: str) -> Response:
    """Have a video made that waits for its first viewer, or made afresh where it is too old."""
    here = desk()
    video, moment = _find(here, token)
    if video is None:
        return _unknown()
    if screen_of(video, moment) is Screen.WAITING:
        with here.store.write() as tx:
            opened = opening.open_now(tx, video)
        if opened:
            here.doorbell.ring("render_video", [video.id], queue="render-now")
    return _see(url_for("watch.page", token=token))


@blueprint.get("/<token>/opt-out")
def opt_out_page(token: str) -> Response:
    """Ask whether the viewer wants no more videos, or confirm that it is so."""
    here = desk()
    video, moment = _find(here, token)
    if video is None:
        return _unknown()
    view = view_of(video, moment, here.settings)
    if video.contact_id is None:
        return _page("notice", token, view, status=GONE)
    with here.store.read() as tx:
        return _page("opt_out", token, view, opted_out=_opted_out(tx, video))


@blueprint.post("/<token>/opt-out")
def opt_out(token: str) -> Response:
    """Make no more videos for this viewer, and stop those that are not made yet."""
    here = desk()
    video, _ = _find(here, token)
    if video is None:
        return _unknown()
    if video.contact_id is not None:
        with here.store.write() as tx:
            told = tell_opt_out(tx, video, "watch_page")
            subjects.opt_out(tx, video.connection_id, video.contact_id, "watch_page")
            cancelled = opening.cancel(tx, video.connection_id, video.contact_id)
            sessions.owe_measure(tx, {video.id, *cancelled}, 0)
        here.doorbell.ring("send_webhooks", told)
    return _see(url_for("watch.opt_out_page", token=token))


@blueprint.get("/<token>/untracked")
def untracked_page(token: str) -> Response:
    """Ask whether the viewer wants not to be measured, or confirm that it is so."""
    here = desk()
    video, moment = _find(here, token)
    if video is None:
        return _unknown()
    _, mode = _measuring(here, video, moment)
    return _page("untracked", token, view_of(video, moment, here.settings), mode=mode)


@blueprint.post("/<token>/untracked")
def untracked(token: str) -> Response:
    """Measure this viewer no more, whichever of their videos they watch."""
    here = desk()
    video, _ = _find(here, token)
    if video is None:
        return _unknown()
    if video.status != VideoStatus.ERASED:
        with here.store.write() as tx:
            tracking.refuse(tx, video)
            sessions.owe_measure(tx, [video.id], 0)
    return _see(url_for("watch.untracked_page", token=token))


@blueprint.post("/<token>/cta")
def follow(token: str) -> Response:
    """Count a click on a call to action once per session and lead on to the stored address."""
    request.max_content_length = LARGEST_FORM
    here = desk()
    video, moment = _find(here, token)
    key = request.form.get("c", MAIN)
    target = address_of(video, key) if video else None
    if video is None or target is None or screen_of(video, moment) is Screen.OVER:
        return _unknown()
    try:
        clicks.count(here, video, key, request.form.get("s", ""), request.form.get("t", ""))
    except TemporaryError as error:
        # the viewer is not kept waiting for our bookkeeping
        log.warning("click not counted", video=video.id, reason=error.reason)
    return _see(target)


def _find(here: Desk, token: str) -> tuple[VideoRow | None, int]:
    with here.store.read() as tx:
        return videos.by_token(tx, token_hash(token)), now(tx)


@lru_cache(maxsize=4)
def _opened(settings: Settings) -> Files:
    return open_files(settings)


def _measuring(here: Desk, video: VideoRow, moment: int) -> tuple[str, str]:
    """Return what lets the player report, and how that is remembered; empty where nothing is."""
    with here.store.read() as tx:
        chosen = tracking.mode_of_video(tx, here.settings.tracking, video)
        mode = strictest(chosen, asked_for())
        if mode == OFF or _opted_out(tx, video):
            return "", ""
        ticket = make_ticket(
            here.keyring,
            video.id,
            moment,
            version=video.version,
            own=is_one_of_us(tx),
            tracking=mode,
        )
    return ticket, mode


def _opted_out(tx: Connection, video: VideoRow) -> bool:
    if video.contact_id is None:
        return False
    subject = Subject("contact", video.contact_id)
    return subjects.standing(tx, video.connection_id, subject).opted_out


def _page(name: str, token: str, view: View, *, status: int = 200, **more: object) -> Response:
    more |= {"language": view.language, "brand": view.brand, "nonce": nonce(), "share": _share()}
    html = render_template(f"watch/{name}.html", view=view, token=token, **more)
    return Response(html, status, content_type="text/html; charset=utf-8")


def _unknown(status: int = 404) -> Response:
    """Answer for whatever is not there; the same page whether or not it ever was."""
    meter = cast(Meter, current_app.extensions[GUESSES])
    if status == 404 and not meter.allows(request.remote_addr):
        status = 429
    here = desk()
    html = render_template(
        "watch/unknown.html",
        language=language_asked(request.accept_languages),
        brand=brand_of(here.settings, ""),
        nonce=nonce(),
        share=_share(),
    )
    return Response(html, status, content_type="text/html; charset=utf-8")


def _share() -> str:
    """Return the address of the picture that link previews show, the same for every video."""
    return desk().settings.base_url + url_for("static", filename="share.png")


def _see(address: str) -> Response:
    return cast(Response, redirect(address, 303))
