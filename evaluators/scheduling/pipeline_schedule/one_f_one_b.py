"""The weak anchor: one forward, one backward, as a rule that fits every pipeline and every memory.

A free device runs the backward pass of the oldest micro-batch that has come back to it, its weight gradient right
behind its input gradient; if none has, the forward pass of the oldest micro-batch that has come. As many micro-batches
are under way as there are devices, or fewer if memory cannot hold so many whole: the next one enters when the first
stage has done one's input gradient. With one stage on a device this is the usual schedule.

Source: 1F1B after Narayanan et al., "PipeDream", SOSP 2019, and "Memory-efficient pipeline-parallel DNN training",
ICML 2021; early backward scheduling after Fan et al., "DAPPLE", PPoPP 2021.
"""

from __future__ import annotations

import heapq

import numpy as np

from evaluators.scheduling.pipeline_schedule.pipeline import FORWARD, INPUT, WEIGHT, Ints, Pipeline

_FREE = -1  # stands for the news that a device has ended a pass


def one_f_one_b(pipeline: Pipeline) -> Ints:
    """``(N,)`` all passes in the order in which they start."""
    events = [(0, 0, pipeline.number(FORWARD, 0, one)) for one in range(_under_way(pipeline))]  # time, device, pass
    first = int(pipeline.device_S[0])
    events = [(time, first, number) for time, _, number in events]
    heapq.heapify(events)
    waiting: list[list[tuple[bool, int, int]]] = [[] for _ in range(pipeline.devices)]  # forward?, micro-batch, pass
    busy_until = [0] * pipeline.devices
    order: list[int] = []
    while events:
        time = events[0][0]
        touched = set()
        while events and events[0][0] == time:
            _, device, number = heapq.heappop(events)
            touched.add(device)
            if number != _FREE:
                kind, _, micro_batch = pipeline.meaning(number)
                heapq.heappush(waiting[device], (kind == FORWARD, micro_batch, number))
        for device in sorted(touched):
            if busy_until[device] <= time and waiting[device]:
                number = heapq.heappop(waiting[device])[2]
                busy_until[device] = _run(pipeline, number, time, order, events)
                heapq.heappush(events, (busy_until[device], device, _FREE))
    return np.array(order, dtype=np.int64)


def _run(pipeline: Pipeline, number: int, time: int, order: list[int], events: list[tuple[int, int, int]]) -> int:
    """Start a pass, tell when what follows from it may start, and return when the device is free."""
    kind, stage, micro_batch = pipeline.meaning(number)
    end = time + int(pipeline.times_us_KS[kind, stage])
    order.append(number)
    following = [(kind, stage, micro_batch, 0)]
    if kind == FORWARD:
        last = stage + 1 == pipeline.stages
        next_kind, next_stage, link = (
            (INPUT, stage, 0) if last else (FORWARD, stage + 1, int(pipeline.link_us_S[stage]))
        )
        following = [(next_kind, next_stage, micro_batch, link)]
        free = end
    else:
        order.append(pipeline.number(WEIGHT, stage, micro_batch))
        free = end + int(pipeline.weight_us_S[stage])
        if stage:
            following = [(INPUT, stage - 1, micro_batch, int(pipeline.link_us_S[stage - 1]))]
        else:
            entering = micro_batch + _under_way(pipeline)
            following = [(FORWARD, 0, entering, 0)] if entering < pipeline.micro_batches else []
    for next_kind, next_stage, which, link in following:
        device = int(pipeline.device_S[next_stage])
        heapq.heappush(events, (end + link, device, pipeline.number(next_kind, next_stage, which)))
    return free


def _under_way(pipeline: Pipeline) -> int:
    return min(pipeline.devices, pipeline.in_flight, pipeline.micro_batches)
