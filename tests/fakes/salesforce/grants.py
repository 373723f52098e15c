"""What lets us into an org: codes, tokens, and the key pair of our app."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass
class Grants:
    """Codes, refresh tokens and access tokens that are good."""

    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    # refresh token → whether it may still be used; a used one kills all of them
    refreshes: dict[str, bool] = field(default_factory=dict)
    accesses: set[str] = field(default_factory=set)

    def access(self, org_id: str) -> str:
        """Return a new access token."""
        text = f"{org_id[:15]}!AQ{secrets.token_urlsafe(48)}"
        self.accesses.add(text)
        return text

    def refresh(self) -> str:
        """Return a new refresh token."""
        text = f"5Aep861{secrets.token_urlsafe(48)}"
        self.refreshes[text] = True
        return text


@lru_cache(maxsize=1)
def key_pair() -> tuple[str, str]:
    """Return the private and the public key of our app, in PEM; made once, because it takes long."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()
