"""Plays one program on one tier and split: the only place that turns what happened into an `Evaluation`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

from evaluators.adapters.hosting import as_loaded
from evaluators.candidate import CandidateFailure, MeteredCandidate
from evaluators.contract import (
    Environment,
    Evaluation,
    InstanceResult,
    Limits,
    Outcome,
    Split,
    Tier,
    overall_outcome,
)
from evaluators.fingerprint import Witness, Witnessed
from evaluators.problem import ClockPolicy, Instance, Problem
from evaluators.racing import NO_RACE, Race, play_order, reason_to_stop
from evaluators.seeding import SeedSource
from evaluators.sound_result import sound

# Opens a fresh candidate for one scenario: `Sandbox.candidate`, or a double in tests.
OpenCandidate = Callable[[str, Limits], "AbstractContextManager[MeteredCandidate]"]

BOUND_SLACK = 1e-9  # a score that reaches the bound may be above it by rounding


@dataclass(frozen=True, slots=True)
class Workload:
    """The instances of one tier and split, built once and played by many candidates."""

    tier: Tier
    split: Split
    seeds: str  # digest of the seed source
    instances: tuple[Instance, ...]

    @classmethod
    def build(cls, problem: Problem, tier: Tier, split: Split, secret: str) -> Workload:
        """The workload that `secret` stands for."""
        source = SeedSource(secret, split)
        return cls(tier, split, source.digest(), tuple(problem.instances(tier, split, source)))


def evaluate(
    problem: Problem,
    workload: Workload,
    source: str,
    open_candidate: OpenCandidate,
    environment: Environment,
    clock: ClockPolicy,
    race: Race = NO_RACE,
) -> Evaluation:
    """The evaluation of `source` on `workload`; failures of the program are outcomes, never exceptions.

    With a `race` it may end as `Outcome.STOPPED`, with the instances played until then.
    """
    started_s = time.perf_counter()
    limits = problem.task.limits[workload.tier]
    loaded = as_loaded(problem.task, source)
    witness = Witness() if workload.split is Split.SEARCH else None
    with Bench(loaded, limits, open_candidate, keep=not problem.task.stateful, witness=witness) as bench:
        played, stopped = _play(workload, bench, clock, race, problem.task.bound)
    results = [played[place] for place in sorted(played)]
    evaluation = _assemble(problem, workload, results, environment, bench.cpu_s, time.perf_counter() - started_s)
    decisive = evaluation.outcome in (Outcome.TAMPERED, Outcome.INFRASTRUCTURE)
    return _as_stopped(evaluation, stopped) if stopped and not decisive else evaluation


def _play(
    workload: Workload, bench: Bench, clock: ClockPolicy, race: Race, bound: float | None
) -> tuple[dict[int, InstanceResult], str]:
    """Results by place, and why the rest was not played, if the race ended."""
    instances = workload.instances
    regimes = [instance.regime for instance in instances]
    order = play_order(regimes)

    def result_of(place: int) -> InstanceResult:
        return within_bound(bench.play(instances[place], clock), bound)

    played, stopped = _until_decided(order, len(set(regimes)), result_of, race)
    last = order[len(played) - 1]
    played[last] = bench.finish(played[last])
    if not stopped:
        played |= {place: _unplayed(instances[place], played[last]) for place in order[len(played) :]}
    return played, stopped


def within_bound(result: InstanceResult, bound: float | None) -> InstanceResult:
    """`result`, unless its score is above what is proven to be the most: then our bound or our engine is wrong."""
    if bound is None or result.score is None or result.score <= bound + BOUND_SLACK:
        return result
    return InstanceResult(
        name=result.name,
        regime=result.regime,
        outcome=Outcome.INFRASTRUCTURE,
        delays_s=result.delays_s,
        behaviour=result.behaviour,
        detail=f"the score {result.score:.9g} is above the proven bound {bound:g}: an evaluator bug",
    )


def cut_short(known: Evaluation, race: Race) -> Evaluation:
    """What a `race` would have left of an evaluation that was finished without it; it costs nothing now."""
    regimes = [instance.regime for instance in known.instances]
    order = play_order(regimes)
    played, stopped = _until_decided(order, len(set(regimes)), known.instances.__getitem__, race)
    if not stopped:
        return known
    kept = tuple(played[place] for place in sorted(played))
    return _as_stopped(replace(known, instances=kept, cpu_s=0.0, wall_s=0.0), stopped)


def _until_decided(
    order: Sequence[int], num_regimes: int, result_of: Callable[[int], InstanceResult], race: Race
) -> tuple[dict[int, InstanceResult], str]:
    """Results by place up to the one that decides, in the order played, and why the race ended there, if it did."""
    played: dict[int, InstanceResult] = {}
    for place in order:
        played[place] = result_of(place)
        if _hopeless(played.values(), len(order)):
            break
        if reason := reason_to_stop(race, len(order), num_regimes, played):
            return played, reason
    return played, ""


def _as_stopped(evaluation: Evaluation, reason: str) -> Evaluation:
    return replace(evaluation, outcome=Outcome.STOPPED, objective=None, metrics={}, feedback=reason, pictures=())


class Bench:
    """Opens children for one program: one per instance, or one for all while it lives (`keep`)."""

    def __init__(
        self,
        source: str,
        limits: Limits,
        open_candidate: OpenCandidate,
        *,
        keep: bool,
        witness: Witness | None = None,
    ) -> None:
        self._source = source
        self._limits = limits
        self._open = open_candidate
        self._keep = keep
        self._witness = witness
        self._stack = ExitStack()
        self._candidate: MeteredCandidate | None = None
        self.cpu_s = 0.0

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, instance: Instance, clock: ClockPolicy) -> InstanceResult:
        """The result of one instance; a child that failed, or is not kept, is gone afterwards."""
        try:
            if self._candidate is None:
                opened = self._stack.enter_context(self._open(self._source, self._limits))
                self._candidate = Witnessed(opened, self._witness) if self._witness else opened
            result = sound(instance.play(self._candidate, clock), instance.name, instance.regime)
        except CandidateFailure as failure:
            if self._witness:
                self._witness.finish(())
            return self.finish(_failed(instance.name, instance.regime, failure))
        if self._witness:
            result = replace(result, behaviour=self._witness.finish(result.delays_s))
        return result if self._keep else self.finish(result)

    def finish(self, result: InstanceResult) -> InstanceResult:
        """`result`, unless the child it came from is caught at its end, with bytes that nobody asked for."""
        try:
            self._dismiss()
        except CandidateFailure as failure:
            return _failed(result.name, result.regime, failure)
        return result

    def _dismiss(self) -> None:
        if self._candidate is not None:
            self.cpu_s += self._candidate.cpu_s
            self._candidate = None
        self._stack.close()


def _failed(name: str, regime: str, failure: CandidateFailure) -> InstanceResult:
    return InstanceResult(name=name, regime=regime, outcome=failure.outcome, detail=failure.detail)


def _hopeless(results: Collection[InstanceResult], total: int) -> bool:
    """Whether so many instances failed that the evaluation can no longer be scored: the rest would be wasted."""
    failures = sum(result.outcome is not Outcome.SCORED for result in results)
    return failures > 0.1 * total


def _unplayed(instance: Instance, last: InstanceResult) -> InstanceResult:
    """It was not played, so it has nothing to say; those that were say why."""
    return InstanceResult(name=instance.name, regime=instance.regime, outcome=last.outcome)


def _assemble(
    problem: Problem,
    workload: Workload,
    results: Sequence[InstanceResult],
    environment: Environment,
    cpu_s: float,
    wall_s: float,
) -> Evaluation:
    task = problem.task
    outcome = overall_outcome(results)
    scored = outcome is Outcome.SCORED
    return Evaluation(
        task=task.name,
        task_identity=task.identity,
        tier=workload.tier,
        split=workload.split,
        outcome=outcome,
        objective=mean_score(results) if scored else None,
        metrics=mean_metrics(results) if scored else {},
        instances=tuple(_without_curves(_silenced(results, workload.split))),
        feedback=problem.feedback(results) if workload.split is Split.SEARCH else "",
        environment=environment,
        environment_class=environment.environment_class(task),
        seeds=workload.seeds,
        cpu_s=round(cpu_s, 6),
        wall_s=round(wall_s, 6),
        pictures=problem.pictures(results) if scored else (),
        parameters=task.parameters,
    )


def mean_score(results: Sequence[InstanceResult]) -> float:
    """The mean of the counted scores: a failed instance counts as the floor."""
    return math.fsum(result.counted_score for result in results) / len(results)


def mean_metrics(results: Sequence[InstanceResult]) -> dict[str, float]:
    """Each metric's mean over the scored instances that report it, in order of first appearance."""
    scored = [result.metrics for result in results if result.outcome is Outcome.SCORED]
    names = dict.fromkeys(name for metrics in scored for name in metrics)
    return {name: _mean([metrics[name] for metrics in scored if name in metrics]) for name in names}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _silenced(results: Sequence[InstanceResult], split: Split) -> list[InstanceResult]:
    """Details of hidden instances are dropped: a program's own words about them must reach no one."""
    if not split.is_hidden:
        return list(results)
    return [replace(result, detail="") for result in results]


def _without_curves(results: Sequence[InstanceResult]) -> list[InstanceResult]:
    """Curves are for pictures, which are drawn by now: an archive of millions keeps no value per step."""
    return [replace(result, curves={}) if result.curves else result for result in results]
