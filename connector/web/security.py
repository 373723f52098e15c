"""
What every answer to a viewer carries: nothing from elsewhere runs in the page, nothing learns its
address, and no search engine keeps it.
"""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path

from flask import Response, g, request

from connector.web.desk import desk

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    # the address holds the token: others learn at most our host name
    "Referrer-Policy": "strict-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# the page with the player, whose controls bring styles of their own: exactly these are let in
PLAYER_PAGE = "watch.page"
STYLES = Path(__file__).parent / "static" / "vendor" / "media-chrome.styles"
POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'nonce-{nonce}'{styles}",
    "img-src 'self'",
    "media-src 'self'",
    "connect-src 'self'",
    # browsers apply this to redirects too, and a call to action leads elsewhere, often onwards
    "form-action 'self' https:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
)


def nonce() -> str:
    """Return this request's word for the styles that we wrote into the page ourselves."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def guard_viewer(response: Response) -> Response:
    """Add the viewer's headers; for `Blueprint.after_request`."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    styles = _player_styles() if request.endpoint == PLAYER_PAGE else ""
    policy = "; ".join(POLICY).format(nonce=nonce(), styles=styles)
    response.headers["Content-Security-Policy"] = policy
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if desk().settings.production:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


@cache
def _player_styles() -> str:
    """Return what a policy needs to let the player's styles in; without them it is not placed."""
    return "".join(f" {line}" for line in STYLES.read_text().split()) if STYLES.is_file() else ""
