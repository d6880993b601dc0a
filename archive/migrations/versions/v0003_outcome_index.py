"""A quick way to the failed evaluations of a league, and to counts of outcomes, for the dashboard."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the index."""
    op.create_index("ix_evaluations_outcome", "evaluations", ["league", "outcome"])
