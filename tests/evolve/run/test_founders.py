from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from archive.errors import ArchiveError
from archive.mapping import MAX_SOURCE_CHARS
from archive.records import FounderRole
from archive.store import Archive
from evaluators.contract import Evaluation, PlannerClock
from evaluators.protocol import EvaluateRequest
from evaluators.toy import PROBLEM
from evolve.errors import RunError
from evolve.programs import Program
from evolve.run.lifecycle import Lifecycle
from evolve.run.progress import Progress
from evolve.run.session import new_run, split_secrets
from evolve.run.stages import Stages
from tests.evolve.fakes import FakeBackend
from tests.evolve.run.test_driver import CLOCK, a_config, drive

PROGRAMS = [
    Program(role=FounderRole.INITIAL, name="mine", source="# one\n"),
    Program(role=FounderRole.BASELINE, name="half", source="# one\n"),
]


class NoisyBackend(FakeBackend):
    """Never gives the same score twice, as measured times do."""

    def finished(self, request: EvaluateRequest) -> Evaluation:
        made = super().finished(request)
        return replace(made, objective=(made.objective or 0.0) + len(self.requests) / 1000)


def test_a_program_that_founds_a_run_twice_is_evaluated_once(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        config, backend = a_config(), FakeBackend()
        run = new_run(archive, config, PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp())
        progress = Progress(task="toy", run_id=run.id)
        stages = Stages(
            archive, backend, PROBLEM.task, split_secrets(archive, run, PROBLEM.task), PlannerClock.MEASURED, run.id
        )
        lifecycle = Lifecycle(archive, run, config, PROBLEM, progress)
        found = asyncio.run(lifecycle._score_founders(stages, archive.founders(run.id)))
        assert len(backend.requests) == 2  # smoke and quick
        assert list(progress.baseline_scores) == ["half"]
        assert len(found) == 1


def test_of_two_evaluations_of_the_same_work_both_get_the_one_that_is_kept(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        run = new_run(archive, a_config(), PROBLEM.task, PROGRAMS, "test", CLOCK.timestamp())
        secrets = split_secrets(archive, run, PROBLEM.task)
        stages = Stages(archive, NoisyBackend(), PROBLEM.task, secrets, PlannerClock.MEASURED, run.id)
        candidate = archive.candidate(archive.founders(run.id)[0].candidate_id)

        async def scene() -> list[Evaluation]:
            return await asyncio.gather(*(stages.search(candidate) for _ in range(2)))

        first, second = asyncio.run(scene())
        assert first == second == stages.stored_search(candidate.id)


def test_a_program_that_cannot_be_archived_leaves_no_run(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        too_long = Program(role=FounderRole.BASELINE, name="long", source="#" * (MAX_SOURCE_CHARS + 1))
        with pytest.raises(ArchiveError):
            new_run(archive, a_config(), PROBLEM.task, [*PROGRAMS, too_long], "test", CLOCK.timestamp())
        assert archive.runs() == []


def test_a_run_without_initial_program_says_so(tmp_path: Path) -> None:
    with Archive.open(f"sqlite:///{tmp_path}/test.db") as archive:
        run = new_run(archive, a_config(), PROBLEM.task, [], "test", CLOCK.timestamp())
        with pytest.raises(RunError, match="killed while it was begun"):
            drive(archive, run, a_config(), FakeBackend())
