"""A node that is lost for some windows and comes back: what the engine does on its own when GPUs go or come.

The engine restarts on the GPUs that are there, as elastic expert parallelism does: a new `Policy` is made with their
configuration, and is asked for a plan at once. Until then survivors keep what they hold. Experts whose last copy went
with the node are read from the host's memory, while serving waits; spare copies make room for them.

Shapes: L layers, E experts, G GPUs, P slots, S slots per GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluators.placement.cost import Integers
from evaluators.placement.expert_replication.dispatch import Plan, even_plan, fresh_slots, sharded_layers
from evaluators.placement.expert_replication.system import System

HOST_BYTES_PER_S = 22e9  # into one GPU over PCIe 4 x16, as sustained
EMPTY = -1
Row = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outage:
    """The last node is away from window `first` on and back in window `back`, both counted as in `Workload`."""

    first: int
    back: int
    system: System  # without the node

    def covers(self, window: int) -> bool:
        """Whether the node is away in that window."""
        return self.first <= window < self.back


def carried_over(plan: Plan, machine: System) -> tuple[Plan, float]:
    """The plan that serves on `machine` before any new one, tokens split evenly, and the seconds that serving waits.

    GPUs that both machines have keep their copies. Then each expert that is nowhere gets a slot, empty ones first, else
    that of a copy of the expert with most copies, and is read from the host. Slots that are empty still (of GPUs that
    came, and fresh ones) repeat experts in order; nothing waits for them. Layers that were cut have lost a slice of
    every expert, so all of their experts are read anew.

    Args:
        plan: In place until now; its GPUs have as many slots as those of `machine`.
        machine: What is there from now on.
    """
    per_gpu, gpus = machine.slots_per_gpu, machine.network.gpus
    held = np.where(fresh_slots(plan) | sharded_layers(plan)[:, None], EMPTY, plan.placement_LP)
    rows: Integers = np.full((machine.layers, machine.slots), EMPTY, dtype=np.int64)
    kept = min(held.shape[1], machine.slots)
    rows[:, :kept] = held[:, :kept]
    reads_G = np.zeros(gpus)
    for row in rows:
        reads_G += np.bincount(_read_missing(row, machine.experts, per_gpu) // per_gpu, minlength=gpus)
        _repeat_experts(row, machine.experts, per_gpu)
    return even_plan(rows, machine.experts), float(reads_G.max()) * machine.expert_bytes / HOST_BYTES_PER_S


def _read_missing(row: Row, num_experts: int, per_gpu: int) -> Row:
    """Put every expert that is nowhere into `row`; the slots where they went."""
    counts = np.bincount(row[row != EMPTY], minlength=num_experts)
    missing = np.flatnonzero(counts == 0)
    empty = np.flatnonzero(row == EMPTY)
    turns = empty[np.lexsort((empty // per_gpu, empty % per_gpu))]  # GPU after GPU, so that they read side by side
    slots = [int(slot) for slot in turns[: missing.size]]
    for _ in range(missing.size - len(slots)):
        commonest = int(counts.argmax())
        counts[commonest] -= 1
        slots.append(int(np.flatnonzero(row == commonest)[-1]))
        row[slots[-1]] = EMPTY
    row[slots] = missing
    return np.array(slots, dtype=np.int64)


def _repeat_experts(row: Row, num_experts: int, per_gpu: int) -> None:
    """Fill the slots of `row` that are empty with experts in order, skipping those that the GPU holds."""
    following = 0
    for slot in np.flatnonzero(row == EMPTY):
        gpu = slice(slot // per_gpu * per_gpu, slot // per_gpu * per_gpu + per_gpu)
        while following % num_experts in row[gpu]:
            following += 1
        row[slot] = following % num_experts
        following += 1
