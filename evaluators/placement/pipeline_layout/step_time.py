"""How long a training step takes under a plan.

Each replica is a pipeline: its first micro-batch goes through all stages, forward and back, and each further one adds
the time of whatever is slowest, a stage or a link, as in L. Zheng et al., "Alpa", arXiv 2201.12023. When the last
replica is through, the devices of each stage exchange gradients: each owns one part of K, gets it from all others, and
sends it back when it is added up, as in B. Yuan et al., "Decentralized Training of Foundation Models in Heterogeneous
Environments", arXiv 2206.01288.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Floats, Network
from evaluators.placement.pipeline_layout.plan import Plan


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StepTime:
    """A step in parts, seconds."""

    compute_KP: Floats  # of each stage, per micro-batch
    hops_K: Floats  # all links of a pipeline, once forward and once back
    slowest_link_K: Floats  # per micro-batch, latency apart, which overlaps
    batches_K: Floats
    sync_P: Floats  # exchange of gradients

    @property
    def fill_K(self) -> Floats:
        """``(K,)`` the first micro-batch."""
        filled: Floats = self.compute_KP.sum(axis=1) + self.hops_K
        return filled

    @property
    def beat_K(self) -> Floats:
        """``(K,)`` what each further micro-batch adds."""
        slowest: Floats = np.maximum(self.compute_KP.max(axis=1), self.slowest_link_K)
        return slowest

    @property
    def pipeline_K(self) -> Floats:
        """``(K,)`` all micro-batches of a replica."""
        through: Floats = self.fill_K + (self.batches_K - 1) * self.beat_K
        return through

    @property
    def total(self) -> float:
        """The step."""
        return float(self.pipeline_K.max() + self.sync_P.max())


def step_time(plan: Plan, job: Job, network: Network) -> StepTime:
    """The step under a valid plan."""
    seconds_DD = network.latency_DD + job.boundary_gb / network.rate_DD
    sender_KL, receiver_KL = plan.device_KP[:, :-1], plan.device_KP[:, 1:]
    hops_KL = seconds_DD[sender_KL, receiver_KL] + seconds_DD[receiver_KL, sender_KL]
    rate_KL = np.minimum(network.rate_DD[sender_KL, receiver_KL], network.rate_DD[receiver_KL, sender_KL])
    return StepTime(
        compute_KP=plan.layers_P * job.layer_tflop / network.tflops_D[plan.device_KP],
        hops_K=hops_KL.sum(axis=1),
        slowest_link_K=(job.boundary_gb / rate_KL).max(axis=1, initial=0.0),
        batches_K=plan.batches_K.astype(np.float64),
        sync_P=_sync(plan, job, network),
    )


def _sync(plan: Plan, job: Job, network: Network) -> Floats:
    """``(P,)`` the slowest device of each stage; zero for one replica."""
    both_ways_DD = network.latency_DD + network.latency_DD.T
    per_gb_DD = 1 / network.rate_DD + 1 / network.rate_DD.T
    times = []
    for stage, layers in enumerate(plan.layers_P):
        group = np.ix_(plan.device_KP[:, stage], plan.device_KP[:, stage])
        part_gb = layers * job.layer_gb / plan.num_replicas
        times.append((both_ways_DD[group] + part_gb * per_gb_DD[group]).sum(axis=1).max())
    return np.array(times)
