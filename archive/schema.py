"""The tables, for SQLAlchemy Core. A change here needs a migration and an upgrade test in the same commit.

Conventions: times are UTC text (ISO 8601, seconds), except the lease's Unix seconds; JSON is text written by
`evaluators.jsonable`, so NaN and infinities cannot enter; long texts are zlib-compressed UTF-8. Tables whose rows are
short are clustered by their key on SQLite (``WITHOUT ROWID``).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

SCHEMA_VERSIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
)  # alembic revisions, oldest first; this code reads and writes the last
VERSION_TABLE = "evenkeel_schema"

PASSED_THE_GATE = "state IN ('evaluating', 'recorded')"  # of attempts; queries must repeat it to use the index

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
stamps = MetaData()  # alembic's own table, apart: no migration makes or changes it

RowId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only under INTEGER

version = Table(VERSION_TABLE, stamps, Column("version_num", String(32), nullable=False, primary_key=True))
version.primary_key.name = f"{VERSION_TABLE}_pkc"  # as alembic names it

archive_meta = Table(
    "archive_meta",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="single_row"), primary_key=True, autoincrement=False),
    Column("holdout_secret", Text, nullable=False),
    Column("created_at", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("task", Text, nullable=False),
    Column("task_identity", Text, nullable=False),
    Column("parameters", Text, nullable=False),  # JSON object
    Column("seed", BigInteger, nullable=False),
    Column("secret", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("software", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("stop_requested", Boolean, nullable=False, server_default=text("FALSE")),
    Column("lease_owner", Text),
    Column("lease_expires_at", Double),
    Index("ix_runs_task", "task", "task_identity"),
    Index("ix_runs_secret", "secret"),
)

candidates = Table(
    "candidates",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of the source
    Column("source", LargeBinary, nullable=False),  # compressed
    Column("ast_digest", Text, nullable=False),
    Index("ix_candidates_ast_digest", "ast_digest"),
)

embeddings = Table(  # numbers that a model gives to a source; the same whoever asks
    "embeddings",
    metadata,
    Column("candidate_id", Text, ForeignKey("candidates.id"), primary_key=True),
    Column("model", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # little-endian float32
)

founders = Table(
    "founders",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("candidate_id", Text, ForeignKey("candidates.id"), nullable=False),
    Index("ix_founders_candidate", "candidate_id"),
    sqlite_with_rowid=False,
)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("attempt_index", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("island", Integer, nullable=False),
    Column("proposer", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("parent_id", Text, ForeignKey("candidates.id"), nullable=False),
    Column("inspirations", Text, nullable=False),  # candidate ids, separated by spaces
    Column("candidate_id", Text, ForeignKey("candidates.id")),
    Column("change", Text, nullable=False),
    Column("rejection", Text, nullable=False),
    Column("neighbour_id", Text, ForeignKey("candidates.id")),
    Column("num_tells", Integer, nullable=False),
    Column("tell_order", Integer),
    Column("asked_at", Text, nullable=False),
    Column("told_at", Text, nullable=False),
    CheckConstraint("(tell_order IS NOT NULL) = (state IN ('rejected', 'recorded'))", name="told_when_final"),
    Index("ix_attempts_tell_order", "run_id", "tell_order", unique=True),
    Index("ix_attempts_parent", "run_id", "parent_id", "tell_order"),
    Index(
        "ix_attempts_candidate",
        "run_id",
        "candidate_id",
        sqlite_where=text(PASSED_THE_GATE),
        postgresql_where=text(PASSED_THE_GATE),
    ),
    sqlite_with_rowid=False,
)

replies = Table(
    "replies",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("attempt_index", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, nullable=False),
    Column("prompt", LargeBinary, nullable=False),  # compressed
    Column("reply", LargeBinary, nullable=False),  # compressed
    Column("finish_reason", Text, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("reply_tokens", BigInteger, nullable=False),
    Column("price_usd", Double, CheckConstraint("price_usd BETWEEN -1e300 AND 1e300", name="price_is_finite")),
    Column("latency_s", Double, nullable=False),
    ForeignKeyConstraint(
        ["run_id", "attempt_index"], ["attempts.run_id", "attempts.attempt_index"], name="fk_replies_attempt"
    ),
)

bandit_states = Table(  # as it was after so many tells; the search itself folds the attempts
    "bandit_states",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("num_tells", Integer, primary_key=True, autoincrement=False),
    Column("model", Text, primary_key=True),
    Column("operator", Text, primary_key=True),
    Column("told", Integer, nullable=False),
    Column("pulls", Double, nullable=False),  # discounted, like the sums
    Column("reward", Double, nullable=False),
    Column("cost_usd", Double, nullable=False),
    sqlite_with_rowid=False,
)

environments = Table(
    "environments",
    metadata,
    Column("digest", Text, primary_key=True),  # of the content
    Column("content", Text, nullable=False),  # JSON of `evaluators.contract.Environment`, shared by many evaluations
)

tasks = Table(  # the parameters of which an identity is a digest, whoever had a program scored under them
    "tasks",
    metadata,
    Column("task_identity", Text, primary_key=True),
    Column("task", Text, nullable=False),
    Column("parameters", Text, nullable=False),  # JSON object
)

leagues = Table(  # within one of these, scores may be ranked together
    "leagues",
    metadata,
    Column("digest", Text, primary_key=True),  # of the other columns
    Column("task", Text, nullable=False),
    Column("task_identity", Text, nullable=False),
    Column("environment_class", Text, nullable=False),
    Column("planner_clock", Text, nullable=False),
    Index("ix_leagues_task", "task", "task_identity"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key_digest", Text, unique=True),  # of the `EvaluationKey`; NULL: not finished, see `evaluation_values`
    Column("candidate_id", Text, ForeignKey("candidates.id"), nullable=False),
    Column("run_id", Text, ForeignKey("runs.id")),
    Column("attempt_index", Integer),
    Column("league", Text, ForeignKey("leagues.digest"), nullable=False),
    Column("environment", Text, ForeignKey("environments.digest"), nullable=False),
    Column("tier", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("objective", Double, CheckConstraint("objective BETWEEN -1e300 AND 1e300", name="objective_is_finite")),
    Column("metrics", Text, nullable=False),  # JSON object
    Column("feedback", Text, nullable=False),  # capped
    Column("seeds", Text, nullable=False),
    Column("cpu_s", Double, nullable=False),
    Column("wall_s", Double, nullable=False),
    Column("pictures", LargeBinary),  # compressed JSON
    Column("created_at", Text, nullable=False),
    CheckConstraint("(objective IS NOT NULL) = (outcome = 'scored')", name="scored_has_objective"),
    ForeignKeyConstraint(
        ["run_id", "attempt_index"], ["attempts.run_id", "attempts.attempt_index"], name="fk_evaluations_attempt"
    ),
    Index("ix_evaluations_candidate", "candidate_id"),
    Index("ix_evaluations_run", "run_id", "attempt_index"),
    Index("ix_evaluations_outcome", "league", "outcome"),
)

Index(
    "ix_evaluations_ranking",
    evaluations.c.league,
    evaluations.c.split,
    evaluations.c.tier,
    evaluations.c.objective.desc(),
    evaluations.c.id,  # of equal scores the older is listed first
)

instances = Table(
    "instances",
    metadata,
    Column("evaluation_id", RowId, ForeignKey("evaluations.id"), primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("regime", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("score", Double, CheckConstraint("score BETWEEN -1e300 AND 1e300", name="score_is_finite")),
    Column("metrics", Text, nullable=False),  # JSON object
    Column("delays", LargeBinary),  # compressed little-endian doubles
    Column("detail", Text, nullable=False),  # capped
    Column("behaviour", Text),  # digest of what the program did; NULL where none was taken
    CheckConstraint("(score IS NOT NULL) = (outcome = 'scored')", name="scored_has_score"),
    sqlite_with_rowid=False,
)

notes = Table(
    "notes",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("run_id", Text, ForeignKey("runs.id")),
    Column("candidate_id", Text, ForeignKey("candidates.id")),
    Column("text", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("attempt_index", Integer),
    Index("ix_notes_run", "run_id"),
    Index("ix_notes_candidate", "candidate_id"),
)
