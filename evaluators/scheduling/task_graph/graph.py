"""A graph of tasks and the processors that it runs on.

Shapes: N tasks, E edges, P processors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """What it takes to move data between processors; microseconds, and nothing on the diagonal."""

    latency_PP: Floats  # per transfer
    gap_PP: Floats  # per byte: the inverse of the bandwidth


@dataclass(frozen=True, eq=False)
class TaskGraph:
    """Tasks numbered so that every edge leads from a lower number to a higher one."""

    times_NP: Floats  # microseconds; infinite where a task cannot run, finite somewhere in each row
    sources_E: Ints
    targets_E: Ints
    data_E: Floats  # bytes
    network: Network

    @property
    def size(self) -> int:
        """Number of tasks."""
        return len(self.times_NP)

    @property
    def num_processors(self) -> int:
        """Number of processors."""
        return int(self.times_NP.shape[1])

    @cached_property
    def edges_in(self) -> tuple[Ints, ...]:
        """Of each task, the edges that lead to it."""
        return _grouped(self.targets_E, self.size)

    @cached_property
    def edges_out(self) -> tuple[Ints, ...]:
        """Of each task, the edges that leave it."""
        return _grouped(self.sources_E, self.size)

    @cached_property
    def transfer_EPP(self) -> Floats:
        """``[e, p, q]``: microseconds from the end on p of the source of e to the arrival of its data on q."""
        return self.network.latency_PP + self.data_E[:, None, None] * self.network.gap_PP

    def reversed(self) -> TaskGraph:
        """The graph with all edges turned round: its schedules are those of this one, played backwards."""
        return TaskGraph(
            times_NP=self.times_NP[::-1],
            sources_E=self.size - 1 - self.targets_E,
            targets_E=self.size - 1 - self.sources_E,
            data_E=self.data_E,
            network=Network(self.network.latency_PP.T, self.network.gap_PP.T),
        )


def _grouped(tasks_E: Ints, size: int) -> tuple[Ints, ...]:
    order = np.argsort(tasks_E, kind="stable")
    return tuple(np.split(order, np.searchsorted(tasks_E[order], np.arange(1, size)))) if size else ()
