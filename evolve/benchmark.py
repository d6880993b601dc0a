"""Compares search strategies at equal budgets on paired seeds: runs what is missing, then judges on the hold-out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archive.records import FounderRole, Run, RunStatus
from archive.store import Archive
from evaluators.contract import Evaluation, Split, Task, Tier
from evaluators.problem import Problem
from evolve.config import RunConfig, build_config
from evolve.execution.backend import EvaluationBackend
from evolve.programs import Program
from evolve.run.lifecycle import Lifecycle, timestamp
from evolve.run.progress import Progress
from evolve.run.session import candidate_of, new_run, split_secrets
from evolve.run.stages import Stages
from evolve.strategies import STRATEGIES, Step, best_so_far, champion_steps, leading_steps
from evolve.version import software_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run of a benchmark."""

    strategy: str
    repeat: int
    config: RunConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How one run went, judged on the hold-out."""

    strategy: str
    repeat: int
    run_id: str
    holdout: tuple[float, ...]  # of the champion, after 0, 1, ... evaluations
    leader_holdout: float  # of who led by search score at the end: what validation is there to improve on
    leaders: tuple[Step, ...]  # by search score
    champions: tuple[Step, ...]  # of the leaders by then, the one chosen on validation


def cells(base: Mapping[str, object], strategies: Sequence[str], repeats: int, first_seed: int) -> list[Cell]:
    """The runs of a benchmark, repeat by repeat, so that an interrupted one is balanced.

    Strategies of one repeat share the seed, and with it every instance.
    """
    return [
        Cell(
            strategy=name,
            repeat=repeat,
            config=build_config({**base, **STRATEGIES[name], "seed": first_seed + repeat}),
        )
        for repeat in range(repeats)
        for name in strategies
    ]


def repeatable_cell(name: str, seed: int, task: Task, attempts: int, settings: Mapping[str, object]) -> Cell:
    """A run that repeats exactly, whatever else the machine does: told in order, planner time modelled."""
    values = {
        "task": task.name,
        "set": dict(task.parameters),
        "seed": seed,
        "attempts": attempts,
        "order": "index",
        "planner_clock": "modelled",
        **settings,
    }
    return Cell(strategy=name, repeat=seed, config=build_config(values))


def find_run(archive: Archive, cell: Cell, task_identity: str) -> Run | None:
    """The run of this cell that an earlier invocation began; None if none did."""
    of_seed = [run for run in archive.runs() if run.seed == cell.config.seed and run.task_identity == task_identity]
    return next((run for run in of_seed if RunConfig.model_validate_json(run.config) == cell.config), None)


async def carry_out(
    archive: Archive, cell: Cell, problem: Problem, initial: Program, watch: Callable[[Lifecycle], None]
) -> Run:
    """The finished run of this cell; what earlier invocations did of it is not done again.

    `watch` learns of the lifecycle, to stop it; a run that was stopped is returned as it is.
    """
    run = find_run(archive, cell, problem.task.identity)
    if run is None:
        run = new_run(archive, cell.config, problem.task, [initial], software_version(), timestamp())
    if run.status is not RunStatus.FINISHED:
        progress = Progress(task=run.task, run_id=run.id)
        lifecycle = Lifecycle(archive, run, cell.config, problem, progress, judge=False)
        watch(lifecycle)
        await lifecycle.conduct()
    return archive.run(run.id)


class Judge:
    """Validation and hold-out scores of what led a run, executed at most once for each program."""

    def __init__(
        self,
        archive: Archive,
        backend: EvaluationBackend,
        known: Mapping[Split, str],
        problem: Problem,
        tier: Tier,
    ) -> None:
        """`known` are the secrets that the backend was opened with; runs have others for their validation."""
        self._archive = archive
        self._backend = backend
        self._known = known
        self._problem = problem
        self._tier = tier

    async def curve(self, cell: Cell, run: Run, evaluations: int) -> Curve:
        """The run's curve: what a user would have got who ended the run there.

        The hold-out chooses nothing: it is read off the champions, which were chosen on validation.
        """
        stages = self._stages(run, cell)
        scores = stages.stored_searches(self._archive.evaluations_for_run(run.id))
        (founder,) = [f for f in self._archive.founders(run.id) if f.role is FounderRole.INITIAL]
        initial = Step(
            evaluation=0, candidate_id=founder.candidate_id, search=scores[founder.candidate_id].objective or 0.0
        )
        told = [a.candidate_id for a in self._archive.attempts_told(run.id) if a.candidate_id and a.is_evaluation]
        leaders = leading_steps(initial, [(i, scores[i].objective if i in scores else None) for i in told])
        led = [step.candidate_id for step in leaders]
        validations = await self._evaluations(stages, led, Tier.QUICK, Split.VALIDATION)
        champions = champion_steps(leaders, dict(zip(led, validations, strict=True)))
        last = leaders[-1].candidate_id
        judged = dict.fromkeys([*(step.candidate_id for step in champions), last])
        holdouts = await self.scores(stages, list(judged))
        return Curve(
            strategy=cell.strategy,
            repeat=cell.repeat,
            run_id=run.id,
            holdout=tuple(best_so_far(champions, holdouts, evaluations)),
            leader_holdout=holdouts[last],
            leaders=tuple(leaders),
            champions=tuple(champions),
        )

    async def leader_score(self, cell: Cell, run: Run, candidate_id: str) -> float:
        """Hold-out score of one program of a run."""
        return (await self.scores(self._stages(run, cell), [candidate_id]))[candidate_id]

    async def scores(self, stages: Stages, candidate_ids: Sequence[str]) -> dict[str, float]:
        """Hold-out score of each; a program that fails there counts as the floor."""
        found = await self._evaluations(stages, candidate_ids, self._tier, Split.HOLDOUT)
        return {
            candidate_id: evaluation.counted_objective
            for candidate_id, evaluation in zip(candidate_ids, found, strict=True)
        }

    async def _evaluations(
        self, stages: Stages, candidate_ids: Sequence[str], tier: Tier, split: Split
    ) -> Sequence[Evaluation]:
        candidates = [self._archive.candidate(candidate_id) for candidate_id in candidate_ids]
        return await asyncio.gather(*(stages.evaluate(candidate, tier, split) for candidate in candidates))

    async def baselines(self, run: Run, cell: Cell, programs: Sequence[Program]) -> dict[str, float]:
        """Hold-out score of the shipped baselines, by name."""
        ids = {}
        for program in programs:
            candidate = candidate_of(program.source)
            self._archive.add_candidate(candidate)
            ids[program.name] = candidate.id
        scores = await self.scores(self._stages(run, cell), list(ids.values()))
        return {name: scores[candidate_id] for name, candidate_id in ids.items()}

    def _stages(self, run: Run, cell: Cell) -> Stages:
        secrets = split_secrets(self._archive, run, self._problem.task)
        clock = cell.config.planner_clock
        return Stages(self._archive, self._backend, self._problem.task, secrets, clock, run.id, self._known)
