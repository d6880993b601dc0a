"""One micro-batch's passes are laid out once and repeated with a fixed period; every device then closes its gaps.

The layout is built pass by pass along the way of a micro-batch, each at the earliest time at which its device is free
in every period (modulo scheduling); weight gradients fill what is left. The shorter the way, the less is held at a
time. The period is the work of the busiest device, and is stretched until the passes have room and memory is kept.

Source: after Qi et al., "Pipeline Parallelism with Controllable Memory", NeurIPS 2024, where building blocks are
written down for equal stages (V-Min, V-Half, V-ZB); finding one for unequal stages by modulo scheduling (Rau, MICRO
1994) is this project's, and so is how far the period is stretched. Its reordering of the first and last passes is
left out.
"""

import numpy as np

STRETCH = 1.02
LONGEST = 200  # times that the period is stretched


def schedule(pipeline: dict) -> np.ndarray:
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
