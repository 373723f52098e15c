"""
What we remember, as tables.

Times are whole milliseconds since 1970 in UTC, by the database's clock. Tables whose rows are work
carry the columns of `_work`, and only `store/leases.py` changes those: `work` is `due`, `running`,
`done` or `dead`; a row may be claimed when `due_at` has passed and no lease is open.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
ID = String(26)
Name = String(200)
Time = BigInteger
DUE, RUNNING, DONE, DEAD = "due", "running", "done", "dead"


def _id() -> Column[str]:
    return Column("id", ID, primary_key=True)


def _connection() -> Column[str]:
    return Column("connection_id", ForeignKey("connections.id"), nullable=False)


def _work() -> list[Column[Any]]:
    return [
        Column("work", String(10), nullable=False, server_default=DUE),
        Column("due_at", Time),
        Column("rung_at", Time, nullable=False, server_default=text("0")),
        Column("lease_until", Time, nullable=False, server_default=text("0")),
        Column("fence", Integer, nullable=False, server_default=text("0")),
        Column("attempt", Integer, nullable=False, server_default=text("0")),
        Column("crashes", Integer, nullable=False, server_default=text("0")),
        Column("error_reason", Name),
        Column("error_sentence", Text),
    ]


connections = Table(
    "connections",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("crm", String(32), nullable=False),
    Column("title", Name, nullable=False),
    Column("secrets", Text, nullable=False),  # encrypted JSON
    Column("config", Document, nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("writer_until", Time, nullable=False, server_default=text("0")),
    Column("writer_fence", Integer, nullable=False, server_default=text("0")),
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    _connection(),
    Column("key", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("received_at", Time, nullable=False),
    Column("conflicts", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("connection_id", "key"),
)

triggers = Table(
    "triggers",
    metadata,
    _id(),
    _connection(),
    Column("delivery_id", ForeignKey("deliveries.id")),
    Column("key", String(128), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject_kind", String(32), nullable=False),
    Column("subject_id", Name, nullable=False),
    Column("occurred_at", Time, nullable=False),
    Column("facts", Document, nullable=False),
    # empty: every campaign of this kind; a later step of a journey names its own
    Column("campaign", String(64), nullable=False, server_default=""),
    Column("step", Integer, nullable=False, server_default=text("0")),
    Column("queue", String(20), nullable=False, server_default="render"),
    *_work(),
    UniqueConstraint("connection_id", "key", "campaign", "step"),
    Index(None, "work", "due_at"),
    Index(None, "connection_id", "subject_kind", "subject_id"),
)

subjects = Table(
    "subjects",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("subject_id", Name, primary_key=True),
    Column("suppressed_at", Time),
    Column("suppression_reason", Name),
    Column("opted_out_at", Time),
    Column("opt_out_source", Name),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("subject_hash", String(64), primary_key=True),
    Column("erased_at", Time, nullable=False),
)

campaigns = Table(
    "campaigns",
    metadata,
    _id(),
    Column("name", String(64), nullable=False),
    Column("version", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("installed_at", Time, nullable=False),
    Column("active", Boolean, nullable=False),
    UniqueConstraint("name", "version"),
)

decisions = Table(
    "decisions",
    metadata,
    _id(),
    _connection(),
    Column("trigger_id", ForeignKey("triggers.id"), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("campaign_version", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("contact_id", Name),
    Column("outcome", String(24), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("decided_at", Time, nullable=False),
    UniqueConstraint("trigger_id", "campaign", "step"),
    Index(None, "connection_id", "contact_id", "decided_at"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("unit", Name, primary_key=True),
    Column("experiment", String(64), primary_key=True),
    Column("variant", String(64), nullable=False),
    Column("probability", Float, nullable=False),
    Column("assigned_at", Time, nullable=False),
)

outcomes = Table(
    "outcomes",
    metadata,
    _id(),
    _connection(),
    Column("key", String(128), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("contact_id", Name),
    Column("occurred_at", Time, nullable=False),
    Column("amount", Float),
    Column("currency", String(3)),
    Column("facts", Document, nullable=False),
    UniqueConstraint("connection_id", "key"),
    Index(None, "connection_id", "contact_id"),
)

videos = Table(
    "videos",
    metadata,
    _id(),
    _connection(),
    Column("trigger_id", ForeignKey("triggers.id"), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("campaign_version", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("subject_kind", String(32), nullable=False),
    Column("subject_id", Name, nullable=False),
    Column("contact_id", Name),
    Column("template", String(64), nullable=False),
    Column("variant", String(64), nullable=False, server_default=""),
    Column("locale", String(20), nullable=False),
    Column("format", String(8), nullable=False),
    Column("slots", Document, nullable=False),
    Column("fallback_slots", Document, nullable=False),
    Column("call_to_action", Document),  # {"label", "url"}
    Column("status", String(24), nullable=False),
    Column("reason", String(64), nullable=False, server_default=""),
    Column("sentence", Text, nullable=False, server_default=""),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("token_sealed", Text, nullable=False),
    Column("queue", String(20), nullable=False),
    Column("minted_at", Time, nullable=False),
    Column("filled_at", Time, nullable=False),  # when the slots were read
    Column("fresh_seconds", Integer),
    Column("expires_at", Time),
    Column("ready_at", Time),
    # what was rendered: {"template_version", "duration", "width", "height", "fps", "scenes",
    # "files": {name: key}, "bytes", "transcript", "storyboard"}
    Column("receipt", Document),
    *_work(),
    UniqueConstraint("trigger_id", "campaign", "step"),
    Index(None, "work", "due_at"),
    Index(None, "connection_id", "contact_id", "minted_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("video_id", ForeignKey("videos.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("first_at", Time, nullable=False),
    Column("last_at", Time, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("segments", Document, nullable=False),  # [[start s, end s, rate], …] in order
    Column("counts", LargeBinary(100), nullable=False),  # times watched per 1 % bucket, at most 255
    Column("unique_ms", Integer, nullable=False),
    Column("watch_ms", Integer, nullable=False),
    Column("furthest_ms", Integer, nullable=False),
    Column("last_ms", Integer, nullable=False),
    Column("viewed", Boolean, nullable=False),  # a person's gesture and 2 s of real playback
    Column("viewer", String(10), nullable=False),  # unknown human bot self preview
    Column("score", Integer, nullable=False),
    Column("reasons", Document, nullable=False),
    Column("flags", Document, nullable=False),
    Index(None, "video_id", "first_at"),
)

events = Table(
    "events",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session_id", ForeignKey("sessions.id"), nullable=False),
    Column("video_id", ForeignKey("videos.id"), nullable=False),
    Column("name", String(32), nullable=False),
    Column("cta", String(64), nullable=False, server_default=""),
    Column("position_ms", Integer, nullable=False),
    Column("at", Time, nullable=False),
    Index(None, "video_id", "name"),
)

measures = Table(
    "measures",
    metadata,
    Column("id", ForeignKey("videos.id"), primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("0")),
    *_work(),
    Index(None, "work", "due_at"),
)

changes = Table(
    "changes",
    metadata,
    _id(),
    _connection(),
    Column("kind", String(20), nullable=False),
    Column("contact_id", Name, nullable=False),
    Column("key", Name, nullable=False),  # contact id for `property`, row id for rows
    Column("values", Document, nullable=False),
    Column("version", Integer, nullable=False),  # grows with every merge; see store/changes.py
    Column("written_version", Integer, nullable=False, server_default=text("0")),
    Column("written_at", Time),
    *_work(),
    UniqueConstraint("connection_id", "kind", "key"),
    Index(None, "work", "due_at"),
)

attempts = Table(
    "attempts",
    metadata,
    _id(),
    Column("noun", String(20), nullable=False),
    Column("row_id", Name, nullable=False),
    Column("at", Time, nullable=False),
    Column("reason", Name, nullable=False),
    Column("sentence", Text, nullable=False),
    Index(None, "noun", "row_id"),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Time, nullable=False),
    Column("actor", Name, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", Name, nullable=False),
    Column("facts", Document, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

users = Table(
    "users",
    metadata,
    _id(),
    Column("email", String(254), nullable=False, unique=True),
    Column("password", Text, nullable=False),  # argon2id
    Column("role", String(16), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("disabled_at", Time),
)

logins = Table(
    "logins",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the cookie
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("seen_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
)

# The built-in local CRM keeps its own records here, as an outside CRM would in its own database.
records = Table(
    "records",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("kind", String(32), primary_key=True),  # contact company cart account …
    Column("id", Name, primary_key=True),
    Column("fields", Document, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index(None, "connection_id", "kind", "updated_at"),
)

record_rows = Table(
    "record_rows",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("kind", String(16), primary_key=True),  # video view
    Column("key", Name, primary_key=True),
    Column("contact_id", Name, nullable=False),
    Column("values", Document, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index(None, "connection_id", "contact_id"),
)

# Signed webhooks that we owe to somebody's address; `id` is the webhook-id, the same on every try.
webhooks = Table(
    "webhooks",
    metadata,
    _id(),
    _connection(),
    Column("url", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("contact_id", Name),
    Column("created_at", Time, nullable=False),
    *_work(),
    Index(None, "work", "due_at"),
)

WORK: dict[str, Table] = {
    "triggers": triggers,
    "videos": videos,
    "changes": changes,
    "measures": measures,
    "webhooks": webhooks,
}
