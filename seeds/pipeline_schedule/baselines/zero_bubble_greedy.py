"""The best of eight greedy schedules: weight gradients fill gaps, forwards go as deep as memory lets them.

A free device runs an input gradient, else a forward, else a weight gradient. Three switches: forwards wait for an input
gradient that is about to come, or not; weight gradients that would overrun a gap are put off, or not; as many
micro-batches are under way as there are devices, or as memory holds. The shortest schedule counts.

Source: after the automatic schedules of Qi et al., "Zero Bubble (Almost) Pipeline Parallelism", ICLR 2024, which also
are the best of a few greedy runs with switches; theirs are for one stage on a device and differ in detail.
"""

import heapq
from itertools import product

import numpy as np


def schedule(pipeline: dict) -> np.ndarray:
    """The shortest of the eight."""
    runs = product((0.0, 1.0), (0.0, 1.0), (pipeline["devices"], pipeline["micro_batches"]))
    orders = [Line(pipeline).run(wish, most, wait, hold) for hold, wait, most in runs]
    return np.array(min(orders, key=lambda one: one[1])[0])


def wish(kind: int, stage: int, batch: int, line) -> float:
    """Input gradients, then forwards, then weight gradients; old ones first."""
    return (0.0, 1.0, -1.0)[kind] - 1e-3 * batch + 1e-6 * stage


class Line:
    """A pipeline while it runs: a free device runs what can run and is most wanted, and never fills up for good."""

    def __init__(self, pipeline: dict) -> None:
        self.stages, self.batches, self.devices = (pipeline[key] for key in ("stages", "micro_batches", "devices"))
        names = ("device", "link_us", "activation_mb", "kept_mb", "capacity_mb")
        self.device, self.link, self.activation, self.kept, self.capacity = (pipeline[key].tolist() for key in names)
        self.times = [pipeline[key].tolist() for key in ("forward_us", "input_us", "weight_us")]
        whole = np.bincount(pipeline["device"], weights=pipeline["activation_mb"]).astype(int).tolist()
        self.ahead = [[size] * self.batches for size in whole]  # MB that a micro-batch has still to take on a device
        self.held = [[0] * self.batches for _ in whole]  # MB that it has there
        self.taken, self.oldest, self.busy = ([0] * self.devices for _ in range(3))
        self.there, self.weights = ([[] for _ in whole] for _ in range(2))
        self.coming = [[] for _ in whole]  # when an input gradient or a forward will be there, and which
        self.entered = self.done = self.end = 0
        self.events, self.order = [], []

    def run(self, wish, most: float, wait: float, hold: float) -> tuple:
        """The order in which passes start, and when the last one ends.

        `wish(kind, stage, batch, line)` is largest for what is wanted most. At most so many micro-batches are under
        way. A weight gradient is put off if something else comes within `wait` times its time, a forward if an input
        gradient comes within `hold` times its own.
        """
        self.most, self.wait, self.hold = max(1, int(min(most, self.batches))), wait, hold
        self._enter(0)
        while self.events:
            time, touched = self.events[0][0], set()
            while self.events and self.events[0][0] == time:
                _, device, come = heapq.heappop(self.events)
                touched.add(device)
                if come:
                    self.there[device].append(come)
                    self.coming[device].remove((time, come))
            for device in sorted(touched):
                if self.busy[device] <= time:
                    able = [*self.there[device], *self.weights[device][:1]]
                    for _, one in sorted((-wish(*one, self), one) for one in able):
                        if self._can(device, time, *one):
                            self._start(device, time, *one)
                            break
        return self.order, self.end

    def _enter(self, time: int) -> None:
        while self.entered < self.batches and self.entered - self.done < self.most:
            self._send(0, 0, self.entered, time)
            self.entered += 1

    def _send(self, kind: int, stage: int, batch: int, time: int) -> None:
        device = self.device[stage]
        heapq.heappush(self.events, (time, device, (kind, stage, batch)))
        self.coming[device].append((time, (kind, stage, batch)))

    def _can(self, device: int, time: int, kind: int, stage: int, batch: int) -> bool:
        if kind == 2:
            soon = time + self.wait * self.times[2][stage]
            return not self.wait or all(then > soon for then, _ in self.coming[device])
        if kind == 1:
            return True
        soon = time + self.hold * self.times[0][stage]
        if self.hold and any(then < soon and come[0] == 1 for then, come in self.coming[device]):
            return False
        size, capacity, ahead, held = (
            self.activation[stage],
            self.capacity[device],
            self.ahead[device],
            self.held[device],
        )
        if self.taken[device] + size > capacity:
            return False
        while self.oldest[device] < batch and not (ahead[self.oldest[device]] or held[self.oldest[device]]):
            self.oldest[device] += 1
        others = self.taken[device] + size
        for one in range(self.oldest[device], batch):  # each of them must have room to come to its end
            if ahead[one] and others + ahead[one] > capacity:
                return False
            others -= held[one]
        return True

    def _start(self, device: int, time: int, kind: int, stage: int, batch: int) -> None:
        end = time + self.times[kind][stage]
        self.order.append((kind * self.stages + stage) * self.batches + batch)
        self.busy[device], self.end = end, max(self.end, end)
        (self.weights if kind == 2 else self.there)[device].remove((kind, stage, batch))
        heapq.heappush(self.events, (end, device, ()))
        change = (self.activation[stage], self.kept[stage] - self.activation[stage], -self.kept[stage])[kind]
        self.taken[device] += change
        self.held[device][batch] += change
        if kind == 0:
            self.ahead[device][batch] -= change
            last = stage + 1 == self.stages
            self._send(*((1, stage, batch, end) if last else (0, stage + 1, batch, end + self.link[stage])))
        elif kind == 1:
            self.weights[device].append((2, stage, batch))
            if stage:
                self._send(1, stage - 1, batch, end + self.link[stage - 1])
            else:
                self.done += 1
                self._enter(end)
