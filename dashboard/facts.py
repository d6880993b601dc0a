"""What the dashboard is told of tasks, for it imports none: bounds, baselines, and which way metrics improve."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evaluators.contract import Direction, MetricSpec, ParameterValue, Task
from evaluators.jsonable import dumps, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """One task, as far as pictures need it."""

    name: str
    summary: str
    objective: str  # the metric that is the fitness
    bound: float | None  # proven; None where none is known
    weak_baseline: str  # the program that scores 0
    metrics: tuple[MetricSpec, ...]
    defaults: Mapping[str, ParameterValue] = field(default_factory=dict)  # of its parameters
    descriptors: tuple[str, ...] = ()  # metrics that tell one way of solving the task from another

    def direction(self, metric: str) -> Direction | None:
        """Which way `metric` improves; None for one that the task does not report."""
        return next((spec.direction for spec in self.metrics if spec.name == metric), None)

    def unit(self, metric: str) -> str:
        """The unit of `metric`, empty where it has none."""
        unit = next((spec.unit for spec in self.metrics if spec.name == metric), "1")
        return "" if unit == "1" else unit


def facts_of(task: Task) -> TaskFacts:
    """The facts of `task`, which has its default parameters."""
    return TaskFacts(
        name=task.name,
        summary=task.summary,
        objective=task.objective,
        bound=task.bound,
        weak_baseline=task.weak_baseline,
        metrics=task.metrics,
        defaults=task.parameters,
        descriptors=tuple(descriptor.metric for descriptor in task.descriptors),
    )


def facts_to_json(facts: Iterable[TaskFacts]) -> str:
    """A JSON list, for the server's environment."""
    return dumps(list(facts))


def facts_from_json(text: str) -> Mapping[str, TaskFacts]:
    """Task name to facts; an empty text is no task."""
    found = [from_json(TaskFacts, item) for item in json.loads(text or "[]")]
    return {facts.name: facts for facts in found}
