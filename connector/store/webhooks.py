"""
Webhooks that we owe to somebody's address, committed together with what they tell of.

A `url` that begins with a slash is a path on our own address, wherever that is when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import DEAD, DUE, webhooks


@dataclass(frozen=True)
class WebhookRow:
    """One webhook; its id is the `webhook-id`, the same on every try."""

    id: str
    connection_id: str
    url: str
    body: str
    contact_id: str | None


def owe(
    tx: Connection, connection_id: str, *, url: str, body: str, contact_id: str | None = None
) -> str:
    """Owe a webhook from now on; return its id."""
    row_id = new_id()
    tx.execute(
        webhooks.insert().values(
            id=row_id,
            connection_id=connection_id,
            url=url,
            body=body,
            contact_id=contact_id,
            created_at=now_ms(),
            work=DUE,
            due_at=now_ms(),
        )
    )
    return row_id


def get_many(tx: Connection, ids: Sequence[str]) -> dict[str, WebhookRow]:
    """Return the webhooks of *ids*."""
    rows = tx.execute(select(webhooks).where(webhooks.c.id.in_(ids)))
    return {
        row.id: WebhookRow(row.id, row.connection_id, row.url, row.body, row.contact_id)
        for row in rows
    }


def bodies_since(tx: Connection, connection_id: str, url: str, since: int) -> Iterator[str]:
    """Yield what was owed to *url* since a time in milliseconds, oldest first."""
    rows = tx.execute(
        select(webhooks.c.body)
        .where(
            webhooks.c.connection_id == connection_id,
            webhooks.c.url == url,
            webhooks.c.created_at >= since,
        )
        .order_by(webhooks.c.id)
    )
    yield from rows.scalars()


def dead_count(tx: Connection, connection_id: str) -> int:
    """Return how many webhooks of a connection were given up."""
    return tx.execute(
        select(func.count())
        .select_from(webhooks)
        .where(webhooks.c.connection_id == connection_id, webhooks.c.work == DEAD)
    ).scalar_one()
