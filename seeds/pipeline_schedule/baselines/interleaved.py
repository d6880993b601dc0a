"""Interleaved 1F1B: a fixed order in which every device takes its stages in turns, some micro-batches on each.

Device d runs 2 (D - d - 1) + (C - 1) D forwards first (C stages on each device; D - d - 1 if C is 1), then one
forward and one backward in turns. Forwards go through D micro-batches on the device's first stage, the same on its
second, and so on; backward passes likewise from its last stage. Weight gradients come right behind input gradients.
Where this does not fit in memory, or stages do not go round the devices, it is 1F1B as a rule.

Source: Narayanan et al., "Efficient Large-Scale Language Model Training on GPU Clusters Using Megatron-LM", SC 2021.
The paper asks for a multiple of D micro-batches; here the last group may be smaller.
"""

import heapq

import numpy as np


def schedule(pipeline: dict) -> np.ndarray:
    """The fixed order, if it can be run."""
    order = fixed_order(pipeline)
    if order is not None and fits(pipeline, order) and runs(pipeline, order):
        return order
    whole = np.bincount(pipeline["device"], weights=pipeline["activation_mb"])
    rooms = int((pipeline["capacity_mb"] // np.maximum(whole, 1)).min())
    return one_f_one_b(pipeline, min(pipeline["devices"], rooms, pipeline["micro_batches"]))


def fixed_order(pipeline: dict):
    """Device after device; None if stages do not go round the devices."""
    stages, batches, devices = (pipeline[key] for key in ("stages", "micro_batches", "devices"))
    if (pipeline["device"] != np.arange(stages) % devices).any() or stages % devices:
        return None
    chunks, order = stages // devices, []
    groups = [range(first, min(first + devices, batches)) for first in range(0, batches, devices)]
    for device in range(devices):
        mine = range(device, stages, devices)
        turns = [(stage, batch) for group in groups for stage in mine for batch in group]
        backs = [(stage, batch) for group in groups for stage in reversed(mine) for batch in group]
        ahead = devices - device - 1 if chunks == 1 else 2 * (devices - device - 1) + (chunks - 1) * devices
        for place in range(len(turns) + ahead):
            if place < len(turns):
                order.append(turns[place][0] * batches + turns[place][1])
            if place >= ahead:
                stage, batch = backs[place - ahead]
                order += [(stages + stage) * batches + batch, (2 * stages + stage) * batches + batch]
    return np.array(order)


def fits(pipeline: dict, order: np.ndarray) -> bool:
    """Whether no device ever holds more than it can."""
    kind, stage = np.divmod(order // pipeline["micro_batches"], pipeline["stages"])
    activation, kept = pipeline["activation_mb"][stage], pipeline["kept_mb"][stage]
    change = np.where(kind == 0, activation, np.where(kind == 1, kept - activation, -kept))
    device = pipeline["device"][stage]
    return all(
        np.cumsum(change[device == one]).max() <= capacity for one, capacity in enumerate(pipeline["capacity_mb"])
    )


def runs(pipeline: dict, order: np.ndarray) -> bool:
    """Whether devices never wait for one another for ever."""
    stages, batches, device = pipeline["stages"], pipeline["micro_batches"], pipeline["device"]
    queues = [order[device[order // batches % stages] == one][::-1].tolist() for one in range(pipeline["devices"])]
    done, moved = set(), True
    while moved:
        moved = False
        for queue in queues:
            while queue:
                kind, stage = divmod(queue[-1] // batches, stages)
                before = [queue[-1] - batches] if kind == 0 and stage else []
                if kind:
                    before = [queue[-1] - stages * batches]
                if kind == 1 and stage + 1 < stages:
                    before.append(queue[-1] + batches)
                if not all(one in done for one in before):
                    break
                done.add(queue.pop())
                moved = True
    return not any(queues)


def one_f_one_b(pipeline: dict, under_way: int) -> np.ndarray:
    """1F1B as a rule, with so many micro-batches under way."""
    stages, batches, devices = (pipeline[key] for key in ("stages", "micro_batches", "devices"))
    device, link = pipeline["device"].tolist(), pipeline["link_us"].tolist()
    forward, back, weight = (pipeline[key].tolist() for key in ("forward_us", "input_us", "weight_us"))
    order, busy, there = [], [0] * devices, [[] for _ in range(devices)]
    news = [(0, device[0], (True, batch, 0)) for batch in range(under_way)]  # time, device, what is there then
    while news:
        time, touched = news[0][0], set()
        while news and news[0][0] == time:
            _, one, come = heapq.heappop(news)
            touched.add(one)
            if come:
                heapq.heappush(there[one], come)
        for one in sorted(touched):
            if busy[one] > time or not there[one]:
                continue
            is_forward, batch, stage = heapq.heappop(there[one])
            if is_forward:
                order.append(stage * batches + batch)
                busy[one] = end = time + forward[stage]
                last = stage + 1 == stages
                onward = (end, one, (False, batch, stage))
                if not last:
                    onward = (end + link[stage], device[stage + 1], (True, batch, stage + 1))
                heapq.heappush(news, onward)
            else:
                order += [(stages + stage) * batches + batch, (2 * stages + stage) * batches + batch]
                end = time + back[stage]
                busy[one] = end + weight[stage]
                if stage:
                    heapq.heappush(news, (end + link[stage - 1], device[stage - 1], (False, batch, stage - 1)))
                elif batch + under_way < batches:
                    heapq.heappush(news, (end, one, (True, batch + under_way, 0)))
            heapq.heappush(news, (busy[one], one, ()))
    return np.array(order)
