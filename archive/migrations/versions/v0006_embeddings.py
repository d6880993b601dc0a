"""Embeddings of programs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table, empty since no older run asked for any."""
    op.create_table(
        "embeddings",
        sa.Column("candidate_id", sa.Text, sa.ForeignKey("candidates.id"), primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
