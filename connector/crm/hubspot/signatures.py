"""
Who sent a delivery, by HubSpot's three kinds of signature, on raw bytes.

v3 is fresh or refused. v1 and v2 say nothing of when: what they bring is recognised by its key when
it comes again. What is malformed is refused like what is forged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Sequence

from connector.errors import SignatureError
from connector.model import Delivery
from connector.settings import Settings

V3 = "x-hubspot-signature-v3"
TIMESTAMP = "x-hubspot-request-timestamp"
OLDER, VERSION = "x-hubspot-signature", "x-hubspot-signature-version"
BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=")  # of 32 bytes
HEX = re.compile(r"[0-9a-f]{64}")
MILLISECONDS = re.compile(r"[0-9]{1,15}")
# HubSpot signs these as the characters that they stand for, and leaves all others as they are
DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
ENCODED = re.compile("|".join(DECODED), re.IGNORECASE)

Verification = Callable[[Sequence[str], Delivery], None]


def client_secrets(settings: Settings) -> tuple[str, ...]:
    """Return the secrets of our app, newest first; SignatureError where none is set."""
    secrets = tuple(s for s in map(str.strip, settings.hubspot_client_secret.split(",")) if s)
    if not secrets:
        raise SignatureError(
            "CUEREEL_HUBSPOT_CLIENT_SECRET is not set, so nothing of HubSpot's can be verified; "
            "it stands on the Auth page of your HubSpot app"
        )
    return secrets


def verify(secrets: Sequence[str], delivery: Delivery, window: float, older: Verification) -> None:
    """Verify v3 where there is one, else *older*; a v3 that is wrong is never made good by it."""
    if V3 in delivery.headers:
        verify_v3(secrets, delivery, window)
    else:
        older(secrets, delivery)


def verify_v3(secrets: Sequence[str], delivery: Delivery, window: float) -> None:
    """Verify method, address, body and time; *window* is the seconds it may be off our clock."""
    given = _header(delivery, V3, BASE64)
    timestamp = _header(delivery, TIMESTAMP, MILLISECONDS)
    if abs(delivery.received_at.timestamp() - int(timestamp) / 1000) > window:
        raise SignatureError("the delivery's timestamp is too far from our clock")
    signed = _request(delivery, decoded(delivery.url)) + timestamp.encode()
    digests = (hmac.new(secret.encode(), signed, hashlib.sha256).digest() for secret in secrets)
    _compare(given, (base64.b64encode(digest).decode() for digest in digests))


def verify_v2(secrets: Sequence[str], delivery: Delivery) -> None:
    """Verify method, address and body, as workflows sign them."""
    _older(secrets, delivery, "v2", _request(delivery, delivery.url))


def verify_v1(secrets: Sequence[str], delivery: Delivery) -> None:
    """Verify the body, as older webhooks sign it."""
    _older(secrets, delivery, "v1", delivery.body)


def decoded(url: str) -> str:
    """Return *url* as v3 signs it."""
    return ENCODED.sub(lambda found: DECODED[found.group().upper()], url)


def _older(secrets: Sequence[str], delivery: Delivery, version: str, signed: bytes) -> None:
    # the secret comes first, so a stranger can lengthen what was signed once: by a byte 0x80 that
    # is not UTF-8, which is why such a body is refused by `parse_json`
    if delivery.headers.get(VERSION) != version:
        raise SignatureError(f"the delivery is not signed as {version}, nor as v3")
    given = _header(delivery, OLDER, HEX)
    _compare(given, (hashlib.sha256(secret.encode() + signed).hexdigest() for secret in secrets))


def _request(delivery: Delivery, url: str) -> bytes:
    # whatever stands in an address of ours must not break the proof that it is not signed
    return (delivery.method + url).encode(errors="surrogatepass") + delivery.body


def _header(delivery: Delivery, name: str, shape: re.Pattern[str]) -> str:
    value = delivery.headers.get(name, "")
    if not shape.fullmatch(value):
        raise SignatureError(f"the header {name} is missing or malformed")
    return value


def _compare(given: str, wanted: Iterable[str]) -> None:
    # every one is compared, so that time does not tell which secret came close
    matches = [hmac.compare_digest(given.encode(), one.encode()) for one in wanted]
    if not any(matches):
        raise SignatureError("the delivery is not signed with a secret of our HubSpot app")
