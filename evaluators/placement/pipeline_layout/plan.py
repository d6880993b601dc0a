"""A layout: which device holds which stage of which replica, and how layers and micro-batches are dealt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Ints, Network

IDLE = -1
SLACK = 1e-9  # relative: memory filled to the last byte may be above by rounding


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Plan:
    """K replicas of P stages. Made by `read_plan` or `in_order`, so that all of it fits together."""

    device_KP: Ints
    layers_P: Ints
    batches_K: Ints

    @property
    def num_stages(self) -> int:
        """P."""
        return len(self.layers_P)

    @property
    def num_replicas(self) -> int:
        """K."""
        return len(self.batches_K)


def read_plan(
    stage_D: Ints, replica_D: Ints, layers_D: Ints, batches_D: Ints, job: Job, network: Network
) -> Plan | str:
    """The plan of a program's answer, or what is wrong with it: expected, found."""
    used = stage_D != IDLE
    if (odd := np.flatnonzero(used != (replica_D != IDLE))).size:
        one = int(odd[0])
        return f"device {one}: expected a stage and a replica or -1 for both, found {stage_D[one]} and {replica_D[one]}"
    if not used.any():
        return "expected a device that is used, found none"
    counts = (int(stage_D.max()) + 1, int(replica_D.max()) + 1)
    lowest = (int(stage_D.min()), int(replica_D.min()))
    if min(lowest) < IDLE or max(counts) > network.num_devices:
        return f"expected stages and replicas from -1 to {network.num_devices - 1}, found {lowest} to {counts}"
    num_stages, num_replicas = counts
    places = replica_D[used] * num_stages + stage_D[used]
    held = np.bincount(places, minlength=num_stages * num_replicas)
    if (wrong := np.flatnonzero(held != 1)).size:
        replica, stage = divmod(int(wrong[0]), num_stages)
        return f"stage {stage} of replica {replica}: expected one device, found {held[wrong[0]]}"
    if error := _parts(layers_D, num_stages, job.layers, "layers", "stage"):
        return error
    if error := _parts(batches_D, num_replicas, job.micro_batches, "micro_batches", "replica"):
        return error
    device_KP = np.empty((num_replicas, num_stages), dtype=np.int64)
    device_KP[replica_D[used], stage_D[used]] = np.flatnonzero(used)
    plan = Plan(device_KP=device_KP, layers_P=layers_D[:num_stages], batches_K=batches_D[:num_replicas])
    return memory_fault(plan, job, network) or plan


def memory_fault(plan: Plan, job: Job, network: Network) -> str:
    """Empty if every device holds its layers; else the worst one.

    Stages in one-forward-one-backward order keep the activations of as many micro-batches as stages follow, themselves
    included, if there are as many.
    """
    waiting_KP = np.minimum(np.arange(plan.num_stages, 0, -1), plan.batches_K[:, None])
    needed_KP = plan.layers_P * (job.state_gb + job.stash_gb * waiting_KP)
    memory_KP = network.memory_D[plan.device_KP]
    worst = np.unravel_index(int((needed_KP / memory_KP).argmax()), needed_KP.shape)
    if needed_KP[worst] <= memory_KP[worst] * (1 + SLACK):
        return ""
    return (
        f"device {plan.device_KP[worst]} (stage {worst[1]} of replica {worst[0]}): expected at most "
        f"{memory_KP[worst]:.4g} GB, found {needed_KP[worst]:.4g} GB for {plan.layers_P[worst[1]]} layers"
    )


def in_order(job: Job, network: Network) -> Plan | None:
    """The weak baseline; None if it fits no number of stages.

    Layers and micro-batches are cut evenly, the longer parts first, into as few stages as fit with all replicas that
    there are devices for. Devices are taken in their order, those of a stage side by side, as Megatron-LM ranks them.
    """
    for num_stages in range(1, min(job.layers, network.num_devices) + 1):
        num_replicas = min(network.num_devices // num_stages, job.micro_batches)
        plan = Plan(
            device_KP=np.arange(num_stages * num_replicas).reshape(num_stages, num_replicas).T.copy(),
            layers_P=evenly(job.layers, num_stages),
            batches_K=evenly(job.micro_batches, num_replicas),
        )
        if not memory_fault(plan, job, network):
            return plan
    return None


def evenly(total: int, parts: int) -> Ints:
    """`total` in parts that differ by one at most, the larger first."""
    return np.array([total // parts + (part < total % parts) for part in range(parts)], dtype=np.int64)


def _parts(parts_D: Ints, number: int, total: int, name: str, of: str) -> str:
    """What is wrong with the first `number` of `parts_D`, which shall be positive and sum to `total`, others zero."""
    if (low := np.flatnonzero(parts_D[:number] < 1)).size:
        return f"{name}: expected 1 or more for {of} {low[0]}, found {parts_D[low[0]]}"
    if (more := np.flatnonzero(parts_D[number:])).size:
        return f"{name}: expected 0 from place {number} on, for there are {number}, found {parts_D[number + more[0]]}"
    if int(parts_D.max()) > total or int(parts_D.sum()) != total:
        return f"{name}: expected a sum of {total}, found {int(parts_D[:number].astype(float).sum())}"
    return ""
