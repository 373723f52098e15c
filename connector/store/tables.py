"""
What we remember, as tables: those along the road here, the others in `tables_around`.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from connector.store.columns import (
    DEAD,
    DONE,
    DUE,
    ID,
    RUNNING,
    Document,
    Name,
    Time,
    metadata,
    of_connection,
    own_id,
    work_columns,
)
from connector.store.tables_around import (
    assignments,
    attempts,
    audit,
    bulk_jobs,
    events,
    logins,
    measures,
    outcomes,
    record_rows,
    records,
    sessions,
    users,
    webhooks,
)
from connector.store.tables_watching import (
    curves,
    endpoints,
    filtered_sums,
    scene_sums,
    settled_curves,
    settled_filtered_sums,
    settled_scene_sums,
)

__all__ = [
    "DEAD", "DONE", "DUE", "RUNNING", "WORK", "assignments", "attempts", "audit", "bulk_jobs",
    "campaigns", "changes", "connections", "decisions", "deliveries", "events", "logins", "measures", "metadata",
    "outcomes", "curves", "endpoints", "filtered_sums", "scene_sums", "settled_curves",
    "settled_filtered_sums", "settled_scene_sums", "record_rows", "records", "sessions", "subjects", "tombstones", "triggers", "users",
    "videos", "webhooks",
]  # fmt: skip

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
    # until when one process alone asks the CRM for a new token
    Column("refreshing_until", Time, nullable=False, server_default=text("0")),
    # up to when we have asked what lost deliveries should have told
    Column("reconciled_at", Time, nullable=False, server_default=text("0")),
)

deliveries = Table(
    "deliveries",
    metadata,
    own_id(),
    of_connection(),
    Column("key", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("received_at", Time, nullable=False),
    Column("conflicts", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("connection_id", "key"),
)

triggers = Table(
    "triggers",
    metadata,
    own_id(),
    of_connection(),
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
    *work_columns(),
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
    # the strictest way of measuring that the viewer chose: off; nothing where nothing was chosen
    Column("tracking", String(16)),
    Column("tracking_at", Time),
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
    own_id(),
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
    own_id(),
    of_connection(),
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

videos = Table(
    "videos",
    metadata,
    own_id(),
    of_connection(),
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
    # further calls to action: [{"key", "kind", "label", "url", "scenes": [names; none: always]}, …]
    Column("actions", Document),
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
    # "files": {name: key}, "bytes", "transcript", "storyboard", "findings": what a look at it said};
    # of a video that failed its look there are only the findings
    Column("receipt", Document),
    # grows with each rendering after the first that was published
    Column("version", Integer, nullable=False, server_default=text("1")),
    # of renderings before it, what measuring needs: {"1": {"duration", "scenes"}, …}
    Column("earlier", Document),
    *work_columns(),
    UniqueConstraint("trigger_id", "campaign", "step"),
    Index(None, "work", "queue", "due_at"),
    Index(None, "connection_id", "contact_id", "minted_at"),
    Index(None, "connection_id", "minted_at"),
)

changes = Table(
    "changes",
    metadata,
    own_id(),
    of_connection(),
    Column("kind", String(20), nullable=False),
    Column("contact_id", Name, nullable=False),
    Column("key", Name, nullable=False),  # contact id for `property`, row id for rows
    Column("values", Document, nullable=False),
    Column("version", Integer, nullable=False),  # grows with every merge; see store/changes.py
    Column("written_version", Integer, nullable=False, server_default=text("0")),
    Column("written_at", Time),
    # the bulk job that holds the change, and the version that was sent with it, 0 before
    Column("bulk_id", ID),
    Column("bulk_version", Integer, nullable=False, server_default=text("0")),
    *work_columns(),
    UniqueConstraint("connection_id", "kind", "key"),
    Index(None, "work", "due_at"),
    Index(
        "ix_changes_bulk_id_key",
        "bulk_id",
        "key",
        sqlite_where=text("bulk_id IS NOT NULL"),
        postgresql_where=text("bulk_id IS NOT NULL"),
    ),
)

WORK: dict[str, Table] = {
    "triggers": triggers,
    "videos": videos,
    "changes": changes,
    "measures": measures,
    "webhooks": webhooks,
    "bulk_jobs": bulk_jobs,
}
