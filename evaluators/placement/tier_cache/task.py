"""The task `tier_cache`: what a program must define, what is measured, and the problem that scores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.contract import Descriptor, InstanceResult, Limits, ParameterValue, Picture, Split, Task, Tier
from evaluators.parameters import read_settings
from evaluators.placement.tier_cache import report
from evaluators.placement.tier_cache.parameters import PARAMETERS
from evaluators.placement.tier_cache.recorded import Recording, read_recording
from evaluators.placement.tier_cache.scenario import Scenario
from evaluators.placement.tier_cache.suite import check_settings, recipes, scenario
from evaluators.placement.tier_cache.terms import METRICS, POLICY
from evaluators.seeding import SeedSource

TASK = Task(
    name="tier_cache",
    family="placement",
    summary=(
        "Choose which experts of a mixture of experts stay in GPU memory while it decodes with the others in host "
        "memory: what to evict and what to load ahead, layer by layer, so that a trace takes the least time."
    ),
    entry_points=(POLICY,),
    metrics=METRICS,
    objective="score",
    bound=1.0,
    weak_baseline="lru",
    limits={  # wide for rules, which need some 50 us per call
        Tier.SMOKE: Limits.of_cpu(1.0),
        Tier.QUICK: Limits.of_cpu(2.0),
        Tier.FULL: Limits.of_cpu(4.0),
        Tier.REPORT: Limits.of_cpu(10.0),
    },
    parameter_specs=PARAMETERS,
    descriptors=(
        Descriptor(metric="ahead", low=0.0, high=0.9, bins=6),
        Descriptor(metric="wasted", low=0.0, high=0.6, bins=6),
    ),
    trade_offs=("score", "loads"),
)


@dataclass(frozen=True, slots=True)
class CacheProblem:
    """The suite, or the user's part of it: `task.parameters` holds what the user set and nothing else."""

    task: Task = TASK

    def configured(self, settings: Mapping[str, ParameterValue | str]) -> CacheProblem:
        """The problem for the user's own model, machine or recorded choices.

        Raises:
            ContractError: Unknown name, wrong kind, out of range, settings without effect, a capacity below what a
                layer needs, or a malformed or short trace.
        """
        problem = CacheProblem(replace(self.task, parameters=read_settings(self.task, settings)))
        check_settings(problem.task.parameters, problem._recording())
        return problem

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[Scenario]:
        """The traces, anchors included."""
        recording = self._recording()
        return [
            scenario(recipe, split, recording, seeds)
            for recipe in recipes(tier, split, self.task.parameters, recording)
        ]

    def feedback(self, results: Sequence[InstanceResult]) -> str:
        """Scores and habits per regime, and the failures."""
        return report.feedback(results)

    def pictures(self, results: Sequence[InstanceResult]) -> tuple[Picture, ...]:
        """Scores and times per regime."""
        return report.pictures(results)

    def _recording(self) -> Recording | None:
        value = self.task.parameters.get("trace", "")
        return read_recording(value, int(self.task.parameters.get("experts", 0))) if value else None


PROBLEM = CacheProblem()
