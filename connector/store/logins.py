"""
Open sign-ins: browser sessions and API tokens, kept on the server so that they can be ended.

Only a hash is stored. What a token may be used for is its prefix, which the hash covers: a cookie is
of no use as an API token, nor the other way round.
"""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum

from sqlalchemy import Connection, delete, select, update

from connector.store.clock import now, now_ms
from connector.store.tables import logins, users
from connector.store.users import Role, User

HOUR = 3_600_000
DAY = 24 * HOUR
SEEN_EVERY = 60_000


class Use(StrEnum):
    """What a token is for; the value is its prefix."""

    BROWSER = "cuereel_s_"
    API = "cuereel_t_"


IDLE = {Use.BROWSER: 12 * HOUR, Use.API: None}
LONGEST = {Use.BROWSER: 7 * DAY, Use.API: 365 * DAY}


def open_login(tx: Connection, user_id: str, use: Use, days: float | None = None) -> str:
    """Sign a user in; return the token, which is shown this once."""
    token = use + secrets.token_urlsafe(32)
    longest = LONGEST[use] if days is None else min(LONGEST[use], int(days * DAY))
    moment = now(tx)
    tx.execute(
        logins.insert().values(
            id=_hash(token),
            user_id=user_id,
            created_at=moment,
            seen_at=moment,
            expires_at=moment + longest,
        )
    )
    return token


def user_of(tx: Connection, token: str, use: Use) -> tuple[User | None, bool]:
    """Return who a token stands for, and whether `seen` should be called by now."""
    if not token.startswith(use) or len(token) > 100:
        return None, False
    row = tx.execute(
        select(
            users.c.id,
            users.c.email,
            users.c.role,
            users.c.connection_id,
            logins.c.seen_at,
            now_ms().label("now"),
        )
        .join_from(logins, users, users.c.id == logins.c.user_id)
        .where(
            logins.c.id == _hash(token),
            logins.c.expires_at > now_ms(),
            users.c.disabled_at.is_(None),
        )
    ).first()
    idle = IDLE[use]
    if row is None or (idle is not None and row.now - row.seen_at > idle):
        return None, False
    user = User(row.id, row.email, Role(row.role), False, row.connection_id)
    return user, row.now - row.seen_at > SEEN_EVERY


def seen(tx: Connection, token: str) -> None:
    """Remember that a session is in use."""
    tx.execute(update(logins).where(logins.c.id == _hash(token)).values(seen_at=now_ms()))


def close_login(tx: Connection, token: str) -> None:
    """End one session or token."""
    tx.execute(delete(logins).where(logins.c.id == _hash(token)))


def forget_old(tx: Connection) -> int:
    """Delete what has run out; return how many."""
    return tx.execute(delete(logins).where(logins.c.expires_at <= now_ms())).rowcount


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
