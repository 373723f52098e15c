"""
Tables of what watching adds up to, and of who outside is told of it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, text

from connector.store.columns import Document, Name, Time, metadata, own_id


def _key() -> list[Column[Any]]:
    """Return the columns that say of what a row is the sum; the day is in UTC."""
    return [
        Column("connection_id", ForeignKey("connections.id"), primary_key=True),
        Column("campaign", String(64), primary_key=True),
        Column("variant", String(64), primary_key=True),
        Column("template", String(64), primary_key=True),
        Column("day", String(10), primary_key=True),  # of the session's beginning
    ]


def _curves(name: str) -> Table:
    return Table(
        name,
        metadata,
        *_key(),
        Column("plays", Integer, nullable=False),
        # a hundred numbers each, one for every 1 % of the length
        Column("reach", Document, nullable=False),
        Column("hits", Document, nullable=False),
        Column("rewatched", Document, nullable=False),
        Column("dropped", Document, nullable=False),
        # millionths of the length that were seen, of all views together
        Column("watched", BigInteger, nullable=False, server_default=text("0")),
        *(
            Column(count, Integer, nullable=False, server_default=text("0"))
            for count in (
                "completed", "clicked", "reached_25", "reached_50", "reached_75", "reached_95"
            )
        ),
    )  # fmt: skip


def _scene_sums(name: str) -> Table:
    return Table(
        name,
        metadata,
        *_key(),
        Column("scene", String(64), primary_key=True),
        Column("place", Integer, nullable=False),  # of the scene in its video
        Column("plays", Integer, nullable=False),
        Column("reached", Integer, nullable=False),
        Column("watched_ms", BigInteger, nullable=False),
        Column("completed", Integer, nullable=False),
        Column("dropped", Integer, nullable=False),
        Column("rewatched", Integer, nullable=False),
    )


def _filtered_sums(name: str) -> Table:
    return Table(
        name,
        metadata,
        *_key(),
        Column("viewer", String(10), primary_key=True),
        Column("reason", String(32), primary_key=True),  # empty: the sessions themselves
        Column("sessions", Integer, nullable=False),
    )


# what the views of a campaign's videos add up to, by day: never a row for each video
curves = _curves("curves")
scene_sums = _scene_sums("scene_sums")
# the sessions that are no views, by whom they were taken for and each sign of that
filtered_sums = _filtered_sums("filtered_sums")

# the part of these sums whose sessions are not kept any more
settled_curves = _curves("settled_curves")
settled_scene_sums = _scene_sums("settled_scene_sums")
settled_filtered_sums = _filtered_sums("settled_filtered_sums")

# addresses outside that want to be told what happens; see store/endpoints.py
endpoints = Table(
    "endpoints",
    metadata,
    own_id(),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),  # encrypted
    Column("kinds", Document, nullable=False),  # of event; empty: all
    Column("state", String(12), nullable=False, server_default=text("'active'")),
    Column("reason", Name, nullable=False, server_default=""),  # why it was switched off
    Column("created_at", Time, nullable=False),
    Index(None, "state"),
)
