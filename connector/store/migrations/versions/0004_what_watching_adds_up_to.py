"""what watching adds up to, and who outside is told of it"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = (("connection_id", 64), ("campaign", 64), ("variant", 64), ("template", 64), ("day", 10))
SUMS = ("place", "plays", "reached", "watched_ms", "completed", "dropped", "rewatched")


def document() -> sa.types.TypeEngine[Any]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
    )


def upgrade() -> None:
    op.create_table(
        "curves",
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in KEY),
        sa.Column("plays", sa.Integer(), nullable=False),
        *(
            sa.Column(name, document(), nullable=False)
            for name in ("reach", "hits", "rewatched", "dropped")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_curves_connection_id")
        ),
        sa.PrimaryKeyConstraint(*(name for name, _ in KEY), name=op.f("pk_curves")),
    )
    op.create_table(
        "scene_sums",
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in KEY),
        sa.Column("scene", sa.String(length=64), nullable=False),
        *(
            # a second of everybody adds up beyond 32 bits
            sa.Column(
                name, sa.BigInteger() if name == "watched_ms" else sa.Integer(), nullable=False
            )
            for name in SUMS
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_scene_sums_connection_id")
        ),
        sa.PrimaryKeyConstraint(*(name for name, _ in KEY), "scene", name=op.f("pk_scene_sums")),
    )
    _endpoints()


def _endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("kinds", document(), nullable=False),
        sa.Column(
            "state", sa.String(length=12), server_default=sa.text("'active'"), nullable=False
        ),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
    )
    op.create_index("ix_endpoints_state", "endpoints", ["state"], unique=False)
    op.add_column("webhooks", sa.Column("endpoint_id", sa.String(length=26), nullable=True))
    op.add_column(
        "webhooks", sa.Column("kind", sa.String(length=64), server_default="", nullable=False)
    )
    op.add_column("webhooks", sa.Column("answer", sa.Integer(), nullable=True))
    op.create_index(
        "ix_webhooks_endpoint_id_created_at",
        "webhooks",
        ["endpoint_id", "created_at"],
        unique=False,
    )
