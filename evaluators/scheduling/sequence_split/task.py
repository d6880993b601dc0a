"""The task `sequence_split`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.contract import Descriptor, InstanceResult, Limits, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.scheduling.sequence_split import report
from evaluators.scheduling.sequence_split.checks import check_settings
from evaluators.scheduling.sequence_split.parameters import PARAMETERS
from evaluators.scheduling.sequence_split.recorded import Recording, read_recording
from evaluators.scheduling.sequence_split.scenario import Scenario
from evaluators.scheduling.sequence_split.suite import from_recording, generated, recipes
from evaluators.scheduling.sequence_split.terms import METRICS, SPLIT
from evaluators.seeding import SeedSource

TASK = Task(
    name="sequence_split",
    family="scheduling",
    summary=(
        "Spread the sequences of a training batch, of very different lengths, over ranks and micro-batches, long ones "
        "cut over several ranks, so that the step is short."
    ),
    entry_points=(SPLIT,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="first_fit",
    limits={  # wide for rules, narrow for programs that search
        Tier.SMOKE: Limits.of_cpu(2.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(2.0),
        Tier.REPORT: Limits.of_cpu(5.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="cut", low=0.0, high=30.0, bins=6),
        Descriptor(metric="width", low=1.0, high=10.0, bins=6),
    ),
    trade_offs=("score", "added"),
)


@dataclass(frozen=True, slots=True)
class SplitProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> SplitProblem:
        """The problem for the user's own cluster, model, sizes or lengths.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, settings that contradict, or a malformed file.
        """
        problem = SplitProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        check_settings(problem.task.parameters, problem._recording())
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
        """Scores and times per regime."""
        return report.pictures(results)

    def _recording(self) -> Recording | None:
        value = self.task.parameters.get("lengths", "")
        return read_recording(value) if value else None


PROBLEM = SplitProblem()
