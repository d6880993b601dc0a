"""Around the EVOLVE-BLOCK: a list scheduler over a step's passes, for a `schedule` that asks `Line`.

Method: at first 1F1B with weight gradients put off. A free device runs the oldest input gradient that is there, else
the oldest forward that fits in memory, else a weight gradient. Each further idea had weight zero, to be turned.
"""

import heapq
from bisect import insort

import numpy as np

FORWARD, INPUT, WEIGHT = 0, 1, 2
STEPS = 36_000  # passes that may be placed per pipeline: what keeps any choice of constants within the CPU limit

# EVOLVE-BLOCK-START
UNDER_WAY = 1.0  # micro-batches between their first forward and their last input gradient, over the number of devices
BACK = 1.0  # for input gradients, against forwards
LATER = 1.0  # against weight gradients, against forwards
OLD = 0.01  # against young micro-batches, per place in the order of those that are under way
DEEP = 0.0  # for late stages, the last being 1
TAIL = 0.0  # for passes with a long way before them: time to the end of the step, the longest way being 1
FULL = 0.0  # for weight gradients, times the share of the device's memory that is taken
HOARD = 0.0  # for weight gradients, times how many of them wait on the device, over the number of devices
WAIT = 0.0  # times a weight gradient that a device stays idle for, if something else comes so soon
SPARE = 0.0  # share of a device's memory that forwards leave free, except those of the oldest micro-batch
TRIES = 1  # schedules that are built, of which the shortest counts
NOISE = 0.0  # random part of every preference from the second one on
DEPTHS = 0.0  # from the second one on, UNDER_WAY is drawn from 1 to 1 + DEPTHS times itself


def preference(kind: int, age: int, depth: float, tail: float, full: float, hoard: float) -> float:
    """How much a pass should run next on its device; kind is 0 forward, 1 input gradient, 2 weight gradient."""
    wish = DEEP * depth + TAIL * tail - OLD * age
    if kind == WEIGHT:
        return wish - LATER + FULL * full + HOARD * hoard
    return wish + BACK * kind


def limit(attempt: int, devices: int, rng: np.random.Generator) -> float:
    """How many micro-batches may be under way."""
    return UNDER_WAY * devices * (1.0 + DEPTHS * rng.random() if attempt else 1.0)


def schedule(pipeline: dict) -> np.ndarray:
    """The task's interface. Any other method may stand here."""
    rng = np.random.default_rng(pipeline["seed"])
    best, shortest = None, float("inf")
    for attempt in range(tries(pipeline)):
        line = Line(pipeline, rng, NOISE if attempt else 0.0)
        order, end = line.run(limit(attempt, pipeline["devices"], rng))
        if end < shortest:
            best, shortest = order, end
    return np.array(best)


# EVOLVE-BLOCK-END


def tries(pipeline: dict) -> int:
    """As many schedules as asked for, as far as the steps last."""
    passes = 3 * pipeline["stages"] * pipeline["micro_batches"]
    return int(max(1, min(TRIES, STEPS // (passes + 200))))


class Line:
    """A pipeline while it runs, as far as its passes have been placed."""

    def __init__(self, pipeline: dict, rng: np.random.Generator, noise: float) -> None:
        self.stages, self.batches, self.devices = (pipeline[key] for key in ("stages", "micro_batches", "devices"))
        names = ("device", "link_us", "activation_mb", "kept_mb", "capacity_mb")
        self.device, self.link, self.activation, self.kept, self.capacity = (pipeline[key].tolist() for key in names)
        self.times = [pipeline[key].tolist() for key in ("forward_us", "input_us", "weight_us")]
        whole = np.bincount(pipeline["device"], weights=pipeline["activation_mb"]).astype(int).tolist()
        self.ahead = [[size] * self.batches for size in whole]  # MB that a micro-batch has still to take on a device
        self.held = [[0] * self.batches for _ in whole]  # MB that it has there
        self.taken, self.oldest = [0] * self.devices, [0] * self.devices
        self.there = [[] for _ in whole]  # forwards and input gradients that have come
        self.weights = [[] for _ in whole]  # weight gradients that wait
        self.coming = [[] for _ in whole]  # when further passes come
        self.busy = [0] * self.devices
        self.tails = self._tails()
        self.entered = self.done = self.end = 0
        self.events, self.order = [], []
        self.rng, self.noise = rng, noise

    def run(self, limit: float) -> tuple:
        """The order in which passes start, and when the last one ends."""
        self.most = max(1, int(min(np.nan_to_num(limit), self.batches)))
        self._enter(0)
        while self.events:
            time, touched = self.events[0][0], set()
            while self.events and self.events[0][0] == time:
                _, device, arrived = heapq.heappop(self.events)
                touched.add(device)
                if arrived:
                    self.there[device].append(arrived)
                    self.coming[device].remove(time)
            for device in sorted(touched):
                if self.busy[device] <= time:
                    self._choose(device, time)
        return self.order, self.end

    def _enter(self, time: int) -> None:
        """Let micro-batches in."""
        while self.entered < self.batches and self.entered - self.done < self.most:
            self._send(FORWARD, 0, self.entered, time)
            self.entered += 1

    def _send(self, kind: int, stage: int, batch: int, time: int) -> None:
        """A pass will be there at that time."""
        device = self.device[stage]
        heapq.heappush(self.events, (time, device, (kind, stage, batch)))
        insort(self.coming[device], time)

    def _choose(self, device: int, time: int) -> None:
        """Start the pass that is most wanted, if any can start."""
        wishes = []
        full, hoard = self.taken[device] / self.capacity[device], len(self.weights[device]) / self.devices
        for one in (*self.there[device], *self.weights[device][:1]):
            kind, stage, batch = one
            wish = preference(kind, batch - self.done, (stage + 1) / self.stages, self.tails[kind][stage], full, hoard)
            wishes.append((self.noise * self.rng.random() - wish if self.noise else -wish, one))
        for _, one in sorted(wishes):
            if self._can(device, time, *one):
                self._start(device, time, *one)
                return

    def _can(self, device: int, time: int, kind: int, stage: int, batch: int) -> bool:
        if kind == FORWARD:
            return self._fits(device, stage, batch)
        soon = WAIT * self.times[WEIGHT][stage]
        return kind == INPUT or not (soon > 0 and self.coming[device] and self.coming[device][0] - time <= soon)

    def _fits(self, device: int, stage: int, batch: int) -> bool:
        """Whether a forward leaves room for every older micro-batch to come to its end, the oldest first."""
        size, capacity, ahead, held = (
            self.activation[stage],
            self.capacity[device],
            self.ahead[device],
            self.held[device],
        )
        if self.taken[device] + size > capacity - (max(SPARE, 0.0) * capacity if batch > self.done else 0):
            return False
        while self.oldest[device] < batch and not (ahead[self.oldest[device]] or held[self.oldest[device]]):
            self.oldest[device] += 1
        others = self.taken[device] + size
        for one in range(self.oldest[device], batch):
            if ahead[one] and others + ahead[one] > capacity:
                return False
            others -= held[one]
        return True

    def _start(self, device: int, time: int, kind: int, stage: int, batch: int) -> None:
        """Run a pass, and tell when what follows from it will be there."""
        end = time + self.times[kind][stage]
        self.order.append((kind * self.stages + stage) * self.batches + batch)
        self.busy[device], self.end = end, max(self.end, end)
        (self.weights if kind == WEIGHT else self.there)[device].remove((kind, stage, batch))
        heapq.heappush(self.events, (end, device, ()))
        if kind == FORWARD:
            self._take(device, batch, self.activation[stage])
            self.ahead[device][batch] -= self.activation[stage]
            last = stage + 1 == self.stages
            self._send(*((INPUT, stage, batch, end) if last else (FORWARD, stage + 1, batch, end + self.link[stage])))
        elif kind == WEIGHT:
            self._take(device, batch, -self.kept[stage])
        else:
            self._take(device, batch, self.kept[stage] - self.activation[stage])
            self.weights[device].append((WEIGHT, stage, batch))
            if stage:
                self._send(INPUT, stage - 1, batch, end + self.link[stage - 1])
            else:
                self.done += 1
                self._enter(end)

    def _take(self, device: int, batch: int, size: int) -> None:
        self.taken[device] += size
        self.held[device][batch] += size

    def _tails(self) -> list:
        """By kind and stage: time from a pass's start to the end of its micro-batch's way, the longest being 1."""
        tails, way = [[0.0] * self.stages for _ in range(3)], 0
        for stage in range(self.stages):
            tails[WEIGHT][stage] = self.times[WEIGHT][stage]
            way += self.times[INPUT][stage]
            tails[INPUT][stage] = max(way, self.times[INPUT][stage] + self.times[WEIGHT][stage])
            way += self.link[stage]
        for stage in range(self.stages - 1, -1, -1):
            way += self.times[FORWARD][stage]
            tails[FORWARD][stage] = way
            way += self.link[stage - 1] if stage else 0
        return [[time / way for time in row] for row in tails]
