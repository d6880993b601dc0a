"""What a task's declared behaviours and trade-offs are for one evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from archive.elites import Axis, Cell
from evaluators.contract import Direction, Task


def cell_of(task: Task, metrics: Mapping[str, float]) -> Cell:
    """The cell of the grid over the task's descriptors; empty unless every one of them was measured."""
    if not all(descriptor.metric in metrics for descriptor in task.descriptors):
        return ()
    return tuple(Axis.of(descriptor).bin_of(metrics[descriptor.metric]) for descriptor in task.descriptors)


def objectives_of(task: Task, metrics: Mapping[str, float]) -> tuple[float, ...]:
    """The task's trade-offs, signed so that higher is better; empty unless every one of them was measured."""
    if not all(name in metrics for name in task.trade_offs):
        return ()
    return tuple(_signed(task, name, metrics[name]) for name in task.trade_offs)


def _signed(task: Task, name: str, value: float) -> float:
    return value if task.metric(name).direction is Direction.MAXIMIZE else -value
