"""What an archived evaluation must agree with: itself, and what the program gives when it is played again. Pure.

Reproduced means: outcome, objective, metrics, and of every instance name, regime, outcome, score and metrics are equal
to the last bit when the program is played on the same seeds with the stored planner delays (so that `planner_s` and
the like repeat too). Of a failed instance only the outcome is demanded: the delays before it failed are not stored.
Not compared: CPU and wall seconds, the environment, and texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from archive.records import StoredEvaluation
from evaluators.contract import Evaluation, InstanceResult, Outcome, PlannerClock, overall_outcome
from evaluators.protocol import EvaluateRequest
from evaluators.scoring import mean_metrics, mean_score

_UNKNOWN_DELAYS_S = (0.0,) * 4096  # for the calls of an instance that failed


class Status(StrEnum):
    """What became of one archived evaluation."""

    REPRODUCED = "reproduced"
    TAMPERED = "tampered"  # the row contradicts itself, or the program gives something else, the same each time
    UNSTEADY = "unsteady"  # the program gives something else each time
    UNKNOWN_SEEDS = "unknown seeds"  # its secret is not known here
    LOST_TASK = "lost task"  # this software cannot set up the task it was made with

    @property
    def is_refuted(self) -> bool:
        """Whether the archived score must not be believed."""
        return self in (Status.TAMPERED, Status.UNSTEADY)


def row_name(stored: StoredEvaluation) -> str:
    """How a row is called in a sentence."""
    made = stored.evaluation
    return f"evaluation row {stored.id} ({made.task}, {made.tier}, {made.split})"


def contradiction(stored: StoredEvaluation) -> str:
    """Where a row contradicts itself, without playing anything; empty if it does not."""
    made = stored.evaluation
    outcome = overall_outcome(made.instances)
    if outcome is not made.outcome:
        return f"its outcome is {made.outcome}, its instances give {outcome}"
    if made.outcome is not Outcome.SCORED:
        return ""
    if mean_score(made.instances) != made.objective:
        return f"its score is {made.objective!r}, its instances give {mean_score(made.instances)!r}"
    metrics = mean_metrics(made.instances)
    changed = sorted(name for name in {*metrics, *made.metrics} if metrics.get(name) != made.metrics.get(name))
    if changed:
        name = changed[0]
        return f"its metric {name} is {made.metrics.get(name)!r}, its instances give {metrics.get(name)!r}"
    return ""


def replay_request(source: str, stored: StoredEvaluation, secret: str) -> EvaluateRequest:
    """The request that plays an archived evaluation again, planner delays included."""
    made = stored.evaluation
    replays = stored.planner_clock == PlannerClock.MEASURED
    return EvaluateRequest(
        source=source,
        tier=made.tier,
        split=made.split,
        clock=PlannerClock.REPLAYED if replays else PlannerClock(stored.planner_clock),
        stored_delays_s={instance.name: _delays_s(instance) for instance in made.instances} if replays else {},
        secret=secret,
    )


def first_difference(stored: Evaluation, replayed: Evaluation) -> str:
    """Where two evaluations differ, the archived one named first; empty if they are equal to the last bit."""
    return next(_differences(stored, replayed), "")


def _delays_s(instance: InstanceResult) -> tuple[float, ...]:
    return instance.delays_s if instance.outcome is Outcome.SCORED else _UNKNOWN_DELAYS_S


def _differences(stored: Evaluation, replayed: Evaluation) -> Iterator[str]:
    names, again = ([i.name for i in evaluation.instances] for evaluation in (stored, replayed))
    if names != again:
        yield f"its instances are {names}, replayed they are {again}"
        return
    for before, now in zip(stored.instances, replayed.instances, strict=True):
        yield from _instance_differences(before, now)
    if stored.outcome is not replayed.outcome:
        yield f"its outcome is {stored.outcome}, replayed it is {replayed.outcome}"
    if stored.objective != replayed.objective:
        yield f"its score is {stored.objective!r}, replayed it is {replayed.objective!r}"
    if dict(stored.metrics) != dict(replayed.metrics):
        yield f"its metrics are {dict(stored.metrics)}, replayed they are {dict(replayed.metrics)}"


def _instance_differences(stored: InstanceResult, replayed: InstanceResult) -> Iterator[str]:
    """An instance that failed must fail the same way; a scored one must agree in everything."""
    where = f"instance {stored.name}"
    if stored.outcome is not replayed.outcome:
        yield f"{where} is {stored.outcome}, replayed it is {replayed.outcome}"
    elif stored.score != replayed.score:
        yield f"{where} has score {stored.score!r}, replayed it has {replayed.score!r}"
    elif stored.regime != replayed.regime:
        yield f"{where} is of regime {stored.regime}, replayed it is of {replayed.regime}"
    else:
        for name in sorted({*stored.metrics, *replayed.metrics}):
            if stored.metrics.get(name) != replayed.metrics.get(name):
                yield f"{where} has {name} {stored.metrics.get(name)!r}, replayed it has {replayed.metrics.get(name)!r}"
