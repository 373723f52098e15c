"""
Signed webhooks out: one POST per event, signed as Standard Webhooks lays down.

Whoever listens may be slow, gone or hostile: times are short, redirects are not followed, and what
they answer is only a number to us. An address from outside goes through the same door as pictures:
it is resolved once, checked, and the checked address is the one that is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import requests
from requests_hardened.ip_filter import InvalidIPAddress

from connector.errors import MediaError, PayloadError, PermanentError, TemporaryError
from connector.fetch import safe_session, within
from connector.signing import SIGNATURE, signed_headers

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 10.0
# a server that sends a byte now and then never runs into the other two
DEADLINE = 12.0
GONE = 410
NO_ANSWER = "no_answer"
# these say that the receiver is there but wants fewer of us
THROTTLED = frozenset({429, 502, 503, 504})
LONGEST_PAUSE = 3600.0
LONGEST_ADDRESS = 2000
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
FIRST_FREE_PORT = 1024
UNREADABLE = "the endpoint's address cannot be read; it must be like https://example.com/hooks"


@dataclass(frozen=True)
class Answer:
    """What came back: a status, and the seconds for which we are asked to wait."""

    status: int
    pause: float | None = None

    @property
    def taken(self) -> bool:
        """Tell whether it says that the event was taken."""
        return 200 <= self.status < 300


def sign(secret: str, identity: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    """Return the headers that prove *body*; *identity* is the same on every try."""
    return signed_headers(secret, identity, body, at or datetime.now(UTC))


def post(url: str, *, identity: str, body: bytes, secret: str) -> None:
    """Post one event to our own address; raises Temporary- or PermanentError if it was not taken."""
    try:
        # a session of its own: neither proxies nor a .netrc of the machine apply to this
        with requests.Session() as session:
            session.trust_env = False
            answer = _post(session, url, body, sign(secret, identity, body))
    except requests.RequestException as error:
        raise _silence(error) from error
    judge(answer)


def deliver(
    url: str, *, identity: str, body: bytes, secrets: Sequence[str], production: bool
) -> Answer:
    """
    Post one event to an address of somebody else's and return what came back, whatever it says.

    PermanentError where the address is refused, TemporaryError where nobody answers.
    """
    check_address(url, production=production)
    headers = _signed(secrets, identity, body)
    came: list[Answer] = []

    def call() -> None:
        with safe_session(allow_loopback=not production) as session:
            came.append(_post(session, url, body, headers))

    try:
        within(DEADLINE, call)
    except (MediaError, InvalidIPAddress, requests.exceptions.InvalidURL) as error:
        raise PermanentError(
            "the endpoint's name leads to a private address; mend its DNS entry and replay",
            reason="address_refused",
        ) from error
    except (TimeoutError, requests.RequestException) as error:
        raise _silence(error) from error
    return came[0]


def judge(answer: Answer) -> None:
    """Return where an event was taken; raise what an answer means where it was not."""
    if answer.taken:
        return
    if answer.status == GONE:
        raise PermanentError("the webhook's address says it is gone (410)", reason="gone")
    raise TemporaryError(
        f"the webhook's address answered {answer.status}",
        reason=f"status_{answer.status}",
        after=answer.pause,
    )


def check_address(url: str, *, production: bool) -> None:
    """Refuse what can never be an endpoint's address; where its name leads is checked when sent."""
    parts, port = _parts(url)
    host = parts.hostname or ""
    near = host in LOOPBACK and not production
    if parts.scheme != "https" and not (parts.scheme == "http" and near):
        raise PayloadError(
            "an endpoint's address must begin with https://", reason="address_refused"
        )
    if parts.username is not None or (port not in (None, 443) and port < FIRST_FREE_PORT):
        raise PayloadError(
            "an endpoint's address may name no user, and as port only 443 or one above 1023",
            reason="address_refused",
        )
    if not host or (not near and _is_inside(host)):
        raise PayloadError(
            "an endpoint's address must be one that the whole internet can reach",
            reason="address_refused",
        )


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PayloadError(UNREADABLE, reason="address_refused") from error
    if not url.isprintable() or " " in url or len(url) > LONGEST_ADDRESS:
        raise PayloadError(UNREADABLE, reason="address_refused")
    return parts, port


def _is_inside(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host in LOOPBACK


def _signed(secrets: Sequence[str], identity: str, body: bytes) -> dict[str, str]:
    """Return headers that prove *body* to whoever knows any of *secrets*."""
    at = datetime.now(UTC)
    each = [sign(secret, identity, body, at) for secret in secrets]
    return {**each[0], SIGNATURE: " ".join(one[SIGNATURE] for one in each)}


def _post(session: requests.Session, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    answer = session.post(
        url,
        data=body,
        headers={"content-type": "application/json", **headers},
        timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
        allow_redirects=False,
        stream=True,
    )
    # however long it is, nobody reads it
    answer.close()
    return Answer(answer.status_code, _pause(answer) if answer.status_code in THROTTLED else None)


def _silence(error: Exception) -> TemporaryError:
    return TemporaryError(
        f"the webhook's address did not answer ({type(error).__name__})", reason=NO_ANSWER
    )


def _pause(answer: requests.Response) -> float | None:
    wanted = answer.headers.get("retry-after", "")
    return min(LONGEST_PAUSE, float(wanted)) if wanted.isdecimal() and wanted.isascii() else None
