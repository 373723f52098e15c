"""
Campaigns as installed: every version stays, so that a video can tell by which text it was made.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, select, update

from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import campaigns
from connector.store.upsert import insert


@dataclass(frozen=True)
class CampaignRow:
    """One version of a campaign's text."""

    name: str
    version: str
    body: str


def install(tx: Connection, name: str, version: str, body: str) -> bool:
    """Make *version* the active one; return whether it is new."""
    added = tx.execute(
        insert(tx, campaigns)
        .values(
            id=new_id(), name=name, version=version, body=body, installed_at=now_ms(), active=True
        )
        .on_conflict_do_nothing(index_elements=["name", "version"])
        .returning(campaigns.c.id)
    ).first()
    tx.execute(
        update(campaigns)
        .where(campaigns.c.name == name)
        .values(active=campaigns.c.version == version)
    )
    return added is not None


def retire(tx: Connection, names_kept: set[str]) -> list[str]:
    """Deactivate campaigns whose file is gone; return their names."""
    rows = tx.execute(
        update(campaigns)
        .where(and_(campaigns.c.active, campaigns.c.name.not_in(names_kept)))
        .values(active=False)
        .returning(campaigns.c.name)
    )
    return list(rows.scalars())


def body_of(tx: Connection, name: str, version: str) -> str | None:
    """Return the text by which a video was made; None where it is not kept."""
    query = select(campaigns.c.body).where(campaigns.c.name == name, campaigns.c.version == version)
    found = tx.execute(query).scalar()
    return None if found is None else str(found)


def bodies_of(tx: Connection, name: str) -> list[str]:
    """Return every text that a campaign has had, the present one first."""
    query = (
        select(campaigns.c.body)
        .where(campaigns.c.name == name)
        .order_by(campaigns.c.active.desc(), campaigns.c.installed_at.desc(), campaigns.c.id)
    )
    return list(tx.execute(query).scalars())


def active(tx: Connection) -> list[CampaignRow]:
    """Return the active version of every campaign."""
    rows = tx.execute(
        select(campaigns.c.name, campaigns.c.version, campaigns.c.body)
        .where(campaigns.c.active)
        .order_by(campaigns.c.name)
    )
    return [CampaignRow(*row) for row in rows]
