"""One archived evaluation outside any run."""

from __future__ import annotations

import asyncio

from archive.store import Archive
from evaluators.contract import Evaluation, PlannerClock, Split, Tier
from evaluators.problem import Problem
from evaluators.protocol import Hello
from evaluators.seeding import report_secret, secret_from_seed
from evolve.execution.local import LocalBackend
from evolve.lifecycle import evaluation_timeout_s
from evolve.session import candidate_of
from evolve.stages import Stages


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
        task = problem.task
        secrets = {
            Split.SEARCH: secret_from_seed(seed),
            Split.VALIDATION: secret_from_seed(seed),
            Split.HOLDOUT: archive.holdout_secret(),
            Split.REPORT: report_secret(task.name, task.revision),
        }
        candidate = candidate_of(source)
        archive.add_candidate(candidate)
        hello = Hello(task=task.name, parameters=task.parameters, secrets=secrets, allow_unsafe=allow_unsafe)

        async def evaluate() -> Evaluation:
            backend = await LocalBackend.start(hello, 1, evaluation_timeout_s(problem))
            try:
                return await Stages(archive, backend, task, secrets, clock).evaluate(candidate, tier, split)
            finally:
                await backend.close()

        return asyncio.run(evaluate())
