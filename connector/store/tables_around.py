"""
Tables beside the road: who watched, who signs in, what is owed in bulk, the local CRM's own records.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from connector.store.columns import (
    ID,
    Document,
    Name,
    Time,
    metadata,
    of_connection,
    own_id,
    work_columns,
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
    own_id(),
    of_connection(),
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
    Column("version", Integer, nullable=False, server_default=text("1")),  # of its video
    # identified pseudonymous aggregate: what may be done with it
    Column("tracking", String(16), nullable=False, server_default="identified"),
    Column("clicked", Boolean, nullable=False, server_default=false()),  # a call to action
    # of each scene, once the stretches are not kept any more: [place, plays, reached, …]
    Column("shares", Document),
    Index(None, "video_id", "first_at"),
    # those that are forgotten after a day
    Index(
        "ix_sessions_passing",
        "last_at",
        sqlite_where=text("tracking = 'aggregate'"),
        postgresql_where=text("tracking = 'aggregate'"),
    ),
    # those whose stretches are still kept
    Index(
        "ix_sessions_detailed",
        "first_at",
        sqlite_where=text("shares IS NULL"),
        postgresql_where=text("shares IS NULL"),
    ),
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
    *work_columns(),
    Index(None, "work", "due_at"),
)

attempts = Table(
    "attempts",
    metadata,
    own_id(),
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
    own_id(),
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
    own_id(),
    Column("email", String(254), nullable=False, unique=True),
    Column("password", Text, nullable=False),  # argon2id
    Column("role", String(16), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("disabled_at", Time),
    Column("connection_id", String(64)),  # whose contacts a rep sees; nothing: everybody's
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

# The beginning of a word is a stretch of the index: compared byte by byte, on both databases.
contact_words = Table(
    "contact_words",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column(
        "word",
        String(40).with_variant(String(40, collation="C"), "postgresql"),
        primary_key=True,
    ),
    Column("contact_id", Name, primary_key=True),
    Index(None, "connection_id", "contact_id", "word"),
    sqlite_with_rowid=False,
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
    own_id(),
    of_connection(),
    Column("url", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("contact_id", Name),
    Column("created_at", Time, nullable=False),
    # to an endpoint, of which kind; ours, of the built-in CRM, have neither
    Column("endpoint_id", ID),
    Column("kind", String(64), nullable=False, server_default=""),
    Column("answer", Integer),  # the last status that came back
    *work_columns(),
    Index(None, "work", "due_at"),
    Index(None, "endpoint_id", "created_at"),
)

# Jobs of a CRM's own, in which thousands of changes are written at once; see store/bulk_jobs.py.
bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    own_id(),
    of_connection(),
    Column("lot", String(80), nullable=False),
    Column("ticket", Name, nullable=False, server_default=""),  # what the CRM calls the job
    Column("state", String(12), nullable=False),
    Column("count", Integer, nullable=False, server_default=text("0")),
    Column("created_at", Time, nullable=False),
    Column("ended_at", Time),
    *work_columns(),
    Index(None, "work", "due_at"),
    Index(None, "connection_id", "lot", "ended_at"),
)
