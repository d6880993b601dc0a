"""What a program did on an instance, as a digest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RowId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
COLUMNS = "evaluation_id, ordinal, name, regime, outcome, score, metrics, delays, detail"


def upgrade() -> None:
    """Adds the column; instances archived so far have no digest.

    SQLite would write a new column behind the constraints, so there the table is made anew: it then reads as that of a
    new archive does.
    """
    if op.get_bind().dialect.name != "sqlite":
        op.add_column("instances", sa.Column("behaviour", sa.Text))
        return
    op.rename_table("instances", "instances_0003")
    _create_instances()
    op.execute(f"INSERT INTO instances ({COLUMNS}) SELECT {COLUMNS} FROM instances_0003")
    op.drop_table("instances_0003")


def _create_instances() -> None:
    op.create_table(
        "instances",
        sa.Column("evaluation_id", RowId, sa.ForeignKey("evaluations.id"), primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("regime", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("score", sa.Double, sa.CheckConstraint("score BETWEEN -1e300 AND 1e300", name="score_is_finite")),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.Column("delays", sa.LargeBinary),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("behaviour", sa.Text),
        sa.CheckConstraint("(score IS NOT NULL) = (outcome = 'scored')", name="scored_has_score"),
        sqlite_with_rowid=False,
    )
