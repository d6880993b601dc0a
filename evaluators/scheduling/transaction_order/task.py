"""The task `transaction_order`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.contract import Descriptor, InstanceResult, Limits, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.scheduling.transaction_order import report
from evaluators.scheduling.transaction_order.parameters import PARAMETERS
from evaluators.scheduling.transaction_order.recorded import Recording, read_recording
from evaluators.scheduling.transaction_order.scenario import Scenario
from evaluators.scheduling.transaction_order.suite import check_settings, from_recording, generated, recipes
from evaluators.scheduling.transaction_order.terms import METRICS, POLICY
from evaluators.seeding import SeedSource

TASK = Task(
    name="transaction_order",
    family="scheduling",
    summary=(
        "Choose in which order conflicting transactions of a database are admitted, so that the last of them ends "
        "early: a whole batch at once, or a stream of which the waiting ones are seen."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="arrival",
    limits={  # wide for rules and greedy orders, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(5.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="moved", low=0.0, high=48.0, bins=6),
        Descriptor(metric="overtaking", low=0.0, high=96.0, bins=6),
    ),
    trade_offs=("score", "moved"),
)


@dataclass(frozen=True, slots=True)
class OrderProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> OrderProblem:
        """The problem for the user's own patterns, sizes, windows or transactions.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, settings without effect, or a malformed file.
        """
        problem = OrderProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        check_settings(problem.task.parameters)
        problem._recording()
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The batches, anchors included."""
        settings, recording = self.task.parameters, self._recording()
        if recording is not None:
            return from_recording(recording, tier, split, settings, seeds)
        return [generated(recipe, settings, seeds) for recipe in recipes(tier, split, settings)]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and habits per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores and makespans per regime."""
        return report.pictures(results)

    def _recording(self) -> Recording | None:
        value = self.task.parameters.get("workload", "")
        return read_recording(value) if value else None


PROBLEM = OrderProblem()
