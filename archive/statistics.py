"""Tells SQLite's planner beforehand what a large archive looks like.

Without statistics it takes ``run_id = ?`` for as selective as ``run_id = ? AND candidate_id = ?`` and reads whole runs:
a duplicate check among 100,000 attempts took 157 ms of CPU, not 0.1. Nobody gathers real statistics (``ANALYZE``), and
those of a young archive would mislead later.

Source: "Manual control of query plans using SQLITE_STAT tables", sqlite.org/optoverview.html.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_OF_A_LARGE_ARCHIVE = (  # table, index (or the table itself, where it is its own index), rows, then rows per prefix
    ("attempts", "attempts", "1000000 100000 1"),
    ("attempts", "ix_attempts_candidate", "1000000 100000 1"),
    ("attempts", "ix_attempts_parent", "1000000 100000 10 1"),
    ("attempts", "ix_attempts_tell_order", "1000000 100000 1"),
    ("candidates", "sqlite_autoindex_candidates_1", "1000000 1"),
    ("candidates", "ix_candidates_ast_digest", "1000000 2"),
    ("environments", "sqlite_autoindex_environments_1", "100 1"),
    ("evaluations", "sqlite_autoindex_evaluations_1", "2000000 1"),
    ("evaluations", "ix_evaluations_candidate", "2000000 4"),
    ("evaluations", "ix_evaluations_run", "2000000 200000 2"),
    ("evaluations", "ix_evaluations_outcome", "2000000 500000 50000"),
    ("evaluations", "ix_evaluations_ranking", "2000000 500000 250000 200000 10 1"),
    ("founders", "founders", "1000 10 1"),
    ("founders", "ix_founders_candidate", "1000 20"),
    ("instances", "instances", "24000000 12 1"),
    ("leagues", "sqlite_autoindex_leagues_1", "100 1"),
    ("leagues", "ix_leagues_task", "100 10 5"),
    ("runs", "sqlite_autoindex_runs_1", "100 1"),
    ("runs", "ix_runs_secret", "100 1"),
    ("runs", "ix_runs_task", "100 20 10"),
)
_ADD = text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :stat)")


def advise_planner(connection: Connection) -> None:
    """Writes the statistics; PostgreSQL keeps its own."""
    if connection.dialect.name != "sqlite":
        return
    connection.execute(text("ANALYZE"))  # makes the table
    connection.execute(text("DELETE FROM sqlite_stat1"))
    rows = [{"table": table, "index": index, "stat": stat} for table, index, stat in _OF_A_LARGE_ARCHIVE]
    connection.execute(_ADD, rows)
    connection.execute(text("ANALYZE sqlite_master"))  # reads it
