"""1F1B with nearly twice as many micro-batches under way, as far as memory goes, so that slow links are hidden.

The rule is that of `one_f_one_b.py`: the oldest input gradient and its weight gradient, else the oldest forward.

Source: after eager-1F1B of Zhuang et al., "On Optimizing the Communication of Model Parallelism", MLSys 2023: it runs
about twice as many forwards before a device's first backward pass; here one number of micro-batches under way,
2 D - 1, stands for all devices.
"""

import heapq

import numpy as np


def schedule(pipeline: dict) -> np.ndarray:
    """Passes in the order in which they start."""
    whole = np.bincount(pipeline["device"], weights=pipeline["activation_mb"])
    rooms = int((pipeline["capacity_mb"] // np.maximum(whole, 1)).min())
    return one_f_one_b(pipeline, min(2 * pipeline["devices"] - 1, rooms, pipeline["micro_batches"]))


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
