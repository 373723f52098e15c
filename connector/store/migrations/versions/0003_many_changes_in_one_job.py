"""jobs of a CRM's own, in which thousands of changes are written at once"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_jobs",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=80), nullable=False),
        sa.Column("ticket", sa.String(length=200), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("work", sa.String(length=10), server_default="due", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("rung_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_reason", sa.String(length=200), nullable=True),
        sa.Column("error_sentence", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_bulk_jobs_connection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_jobs")),
    )
    with op.batch_alter_table("bulk_jobs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bulk_jobs_work_due_at"), ["work", "due_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_bulk_jobs_connection_id_lot_ended_at"),
            ["connection_id", "lot", "ended_at"],
            unique=False,
        )

    # plainly, because a batch would copy the whole table on SQLite
    op.add_column("changes", sa.Column("bulk_id", sa.String(length=26), nullable=True))
    op.add_column(
        "changes", sa.Column("bulk_version", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_changes_bulk_id_key",
        "changes",
        ["bulk_id", "key"],
        unique=False,
        sqlite_where=sa.text("bulk_id IS NOT NULL"),
        postgresql_where=sa.text("bulk_id IS NOT NULL"),
    )
