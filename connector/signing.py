"""
Webhook signatures as Standard Webhooks lays them down (github.com/standard-webhooks).

The signed content is `id.timestamp.body` on raw bytes, HMAC-SHA256 under a secret written
`whsec_<base64>`. Several secrets are accepted at once, so that one can be replaced without a gap.
What is malformed is refused like what is forged: an unauthenticated caller learns nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as random_source
from collections.abc import Mapping, Sequence
from datetime import datetime

from connector.errors import SettingError, SignatureError

PREFIX = "whsec_"
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
LONGEST_HEADER = 4096
# a dot would let an id and a timestamp be told apart in two ways
IDENTITY = re.compile(r"[!-\-/-~]{1,128}")
DIGITS = re.compile(r"[0-9]{1,12}")


def new_secret() -> str:
    """Return a fresh signing secret."""
    return PREFIX + base64.b64encode(random_source.token_bytes(32)).decode()


def signed_headers(secret: str, identity: str, body: bytes, at: datetime) -> dict[str, str]:
    """Return the three headers that prove *body* to whoever shares *secret*."""
    timestamp = str(int(at.timestamp()))
    digest = _digest(signing_key(secret), identity, timestamp, body)
    return {
        ID: identity,
        TIMESTAMP: timestamp,
        SIGNATURE: "v1," + base64.b64encode(digest).decode(),
    }


def verify(
    secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, at: datetime, window: float
) -> str:
    """Return the webhook-id of a delivery that is proven and fresh; SignatureError otherwise."""
    identity = _header(headers, ID, IDENTITY)
    timestamp = _header(headers, TIMESTAMP, DIGITS)
    if abs(at.timestamp() - int(timestamp)) > window:
        raise SignatureError("the delivery's timestamp is too far from our clock")
    given = _signatures(headers.get(SIGNATURE, ""))
    wanted = [_digest(signing_key(secret), identity, timestamp, body) for secret in secrets]
    # every pair is compared, so that time does not tell which secret came close
    matches = [hmac.compare_digest(one, other) for one in given for other in wanted]
    if not any(matches):
        raise SignatureError("the delivery is not signed with a secret of this connection")
    return identity


def signing_key(secret: str) -> bytes:
    """Return the bytes of a secret; SettingError where it is not one."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX).encode(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) < 16:
        raise SettingError(f"a signing secret must read {PREFIX}<base64 of at least 16 bytes>")
    return key


def _digest(key: bytes, identity: str, timestamp: str, body: bytes) -> bytes:
    content = b"%b.%b.%b" % (identity.encode(), timestamp.encode(), body)
    return hmac.new(key, content, hashlib.sha256).digest()


def _header(headers: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not shape.fullmatch(value):
        raise SignatureError(f"the header {name} is missing or malformed")
    return value


def _signatures(header: str) -> list[bytes]:
    if not header or len(header) > LONGEST_HEADER:
        raise SignatureError(f"the header {SIGNATURE} is missing or malformed")
    return [digest for item in header.split(" ") if (digest := _decoded(item)) is not None]


def _decoded(item: str) -> bytes | None:
    version, _, encoded = item.partition(",")
    if version != "v1":
        return None
    try:
        return base64.b64decode(encoded.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
