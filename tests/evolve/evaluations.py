"""Evaluations of the toy task, with run seed 1, as the tests of the loop need them."""

from __future__ import annotations

from collections.abc import Iterable

from evaluators.contract import Environment, Evaluation, InstanceResult, Outcome, Split, Tier
from evaluators.scoring import mean_score
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.toy import PROBLEM

ENVIRONMENT = Environment(
    cpu_model="test",
    architecture="test",
    operating_system="test",
    python="3",
    libraries={"numpy": "2.0"},
    sandbox="test",
    evaluator_revision="test",
)


def an_evaluation(scores: Iterable[float], tier: Tier = Tier.QUICK, split: Split = Split.SEARCH) -> Evaluation:
    """A scored evaluation of the toy task with these instance scores, in two regimes by turns."""
    instances = tuple(
        InstanceResult(name=f"i{i}", regime="even" if i % 2 else "odd", outcome=Outcome.SCORED, score=float(score))
        for i, score in enumerate(scores)
    )
    return _evaluation(instances, Outcome.SCORED, tier, split)


def a_failed_evaluation(outcome: Outcome, tier: Tier = Tier.QUICK, split: Split = Split.SEARCH) -> Evaluation:
    """An evaluation in which everything failed."""
    instances = tuple(
        InstanceResult(name=f"i{i}", regime="even" if i % 2 else "odd", outcome=outcome, detail="it failed")
        for i in range(12)
    )
    return _evaluation(instances, outcome, tier, split)


def _evaluation(instances: tuple[InstanceResult, ...], outcome: Outcome, tier: Tier, split: Split) -> Evaluation:
    return Evaluation(
        task="toy",
        task_identity=PROBLEM.task.identity,
        tier=tier,
        split=split,
        outcome=outcome,
        objective=mean_score(instances) if outcome is Outcome.SCORED else None,
        metrics={},
        instances=instances,
        feedback="",
        environment=ENVIRONMENT,
        environment_class="test",
        seeds=SeedSource(secret_from_seed(1), split).digest(),
        cpu_s=0.0,
        wall_s=0.0,
    )
