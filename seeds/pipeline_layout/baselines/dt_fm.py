"""The genetic search of DT-FM: stages are sets of devices, pipelines are matched from set to set, layers cut evenly.

Source: after Yuan et al., "Decentralized Training of Foundation Models in Heterogeneous Environments", arXiv
2206.01288. A plan is a partition into P sets of K; its cost is the slowest exchange and the path over the sets, there
and back, two of which are as far apart as the worst link of their best matching. Children take some labels of a second
parent, are repaired, and swap devices where that shortens the links within sets. Smaller here: 20 plans and 90 children
instead of 100 and 4,900, and a path to the nearest set left instead of the shortest. There P and K are given and speeds
do not enter; here P is doubled from the fewest stages that an even cut fits into, and the shortest step is returned.
"""

from itertools import pairwise

import numpy as np
from scipy.optimize import linear_sum_assignment

PLANS = 20
CHILDREN = 60


def layout(devices, latency_s, gb_per_s, job, seed):
    """The task's interface."""
    network = Network(devices, latency_s, gb_per_s, job)
    rng, found, stages = np.random.default_rng(seed), [], fewest_stages(network)
    while stages <= min(network.layers, network.number):
        found.append(searched(network, stages, rng))
        stages *= 2
    return network.answer(min(filter(network.fits, found), key=network.time, default=found[0]))


def searched(network, stages, rng):
    """The best plan of so many stages, by their cost."""
    replicas = min(network.number // stages, network.batches)
    kept = np.argsort(network.per_gb.sum(axis=1), kind="stable")[: stages * replicas]
    plans = [kept[rng.permutation(len(kept))].reshape(stages, replicas) for _ in range(PLANS)]
    costs = [cost(network, plan) for plan in plans]
    for _ in range(CHILDREN):
        one, other = rng.choice(PLANS, 2, replace=False)
        child = climbed(network, crossed(plans[one], plans[other], rng))
        worst = one if costs[one] > costs[other] else other
        if (found := cost(network, child)) < costs[worst]:
            plans[worst], costs[worst] = child, found
    device, layers = piped(network, plans[int(np.argmin(costs))]), evenly(network.layers, stages)
    return device, layers, network.dealt(device, layers)


def fewest_stages(network):
    """So that an even cut fits on the smallest device, the first stage on any."""
    for stages in range(1, min(network.layers, network.number) + 1):
        most = -(-network.layers // stages)
        needed = most * (network.job["state_gb"] + network.job["stash_gb"] * min(stages, network.batches))
        if needed <= network.memory.min():
            break
    return stages


def cost(network, plan):
    """The slowest exchange, and twice the path."""
    share = network.layers / len(plan) * network.job["layer_gb"] / plan.shape[1]
    exchange = max((network.ways[np.ix_(s, s)] + share * network.per_gb[np.ix_(s, s)]).sum(axis=1).max() for s in plan)
    order = path(network, plan)
    return exchange + sum(apart(network, plan[a], plan[b])[0] for a, b in pairwise(order))


def apart(network, one, other):
    """Seconds there and back over the worst link of a good matching, and the matching."""
    hops = network.hop[np.ix_(one, other)]
    rows, columns = linear_sum_assignment(hops**4)  # high powers weigh the worst link most
    return hops[rows, columns].max(), columns


def path(network, plan):
    """Stages from the first to the nearest left."""
    left, order = list(range(1, len(plan))), [0]
    while left:
        near = [network.hop[np.ix_(plan[order[-1]], plan[stage])].min() for stage in left]
        order.append(left.pop(int(np.argmin(near))))
    return order


def crossed(one, other, rng):
    """The first parent with five devices where the second has them, sizes kept by swaps."""
    label = dict(zip(other.ravel(), np.repeat(np.arange(len(other)), other.shape[1]), strict=True))
    child = one.copy()
    for device in rng.choice(one.ravel(), min(5, one.size), replace=False):
        stage = int(np.argwhere(child == device)[0, 0])
        wanted = label.get(device, stage)
        if wanted != stage:
            place = int(rng.integers(child.shape[1]))
            moved = child[wanted, place]
            child[child == device], child[wanted, place] = moved, device
    return child


def climbed(network, plan):
    """One pass of swaps between sets that shorten the links within them."""
    plan = plan.copy()
    for stage in range(len(plan)):
        for place in range(plan.shape[1]):
            device = plan[stage, place]
            own = network.per_gb[device, plan[stage]].sum()
            to_set = network.per_gb[:, plan].sum(axis=2)  # of each device to each set
            theirs = to_set[plan, np.arange(len(plan))[:, None]] - to_set[plan, stage]
            gains = own - to_set[device][:, None] + theirs + 2 * network.per_gb[device, plan]
            gains[stage] = 0.0
            best = int(np.argmax(gains))
            if gains.flat[best] > 1e-12:
                s, p = divmod(best, plan.shape[1])
                plan[stage, place], plan[s, p] = plan[s, p], device
    return plan


def piped(network, plan):
    """Devices by replica and stage, matched from set to set."""
    order = path(network, plan)
    columns = [plan[order[0]]]
    for stage in order[1:]:
        _, matched = apart(network, columns[-1], plan[stage])
        columns.append(plan[stage][matched])
    return np.array(columns).T


def evenly(total, parts):
    """Parts that differ by one at most, the larger first."""
    return total // parts + (np.arange(parts) < total % parts)


class Network:
    """The task's clock, and greedy cuts of layers and micro-batches."""

    def __init__(self, devices, latency_s, gb_per_s, job):
        self.speed, self.memory, self.job = devices["tflops"], devices["memory_gb"], job
        self.number, self.layers, self.batches = len(self.speed), job["layers"], job["micro_batches"]
        seconds = latency_s + job["boundary_gb"] / gb_per_s
        self.hop = seconds + seconds.T
        self.pace = job["boundary_gb"] / np.minimum(gb_per_s, gb_per_s.T)
        self.ways = latency_s + latency_s.T
        self.per_gb = 1 / gb_per_s + 1 / gb_per_s.T

    def parts(self, plan):
        """Pipeline of each replica and exchange of each stage, seconds."""
        device, layers, batches = plan
        compute = layers * self.job["layer_tflop"] / self.speed[device]
        ends = device[:, :-1], device[:, 1:]
        beat = np.maximum(compute.max(axis=1), self.pace[ends].max(axis=1, initial=0.0))
        pipeline = compute.sum(axis=1) + self.hop[ends].sum(axis=1) + (batches - 1) * beat
        group = device.T[:, :, None], device.T[:, None, :]
        share = (layers * self.job["layer_gb"] / len(batches))[:, None, None]
        exchange = (self.ways[group] + share * self.per_gb[group]).sum(axis=2).max(axis=1)
        return pipeline, exchange

    def time(self, plan):
        """The step, seconds."""
        pipeline, exchange = self.parts(plan)
        return pipeline.max() + exchange.max()

    def fits(self, plan):
        """Whether every device holds its layers."""
        device, layers, batches = plan
        waiting = np.minimum(np.arange(len(layers), 0, -1), batches[:, None])
        needed = layers * (self.job["state_gb"] + self.job["stash_gb"] * waiting)
        return bool((needed <= self.memory[device]).all())

    def dealt(self, device, layers):
        """Micro-batches one by one to the replica that is through with them first."""
        replicas = len(device)
        compute = layers * self.job["layer_tflop"] / self.speed[device]
        ends = device[:, :-1], device[:, 1:]
        beat = np.maximum(compute.max(axis=1), self.pace[ends].max(axis=1, initial=0.0))
        first = compute.sum(axis=1) + self.hop[ends].sum(axis=1)
        batches = np.ones(replicas, dtype=np.int64)
        for _ in range(self.batches - replicas):
            batches[(first + batches * beat).argmin()] += 1
        return batches

    def answer(self, plan):
        """The plan in the task's form."""
        device, layers, batches = plan
        stage, replica = np.full(self.number, -1), np.full(self.number, -1)
        stage[device], replica[device] = np.arange(device.shape[1]), np.arange(device.shape[0])[:, None]
        return {
            "stage": stage,
            "replica": replica,
            "layers": self.padded(layers),
            "micro_batches": self.padded(batches),
        }

    def padded(self, parts):
        """Zeros behind, to the number of devices."""
        return np.append(parts, np.zeros(self.number - len(parts), dtype=np.int64))
