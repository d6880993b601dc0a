"""Around the EVOLVE-BLOCK: constructions, greedy cuts and a climb, for a `layout` that calls `searched`.

Method: devices in an order, side by side in stages or pipelines, for numbers of stages and replicas; layers and
micro-batches dealt one by one to where they do least harm; the best constructions are climbed by random moves. Every
plan is kept valid and moves are counted, so that the time limit holds.

A plan is (device, layers, batches): device[r, s] holds stage s of replica r. Units: seconds, GB.
"""

import numpy as np

# EVOLVE-BLOCK-START
MOST_STAGES = 8  # of a pipeline
FULLNESS = 1.0  # the least share of the replicas that there is room for; lower: fewer are tried too
NEARNESS = 0.3  # 0: devices in order of speed; 1: along a path from each to the nearest one left; between: both count
SIDE_BY_SIDE = True  # neighbours in that order make a stage; else a pipeline
CLIMBED = 1  # constructions
MOVES = 200  # tried on each
SWAPS = 0.6  # of the moves: two devices change places
LAYER_SHIFTS = 0.25  # of the moves: a layer goes to another stage; the rest: micro-batches to another replica


def distance(hop, per_gb, layer_gb):
    """(D, D) how far devices are apart, for the path."""
    return hop


def stage_speed(speeds):
    """(P,) what layers are cut by; of (K, P) the speeds of a stage's devices."""
    return speeds.min(axis=0)


def worth(pipelines, exchanges):
    """What the climb lowers; of the seconds of each replica and of each stage."""
    return pipelines.max() + exchanges.max()


def layout(devices, latency_s, gb_per_s, job, seed):
    """The task's interface: stage and replica of each device, and the cuts. Any other method may stand here."""
    network = Network(devices, latency_s, gb_per_s, job)
    return network.answer(searched(network, np.random.default_rng(seed)))


# EVOLVE-BLOCK-END

MOST_MOVES = 6000  # over all climbs


def searched(network, rng):
    """The best plan of constructions and climbs."""
    starts = sorted(constructed(network), key=network.value)[: max(int(CLIMBED), 1)]
    moves = min(max(int(MOVES), 0), MOST_MOVES // len(starts))
    return min((climb(network, plan, moves, rng) for plan in starts), key=network.value)


def constructed(network):
    """A plan for each number of stages and of replicas that is tried, and one that always fits."""
    order, found = network.order(), [network.even()]
    for stages in range(1, min(network.layers, network.number, max(int(MOST_STAGES), 1)) + 1):
        most = min(network.batches, network.number // stages)
        for replicas in range(max(1, min(most, int(np.ceil(FULLNESS * most)))), most + 1):
            kept = network.fastest(order, stages * replicas)
            device = kept.reshape(stages, replicas).T if SIDE_BY_SIDE else kept.reshape(replicas, stages)
            plan = network.cut(device)
            found += [] if plan is None else [plan]
    return found


def climb(network, plan, moves, rng):
    """First improvement over random moves."""
    best = network.value(plan)
    for _ in range(moves):
        moved = a_move(network, plan, rng)
        if moved is not None and network.fits(moved) and (value := network.value(moved)) < best:
            plan, best = moved, value
    return plan


def a_move(network, plan, rng):
    """The plan with a random change; None where there is nothing to change."""
    device, layers, batches = plan
    draw = rng.random()
    if draw < SWAPS:
        flat = np.append(device.ravel(), np.setdiff1d(np.arange(network.number), device))
        one, other = rng.integers(device.size), rng.integers(len(flat))
        flat[[one, other]] = flat[[other, one]]
        return flat[: device.size].reshape(device.shape), layers, batches
    is_layer = draw < SWAPS + LAYER_SHIFTS
    parts = (layers if is_layer else batches).copy()
    if len(parts) < 2:
        return None
    giver, taker = rng.choice(len(parts), 2, replace=False)
    amount = 1 if is_layer else rng.integers(1, 4)
    if parts[giver] <= amount:
        return None
    parts[giver] -= amount
    parts[taker] += amount
    return (device, parts, batches) if is_layer else (device, layers, parts)


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

    def value(self, plan):
        """What is to be low; a plan that has none is never chosen."""
        value = worth(*self.parts(plan))
        return float(value) if np.isfinite(value) else np.inf

    def fits(self, plan):
        """Whether every device holds its layers."""
        device, layers, batches = plan
        waiting = np.minimum(np.arange(len(layers), 0, -1), batches[:, None])
        needed = layers * (self.job["state_gb"] + self.job["stash_gb"] * waiting)
        return bool((needed <= self.memory[device]).all())

    def order(self):
        """The fastest device, then each time the one that is fast, near the last, or both."""
        far = np.nan_to_num(distance(self.hop, self.per_gb, self.job["layer_gb"]) + 0.0 * self.hop)
        slow = 1 / self.speed
        cost = NEARNESS * far / max(np.abs(far).max(), 1e-12) + (1 - NEARNESS) * slow / slow.max()
        path = [int(slow.argmin())]
        left = [device for device in range(self.number) if device != path[0]]
        while left:
            path.append(left.pop(int(cost[path[-1], left].argmin())))
        return np.array(path)

    def even(self):
        """Devices in their order, evenly cut, in as few stages as fit: always valid."""
        for stages in range(1, min(self.layers, self.number) + 1):
            replicas = min(self.number // stages, self.batches)
            device = np.arange(stages * replicas).reshape(stages, replicas).T
            layers = self.layers // stages + (np.arange(stages) < self.layers % stages)
            batches = self.batches // replicas + (np.arange(replicas) < self.batches % replicas)
            if self.fits((device, layers, batches)):
                break
        return device, layers, batches

    def fastest(self, order, number):
        """So many of the fastest devices, in that order."""
        kept = np.sort(np.argsort(-self.speed[order], kind="stable")[:number])
        return order[kept]

    def cut(self, device):
        """Layers and micro-batches dealt one by one to where they do least harm; None if memory does not allow."""
        stages = device.shape[1]
        speed = np.maximum(np.nan_to_num(stage_speed(self.speed[device]) + np.zeros(stages)), 1e-9)
        room = self.memory[device].min(axis=0)
        each = self.job["state_gb"] + self.job["stash_gb"] * np.arange(stages, 0, -1)
        most = np.minimum(np.floor(room / each).astype(int), self.layers)
        layers = np.ones(stages, dtype=np.int64)
        if most.min() < 1 or most.sum() < self.layers:
            return None
        for _ in range(self.layers - stages):
            after = np.where(layers < most, (layers + 1) / speed, np.inf)
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
