"""The task `table_reorder`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.contract import Descriptor, InstanceResult, Limits, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.scheduling.table_reorder import report
from evaluators.scheduling.table_reorder.parameters import PARAMETERS
from evaluators.scheduling.table_reorder.recorded import Recording, read_recording
from evaluators.scheduling.table_reorder.scenario import Scenario
from evaluators.scheduling.table_reorder.suite import check_settings, from_recording, generated, recipes
from evaluators.scheduling.table_reorder.terms import METRICS, REORDER
from evaluators.seeding import SeedSource

TASK = Task(
    name="table_reorder",
    family="scheduling",
    summary=(
        "Choose in which order the rows of a table, and the cells of each, are put into prompts, so that consecutive "
        "prompts begin alike and a serving engine's prefix cache is hit."
    ),
    entry_points=(REORDER,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="original",
    limits={  # wide for sorting and greedy grouping, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(10.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="orders", low=0.0, high=60.0, bins=6),
        Descriptor(metric="cold", low=0.0, high=30.0, bins=6),
    ),
    trade_offs=("score", "orders"),
)


@dataclass(frozen=True, slots=True)
class ReorderProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> ReorderProblem:
        """The problem for the user's own schema, sizes, cache or table.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, settings without effect, or a malformed file.
        """
        problem = ReorderProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        check_settings(problem.task.parameters)
        problem._recording()
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The tables, anchors included."""
        settings, recording = self.task.parameters, self._recording()
        if recording is not None:
            return from_recording(recording, tier, split, settings, seeds)
        return [generated(recipe, settings, seeds) for recipe in recipes(tier, split, settings)]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and habits per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores and shares of the tokens per regime."""
        return report.pictures(results)

    def _recording(self) -> Recording | None:
        value = self.task.parameters.get("table", "")
        return read_recording(value) if value else None


PROBLEM = ReorderProblem()
