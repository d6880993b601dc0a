"""Small pipelines, a second engine by the page, and the optimum by enumeration: for tests of `pipeline_schedule`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.problem import ClockPolicy
from evaluators.scheduling.pipeline_schedule.pipeline import FORWARD, INPUT, WEIGHT, Ints, Pipeline
from evaluators.scheduling.pipeline_schedule.placements import Placement, device_of_stages
from evaluators.scheduling.pipeline_schedule.scenario import Scenario, make_scenario
from evaluators.scheduling.pipeline_schedule.stages import links_between

CLOCK = ClockPolicy()
SERIAL = """
import numpy as np
def serial(pipeline):
    S, M = pipeline["stages"], pipeline["micro_batches"]
    order = []
    for m in range(M):
        order += [s * M + m for s in range(S)]
        for s in range(S - 1, -1, -1):
            order += [(S + s) * M + m, (2 * S + s) * M + m]
    return np.array(order)
def schedule(pipeline):
    order = serial(pipeline)
    # change
    return order
"""


def answering(change: str) -> str:
    """A program that does one micro-batch after the other, but for a change of its `order`."""
    return SERIAL.replace("    # change", f"    {change}")


def a_pipeline(
    devices: int = 3,
    micro_batches: int = 4,
    *,
    chunks: int = 1,
    placement: Placement = Placement.LOOP,
    times: Sequence[int] = (1, 1, 1),
    link: int = 0,
    activation: int = 2,
    kept: int = 1,
    capacity: int = 1000,
) -> Pipeline:
    """A pipeline of equal stages."""
    device_S = device_of_stages(placement, devices, chunks)
    stages = len(device_S)
    forward, back, weight, held, left, links = (
        np.full(stages, value, dtype=np.int64) for value in (*times, activation, kept, link)
    )
    return Pipeline(
        micro_batches=micro_batches,
        device_S=device_S,
        forward_us_S=forward,
        input_us_S=back,
        weight_us_S=weight,
        activation_mb_S=held,
        kept_mb_S=left,
        link_us_S=links_between(device_S, links),
        capacity_mb_D=np.full(devices, capacity, dtype=np.int64),
    )


def random_pipeline(seed: int, devices: int = 2, micro_batches: int = 2, chunks: int = 1) -> Pipeline:
    """Anything at all: unequal stages, links and memory, from one micro-batch to all."""
    rng = np.random.default_rng(seed)
    device_S = device_of_stages(list(Placement)[seed % 2], devices, chunks)
    stages = len(device_S)
    activation_S = rng.integers(1, 6, stages)
    whole_D = np.bincount(device_S, weights=activation_S).astype(np.int64)
    fused = seed % 5 == 0
    return Pipeline(
        micro_batches=micro_batches,
        device_S=device_S,
        forward_us_S=rng.integers(1, 9, stages),
        input_us_S=rng.integers(1, 9, stages),
        weight_us_S=rng.integers(1, 9, stages) * (not fused),
        activation_mb_S=activation_S,
        kept_mb_S=(activation_S * rng.random(stages)).astype(np.int64) * (not fused),
        link_us_S=links_between(device_S, rng.integers(0, 5, stages)),
        capacity_mb_D=np.maximum(whole_D, rng.integers(1, 6 * micro_batches * chunks, devices)),
    )


def a_scenario(pipeline: Pipeline | None = None) -> Scenario:
    return make_scenario("scene-0", "scene", pipeline or a_pipeline(), candidate_seed=7)


def random_order(pipeline: Pipeline, rng: np.random.Generator) -> Ints:
    """A valid order: passes drawn from those that can run, no more micro-batches under way than fit whole."""
    done = np.zeros((3, pipeline.stages, pipeline.micro_batches), dtype=np.bool_)
    limit, order = int(rng.integers(1, pipeline.in_flight + 1)), list[int]()
    while len(order) < pipeline.passes:
        able = ~done
        able[FORWARD, 1:] &= done[FORWARD, :-1]
        able[INPUT] &= done[FORWARD]
        able[INPUT, :-1] &= done[INPUT, 1:]
        able[WEIGHT] &= done[INPUT]
        entered, finished = int(done[FORWARD, 0].sum()), int(done.all(axis=(0, 1)).sum())
        able[FORWARD, 0, entered + (entered - finished < limit) :] = False
        order.append(int(rng.choice(np.flatnonzero(able))))
        done.ravel()[order[-1]] = True
    return np.array(order)


def played_by_the_page(pipeline: Pipeline, order: Sequence[int]) -> tuple[int, list[int]] | None:
    """Step and peaks by clock ticks, from the page's words alone; None if the devices wait for each other for ever."""
    f, b, w = pipeline.times_us_KS.tolist()
    queues = [[n for n in order if pipeline.device_S[n // pipeline.micro_batches % pipeline.stages] == d]
              for d in range(pipeline.devices)]  # fmt: skip
    ended: dict[tuple[int, int, int], int] = {}
    running: list[tuple[int, tuple[int, int, int]] | None] = [None] * pipeline.devices
    held, peaks, clock = [0] * pipeline.devices, [0] * pipeline.devices, 0
    horizon = int(sum(f) + sum(b) + sum(w) + 2 * pipeline.link_us_S.sum()) * pipeline.micro_batches
    while any(queues) or any(running):
        if clock > horizon:
            return None
        moved = True
        while moved:  # passes that take no time end in the tick in which they start
            moved = False
            for device in range(pipeline.devices):
                now = running[device]
                if now and now[0] <= clock:
                    kind, stage, _ = now[1]
                    ended[now[1]] = clock
                    full, kept = int(pipeline.activation_mb_S[stage]), int(pipeline.kept_mb_S[stage])
                    held[device] -= (full - kept if kind == INPUT else 0) + (kept if kind == WEIGHT else 0)
                    running[device], moved = None, True
                if running[device] is None and queues[device]:
                    kind, stage, batch = pipeline.meaning(queues[device][0])
                    if _come(pipeline, ended, kind, stage, batch, clock):
                        queues[device].pop(0)
                        held[device] += int(pipeline.activation_mb_S[stage]) if kind == FORWARD else 0
                        peaks[device] = max(peaks[device], held[device])
                        running[device], moved = (clock + (f, b, w)[kind][stage], (kind, stage, batch)), True
        clock += 1
    return max(ended.values()), peaks


def _come(
    pipeline: Pipeline, ended: dict[tuple[int, int, int], int], kind: int, stage: int, batch: int, clock: int
) -> bool:
    """Whether the inputs of a pass are there."""

    def after(other: int, where: int, delay: int) -> bool:
        return (other, where, batch) in ended and ended[other, where, batch] + delay <= clock

    links = pipeline.link_us_S.tolist()
    if kind == WEIGHT:
        return after(INPUT, stage, 0)
    if kind == FORWARD:
        return stage == 0 or after(FORWARD, stage - 1, links[stage - 1])
    return after(FORWARD, stage, 0) and (stage + 1 == pipeline.stages or after(INPUT, stage + 1, links[stage]))


class Enumeration:
    """The shortest step over all orders, by placing passes in order of their starts; for a dozen or two of passes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.best = int(pipeline.times_us_KS.sum() + 2 * pipeline.link_us_S.sum()) * pipeline.micro_batches + 1
        self.seen: dict[int, list[tuple[int, ...]]] = {}
        self.times = np.repeat(pipeline.times_us_KS.ravel(), pipeline.micro_batches).tolist()
        self.devices = pipeline.devices_of(np.arange(pipeline.passes)).tolist()

    def optimum(self) -> int:
        """The length of the best."""
        pipeline = self.pipeline
        self._place(0, [-1] * pipeline.passes, [0] * pipeline.devices, [0] * pipeline.devices, (0, -1))
        return self.best

    def _place(self, done: int, ends: list[int], free: list[int], held: list[int], last: tuple[int, int]) -> None:
        pipeline = self.pipeline
        if done == (1 << pipeline.passes) - 1:
            self.best = min(self.best, max(free))
            return
        left = list(free)
        for number, end in enumerate(ends):
            left[self.devices[number]] += self.times[number] if end < 0 else 0
        if max(left) >= self.best or self._dominated(done, ends, free, last):
            return
        for number in range(pipeline.passes):
            if ends[number] >= 0:
                continue
            kind, stage, batch = pipeline.meaning(number)
            if kind == FORWARD and stage == 0 and batch and ends[number - 1] < 0:
                continue  # all are alike: the first stage takes them in order
            there = self._there(kind, stage, batch, ends)
            device = self.devices[number]
            if there < 0:
                continue
            start = max(there, free[device])
            taken = int(pipeline.activation_mb_S[stage]) if kind == FORWARD else 0
            if (start, number) < last or held[device] + taken > pipeline.capacity_mb_D[device]:
                continue
            freed = int(pipeline.activation_mb_S[stage] - pipeline.kept_mb_S[stage]) if kind == INPUT else 0
            freed += int(pipeline.kept_mb_S[stage]) if kind == WEIGHT else 0
            then, busy, load = list(ends), list(free), list(held)
            then[number] = busy[device] = start + self.times[number]
            load[device] += taken - freed
            # one that starts with a pass that takes no time may come after it, whatever its number
            self._place(done | 1 << number, then, busy, load, (start, -1 if self.times[number] == 0 else number))

    def _there(self, kind: int, stage: int, batch: int, ends: list[int]) -> int:
        pipeline, links = self.pipeline, self.pipeline.link_us_S
        needs = []
        if kind == FORWARD and stage:
            needs = [(pipeline.number(FORWARD, stage - 1, batch), int(links[stage - 1]))]
        elif kind == INPUT:
            needs = [(pipeline.number(FORWARD, stage, batch), 0)]
            if stage + 1 < pipeline.stages:
                needs.append((pipeline.number(INPUT, stage + 1, batch), int(links[stage])))
        elif kind == WEIGHT:
            needs = [(pipeline.number(INPUT, stage, batch), 0)]
        if any(ends[number] < 0 for number, _ in needs):
            return -1
        return max((ends[number] + delay for number, delay in needs), default=0)

    def _dominated(self, done: int, ends: list[int], free: list[int], last: tuple[int, int]) -> bool:
        """Whether the same passes have been placed before, with everything as early."""
        state = (*ends, *free, last[0], last[1])
        known = self.seen.setdefault(done, [])
        if any(all(a <= b for a, b in zip(other, state, strict=True)) for other in known):
            return True
        if len(known) < 200:
            known.append(state)
        return False
