"""
People who may sign in to the console, and their passwords as argon2id.

Hashing takes tens of milliseconds on purpose: do it before a transaction is opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, select, update

from connector.errors import NotFoundError, PayloadError
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import connections, logins, users
from connector.store.upsert import insert

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
EMAIL = re.compile(r"[^@\s\0]{1,64}@[^@\s\0]{1,189}")
_hasher = PasswordHasher()


class Role(StrEnum):
    """What a user may do: everything; contacts and triggers; look."""

    ADMIN = "admin"
    REP = "rep"
    VIEWER = "viewer"


@dataclass(frozen=True)
class User:
    """One user, without the password."""

    id: str
    email: str
    role: Role
    disabled: bool
    connection_id: str | None = None  # whose contacts are to be seen; None: everybody's

    @property
    def only(self) -> str | None:
        """The one connection whose contacts the user sees, or None where there is no such limit."""
        return None if self.role is Role.ADMIN else self.connection_id

    def sees(self, connection_id: str) -> bool:
        """Tell whether the contacts of a connection are shown to the user."""
        return self.only in (None, connection_id)


def hash_password(password: str) -> str:
    """Return *password* as it is stored; PayloadError where it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PayloadError(
            f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters",
            reason="password",
        )
    return _hasher.hash(password)


def proves(stored: str | None, password: str) -> bool:
    """Tell whether *password* is the one; takes as long where there is no such user."""
    try:
        return _hasher.verify(stored or _nobody(), password[:LONGEST_PASSWORD]) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def add(
    tx: Connection, email: str, password_hash: str, role: Role, connection_id: str | None = None
) -> User:
    """Add a user; PayloadError where the address is not one or is taken, or for an unknown connection."""
    address = email.strip().lower()
    if not EMAIL.fullmatch(address):
        raise PayloadError(f"{email[:80]!r} is not an e-mail address", reason="email")
    _check_connection(tx, connection_id)
    row = tx.execute(
        insert(tx, users)
        .values(
            id=new_id(),
            email=address,
            password=password_hash,
            role=role,
            connection_id=connection_id,
            created_at=now_ms(),
        )
        .on_conflict_do_nothing(index_elements=["email"])
        .returning(users.c.id)
    ).first()
    if row is None:
        raise PayloadError(f"there is a user {address} already", reason="email_taken")
    return User(row.id, address, role, disabled=False, connection_id=connection_id)


def get(tx: Connection, user_id: str) -> User | None:
    """Return one user, or None."""
    row = tx.execute(select(users).where(users.c.id == user_id)).first()
    return None if row is None else _user(row)


def by_email(tx: Connection, email: str) -> User:
    """Return the user with this address; NotFoundError where there is none."""
    row = tx.execute(select(users).where(users.c.email == email.strip().lower())).first()
    if row is None:
        raise NotFoundError(f"there is no user {email[:80]!r}")
    return _user(row)


def credentials(tx: Connection, email: str) -> tuple[User | None, str | None]:
    """Return the user who may sign in with this address and the stored password, or None twice."""
    row = tx.execute(
        select(users).where(
            users.c.email == email.replace("\0", "").strip().lower()[:254],
            users.c.disabled_at.is_(None),
        )
    ).first()
    return (None, None) if row is None else (_user(row), row.password)


def everyone(tx: Connection) -> list[User]:
    """Return all users by address."""
    return [_user(row) for row in tx.execute(select(users).order_by(users.c.email))]


def change(
    tx: Connection,
    user_id: str,
    *,
    role: Role | None = None,
    password_hash: str | None = None,
    disabled: bool | None = None,
) -> None:
    """Change what is given and sign the user out everywhere."""
    values: dict[str, object] = {}
    if role is not None:
        values["role"] = role
    if password_hash is not None:
        values["password"] = password_hash
    if disabled is not None:
        values["disabled_at"] = now_ms() if disabled else None
    tx.execute(update(users).where(users.c.id == user_id).values(**values))
    tx.execute(logins.delete().where(logins.c.user_id == user_id))


def belong(tx: Connection, user_id: str, connection_id: str | None) -> None:
    """Show a user the contacts of one connection only, or of all; PayloadError for an unknown one."""
    _check_connection(tx, connection_id)
    tx.execute(update(users).where(users.c.id == user_id).values(connection_id=connection_id))


def _check_connection(tx: Connection, connection_id: str | None) -> None:
    if connection_id is None:
        return
    wanted = connection_id.replace("\0", "")
    if tx.execute(select(connections.c.id).where(connections.c.id == wanted)).first() is None:
        raise PayloadError(f"there is no connection {connection_id[:80]!r}", reason="connection")


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def _user(row: Row[Any]) -> User:
    return User(row.id, row.email, Role(row.role), row.disabled_at is not None, row.connection_id)
