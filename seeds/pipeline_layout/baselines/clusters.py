"""Replicas side by side within a cluster, pipelines from cluster to cluster, layers by speed.

Source: after Holmes (Yang et al., arXiv 2312.03549): devices that share fast links form a cluster, gradients are
exchanged within it, and only activations cross. Clusters are what hangs together at some rate; each rate that occurs is
tried, and each number of replicas. Which device of a cluster serves which stage is by speed.
"""

import numpy as np


def layout(devices, latency_s, gb_per_s, job, seed):
    """The task's interface."""
    network = Network(devices, latency_s, gb_per_s, job)
    found = []
    for groups in clusterings(network):
        for replicas in range(1, min(network.batches, max(len(group) for group in groups)) + 1):
            stages = [part for group in chained(network, groups) for part in dealt(network, group, replicas)]
            for number in {len(stages), min(len(stages), network.layers)}:
                plan = network.cut(np.array(stages[:number]).T) if 0 < number <= network.layers else None
                found += [] if plan is None else [plan]
    return network.answer(min(found, key=network.time))


def clusterings(network):
    """What hangs together at each of up to twelve rates, the sets of devices."""
    levels = np.unique(np.round(np.log(network.per_gb[np.triu_indices(network.number, 1)]), 1))
    for level in levels[:: max(1, len(levels) // 12)]:
        label = np.arange(network.number)
        for one, other in zip(*np.nonzero(network.per_gb <= np.exp(level + 0.05)), strict=True):
            label[label == label[other]] = label[one]
        yield [np.flatnonzero(label == name) for name in np.unique(label)]


def chained(network, groups):
    """The clusters along a path to the nearest one left, the largest first."""
    left = sorted(groups, key=len, reverse=True)
    path = [left.pop(0)]
    while left:
        near = [network.hop[np.ix_(path[-1], group)].min() for group in left]
        path.append(left.pop(int(np.argmin(near))))
    return path


def dealt(network, group, replicas):
    """As many stages as a cluster has sets of equal replicas."""
    by_speed = group[np.argsort(-network.speed[group], kind="stable")]
    return by_speed[: len(group) // replicas * replicas].reshape(-1, replicas)


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

    def cut(self, device):
        """Layers and micro-batches dealt one by one to where they do least harm; None if memory does not allow."""
        stages = device.shape[1]
        slowest = self.speed[device].min(axis=0)
        room = self.memory[device].min(axis=0)
        each = self.job["state_gb"] + self.job["stash_gb"] * np.arange(stages, 0, -1)
        most = np.minimum(np.floor(room / each).astype(int), self.layers)
        layers = np.ones(stages, dtype=np.int64)
        if most.min() < 1 or most.sum() < self.layers:
            return None
        for _ in range(self.layers - stages):
            after = np.where(layers < most, (layers + 1) / slowest, np.inf)
            layers[after.argmin()] += 1
        return device, layers, self.dealt(device, layers)

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
