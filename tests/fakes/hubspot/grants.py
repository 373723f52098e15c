"""Who may call the fake: codes, tokens, and what each may do."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import Any

SCOPES = (
    "oauth",
    "automation",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.objects.owners.read",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.carts.read",
    "crm.objects.carts.write",
    "crm.objects.orders.read",
    "crm.objects.orders.write",
    "crm.objects.line_items.read",
    "crm.objects.line_items.write",
    "crm.lists.read",
    "crm.lists.write",
    "tickets",
    "communication_preferences.read",
    "communication_preferences.read_write",
)


@dataclass
class Grant:
    """One installation of our app, by its refresh token."""

    scopes: tuple[str, ...]
    live: bool = True


@dataclass
class Code:
    """What an authorization code stands for."""

    back: str
    challenge: str
    scopes: tuple[str, ...]


class Grants:
    """Codes, refresh tokens and access tokens of one portal."""

    def __init__(self) -> None:
        self.codes: dict[str, Code] = {}
        self.refreshes: dict[str, Grant] = {}
        # access token → refresh token, and when it ends
        self.accesses: dict[str, tuple[str, float]] = {}

    def code(self, code: Code) -> str:
        """Return a code that may be exchanged once."""
        text = "code-" + secrets.token_urlsafe(16)
        self.codes[text] = code
        return text

    def grant(self, scopes: tuple[str, ...]) -> str:
        """Install our app; return the refresh token."""
        text = "refresh-" + secrets.token_urlsafe(24)
        self.refreshes[text] = Grant(scopes)
        return text

    def access(self, refresh: str, seconds: float) -> str:
        """Return a new access token."""
        text = "access-" + secrets.token_urlsafe(24)
        self.accesses[text] = (refresh, time.time() + seconds)
        return text

    def holder(self, access: str) -> tuple[Grant | None, float]:
        """Return the grant behind an access token and the seconds left."""
        refresh, ends = self.accesses.get(access, ("", 0.0))
        return self.refreshes.get(refresh), ends - time.time()

    def end(self) -> None:
        """Uninstall: nothing that was given out works any more."""
        for grant in self.refreshes.values():
            grant.live = False


def proves(code: Code, form: dict[str, Any]) -> bool:
    """Check PKCE (S256) and the address that the code was sent to."""
    digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return form.get("redirect_uri") == code.back and (
        not code.challenge or secrets.compare_digest(computed, code.challenge)
    )
