"""Attacks on our own tasks: played by the real scorer in the real sandbox, beside an honest program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from pathlib import Path

from evaluators import jsonable, registry
from evaluators.contract import Environment, Evaluation, Limits, Outcome, PlannerClock, Split, Tier
from evaluators.environment import current_environment
from evaluators.problem import ClockPolicy, Problem
from evaluators.sandbox.client import Sandbox
from evaluators.sandbox.sandboxed_candidate import SandboxedCandidate
from evaluators.scoring import Workload, evaluate
from evaluators.seeding import secret_from_seed
from tests.hostile.headers import Attack

SEEDS = Path(__file__).parents[2] / "seeds"
SMALL = {"toy": {}, "expert_replication": {"gpus": 8, "experts": 64}, "circle_packing": {}}
TIERS = {"toy": Tier.QUICK, "expert_replication": Tier.SMOKE, "circle_packing": Tier.SMOKE}
SECRET = secret_from_seed(0)
SLACK = 1e-6  # float32 shares, rounded
MODELLED = ClockPolicy(clock=PlannerClock.MODELLED)


def play(sandbox: Sandbox, attack: Attack) -> Evaluation:
    """What the scorer says of an attack."""
    return _evaluate(sandbox, attack.task, attack.split, attack.source, attack.limits)


def troubles(sandbox: Sandbox, attack: Attack, evaluation: Evaluation) -> Iterator[str]:
    """What the attack gained or learnt that it should not have."""
    if attack.at_most and evaluation.outcome is Outcome.SCORED:
        honest = honest_score(sandbox, attack.task, attack.split, attack.at_most)
        if evaluation.objective is None or evaluation.objective > honest + SLACK:
            yield f"scored {evaluation.objective}, more than the {honest} of {attack.at_most}"
    if attack.split is Split.HOLDOUT:
        leaks = hidden_texts(attack.task, attack.split) & _words(jsonable.dumps(evaluation))
        if leaks or evaluation.feedback or any(instance.detail for instance in evaluation.instances):
            yield f"hidden instances are told: {sorted(leaks)[:3]} {evaluation.feedback!r}"


def honest_score(sandbox: Sandbox, task: str, split: Split, seed: str) -> float:
    """The score of a baseline of the task."""
    source = (SEEDS / task / "baselines" / f"{seed}.py").read_text(encoding="utf-8")
    objective = _evaluate(sandbox, task, split, source, None).objective
    if objective is None:
        raise AssertionError(f"the honest program {seed} is not scored")
    return objective


def hidden_texts(task: str, split: Split) -> set[str]:
    """Numbers that only a hidden instance of the toy task holds, as a program would print them."""
    if task != "toy":
        return set()
    hints = (vars_of(instance, "hints") for instance in workload(task, split).instances)
    return {repr(float(value)) for row in hints for value in row}


def vars_of(instance: object, name: str) -> list[float]:
    """The array `name` of an instance, as a list."""
    values: list[float] = getattr(instance, name).tolist()
    return values


@cache
def problem(task: str) -> Problem:
    """A small system of the task."""
    return registry.problem(task).configured(SMALL[task])


@cache
def workload(task: str, split: Split) -> Workload:
    """Its instances."""
    return Workload.build(problem(task), TIERS[task], split, SECRET)


@cache
def _environment(layers: str) -> Environment:
    return current_environment(("numpy",), layers)


def _evaluate(sandbox: Sandbox, task: str, split: Split, source: str, limits: Limits | None) -> Evaluation:
    def open_candidate(text: str, own: Limits) -> AbstractContextManager[SandboxedCandidate]:
        return sandbox.candidate(text, limits or own)

    return evaluate(
        problem(task), workload(task, split), source, open_candidate, _environment(sandbox.layers), MODELLED
    )


def without_time(evaluation: Evaluation) -> Evaluation:
    """The evaluation less its own cost, so that two can be equal."""
    return replace(evaluation, cpu_s=0.0, wall_s=0.0)


def _words(text: str) -> set[str]:
    for mark in '[](){}",:':
        text = text.replace(mark, " ")
    return set(text.split())
