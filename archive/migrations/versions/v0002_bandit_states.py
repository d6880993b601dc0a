"""What the bandit over models and operators knew, and a quick way from a program to its children."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table, empty since older runs had no bandit, and the index."""
    op.create_table(
        "bandit_states",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("num_tells", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("operator", sa.Text, primary_key=True),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("pulls", sa.Double, nullable=False),
        sa.Column("reward", sa.Double, nullable=False),
        sa.Column("cost_usd", sa.Double, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attempts_parent", "attempts", ["run_id", "parent_id", "tell_order"])
