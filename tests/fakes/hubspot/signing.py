"""How HubSpot signs what it sends; written anew here, so that a mistake of ours is not ours twice."""

from __future__ import annotations

import base64
import hashlib
import hmac

# these are decoded in the address before it is hashed, and no others
DECODED = {"%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
           "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";"}  # fmt: skip


def sign_v1(secret: str, body: bytes) -> dict[str, str]:
    """Sign the body alone."""
    return _older("v1", secret.encode() + body)


def sign_v2(secret: str, method: str, url: str, body: bytes) -> dict[str, str]:
    """Sign method, address and body."""
    return _older("v2", f"{secret}{method}{url}".encode() + body)


def sign_v3(secret: str, method: str, url: str, body: bytes, timestamp_ms: int) -> dict[str, str]:
    """Sign method, address, body and the time in milliseconds."""
    for code, sign in DECODED.items():
        url = url.replace(code, sign).replace(code.lower(), sign)
    text = f"{method}{url}".encode() + body + str(timestamp_ms).encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return {
        "x-hubspot-signature-v3": base64.b64encode(digest).decode(),
        "x-hubspot-request-timestamp": str(timestamp_ms),
    }


def _older(version: str, text: bytes) -> dict[str, str]:
    return {
        "x-hubspot-signature": hashlib.sha256(text).hexdigest(),
        "x-hubspot-signature-version": version,
    }
