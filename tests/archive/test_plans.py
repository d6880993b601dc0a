"""What is asked per attempt is answered from an index on SQLite, so its cost does not grow with the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, event, text

from archive import queries
from archive.store import Archive
from tests.archive import samples
from tests.archive.samples import RUN_ID, a_candidate, a_key, an_attempt, an_evaluation

BY_CANDIDATE = "USING INDEX ix_attempts_candidate (run_id=? AND candidate_id=?"
OF_RUN_CANDIDATES = "ix_evaluations_candidate (candidate_id=?)"

PER_ATTEMPT: dict[str, Callable[[Archive], object]] = {
    "attempt": lambda a: samples.finish(a, an_attempt(1), a_candidate(2), an_evaluation()),
    "rejected attempt": lambda a: samples.reject(a, an_attempt(2), a_candidate(1), a_candidate(1).id),
    "candidate": lambda a: a.candidate(a_candidate(1).id),
    "candidate by prefix": lambda a: a.candidate(a_candidate(1).id[:6]),
    "sources": lambda a: a.sources([a_candidate().id, a_candidate(1).id]),
    "digests": lambda a: a.ast_digests([a_candidate().id]),
    "evaluation lookup": lambda a: a.find_evaluation(a_key("0" * 64, an_evaluation())),
    "evaluations of a candidate": lambda a: a.evaluations(a_candidate(1).id),
    "stopped program": lambda a: a.was_stopped(RUN_ID, a_candidate(1).id),
    "stopped attempt": lambda a: a.stopped_evaluation(RUN_ID, 0),
    "lost attempts": lambda a: a.lost_attempts(RUN_ID),
    "lease": lambda a: a.take_lease(RUN_ID, "me", 1.0, 1.0),
    "lineage": lambda a: queries.lineage(a, RUN_ID, a_candidate(1).id),
    "leaderboard": queries.leaderboard,
}


@pytest.fixture
def archive() -> Iterator[Archive]:
    with Archive.open("sqlite://") as archive:
        samples.begin(archive)
        samples.finish(archive, an_attempt(0), a_candidate(1), an_evaluation())
        yield archive


def plans_of(archive: Archive, action: Callable[[Archive], object]) -> dict[str, str]:
    """The statements that `action` executes, each with SQLite's plan for it."""
    seen: list[tuple[str, object]] = []

    def note(_: Connection, __: object, statement: str, parameters: object, ___: object, many: bool) -> None:
        if not many and statement.split()[0] in ("SELECT", "UPDATE", "DELETE"):
            seen.append((statement, parameters))

    engine = archive._database._engine
    event.listen(engine, "before_cursor_execute", note)
    action(archive)
    event.remove(engine, "before_cursor_execute", note)
    with archive.reading() as connection:
        return {statement: _plan(connection, statement, parameters) for statement, parameters in seen}


def _plan(connection: Connection, statement: str, parameters: object) -> str:
    assert isinstance(parameters, tuple)
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return "\n".join(row.detail for row in rows)


@pytest.mark.parametrize("name", PER_ATTEMPT)
def test_no_large_table_is_read_through(archive: Archive, name: str) -> None:
    plans = plans_of(archive, PER_ATTEMPT[name])
    assert plans
    for statement, plan in plans.items():
        for table in ("attempts", "candidates", "evaluations", "instances", "replies", "founders"):
            assert f"SCAN {table}" not in plan, statement
        if "FROM founders" in statement or "GROUP BY" in statement:
            continue  # founders and hold-out scores of a run are few
        for half in ("(run_id=?)", "(league=?)", "(league=? AND split=?)", "(league=? AND split=? AND tier=?)"):
            assert half not in plan, statement


def test_twin_is_looked_up_by_its_program(archive: Archive) -> None:
    (plan,) = plans_of(archive, lambda a: a.twin_of(RUN_ID, a_candidate(1).id)).values()
    assert BY_CANDIDATE in plan


def test_resume_starts_from_the_programs_of_the_run(archive: Archive) -> None:
    plans = plans_of(archive, lambda a: a.evaluations_for_run(RUN_ID))
    evaluation_plans = [plan for statement, plan in plans.items() if "evaluations.candidate_id IN" in statement]
    assert all(OF_RUN_CANDIDATES in plan for plan in evaluation_plans)
    assert evaluation_plans


def test_statistics_are_of_what_is_there(archive: Archive) -> None:
    with archive.reading() as connection:
        names = set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())
        advised = connection.execute(text("SELECT idx FROM sqlite_stat1")).scalars().all()
        assert len(advised) > 15
        assert set(advised) <= names
