"""Near devices side by side: as a stage, or as a pipeline; all numbers of stages and replicas tried.

Source: ours, from the two ways in which Megatron-LM ranks devices (Narayanan et al., arXiv 2104.04473): data parallel
ranks next to each other, or pipeline ranks. Devices stand along a path that goes to the nearest one left; layers and
micro-batches are dealt greedily by speed.
"""

import numpy as np


def layout(devices, latency_s, gb_per_s, job, seed):
    """The task's interface."""
    network = Network(devices, latency_s, gb_per_s, job)
    return network.answer(min(all_starts(network), key=network.time))


def all_starts(network):
    """Every number of stages and replicas, along a tour of near devices: stages side by side, or pipelines."""
    tour = network.tour()
    for stages in range(1, min(network.layers, network.number) + 1):
        for replicas in range(1, min(network.batches, network.number // stages) + 1):
            kept = network.fastest(tour, stages * replicas)
            for device in (kept.reshape(stages, replicas).T, kept.reshape(replicas, stages)):
                plan = network.cut(device)
                if plan is not None:
                    yield plan


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

    def tour(self):
        """Devices along a path that goes to the nearest one left."""
        cost = self.hop + self.per_gb * self.job["layer_gb"]
        left = list(range(1, self.number))
        path = [0]
        while left:
            path.append(left.pop(int(cost[path[-1], left].argmin())))
        return np.array(path)

    def fastest(self, tour, number):
        """So many of the fastest devices, in the order of the tour."""
        kept = np.sort(np.argsort(-self.speed[tour], kind="stable")[:number])
        return tour[kept]

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
