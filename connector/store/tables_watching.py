"""
Tables of what watching adds up to, and of who outside is told of it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, text

from connector.store.columns import Document, Name, Time, metadata, own_id

# what the videos of a campaign add up to, by day: never a row for each video
curves = Table(
    "curves",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("campaign", String(64), primary_key=True),
    Column("variant", String(64), primary_key=True),
    Column("template", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),  # of the session's beginning, in UTC
    Column("plays", Integer, nullable=False),
    # a hundred numbers each, one for every 1 % of the length
    Column("reach", Document, nullable=False),
    Column("hits", Document, nullable=False),
    Column("rewatched", Document, nullable=False),
    Column("dropped", Document, nullable=False),
)

scene_sums = Table(
    "scene_sums",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("campaign", String(64), primary_key=True),
    Column("variant", String(64), primary_key=True),
    Column("template", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("scene", String(64), primary_key=True),
    Column("place", Integer, nullable=False),  # of the scene in its video
    Column("plays", Integer, nullable=False),
    Column("reached", Integer, nullable=False),
    Column("watched_ms", BigInteger, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
    Column("rewatched", Integer, nullable=False),
)

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
