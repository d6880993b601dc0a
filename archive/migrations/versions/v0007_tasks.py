"""Parameters of every task that a program was scored on, and no table of elites."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OF_RUNS = """
    INSERT INTO tasks (task_identity, task, parameters)
    SELECT task_identity, min(task), min(parameters) FROM runs GROUP BY task_identity
"""


def upgrade() -> None:
    """Fills the new table from the runs; the table of elites goes: nothing ever wrote it."""
    op.create_table(
        "tasks",
        sa.Column("task_identity", sa.Text, primary_key=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
    )
    op.execute(OF_RUNS)
    op.drop_table("elites")
