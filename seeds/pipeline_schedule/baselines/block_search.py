"""A repeated block, then single passes moved on their devices where that makes the step shorter.

The block is that of `building_block.py`, the moves those of `local_search.py`: they undo what repeating costs where the
pipeline fills and drains, which Qi et al. do by reordering the first and the last passes.

Source: after Qi et al., "Pipeline Parallelism with Controllable Memory", NeurIPS 2024; moves on the critical path
after van Laarhoven, Aarts and Lenstra, Operations Research 1992.
"""

import numpy as np

STRETCH = 1.02
LONGEST = 200  # times that the period is stretched
TIMED = 450_000  # passes that are timed per pipeline, in moves
MOVE = 400  # what a move costs besides, in passes


def schedule(pipeline: dict) -> np.ndarray:
    """The block's order, then moves."""
    return moved(pipeline, block_order(pipeline), np.random.default_rng(pipeline["seed"]))


def block_order(pipeline: dict) -> np.ndarray:
    """The shortest period's order that fits in memory."""
    forward, back, weight = (pipeline[key] for key in ("forward_us", "input_us", "weight_us"))
    period = float(np.bincount(pipeline["device"], weights=forward + back + weight).max())
    for _ in range(LONGEST):
        block = layout(pipeline, period)
        if block is not None:
            order = repeated(pipeline, block, period)
            if fits(pipeline, order):
                return order
        period *= STRETCH
    return repeated(pipeline, layout(pipeline, 1e12), 1e12)  # one after the other


def layout(pipeline: dict, period: float):
    """``(3, S)`` when each pass of the first micro-batch starts; None if some pass finds no room."""
    stages, device, link = pipeline["stages"], pipeline["device"].tolist(), pipeline["link_us"].tolist()
    times = [pipeline[key].tolist() for key in ("forward_us", "input_us", "weight_us")]
    tables = [[] for _ in range(pipeline["devices"])]  # busy stretches of a period, as (start, end)
    starts = np.zeros((3, stages))
    way = [(0, stage) for stage in range(stages)] + [(1, stage) for stage in range(stages - 1, -1, -1)]
    clock = 0.0
    for kind, stage in way:
        start = room(tables[device[stage]], clock, times[kind][stage], period)
        if start is None:
            return None
        starts[kind, stage] = start
        travel = link[stage] if kind == 0 else link[stage - 1] if stage else 0
        clock = start + times[kind][stage] + travel
    for stage in sorted(range(stages), key=lambda one: -times[2][one]):
        start = room(tables[device[stage]], starts[1, stage] + times[1][stage], times[2][stage], period)
        if start is None:
            return None
        starts[2, stage] = start
    return starts


def room(table: list, earliest: float, duration: float, period: float):
    """The first time from `earliest` on at which a device is free for so long in every period; the table gets it."""
    if duration > period + 1e-6:
        return None
    base = earliest % period
    for start in [base, *sorted((end - base) % period + base for _, end in table)]:
        if all(apart(start % period, duration, other, end - other, period) for other, end in table):
            begin = start % period
            table.append((begin, begin + duration))
            return earliest + (start - base)
    return None


def apart(start: float, duration: float, other: float, length: float, period: float) -> bool:
    """Whether two stretches of a circle do not overlap."""
    ahead = (other - start) % period
    slack = 1e-6
    if duration <= slack or length <= slack:
        return True
    if ahead > period - slack:
        ahead = 0.0
    return ahead >= duration - slack and period - ahead >= length - slack


def repeated(pipeline: dict, block: np.ndarray, period: float) -> np.ndarray:
    """All passes by the time that they would start."""
    starts = block[:, :, None] + period * np.arange(pipeline["micro_batches"])
    return np.argsort(starts.ravel(), kind="stable")


def fits(pipeline: dict, order: np.ndarray) -> bool:
    """Whether no device ever holds more than it can."""
    kind, stage = np.divmod(order // pipeline["micro_batches"], pipeline["stages"])
    activation, kept = pipeline["activation_mb"][stage], pipeline["kept_mb"][stage]
    change = np.where(kind == 0, activation, np.where(kind == 1, kept - activation, -kept))
    device = pipeline["device"][stage]
    return all(
        np.cumsum(change[device == one]).max() <= capacity for one, capacity in enumerate(pipeline["capacity_mb"])
    )


def moved(pipeline: dict, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The order after as many moves as there is time for."""
    timer = Timer(pipeline)
    device = pipeline["device"][order // pipeline["micro_batches"] % pipeline["stages"]]
    queues = [order[device == one].tolist() for one in range(pipeline["devices"])]
    step, starts, ends, places = timer.time(queues)
    for _ in range(TIMED // (len(order) + MOVE)):
        chain = timer.chain(queues, starts, ends, places)
        if not chain:
            break
        one, place = chain[int(rng.integers(len(chain)))]
        reach = 1 + int(rng.exponential(2.0))
        queue = queues[one]
        to = max(place - reach, 0)
        if rng.random() < 0.5:  # the pass goes forward, or the one before it goes back
            other = [*queue[:to], queue[place], *queue[to:place], *queue[place + 1 :]]
        else:
            behind = min(place + reach, len(queue))
            other = [*queue[: place - 1], *queue[place:behind], queue[place - 1], *queue[behind:]]
        if not timer.fits(one, other):
            continue
        found = timer.time([*queues[:one], other, *queues[one + 1 :]])
        if found is not None and found[0] <= step:
            queues[one] = other
            step, starts, ends, places = found
    return np.concatenate([np.array(queue) for queue in queues])


class Timer:
    """Times orders of devices."""

    def __init__(self, pipeline: dict) -> None:
        self.stages, self.batches, self.devices = (pipeline[key] for key in ("stages", "micro_batches", "devices"))
        count, link = self.stages * self.batches, pipeline["link_us"].tolist()
        times = np.concatenate([pipeline[key] for key in ("forward_us", "input_us", "weight_us")])
        self.times = np.repeat(times, self.batches).tolist()
        self.pipeline, self.count = pipeline, count
        self.needs = []
        for number in range(3 * count):
            kind, stage = divmod(number // self.batches, self.stages)
            needs = [(number - self.batches, link[stage - 1])] if kind == 0 and stage else []
            if kind:
                needs = [(number - count, 0)]
            if kind == 1 and stage + 1 < self.stages:
                needs.append((number + self.batches, link[stage]))
            self.needs.append(needs)

    def time(self, queues: list):
        """The step, and of every pass its start, end and place; None if the devices wait for one another."""
        starts, ends, places = [0] * len(self.times), [-1] * len(self.times), [0] * len(self.times)
        at, free, waits, ready = [0] * len(queues), [0] * len(queues), {}, list(range(len(queues)))
        while ready:
            one = ready.pop()
            queue, clock, place = queues[one], free[one], at[one]
            while place < len(queue):
                number, start = queue[place], clock
                for other, delay in self.needs[number]:
                    end = ends[other]
                    if end < 0:
                        waits[other] = one
                        start = -1
                        break
                    if end + delay > start:
                        start = end + delay
                if start < 0:
                    break
                starts[number], places[number] = start, place
                ends[number] = clock = start + self.times[number]
                place += 1
                if number in waits:
                    ready.append(waits.pop(number))
            at[one], free[one] = place, clock
        if any(place < len(queue) for place, queue in zip(at, queues, strict=True)):
            return None
        return max(ends), starts, ends, places

    def chain(self, queues: list, starts: list, ends: list, places: list) -> list:
        """Passes of a longest chain that wait for the one before them on their device, as (device, place)."""
        number, found = int(np.argmax(ends)), []
        device = self.pipeline["device"]
        while starts[number]:
            one, place = int(device[number // self.batches % self.stages]), places[number]
            before = queues[one][place - 1] if place else -1
            if place and ends[before] == starts[number]:
                found.append((one, place))
                number = before
            else:
                number = next(other for other, delay in self.needs[number] if ends[other] + delay == starts[number])
        return found

    def fits(self, one: int, queue: list) -> bool:
        """Whether a device never holds more than it can."""
        kind, stage = np.divmod(np.array(queue) // self.batches, self.stages)
        activation, kept = self.pipeline["activation_mb"][stage], self.pipeline["kept_mb"][stage]
        change = np.where(kind == 0, activation, np.where(kind == 1, kept - activation, -kept))
        return bool(np.cumsum(change).max() <= self.pipeline["capacity_mb"][one])
