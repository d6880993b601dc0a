"""A run's session as the lifecycle makes it, on whatever backend a test has."""

from __future__ import annotations

from archive.records import Run
from archive.store import Archive
from evaluators.contract import PlannerClock, Task
from evaluators.toy import PROBLEM
from evolve.config import RunConfig
from evolve.execution.backend import EvaluationBackend
from evolve.run.session import founding_members, restore, split_secrets
from evolve.run.stages import Stages
from evolve.run.standing import Session


async def a_session(
    archive: Archive, run: Run, config: RunConfig, backend: EvaluationBackend, task: Task = PROBLEM.task
) -> tuple[Session, Stages]:
    """The session of `run` where its rows end, its founders scored, and its stages."""
    stages = Stages(archive, backend, task, split_secrets(archive, run, task), PlannerClock.MEASURED, run.id)
    founders = archive.founders(run.id)
    scored = {f.candidate_id: await stages.search(archive.candidate(f.candidate_id)) for f in founders}
    return restore(archive, run, config, founders, founding_members(founders, scored, task), stages), stages
