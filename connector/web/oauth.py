"""
/oauth/<crm>/…: an admin lets us into an account of a CRM, on the CRM's own page.

What begins in one browser ends there: the state is signed and short-lived, and its other half, with
PKCE's verifier, stands encrypted in a cookie that serves once (RFC 6749 §10.12, RFC 7636).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field

import structlog
from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from connector.crm import APPS, Account, Surroundings, open_app
from connector.crm.accounts import need_address, take_in, title_of
from connector.decide.dictionary import load_dictionary
from connector.errors import (
    ConnectorError,
    PermanentError,
    SettingError,
    SignatureError,
    TemporaryError,
)
from connector.secrets import same
from connector.settings import Settings
from connector.store.users import Role, User
from connector.web.console.door import RANK, user_of_request
from connector.web.desk import Desk, desk, surroundings

PURPOSE = "oauth"
SECONDS = 600
LONGEST_PLACE = 200
CODE = re.compile(r"[a-z_]{1,40}")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    # the address of the answer holds the code
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
FOREIGN = "This answer does not belong to anything that was begun in this browser."
LATE = "More than ten minutes have passed since connecting was begun."

blueprint = Blueprint("oauth", __name__, url_prefix="/oauth")
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Begun:
    """What the browser that began keeps for the answer."""

    crm: str
    user: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    # where the CRM's page is, in a CRM that has several
    place: str = ""


class _RefusedError(PermanentError):
    """The answer is not one that we asked for."""

    reason = "oauth"


@blueprint.get("/<crm>/start")
def start(crm: str) -> BaseResponse:
    """Lead an admin to the page of a CRM on which they let us in."""
    user = user_of_request()
    if user is None:
        return redirect(
            url_for("console.sign_in_form", next=url_for("console.connection_list")), 303
        )
    _admit(user, crm)
    here = desk()
    need_address(here.settings, crm)
    place = request.args.get("at", "")[:LONGEST_PLACE]
    begun = _Begun(crm, user.id, secrets.token_urlsafe(24), secrets.token_urlsafe(64), place)
    page = open_app(crm, _around(here, crm)).authorize(
        state=here.keyring.sign({"crm": crm, "nonce": begun.nonce, "at": place}, PURPOSE),
        challenge=_challenge(begun.verifier),
        back=_back(here.settings, crm),
        place=place,
    )
    response = redirect(page, 303)
    _give_cookie(response, here.keyring.encrypt(json.dumps(vars(begun))), SECONDS)
    return response


@blueprint.get("/<crm>/callback")
def callback(crm: str) -> BaseResponse:
    """Take the CRM's answer: store the account, and show it."""
    user = user_of_request()
    if user is None:
        raise _RefusedError("You are not signed in any more. Sign in and begin again.")
    _admit(user, crm)
    here = desk()
    begun = _begun(here, crm, user)
    around = _around(here, crm)
    account = _account(around, begun)
    again = take_in(around, crm, account, user.email)
    log.info("connected", crm=crm, connection=account.id, again=again)
    shown = url_for("console.connection_page", connection_id=account.id, welcome=1)
    return _spent(redirect(shown, 303))


@blueprint.errorhandler(ConnectorError)
def _explain(error: ConnectorError) -> BaseResponse:
    """Say on a plain page what happened and what to do."""
    log.warning("not connected", reason=error.reason)
    crm = str((request.view_args or {}).get("crm", ""))
    page = render_template(
        "console/connection_refused.html", sentence=error.sentence, crm=crm, place=_place(crm)
    )
    status = 503 if isinstance(error, TemporaryError) else 400
    return _spent(make_response(page, status))


@blueprint.after_request
def _guard(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if desk().settings.production:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _admit(user: User, crm: str) -> None:
    if crm not in APPS:
        abort(404)
    if RANK[user.role] < RANK[Role.ADMIN]:
        abort(403)


def _begun(here: Desk, crm: str, user: User) -> _Begun:
    """Return what was begun in this browser, if the answer belongs to it."""
    stated = _state(here)
    kept = _cookie(here)
    if kept is None or stated.get("crm") != crm or (kept.crm, kept.user) != (crm, user.id):
        raise _RefusedError(f"{FOREIGN} Begin again.")
    if not same(str(stated.get("nonce", "")).encode(), kept.nonce.encode()):
        raise _RefusedError(f"{FOREIGN} Begin again.")
    return kept


def _state(here: Desk) -> dict[str, object]:
    token = request.args.get("state", "")
    try:
        stated = here.keyring.verify(token, PURPOSE, SECONDS)
    except SignatureError:
        try:
            here.keyring.verify(token, PURPOSE)
        except SignatureError:
            raise _RefusedError(f"{FOREIGN} Begin again.") from None
        raise _RefusedError(f"{LATE} Begin again.") from None
    return stated if isinstance(stated, dict) else {}


def _place(crm: str) -> str | None:
    """Return where it was begun, for beginning again; also of an answer that came too late."""
    try:
        stated = desk().keyring.verify(request.args.get("state", ""), PURPOSE)
    except SignatureError:
        return None
    if not isinstance(stated, dict) or stated.get("crm") != crm:
        return None
    return str(stated.get("at") or "") or None


def _cookie(here: Desk) -> _Begun | None:
    sealed = request.cookies.get(_cookie_name(), "")
    try:
        return _Begun(**json.loads(here.keyring.decrypt(sealed)))
    except (SettingError, TypeError, ValueError):
        return None


def _account(around: Surroundings, begun: _Begun) -> Account:
    if "error" in request.args:
        raise _RefusedError(_declined(request.args["error"], begun.crm))
    code = request.args.get("code", "")
    if not code:
        raise _RefusedError(f"{title_of(begun.crm)} sent no code. Begin again.")
    app = open_app(begun.crm, around)
    back = _back(around.settings, begun.crm)
    return app.connect(code=code, verifier=begun.verifier, back=back, place=begun.place)


def _declined(error: str, crm: str) -> str:
    if error == "access_denied":
        return (
            f"Cuereel was not let in: somebody declined on {title_of(crm)}'s page. Begin again "
            "when you want to; it takes an admin of the account."
        )
    # the words are the caller's, so only a code is repeated
    named = f" ({error})" if CODE.fullmatch(error) else ""
    return (
        f"{title_of(crm)} refused{named}. Begin again; if it stays, check the app's settings there."
    )


def _around(here: Desk, crm: str) -> Surroundings:
    return surroundings(here, load_dictionary(crm, here.settings.mapping_folders))


def _back(settings: Settings, crm: str) -> str:
    # from our own settings: the Host header says whatever the caller likes
    return f"{settings.base_url}/oauth/{crm}/callback"


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _cookie_name() -> str:
    return "__Host-cuereel_oauth" if desk().settings.production else "cuereel_oauth"


def _spent(response: BaseResponse) -> BaseResponse:
    _give_cookie(response, "", 0)
    return response


def _give_cookie(response: BaseResponse, value: str, seconds: int) -> None:
    response.set_cookie(
        _cookie_name(),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        secure=desk().settings.production,
        # the answer comes from the CRM's page, and Strict would keep the cookie back
        samesite="Lax",
    )
