"""Climb from the best constructions: swap devices, shift a layer, shift a micro-batch, while the step gets shorter.

Source: ours; a textbook first-improvement climb over the task's own clock. Starts are those of `two_arrangements.py`;
the best few of them are climbed for a fixed number of moves.
"""

import numpy as np

CLIMBED = 3  # starts
MOVES = 1200  # tried on each


def layout(devices, latency_s, gb_per_s, job, seed):
    """The task's interface."""
    network = Network(devices, latency_s, gb_per_s, job)
    rng = np.random.default_rng(seed)
    starts = sorted(all_starts(network), key=network.time)[:CLIMBED]
    return network.answer(min((climb(network, plan, rng) for plan in starts), key=network.time))


def climb(network, plan, rng):
    """First improvement over random moves."""
    best = network.time(plan)
    for _ in range(MOVES):
        moved = a_move(network, plan, rng)
        if moved is None or not network.fits(moved):
            continue
        time = network.time(moved)
        if time < best:
            plan, best = moved, time
    return plan


def a_move(network, plan, rng):
    """The plan with a random change."""
    device, layers, batches = plan
    draw = rng.random()
    if draw < 0.6:
        idle = np.setdiff1d(np.arange(network.number), device)
        flat = np.append(device.ravel(), idle)
        one, other = rng.integers(device.size), rng.integers(len(flat))
        flat[[one, other]] = flat[[other, one]]
        return flat[: device.size].reshape(device.shape), layers, batches
    parts = layers if draw < 0.85 else batches
    if len(parts) < 2:
        return None
    giver, taker = rng.choice(len(parts), 2, replace=False)
    amount = 1 if draw < 0.85 else rng.integers(1, 4)
    if parts[giver] <= amount:
        return None
    shifted = parts.copy()
    shifted[giver] -= amount
    shifted[taker] += amount
    return (device, shifted, batches) if draw < 0.85 else (device, layers, shifted)


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

    def fits(self, plan):
        """Whether every device holds its layers."""
        device, layers, batches = plan
        waiting = np.minimum(np.arange(len(layers), 0, -1), batches[:, None])
        needed = layers * (self.job["state_gb"] + self.job["stash_gb"] * waiting)
        return bool((needed <= self.memory[device]).all())

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
