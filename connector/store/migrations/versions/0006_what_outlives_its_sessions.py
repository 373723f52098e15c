"""what outlives its sessions: sums of views that are kept when single visits are forgotten"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = (("connection_id", 64), ("campaign", 64), ("variant", 64), ("template", 64), ("day", 10))
VECTORS = ("reach", "hits", "rewatched", "dropped")
COUNTS = ("completed", "clicked", "reached_25", "reached_50", "reached_75", "reached_95")
SUMS = ("place", "plays", "reached", "watched_ms", "completed", "dropped", "rewatched")
# the tables as they are at this version, for what is computed from them
SESSIONS = sa.table(
    "sessions", sa.column("id"), sa.column("tracking"), sa.column("clicked"), sa.column("flags")
)
EVENTS = sa.table("events", sa.column("session_id"), sa.column("name"))


def document() -> sa.types.TypeEngine[Any]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
    )


def upgrade() -> None:
    _sessions()
    # plainly, because a batch would copy the whole table on SQLite
    for column in _view_columns():
        op.add_column("curves", column)
    _table(
        "settled_curves",
        sa.Column("plays", sa.Integer(), nullable=False),
        *(sa.Column(name, document(), nullable=False) for name in VECTORS),
        *_view_columns(),
    )
    _table(
        "settled_scene_sums",
        sa.Column("scene", sa.String(length=64), nullable=False),
        *(sa.Column(name, _wide(name), nullable=False) for name in SUMS),
        also=["scene"],
    )
    for name in ("filtered_sums", "settled_filtered_sums"):
        _table(
            name,
            sa.Column("viewer", sa.String(length=10), nullable=False),
            sa.Column("reason", sa.String(length=32), nullable=False),
            sa.Column("sessions", sa.Integer(), nullable=False),
            also=["viewer", "reason"],
        )


def _sessions() -> None:
    op.add_column(
        "sessions", sa.Column("clicked", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.add_column("sessions", sa.Column("shares", document(), nullable=True))
    clicked = sa.select(EVENTS.c.session_id).where(EVENTS.c.name == "cta_click")
    op.execute(sa.update(SESSIONS).where(SESSIONS.c.id.in_(clicked)).values(clicked=sa.true()))
    asked = (
        "flags ->> 'untracked' IS NOT NULL"
        if op.get_bind().dialect.name == "postgresql"
        else "json_extract(flags, '$.untracked') IS NOT NULL"
    )
    op.execute(sa.update(SESSIONS).where(sa.text(asked)).values(tracking="aggregate"))
    for name, column, rows in (
        ("ix_sessions_passing", "last_at", "tracking = 'aggregate'"),
        ("ix_sessions_detailed", "first_at", "shares IS NULL"),
    ):
        op.create_index(
            name,
            "sessions",
            [column],
            unique=False,
            sqlite_where=sa.text(rows),
            postgresql_where=sa.text(rows),
        )


def _view_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column(name, _wide(name), server_default=sa.text("0"), nullable=False)
        for name in ("watched", *COUNTS)
    ]


def _wide(name: str) -> sa.types.TypeEngine[Any]:
    # a second of everybody adds up beyond 32 bits
    return sa.BigInteger() if name in ("watched", "watched_ms") else sa.Integer()


def _table(name: str, *columns: sa.Column[Any], also: list[str] | None = None) -> None:
    key = [*(column for column, _ in KEY), *(also or [])]
    op.create_table(
        name,
        *(sa.Column(column, sa.String(length=length), nullable=False) for column, length in KEY),
        *columns,
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f(f"fk_{name}_connection_id")
        ),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")),
    )
