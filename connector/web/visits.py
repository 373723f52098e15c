"""
Who asks for a page, and what for: a colleague who checks a link is no viewer, a browser that only looks
ahead has shown nobody anything, and some browsers ask that nobody is told of the visit.
"""

from __future__ import annotations

from flask import request
from sqlalchemy import Connection

from connector.measure.tracking import AGGREGATE
from connector.store import logins
from connector.store.logins import Use

AHEAD = ("Sec-Purpose", "Purpose", "X-Moz")
SIGNALS = ("Sec-GPC", "DNT")


def is_one_of_us(tx: Connection) -> bool:
    """Tell whether this request comes from a browser that is signed in to the console."""
    # the value's prefix is checked instead of the cookie's name, which production changes
    tokens = [value for value in request.cookies.values() if value.startswith(Use.BROWSER)]
    return any(logins.user_of(tx, token, Use.BROWSER)[0] is not None for token in tokens[:3])


def is_prefetch() -> bool:
    """Tell whether a browser fetches this before anybody has asked for it."""
    return any("prefetch" in request.headers.get(name, "").lower() for name in AHEAD)


def asked_for() -> str | None:
    """Return how the browser asks that this visit is measured; None where it has no wish."""
    return AGGREGATE if any(request.headers.get(name) == "1" for name in SIGNALS) else None
