"""
Addresses outside that want to be told what happens.

An endpoint is `active`, `paused` by an admin, or `off` because it said that it is gone or answered
nothing but errors for days. Its secret is encrypted and leaves the database only to sign.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from connector.secrets import Keyring
from connector.signing import new_secret
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import endpoints, webhooks

ACTIVE, PAUSED, OFF = "active", "paused", "off"
# why an event was given up that came due while its endpoint was paused or off
HELD = "endpoint_off"
# after one was replaced, what we send is signed with both, so that nobody misses an event
SECRETS_KEPT = 2


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint as stored, without its secret."""

    id: str
    url: str
    kinds: tuple[str, ...]
    state: str
    reason: str
    created_at: int

    def wants(self, kind: str) -> bool:
        """Tell whether it wants to be told of this kind now; without any, it wants all."""
        return self.state == ACTIVE and (not self.kinds or kind in self.kinds)


def add(tx: Connection, keyring: Keyring, *, url: str, kinds: Sequence[str] = ()) -> str:
    """Store an endpoint that is told from now on; return its id."""
    endpoint_id = new_id()
    tx.execute(
        endpoints.insert().values(
            id=endpoint_id,
            url=url,
            secret=keyring.encrypt(json.dumps([new_secret()])),
            kinds=list(kinds),
            state=ACTIVE,
            created_at=now_ms(),
        )
    )
    return endpoint_id


def get(tx: Connection, endpoint_id: str) -> EndpointRow | None:
    """Return one endpoint, or None."""
    row = tx.execute(select(endpoints).where(endpoints.c.id == endpoint_id)).first()
    return None if row is None else _row(row)


def everyone(tx: Connection) -> list[EndpointRow]:
    """Return all endpoints, oldest first."""
    return [_row(row) for row in tx.execute(select(endpoints).order_by(endpoints.c.id))]


def wanting(tx: Connection, kind: str) -> list[EndpointRow]:
    """Return the endpoints that want to be told of a kind of event."""
    rows = tx.execute(select(endpoints).where(endpoints.c.state == ACTIVE))
    return [one for one in map(_row, rows) if one.wants(kind)]


def secrets_of(tx: Connection, keyring: Keyring, endpoint_id: str) -> list[str]:
    """Return the secrets of an endpoint, newest first; none where there is no such endpoint."""
    sealed = tx.execute(select(endpoints.c.secret).where(endpoints.c.id == endpoint_id)).scalar()
    return [str(secret) for secret in json.loads(keyring.decrypt(sealed))] if sealed else []


def rotate_secret(tx: Connection, keyring: Keyring, endpoint_id: str) -> str:
    """Give an endpoint a new secret and return it; the one before still signs beside it."""
    fresh = new_secret()
    kept = [fresh, *secrets_of(tx, keyring, endpoint_id)][:SECRETS_KEPT]
    tx.execute(
        update(endpoints)
        .where(endpoints.c.id == endpoint_id)
        .values(secret=keyring.encrypt(json.dumps(kept)))
    )
    return fresh


def rotate_keys(tx: Connection, keyring: Keyring) -> int:
    """Encrypt every secret with the newest key; return how many."""
    rows = tx.execute(select(endpoints.c.id, endpoints.c.secret)).all()
    for row in rows:
        fresh = keyring.rotate(row.secret)
        tx.execute(update(endpoints).where(endpoints.c.id == row.id).values(secret=fresh))
    return len(rows)


def set_state(tx: Connection, endpoint_id: str, state: str, reason: str = "") -> bool:
    """Make an endpoint `active`, `paused` or `off`, with a sentence why; False where it is gone."""
    result = tx.execute(
        update(endpoints)
        .where(endpoints.c.id == endpoint_id)
        .values(state=state, reason=reason[:200])
    )
    return result.rowcount == 1


def remove(tx: Connection, endpoint_id: str) -> None:
    """Delete an endpoint and all that it was or should have been told."""
    tx.execute(delete(webhooks).where(webhooks.c.endpoint_id == endpoint_id))
    tx.execute(delete(endpoints).where(endpoints.c.id == endpoint_id))


def _row(row: Any) -> EndpointRow:
    return EndpointRow(row.id, row.url, tuple(row.kinds), row.state, row.reason, row.created_at)
