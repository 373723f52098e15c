"""
Webhooks that we owe to somebody's address, committed together with what they tell of.

A `url` that begins with a slash is a path on our own address, wherever that is when it is sent. One
with an endpoint goes where the endpoint says, whatever the row says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from connector.store import leases
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import DEAD, DONE, DUE, webhooks


@dataclass(frozen=True)
class WebhookRow:
    """One webhook; its id is the `webhook-id`, the same on every try."""

    id: str
    connection_id: str
    url: str
    body: str
    contact_id: str | None
    endpoint_id: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One webhook to an endpoint as the log shows it; *due_at* says when it is tried next."""

    id: str
    endpoint_id: str
    kind: str
    created_at: int
    work: str
    answer: int | None
    attempt: int
    due_at: int | None
    reason: str
    sentence: str


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
        row.id: WebhookRow(
            row.id, row.connection_id, row.url, row.body, row.contact_id, row.endpoint_id
        )
        for row in rows
    }


def answered(tx: Connection, row_id: str, status: int | None) -> None:
    """Remember the status that came back at the last try; None where nobody answered."""
    tx.execute(update(webhooks).where(webhooks.c.id == row_id).values(answer=status))


def deliveries(
    tx: Connection, limit: int, *, endpoint_id: str = "", works: Sequence[str] = ()
) -> list[Delivery]:
    """Return what endpoints were told or are owed, newest first."""
    query = select(webhooks).where(webhooks.c.endpoint_id.is_not(None))
    if endpoint_id:
        query = query.where(webhooks.c.endpoint_id == endpoint_id)
    if works:
        query = query.where(webhooks.c.work.in_(works))
    newest = query.order_by(webhooks.c.created_at.desc(), webhooks.c.id).limit(limit)
    return [
        Delivery(
            row.id,
            row.endpoint_id,
            row.kind,
            row.created_at,
            row.work,
            row.answer,
            row.attempt,
            row.due_at if row.work == DUE else None,
            row.error_reason or "",
            row.error_sentence or "",
        )
        for row in tx.execute(newest)
    ]


def replay(
    tx: Connection, endpoint_id: str, row_id: str = "", reasons: Sequence[str] = ()
) -> list[str]:
    """Make dead letters of an endpoint due again: one, those given up for *reasons*, or all."""
    chosen = select(webhooks.c.id).where(
        webhooks.c.endpoint_id == endpoint_id, webhooks.c.work == DEAD
    )
    if row_id:
        chosen = chosen.where(webhooks.c.id == row_id)
    if reasons:
        chosen = chosen.where(webhooks.c.error_reason.in_(reasons))
    return leases.revive(tx, "webhooks", list(tx.execute(chosen).scalars()))


def taken_lately(tx: Connection, endpoint_id: str, seconds: float) -> bool:
    """Tell whether an endpoint took anything that was due in the last *seconds*."""
    taken = (
        select(webhooks.c.id)
        .where(
            webhooks.c.endpoint_id == endpoint_id,
            webhooks.c.work == DONE,
            webhooks.c.due_at > now_ms() - int(seconds * 1000),
        )
        .limit(1)
    )
    return tx.execute(taken).first() is not None


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
