"""words by which contacts are found, from an index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from connector.store import contact_words

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHUNK = 500


def upgrade() -> None:
    # compared byte by byte on both databases, so that a beginning is a stretch of the index
    word = sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql")
    op.create_table(
        "contact_words",
        sa.Column("connection_id", sa.String(length=64), nullable=False),
        sa.Column("word", word, nullable=False),
        sa.Column("contact_id", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_contact_words_connection_id")
        ),
        sa.PrimaryKeyConstraint(
            "connection_id", "word", "contact_id", name=op.f("pk_contact_words")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_contact_words_connection_id_contact_id_word"),
        "contact_words",
        ["connection_id", "contact_id", "word"],
    )
    op.create_index(
        op.f("ix_videos_connection_id_minted_at"), "videos", ["connection_id", "minted_at"]
    )
    _fill(op.get_bind())


def _fill(tx: sa.Connection) -> None:
    """Take the words of everybody who is known already."""
    known = sa.text(
        "SELECT connection_id, id AS contact_id FROM records WHERE kind = 'contact' "
        "UNION SELECT connection_id, contact_id FROM videos WHERE contact_id IS NOT NULL"
    )
    everybody: dict[str, list[str]] = {}
    for row in tx.execute(known):
        everybody.setdefault(row.connection_id, []).append(row.contact_id)
    for connection_id, ids in everybody.items():
        contact_words.renew(tx, connection_id, ids)
