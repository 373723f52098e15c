"""
Whether it is one of us who looks: a colleague who checks a link is no viewer.
"""

from __future__ import annotations

from flask import request
from sqlalchemy import Connection

from connector.store import logins
from connector.store.logins import Use


def is_one_of_us(tx: Connection) -> bool:
    """Tell whether this request comes from a browser that is signed in to the console."""
    # the value's prefix is checked instead of the cookie's name, which production changes
    tokens = [value for value in request.cookies.values() if value.startswith(Use.BROWSER)]
    return any(logins.user_of(tx, token, Use.BROWSER)[0] is not None for token in tokens[:3])
