"""ZB-H2: more forwards first than in ZB-H1, in up to twice the memory, so that no device waits once it has begun.

Device d (from 0) runs 2 (D - d) - 1 forwards, then one input gradient and one forward in turns; each weight gradient
comes 2 d input gradients later than its own. Where memory does not hold that it is ZB-H1, and where that does not fit
either, or several stages are on a device, 1F1B as a rule.

Source: Qi et al., "Zero Bubble (Almost) Pipeline Parallelism", ICLR 2024. There is no bubble if a device need not
wait for the others at the end of the step; here the step ends with the last pass of all.
"""

import heapq

import numpy as np


def schedule(pipeline: dict) -> np.ndarray:
    """The order by hand, if it fits."""
    devices = pipeline["devices"]
    if pipeline["stages"] == devices and (pipeline["device"] == np.arange(devices)).all():
        for times in (2, 1):
            firsts = [times * (devices - one) - times + 1 for one in range(devices)]
            order = by_hand(pipeline, firsts, [times * one for one in range(devices)])
            if fits(pipeline, order):
                return order
    whole = np.bincount(pipeline["device"], weights=pipeline["activation_mb"])
    rooms = int((pipeline["capacity_mb"] // np.maximum(whole, 1)).min())
    return one_f_one_b(pipeline, min(devices, rooms, pipeline["micro_batches"]))


def by_hand(pipeline: dict, firsts: list, delays: list) -> np.ndarray:
    """Device after device: how many forwards come first, and how many input gradients weight gradients wait for."""
    stages, batches, order = pipeline["stages"], pipeline["micro_batches"], []
    for stage, (first, delay) in enumerate(zip(firsts, delays, strict=True)):
        order += [stage * batches + batch for batch in range(min(first, batches))]
        for batch in range(batches):
            order.append((stages + stage) * batches + batch)
            if batch >= delay:
                order.append((2 * stages + stage) * batches + batch - delay)
            if batch + first < batches:
                order.append(stage * batches + batch + first)
        order += [(2 * stages + stage) * batches + batch for batch in range(max(batches - delay, 0), batches)]
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
