"""
CRM accounts that installed us; their secrets are encrypted at rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection as Tx
from sqlalchemy import bindparam, select, update

from connector.secrets import Keyring
from connector.store.clock import now_ms
from connector.store.tables import connections

TRACKING = "tracking"
BY_ID = select(connections).where(connections.c.id == bindparam("connection_id"))


@dataclass(frozen=True)
class ConnectionRow:
    """A connection as stored, with its secrets in clear; never log it."""

    id: str
    crm: str
    title: str
    state: str
    secrets: dict[str, Any] = field(repr=False)
    config: dict[str, Any]


def add(
    tx: Tx,
    keyring: Keyring,
    *,
    connection_id: str,
    crm: str,
    title: str,
    secrets: dict[str, Any],
    config: dict[str, Any] | None = None,
) -> None:
    """Store a new connection."""
    tx.execute(
        connections.insert().values(
            id=connection_id,
            crm=crm,
            title=title,
            secrets=keyring.encrypt(json.dumps(secrets)),
            config=config or {},
            state="active",
            created_at=now_ms(),
        )
    )


def get(tx: Tx, keyring: Keyring, connection_id: str) -> ConnectionRow | None:
    """Return one connection, or None."""
    row = tx.execute(BY_ID, {"connection_id": connection_id}).first()
    if row is None:
        return None
    return ConnectionRow(
        id=row.id,
        crm=row.crm,
        title=row.title,
        state=row.state,
        secrets=json.loads(_unsealed(keyring, row.secrets)),
        config=row.config,
    )


@lru_cache(maxsize=256)
def _unsealed(keyring: Keyring, sealed: str) -> str:
    # every delivery asks; what is stored changes only when somebody connects or rotates
    return keyring.decrypt(sealed)


def ids(tx: Tx) -> list[str]:
    """Return the ids of all connections."""
    return list(tx.execute(select(connections.c.id).order_by(connections.c.id)).scalars())


def change_secrets(tx: Tx, keyring: Keyring, connection_id: str, secrets: dict[str, Any]) -> None:
    """Replace a connection's secrets."""
    tx.execute(
        update(connections)
        .where(connections.c.id == connection_id)
        .values(secrets=keyring.encrypt(json.dumps(secrets)))
    )


def set_state(tx: Tx, connection_id: str, state: str) -> None:
    """Mark a connection `active`, `needs_reauth` or `disabled`."""
    tx.execute(update(connections).where(connections.c.id == connection_id).values(state=state))


def rotate_keys(tx: Tx, keyring: Keyring) -> int:
    """Encrypt every secret with the newest key; return how many."""
    rows = tx.execute(select(connections.c.id, connections.c.secrets)).all()
    for row in rows:
        tx.execute(
            update(connections)
            .where(connections.c.id == row.id)
            .values(secrets=keyring.rotate(row.secrets))
        )
    return len(rows)


def to_reconcile(tx: Tx, seconds: float) -> list[str]:
    """Return the active connections that were not asked what we missed for so many seconds."""
    return list(
        tx.execute(
            select(connections.c.id).where(
                connections.c.state == "active",
                connections.c.reconciled_at <= now_ms() - int(seconds * 1000),
            )
        ).scalars()
    )


def begin_reconciling(tx: Tx, connection_id: str, seconds: float) -> int | None:
    """
    Become the one who asks what we missed; return since when, in milliseconds since 1970.

    None where another one has asked within *seconds*; 0 where nobody ever did.
    """
    since = tx.execute(
        select(connections.c.reconciled_at).where(connections.c.id == connection_id)
    ).scalar()
    taken = tx.execute(
        update(connections)
        .where(
            connections.c.id == connection_id,
            connections.c.reconciled_at == since,
            connections.c.reconciled_at <= now_ms() - int(seconds * 1000),
        )
        .values(reconciled_at=now_ms())
    )
    return int(since or 0) if taken.rowcount == 1 else None


def give_up_reconciling(tx: Tx, connection_id: str, since: int) -> None:
    """Let it be asked again from where it was."""
    tx.execute(
        update(connections).where(connections.c.id == connection_id).values(reconciled_at=since)
    )


def take_pen(tx: Tx, connection_id: str, seconds: float) -> int | None:
    """Become the one writer of a connection for *seconds*; return the fence, or None if taken."""
    row = tx.execute(
        update(connections)
        .where(connections.c.id == connection_id, connections.c.writer_until <= now_ms())
        .values(
            writer_until=now_ms() + int(seconds * 1000), writer_fence=connections.c.writer_fence + 1
        )
        .returning(connections.c.writer_fence)
    ).first()
    return None if row is None else int(row.writer_fence)


def begin_refresh(tx: Tx, connection_id: str, seconds: float) -> bool:
    """Become the one who asks for a new token, for *seconds*; False where another one does."""
    result = tx.execute(
        update(connections)
        .where(connections.c.id == connection_id, connections.c.refreshing_until <= now_ms())
        .values(refreshing_until=now_ms() + int(seconds * 1000))
    )
    return result.rowcount == 1


def end_refresh(tx: Tx, connection_id: str) -> None:
    """Let others ask for a new token again."""
    tx.execute(
        update(connections).where(connections.c.id == connection_id).values(refreshing_until=0)
    )


def reconnect(
    tx: Tx, keyring: Keyring, connection_id: str, *, secrets: dict[str, Any], config: dict[str, Any]
) -> None:
    """Put new secrets and facts in place of the old ones; the connection is active again."""
    kept = _with_choice(tx, connection_id, config)
    tx.execute(
        update(connections)
        .where(connections.c.id == connection_id)
        .values(secrets=keyring.encrypt(json.dumps(secrets)), config=kept, state="active")
    )


def change_config(tx: Tx, connection_id: str, config: dict[str, Any]) -> None:
    """Replace what we know of an account; how watching may be remembered stays as it was chosen."""
    kept = _with_choice(tx, connection_id, config)
    tx.execute(update(connections).where(connections.c.id == connection_id).values(config=kept))


def set_tracking(tx: Tx, connection_id: str, mode: str) -> None:
    """Choose how watching may be remembered of the contacts of a connection."""
    config = {**_config(tx, connection_id), TRACKING: mode}
    tx.execute(update(connections).where(connections.c.id == connection_id).values(config=config))


def _with_choice(tx: Tx, connection_id: str, config: dict[str, Any]) -> dict[str, Any]:
    # whoever brings facts may have read them before the choice was made
    chosen = _config(tx, connection_id).get(TRACKING)
    others = {name: value for name, value in config.items() if name != TRACKING}
    return others if chosen is None else {**others, TRACKING: chosen}


def _config(tx: Tx, connection_id: str) -> dict[str, Any]:
    own = select(connections.c.config).where(connections.c.id == connection_id)
    return dict(tx.execute(own.with_for_update()).scalar() or {})


def keep_pen(tx: Tx, connection_id: str, fence: int, seconds: float) -> bool:
    """Stay the writer for *seconds* more; False where another has taken over."""
    result = tx.execute(
        update(connections)
        .where(connections.c.id == connection_id, connections.c.writer_fence == fence)
        .values(writer_until=now_ms() + int(seconds * 1000))
    )
    return result.rowcount == 1


def lay_down_pen(tx: Tx, connection_id: str, fence: int) -> None:
    """Let another worker write for this connection."""
    tx.execute(
        update(connections)
        .where(connections.c.id == connection_id, connections.c.writer_fence == fence)
        .values(writer_until=0)
    )
