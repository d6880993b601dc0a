"""One archived evaluation outside any run."""

from __future__ import annotations

import asyncio

from archive.store import Archive
from evaluators.contract import Evaluation, PlannerClock, Split, Tier
from evaluators.problem import Problem
from evolve.execution.opening import local_backend
from evolve.run.session import candidate_of, public_secrets
from evolve.run.stages import Stages


def archived_evaluation(
    url: str,
    problem: Problem,
    source: str,
    tier: Tier,
    split: Split,
    seed: int,
    clock: PlannerClock,
    *,
    allow_unsafe: bool,
) -> Evaluation:
    """The evaluation of a program, from the archive where it is known, and in it afterwards."""
    with Archive.open(url) as archive:
        secrets = public_secrets(archive, problem.task, seed)
        candidate = candidate_of(source)
        archive.add_candidate(candidate)

        async def evaluate() -> Evaluation:
            async with local_backend(problem, secrets, 1, allow_unsafe=allow_unsafe) as backend:
                return await Stages(archive, backend, problem.task, secrets, clock).evaluate(candidate, tier, split)

        return asyncio.run(evaluate())
