"""A proven lower bound of a step: no layout is faster.

For every number of stages P and replicas K that memory does not rule out, two parts are bounded apart, and added; the
least sum over (P, K) is the bound.

**Pipelines.** Let a replica have m micro-batches and the beat u (what each further one adds), W be the operations of
all layers on a micro-batch, and F' = W / u. A stage has at most u f operations on a device of speed f, so F' is at most
the speeds of the replica, summed. The first micro-batch computes for g(u) at least: W dealt to the P fastest devices
there are, the fastest first, none for longer than u. So within T seconds, X of them on links,
m - 1 <= (T - X - g(u)) / u = F' (T - X) / W - phi(F'), where phi(F') = g(u) / u is convex and piecewise linear:
j + (F' - S_j) / f_(j+1) between S_j and S_(j+1), the sums of the j fastest. Summed over the replicas, by Jensen,
M / K - 1 <= F (T - X) / W - phi(F) for their mean F, which is at most 1 / K of the P K fastest. Hence
T >= X + W (M / K - 1 + phi(F)) / F, and the least is at a break of phi or at the largest F.
X: the links of a replica are a tree over P devices; no forest of as many edges is shorter than Kruskal's first ones.
Also u is at least the rate at which P devices hang together, and some replica has M / K micro-batches.

**Exchange.** A device exchanges with K - 1 others: at least its K - 1 best links, a seconds per GB there and back.
P groups of K: the j-th smallest of the groups' largest a is at least the (j K)-th smallest a of all. If the exchange
takes t, stage s has at most t K / (layer_gb a_s) layers; they sum to L.
"""

from __future__ import annotations

import numpy as np

from evaluators.placement.pipeline_layout.job import Job
from evaluators.placement.pipeline_layout.network import Floats, Network

RELATIVE = 1e-9  # by which the bound is lowered: far above rounding


def step_bound(job: Job, network: Network) -> float:
    """Seconds that no layout is below.

    Raises:
        ValueError: No layout fits into memory.
    """
    links = _Links(job, network)
    found = [
        _pipelines(job, network, links, num_stages, num_replicas) + _exchange(job, network, num_stages, num_replicas)
        for num_stages in range(1, min(job.layers, network.num_devices) + 1)
        for num_replicas in range(1, min(job.micro_batches, network.num_devices // num_stages) + 1)
        if _may_fit(job, network, num_stages, num_replicas)
    ]
    if not found:
        raise ValueError("no layout fits into memory")
    return min(found) * (1 - RELATIVE)


class _Links:
    """The cheapest forests of the network, edge by edge."""

    def __init__(self, job: Job, network: Network) -> None:
        seconds_DD = network.latency_DD + job.boundary_gb / network.rate_DD
        occupied_DD = job.boundary_gb / np.minimum(network.rate_DD, network.rate_DD.T)
        lengths, _ = _kruskal(seconds_DD + seconds_DD.T)
        self.lengths = np.concatenate([[0.0], np.cumsum(lengths)])  # of the shortest forest with so many edges
        self.beats = np.zeros(network.num_devices + 1)  # so long at least, where so many devices hang together
        for beat, size in zip(*_kruskal(occupied_DD), strict=True):
            fresh = self.beats[2 : size + 1] == 0
            self.beats[2 : size + 1][fresh] = beat


def _kruskal(weight_DD: Floats) -> tuple[list[float], list[int]]:
    """The edges of a minimum spanning tree as they are taken, and the size of the largest component after each."""
    number = len(weight_DD)
    rows, columns = np.triu_indices(number, 1)
    component, size, weights, sizes, largest = np.arange(number), np.ones(number, dtype=int), [], [], 1
    for edge in np.argsort(weight_DD[rows, columns], kind="stable"):
        a, b = component[rows[edge]], component[columns[edge]]
        if a == b:
            continue
        component[component == b] = a
        size[a] += size[b]
        largest = max(largest, int(size[a]))
        weights.append(float(weight_DD[rows[edge], columns[edge]]))
        sizes.append(largest)
    return weights, sizes


def _pipelines(job: Job, network: Network, links: _Links, num_stages: int, num_replicas: int) -> float:
    work = job.layers * job.layer_tflop
    further = job.micro_batches / num_replicas - 1
    fastest = np.sort(network.tflops_D)[::-1][: num_stages * num_replicas]
    most = float(fastest.sum()) / num_replicas
    sums = np.concatenate([[0.0], np.cumsum(fastest[:num_stages])])
    speeds = np.append(sums[1:][sums[1:] < most], most)
    below = np.minimum(np.searchsorted(sums, speeds, side="right") - 1, num_stages - 1)
    phi = below + (speeds - sums[below]) / fastest[below]
    computing = work * float(((further + phi) / speeds).min())
    waiting = work / float(fastest[0]) + further * float(links.beats[num_stages])
    return float(links.lengths[num_stages - 1]) + max(computing, waiting)


def _exchange(job: Job, network: Network, num_stages: int, num_replicas: int) -> float:
    if num_replicas == 1:
        return 0.0
    latency = _of_best(network.latency_DD + network.latency_DD.T, num_replicas - 1)
    per_gb = np.sort(_of_best(1 / network.rate_DD + 1 / network.rate_DD.T, num_replicas - 1))
    groups = per_gb[num_replicas - 1 :: num_replicas][:num_stages]
    return float(latency.min()) + job.layers * job.layer_gb / (num_replicas * float((1 / groups).sum()))


def _of_best(cost_DD: Floats, number: int) -> Floats:
    """``(D,)`` the sum of the `number` least costs to other devices."""
    others = cost_DD + np.diag(np.full(len(cost_DD), np.inf))
    sums: Floats = np.sort(others, axis=1)[:, :number].sum(axis=1)
    return sums


def _may_fit(job: Job, network: Network, num_stages: int, num_replicas: int) -> bool:
    """Whether the largest devices hold the layers of all replicas with one micro-batch each, at least."""
    largest = np.sort(network.memory_D)[::-1][: num_stages * num_replicas]
    needed = num_replicas * job.layers * (job.state_gb + job.stash_gb)
    return bool(largest.sum() * (1 + RELATIVE) >= needed)
