"""Which attempt wrote a note."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RowId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
COLUMNS = "id, kind, run_id, candidate_id, text, created_at"


def upgrade() -> None:
    """Adds the column; the notes so far keep an empty one.

    SQLite would write a new column behind the constraints, so there the table is made anew: it then reads as that of a
    new archive does.
    """
    if op.get_bind().dialect.name != "sqlite":
        op.add_column("notes", sa.Column("attempt_index", sa.Integer))
        return
    for index in ("ix_notes_run", "ix_notes_candidate"):
        op.drop_index(index, "notes")
    op.rename_table("notes", "notes_0004")
    _create_notes()
    op.execute(f"INSERT INTO notes ({COLUMNS}) SELECT {COLUMNS} FROM notes_0004")
    op.drop_table("notes_0004")


def _create_notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", RowId, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id")),
        sa.Column("candidate_id", sa.Text, sa.ForeignKey("candidates.id")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("attempt_index", sa.Integer),
    )
    op.create_index("ix_notes_run", "notes", ["run_id"])
    op.create_index("ix_notes_candidate", "notes", ["candidate_id"])
