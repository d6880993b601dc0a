"""A step that no order of a pipeline's passes can beat.

Micro-batches are alike, so let head(kind, s, j) be a time before which the j-th pass of a kind on stage s cannot start,
in whatever order micro-batches come, and tail(kind, s, j) the time that goes by at least between the end of the j-th
pass from the last and the end of the step. If every pass of a kind needs the same micro-batch's pass of another kind
to start c earlier, the j-th needs the j-th of the other to: when j have started, j of the others have. So

- dependencies carry heads and tails from pass to pass, links included;
- the j-th pass comes after j passes of all that precedes it in a micro-batch on its device, one at a time;
- memory: if a device holds at most R activations of a stage, the j-th forward comes after the (j - R)-th input
  gradient; if it holds at most one beside R kept parts, after the (j - R - 1)-th weight gradient.

With these, every device is one machine with heads and tails. Letting it interrupt passes only makes that easier, and
then Jackson's rule (of what is there, the pass with the longest tail) is optimal: its makespan bounds the step.

`memory_us` bounds it from another side: a device holds what it holds for at least the time that a micro-batch takes
from there to the last stage and back.

Source: one machine with heads and tails after Carlier, EJOR 1982, and Carlier and Pinson, Management Science 1989.

Shapes: K kinds of passes, S stages, D devices, M micro-batches, J passes of a device.
"""

from __future__ import annotations

import heapq

import numpy as np

from evaluators.scheduling.pipeline_schedule.pipeline import FORWARD, INPUT, WEIGHT, Ints, Pipeline


def step_bound_us(pipeline: Pipeline) -> int:
    """The largest of the bounds: one micro-batch's way, the devices as machines, and what they hold."""
    heads_KSM, tails_KSM = heads_us(pipeline), tails_us(pipeline)
    longest = int((heads_KSM + pipeline.times_us_KS[:, :, None] + tails_KSM[:, :, ::-1]).max())
    machines = [_machine_us(pipeline, device, heads_KSM, tails_KSM) for device in range(pipeline.devices)]
    areas = [memory_us(pipeline, device, heads_KSM, tails_KSM) for device in range(pipeline.devices)]
    return max(longest, *machines, *areas)


def heads_us(pipeline: Pipeline) -> Ints:
    """``(K, S, M)`` the earliest start of the j-th pass of each kind on each stage."""
    (forward, back, weight), links = pipeline.times_us_KS.tolist(), pipeline.link_us_S.tolist()
    before = work_before_us(pipeline).tolist()
    rooms, spares, last = rooms_of(pipeline), spares_of(pipeline), pipeline.stages - 1
    heads = np.zeros((3, pipeline.stages, pipeline.micro_batches), dtype=np.int64)
    for j in range(pipeline.micro_batches):
        for s in range(last + 1):
            arrival = heads[FORWARD, s - 1, j] + forward[s - 1] + links[s - 1] if s else 0
            memory = heads[INPUT, s, j - rooms[s]] + back[s] if j >= rooms[s] else 0
            freed = heads[WEIGHT, s, j - spares[s] - 1] + weight[s] if j > spares[s] else 0
            own = _first(heads, pipeline, s) + (j + 1) * before[FORWARD][s] + j * forward[s]
            heads[FORWARD, s, j] = max(own, arrival, memory, freed)
        for s in range(last, -1, -1):
            arrival = heads[INPUT, s + 1, j] + back[s + 1] + links[s] if s < last else 0
            own = _first(heads, pipeline, s) + (j + 1) * before[INPUT][s] + j * back[s]
            heads[INPUT, s, j] = max(own, arrival, heads[FORWARD, s, j] + forward[s])
            own = _first(heads, pipeline, s) + (j + 1) * before[WEIGHT][s] + j * weight[s]
            heads[WEIGHT, s, j] = max(own, heads[INPUT, s, j] + back[s])
    return heads


def tails_us(pipeline: Pipeline) -> Ints:
    """``(K, S, M)`` the least time from the end of the j-th pass from the last to the end of the step."""
    (forward, back, weight), links = pipeline.times_us_KS.tolist(), pipeline.link_us_S.tolist()
    behind = work_behind_us(pipeline).tolist()
    rooms, spares, last = rooms_of(pipeline), spares_of(pipeline), pipeline.stages - 1
    tails = np.zeros((3, pipeline.stages, pipeline.micro_batches), dtype=np.int64)
    for j in range(pipeline.micro_batches):
        for s in range(last + 1):
            freed = tails[FORWARD, s, j - spares[s] - 1] + forward[s] if j > spares[s] else 0
            tails[WEIGHT, s, j] = max(j * weight[s], freed)
            leaving = tails[INPUT, s - 1, j] + back[s - 1] + links[s - 1] if s else 0
            memory = tails[FORWARD, s, j - rooms[s]] + forward[s] if j >= rooms[s] else 0
            own = max((j + 1) * behind[INPUT][s] + j * back[s], tails[WEIGHT, s, j] + weight[s])
            tails[INPUT, s, j] = max(own, leaving, memory)
        for s in range(last, -1, -1):
            leaving = tails[FORWARD, s + 1, j] + forward[s + 1] + links[s] if s < last else 0
            own = (j + 1) * behind[FORWARD][s] + j * forward[s]
            tails[FORWARD, s, j] = max(own, leaving, tails[INPUT, s, j] + back[s])
    return tails


def work_before_us(pipeline: Pipeline) -> Ints:
    """``(K, S)`` what a device has done of a micro-batch, at least, when it starts a pass of it."""
    (forward, back, _), device_S = pipeline.times_us_KS, pipeline.device_S
    before = np.zeros((3, pipeline.stages), dtype=np.int64)
    for s in range(pipeline.stages):
        mine = device_S == device_S[s]
        before[FORWARD, s] = forward[:s][mine[:s]].sum()
        before[INPUT, s] = forward[mine].sum() + back[s + 1 :][mine[s + 1 :]].sum()
        before[WEIGHT, s] = before[INPUT, s] + back[s]
    return before


def work_behind_us(pipeline: Pipeline) -> Ints:
    """``(K, S)`` what a device has still to do of a micro-batch, at least, when it ends a pass of it."""
    (forward, back, weight), device_S = pipeline.times_us_KS, pipeline.device_S
    behind = np.zeros((3, pipeline.stages), dtype=np.int64)
    for s in range(pipeline.stages):
        mine = device_S == device_S[s]
        behind[FORWARD, s] = forward[s + 1 :][mine[s + 1 :]].sum() + (back + weight)[mine].sum()
        behind[INPUT, s] = (back + weight)[:s][mine[:s]].sum() + weight[s]
    return behind


def rooms_of(pipeline: Pipeline) -> list[int]:
    """The most activations of each stage that its device can hold at a time."""
    activation_S, capacity_S = pipeline.activation_mb_S, pipeline.capacity_mb_D[pipeline.device_S]
    rooms_S = np.where(activation_S > 0, capacity_S // np.maximum(activation_S, 1), pipeline.micro_batches)
    return [int(room) for room in rooms_S]


def spares_of(pipeline: Pipeline) -> list[int]:
    """The most kept parts of each stage that its device can hold beside one of its activations."""
    kept_S, spare_S = pipeline.kept_mb_S, pipeline.capacity_mb_D[pipeline.device_S] - pipeline.activation_mb_S
    spares_S = np.where(kept_S > 0, spare_S // np.maximum(kept_S, 1), pipeline.micro_batches)
    return [int(spare) for spare in spares_S]


def memory_us(pipeline: Pipeline, device: int, heads_KSM: Ints, tails_KSM: Ints) -> int:
    """The least step in which a device can hold what it must for as long as it must.

    Activations of stage s are held from the forward to the last stage and back. Sizes times these times, summed up over
    the device's stages and all micro-batches, fit into its capacity times the time from its first forward to its last
    input gradient. The same with what is kept for weight gradients, up to the end of the step.
    """
    mine = np.flatnonzero(pipeline.device_S == device)
    round_trip_S = (pipeline.forward_us_S + pipeline.input_us_S + 2 * pipeline.link_us_S)[::-1].cumsum()[::-1]
    held = _area(pipeline.activation_mb_S[mine], round_trip_S[mine]) * pipeline.micro_batches
    kept = _area(pipeline.kept_mb_S[mine], pipeline.weight_us_S[mine]) * pipeline.micro_batches
    capacity = int(pipeline.capacity_mb_D[device])
    first, last = int(heads_KSM[FORWARD, mine, 0].min()), int(tails_KSM[INPUT, mine, 0].min())
    return max(first - (-held // capacity) + last, first - (-(held + kept) // capacity))


def _area(sizes: Ints, times: Ints) -> int:
    """The sum of their products, in integers without end."""
    return sum(size * time for size, time in zip(sizes.tolist(), times.tolist(), strict=True))


def _first(heads_KSM: Ints, pipeline: Pipeline, stage: int) -> int:
    """The earliest start of any pass on the device of a stage: that of the first forward on its first stage."""
    return int(heads_KSM[FORWARD, pipeline.first_stage_S[stage], 0])


def _machine_us(pipeline: Pipeline, device: int, heads_KSM: Ints, tails_KSM: Ints) -> int:
    """The makespan of a device that may interrupt its passes, by Jackson's rule."""
    mine = np.flatnonzero(pipeline.device_S == device)
    heads = heads_KSM[:, mine].ravel()
    tails = tails_KSM[:, mine, ::-1].ravel()
    times = np.repeat(pipeline.times_us_KS[:, mine].ravel(), pipeline.micro_batches)
    return preemptive_makespan(heads, times, tails)


def preemptive_makespan(heads_J: Ints, times_J: Ints, tails_J: Ints) -> int:
    """The least makespan of jobs with heads and tails on one machine that may interrupt them."""
    order = np.argsort(heads_J, kind="stable")
    jobs = list(zip(heads_J[order].tolist(), times_J[order].tolist(), tails_J[order].tolist(), strict=True))
    there: list[list[int]] = []  # minus the tail, and the time left
    clock, longest, place = 0, 0, 0
    while place < len(jobs) or there:
        if not there:
            clock = max(clock, jobs[place][0])
        while place < len(jobs) and jobs[place][0] <= clock:
            heapq.heappush(there, [-jobs[place][2], jobs[place][1]])
            place += 1
        tail, left = there[0]
        until = jobs[place][0] if place < len(jobs) else clock + left
        spent = min(left, until - clock)
        clock += spent
        if spent == left:
            heapq.heappop(there)
            longest = max(longest, clock - tail)
        else:
            there[0][1] = left - spent
    return longest
