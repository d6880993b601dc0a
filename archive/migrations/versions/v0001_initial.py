"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RowId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PASSED_THE_GATE = sa.text("state IN ('evaluating', 'recorded')")


def upgrade() -> None:
    """Makes every table and index."""
    _create_archive_meta()
    _create_runs()
    _create_candidates()
    _create_founders()
    _create_attempts()
    _create_replies()
    _create_environments()
    _create_leagues()
    _create_evaluations()
    _create_instances()
    _create_elites()
    _create_notes()
    _create_indexes()


def _create_archive_meta() -> None:
    op.create_table(
        "archive_meta",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1", name="single_row"), primary_key=True, autoincrement=False
        ),
        sa.Column("holdout_secret", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("task_identity", sa.Text, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("stop_requested", sa.Boolean, nullable=False, server_default=sa.text("FALSE")),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_expires_at", sa.Double),
    )


def _create_candidates() -> None:
    op.create_table(
        "candidates",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("source", sa.LargeBinary, nullable=False),
        sa.Column("ast_digest", sa.Text, nullable=False),
    )


def _create_founders() -> None:
    op.create_table(
        "founders",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("candidate_id", sa.Text, sa.ForeignKey("candidates.id"), nullable=False),
        sqlite_with_rowid=False,
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("attempt_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("island", sa.Integer, nullable=False),
        sa.Column("proposer", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Text, sa.ForeignKey("candidates.id"), nullable=False),
        sa.Column("inspirations", sa.Text, nullable=False),
        sa.Column("candidate_id", sa.Text, sa.ForeignKey("candidates.id")),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("rejection", sa.Text, nullable=False),
        sa.Column("neighbour_id", sa.Text, sa.ForeignKey("candidates.id")),
        sa.Column("num_tells", sa.Integer, nullable=False),
        sa.Column("tell_order", sa.Integer),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("told_at", sa.Text, nullable=False),
        sa.CheckConstraint("(tell_order IS NOT NULL) = (state IN ('rejected', 'recorded'))", name="told_when_final"),
        sqlite_with_rowid=False,
    )


def _create_replies() -> None:
    op.create_table(
        "replies",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("attempt_index", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("prompt", sa.LargeBinary, nullable=False),
        sa.Column("reply", sa.LargeBinary, nullable=False),
        sa.Column("finish_reason", sa.Text, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("reply_tokens", sa.BigInteger, nullable=False),
        sa.Column(
            "price_usd", sa.Double, sa.CheckConstraint("price_usd BETWEEN -1e300 AND 1e300", name="price_is_finite")
        ),
        sa.Column("latency_s", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "attempt_index"], ["attempts.run_id", "attempts.attempt_index"], name="fk_replies_attempt"
        ),
    )


def _create_environments() -> None:
    op.create_table(
        "environments",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )


def _create_leagues() -> None:
    op.create_table(
        "leagues",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("task_identity", sa.Text, nullable=False),
        sa.Column("environment_class", sa.Text, nullable=False),
        sa.Column("planner_clock", sa.Text, nullable=False),
    )


def _create_evaluations() -> None:
    op.create_table(
        "evaluations",
        sa.Column("id", RowId, primary_key=True),
        sa.Column("key_digest", sa.Text, unique=True),
        sa.Column("candidate_id", sa.Text, sa.ForeignKey("candidates.id"), nullable=False),
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id")),
        sa.Column("attempt_index", sa.Integer),
        sa.Column("league", sa.Text, sa.ForeignKey("leagues.digest"), nullable=False),
        sa.Column("environment", sa.Text, sa.ForeignKey("environments.digest"), nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column(
            "objective", sa.Double, sa.CheckConstraint("objective BETWEEN -1e300 AND 1e300", name="objective_is_finite")
        ),
        sa.Column("metrics", sa.Text, nullable=False),
        sa.Column("feedback", sa.Text, nullable=False),
        sa.Column("seeds", sa.Text, nullable=False),
        sa.Column("cpu_s", sa.Double, nullable=False),
        sa.Column("wall_s", sa.Double, nullable=False),
        sa.Column("pictures", sa.LargeBinary),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.CheckConstraint("(objective IS NOT NULL) = (outcome = 'scored')", name="scored_has_objective"),
        sa.ForeignKeyConstraint(
            ["run_id", "attempt_index"], ["attempts.run_id", "attempts.attempt_index"], name="fk_evaluations_attempt"
        ),
    )


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
        sa.CheckConstraint("(score IS NOT NULL) = (outcome = 'scored')", name="scored_has_score"),
        sqlite_with_rowid=False,
    )


def _create_elites() -> None:
    op.create_table(
        "elites",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("cell", sa.Text, primary_key=True),
        sa.Column("candidate_id", sa.Text, sa.ForeignKey("candidates.id"), nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("descriptor", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _create_notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", RowId, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id")),
        sa.Column("candidate_id", sa.Text, sa.ForeignKey("candidates.id")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
    )


def _create_indexes() -> None:
    op.create_index("ix_runs_task", "runs", ["task", "task_identity"])
    op.create_index("ix_runs_secret", "runs", ["secret"])
    op.create_index("ix_candidates_ast_digest", "candidates", ["ast_digest"])
    op.create_index("ix_founders_candidate", "founders", ["candidate_id"])
    op.create_index("ix_attempts_tell_order", "attempts", ["run_id", "tell_order"], unique=True)
    op.create_index(
        "ix_attempts_candidate",
        "attempts",
        ["run_id", "candidate_id"],
        sqlite_where=PASSED_THE_GATE,
        postgresql_where=PASSED_THE_GATE,
    )
    op.create_index("ix_leagues_task", "leagues", ["task", "task_identity"])
    op.create_index("ix_evaluations_candidate", "evaluations", ["candidate_id"])
    op.create_index("ix_evaluations_run", "evaluations", ["run_id", "attempt_index"])
    op.create_index(
        "ix_evaluations_ranking", "evaluations", ["league", "split", "tier", sa.text("objective DESC"), "id"]
    )
    op.create_index("ix_notes_run", "notes", ["run_id"])
    op.create_index("ix_notes_candidate", "notes", ["candidate_id"])
