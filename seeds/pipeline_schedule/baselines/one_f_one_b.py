"""One forward, one backward, as a rule: the weak baseline, as the task's page says it.

A free device runs the oldest input gradient that is there and its weight gradient right behind it, else the oldest
forward. As many micro-batches are under way as there are devices, or fewer if a device cannot hold so many whole.

Source: Narayanan et al., "PipeDream", SOSP 2019, and "Memory-efficient pipeline-parallel DNN training", ICML 2021;
early backward passes as in Fan et al., "DAPPLE", PPoPP 2021. There each device counts its own warm-up; here one number
of micro-batches under way stands for all of them.
"""

import heapq

import numpy as np


def schedule(pipeline: dict) -> np.ndarray:
    """Passes in the order in which they start."""
    stages, batches, devices = (pipeline[key] for key in ("stages", "micro_batches", "devices"))
    device, link = pipeline["device"].tolist(), pipeline["link_us"].tolist()
    forward, back, weight = (pipeline[key].tolist() for key in ("forward_us", "input_us", "weight_us"))
    whole = np.bincount(pipeline["device"], weights=pipeline["activation_mb"])
    rooms = int((pipeline["capacity_mb"] // np.maximum(whole, 1)).min())
    under_way = min(devices, rooms, batches)
    order, busy, there = [], [0] * devices, [[] for _ in range(devices)]
    # news: a time, a device, and what is there then, as (is a forward, micro-batch, stage); nothing if a pass has ended
    news = [(0, device[0], (True, batch, 0)) for batch in range(under_way)]
    while news:
        time = news[0][0]
        touched = set()
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
                if stage + 1 < stages:
                    heapq.heappush(news, (end + link[stage], device[stage + 1], (True, batch, stage + 1)))
                else:
                    heapq.heappush(news, (end, one, (False, batch, stage)))
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
