"""
In how many views each call to action of a campaign was on the screen, and in how many of those it
was followed.

Sessions that only add to sums are left out: they are forgotten after a day, and a rate that loses
its views again would say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select

from connector.measure.fields import HUMAN
from connector.store.sessions import CTA_CLICK
from connector.store.tables import events, sessions, videos

CTA_VIEW = "cta_view"
KEPT = (
    sessions.c.viewed,
    sessions.c.viewer == HUMAN,
    sessions.c.tracking != "aggregate",
    sessions.c.flags["untracked"].as_integer().is_(None),
)


@dataclass(frozen=True)
class CallSum:
    """One call to action: views that it was seen in, and those of them in which it was followed."""

    key: str
    shown: int
    clicked: int


def of_campaign(tx: Connection, campaign: str) -> list[CallSum]:
    """Return what a campaign's calls to action come to, as far as they were seen, by key."""
    seen, followed = (
        func.max(case((events.c.name == name, 1), else_=0)) for name in (CTA_VIEW, CTA_CLICK)
    )
    views = (
        select(events.c.cta, followed.label("followed"))
        .join_from(events, sessions, events.c.session_id == sessions.c.id)
        .join(videos, events.c.video_id == videos.c.id)
        .where(videos.c.campaign == campaign, events.c.name.in_((CTA_VIEW, CTA_CLICK)), *KEPT)
        .group_by(events.c.session_id, events.c.cta)
        .having(seen == 1)
        .subquery()
    )
    rows = tx.execute(
        select(views.c.cta, func.count(), func.sum(views.c.followed))
        .group_by(views.c.cta)
        .order_by(views.c.cta)
    )
    return [CallSum(row[0], int(row[1]), int(row[2])) for row in rows]
