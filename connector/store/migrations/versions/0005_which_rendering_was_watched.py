"""which rendering was watched, how it may be remembered, and to whom a colleague belongs"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def document() -> sa.types.TypeEngine[Any]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
    )


def upgrade() -> None:
    # plainly, because a batch would copy the whole tables on SQLite
    one = sa.text("1")
    op.add_column("videos", sa.Column("version", sa.Integer(), server_default=one, nullable=False))
    op.add_column("videos", sa.Column("earlier", document(), nullable=True))
    op.add_column("videos", sa.Column("actions", document(), nullable=True))
    op.add_column(
        "sessions", sa.Column("version", sa.Integer(), server_default=one, nullable=False)
    )
    op.add_column(
        "sessions",
        sa.Column("tracking", sa.String(length=16), server_default="identified", nullable=False),
    )
    op.add_column("subjects", sa.Column("tracking", sa.String(length=16), nullable=True))
    op.add_column("subjects", sa.Column("tracking_at", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("connection_id", sa.String(length=64), nullable=True))
