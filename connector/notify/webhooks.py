"""
Signed webhooks out: one POST per event, signed as Standard Webhooks lays down.

Whoever listens may be slow, gone or hostile: times are short, redirects are not followed, and what
they answer is only a number to us.
"""

from __future__ import annotations

from datetime import UTC, datetime

import requests

from connector.errors import PermanentError, TemporaryError
from connector.signing import signed_headers

CONNECT_SECONDS, ANSWER_SECONDS = 2.0, 10.0
GONE = 410
# these say that the receiver is there but wants fewer of us
THROTTLED = frozenset({429, 502, 503, 504})
LONGEST_PAUSE = 3600.0


def sign(secret: str, identity: str, body: bytes, at: datetime | None = None) -> dict[str, str]:
    """Return the headers that prove *body*; *identity* is the same on every try."""
    return signed_headers(secret, identity, body, at or datetime.now(UTC))


def post(url: str, *, identity: str, body: bytes, secret: str) -> None:
    """Post one event; returns when it was taken, raises Temporary- or PermanentError otherwise."""
    headers = {"content-type": "application/json", **sign(secret, identity, body)}
    try:
        # a session of its own: neither proxies nor a .netrc of the machine apply to this
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                url,
                data=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            answer.close()
    except requests.RequestException as error:
        raise TemporaryError(
            f"the webhook's address did not answer ({type(error).__name__})", reason="no_answer"
        ) from error
    _judge(answer)


def _judge(answer: requests.Response) -> None:
    status = answer.status_code
    if 200 <= status < 300:
        return
    if status == GONE:
        raise PermanentError("the webhook's address says it is gone (410)", reason="gone")
    raise TemporaryError(
        f"the webhook's address answered {status}",
        reason=f"status_{status}",
        after=_pause(answer) if status in THROTTLED else None,
    )


def _pause(answer: requests.Response) -> float | None:
    wanted = answer.headers.get("retry-after", "")
    return min(LONGEST_PAUSE, float(wanted)) if wanted.isdecimal() and wanted.isascii() else None
