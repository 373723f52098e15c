"""Rows of work to put on the road, and a look at what became of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from connector.store import Store, leases
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import DONE, DUE, WORK, connections, triggers, videos, webhooks


def add_webhooks(
    store: Store, count: int, connection: str = "local", body: str = '{"kind":"contact.updated"}'
) -> list[str]:
    """Store *count* webhooks that are owed now: the simplest rows of work there are."""
    with store.write() as tx:
        known = tx.execute(connections.select().where(connections.c.id == connection)).first()
        if known is None:
            tx.execute(
                connections.insert().values(
                    id=connection,
                    crm="local",
                    title="Ours",
                    secrets="",
                    config={},
                    state="active",
                    created_at=now_ms(),
                )
            )
        ids = [new_id() for _ in range(count)]
        for row_id in ids:
            tx.execute(
                webhooks.insert().values(
                    id=row_id,
                    connection_id=connection,
                    url="https://example.com/hook",
                    body=body,
                    created_at=now_ms(),
                    work=DUE,
                    due_at=now_ms(),
                )
            )
    return ids


def add_videos(store: Store, count: int, queue: str = "render") -> list[str]:
    """Store *count* videos that are to be rendered now."""
    add_webhooks(store, 0)
    ids = [new_id() for _ in range(count)]
    with store.write() as tx:
        for row_id in ids:
            tx.execute(triggers.insert().values(**_trigger(row_id)))
            tx.execute(videos.insert().values(**_video(row_id, queue)))
    return ids


def _trigger(row_id: str) -> dict[str, Any]:
    return {
        "id": row_id, "connection_id": "local", "key": row_id, "kind": "contact_onboarding",
        "subject_kind": "contact", "subject_id": row_id, "occurred_at": 1, "facts": {},
        "work": DONE, "due_at": 1,
    }  # fmt: skip


def _video(row_id: str, queue: str) -> dict[str, Any]:
    return {
        "id": row_id, "connection_id": "local", "trigger_id": row_id, "campaign": "onboarding",
        "campaign_version": "1", "step": 0, "subject_kind": "contact", "subject_id": row_id,
        "contact_id": row_id, "template": "onboarding", "locale": "en", "format": "16:9",
        "slots": {}, "fallback_slots": [], "status": "queued", "token_hash": row_id,
        "token_sealed": "", "queue": queue, "minted_at": 1, "filled_at": 1, "work": DUE,
        "due_at": now_ms(),
    }  # fmt: skip


def state_of(store: Store, row_id: str, noun: str = "webhooks") -> str:
    """Return the work state of one row."""
    with store.read() as tx:
        table = WORK[noun]
        return str(tx.execute(table.select().where(table.c.id == row_id)).one().work)


def row_of(store: Store, row_id: str, noun: str = "webhooks") -> dict[str, Any]:
    """Return one row of work."""
    with store.read() as tx:
        table = WORK[noun]
        return dict(tx.execute(table.select().where(table.c.id == row_id)).one()._mapping)


def let_lease_run_out(store: Store, ids: list[str], noun: str = "webhooks") -> None:
    """Put leases into the past, as if their holders had died a while ago."""
    with store.write() as tx:
        table = WORK[noun]
        tx.execute(update(table).where(table.c.id.in_(ids)).values(lease_until=1, rung_at=1))


def finish(store: Store, claim: leases.Claim) -> None:
    """Finish a claim in a transaction of its own."""
    with store.write() as tx:
        leases.finish(tx, claim)
