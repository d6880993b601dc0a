"""What removing a run costs, counted in steps of SQLite's machine: no clock is read."""

from __future__ import annotations

import sqlite3

from sqlalchemy import insert

from archive.mapping import attempt_values, candidate_values
from archive.pruning import prune
from archive.records import Attempt, AttemptState, Candidate, RunStatus
from archive.schema import attempts, candidates
from archive.store import Archive
from tests.archive.samples import a_run

STEPS = 100  # of the machine between two calls of the counter


def cost_of_pruning(size: int) -> int:
    """Hundreds of steps to remove one of two runs, each with `size` programs of its own."""
    with Archive.open("sqlite://") as archive:
        base = Candidate.of("x = 0\n")
        archive.add_candidate(base)
        for run_id in ("keepkeep", "gonegone"):
            archive.add_run(a_run(run_id))
            archive.set_run_status(run_id, RunStatus.FINISHED)
            made = [Candidate.of(f"x = {number}  # {run_id}\n") for number in range(size)]
            with archive.writing() as connection:
                connection.execute(insert(candidates), [candidate_values(candidate) for candidate in made])
                rows = [an_ended_attempt(run_id, base.id, index, one.id) for index, one in enumerate(made)]
                connection.execute(insert(attempts), [attempt_values(row) for row in rows])
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        with archive.reading() as connection:  # there is one connection to an archive in memory
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.set_progress_handler(count, STEPS)
        assert prune(archive, ["gonegone"]).candidates == size
        assert len(archive.attempts("keepkeep")) == size
        return steps


def an_ended_attempt(run_id: str, parent_id: str, index: int, candidate_id: str) -> Attempt:
    return Attempt(
        run_id=run_id,
        index=index,
        state=AttemptState.RECORDED,
        island=0,
        proposer="test",
        operator="test",
        parent_id=parent_id,
        candidate_id=candidate_id,
        tell_order=index,
    )


def test_cost_grows_with_the_run_and_not_with_its_square() -> None:
    assert cost_of_pruning(800) < 3 * cost_of_pruning(400)


def test_the_newest_children_are_read_and_no_more() -> None:
    with Archive.open("sqlite://") as archive:
        archive.add_run(a_run())
        base, child = Candidate.of("x = 0\n"), Candidate.of("x = 1\n")
        archive.add_candidate(base)
        archive.add_candidate(child)
        with archive.writing() as connection:
            rows = [an_ended_attempt(a_run().id, base.id, index, child.id) for index in range(50)]
            connection.execute(insert(attempts), [attempt_values(row) for row in rows])
        found = archive.attempts_under(a_run().id, base.id, before=40, most=20)
        assert [attempt.index for attempt in found] == list(range(39, 19, -1))
