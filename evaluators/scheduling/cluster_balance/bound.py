"""A cost that no schedule can be below, even one that knows every size and speed; proved on the task's page.

Two bounds, of which the larger counts. Each job alone: it does its work where time and its share of the price are
least. And all together: the work as one divisible stream through one machine as fast as all, densest first (the optimum
of fractional weighted flow time), plus half of each job's own time, plus the least price of the work.
"""

from __future__ import annotations

import heapq

import numpy as np

from evaluators.scheduling.cluster_balance.workload import Floats, Workload

SHARES = tuple(np.linspace(0.0, 1.0, 9).tolist())  # of the price that is laid on cores; the rest on memory


def lower_bound(workload: Workload) -> float:
    """The larger of the two bounds of the workload's cost."""
    return max(alone(workload), together(workload))


def alone(workload: Workload) -> float:
    """Each job as if it had the best machine for itself, paying for its share of the machine."""
    weight_N1 = workload.jobs.weight_N[:, None]
    return max(_least(workload, weight_N1 + _shares(workload, share)) for share in SHARES)


def together(workload: Workload) -> float:
    """The divisible stream of either resource, half of the jobs' own times, and the least price."""
    jobs, fleet = workload.jobs, workload.fleet
    price = max(_least(workload, _shares(workload, share)) for share in SHARES)
    half = float(jobs.weight_N @ jobs.size_N) / (2 * float(fleet.speed_M.max()))
    stream = max(
        fractional_flow(
            jobs.arrival_N.astype(np.float64),
            jobs.demand_N2[:, resource] * jobs.size_N,
            jobs.weight_N,
            float(fleet.speed_M @ fleet.capacity_M2[:, resource]),
        )
        for resource in (0, 1)
    )
    return stream + half + price


def fractional_flow(arrival_N: Floats, volume_N: Floats, weight_N: Floats, rate: float) -> float:
    """Least weighted fractional flow time of volumes on one machine of `rate`: highest weight per volume first.

    Args:
        arrival_N: Sorted.
        volume_N: Work of each; those of volume 0 cost nothing.
        weight_N: Cost of a tick in which all of the job is left.
        rate: Volume per tick.
    """
    waiting: list[tuple[float, int]] = []
    left = volume_N.tolist()
    arrivals, now, total, coming = arrival_N.tolist(), 0.0, 0.0, 0
    while coming < len(left) or waiting:
        if not waiting:
            now = max(now, arrivals[coming])
        while coming < len(left) and arrivals[coming] <= now:
            if left[coming] > 0:
                heapq.heappush(waiting, (-weight_N[coming] / volume_N[coming], coming))
            coming += 1
        if not waiting:
            continue
        density, job = waiting[0]
        until = now + left[job] / rate
        if coming < len(left) and arrivals[coming] < until:
            until, done = arrivals[coming], (arrivals[coming] - now) * rate
            left[job] -= done
        else:
            done = left[job]
            heapq.heappop(waiting)
        total += -density * done * ((now + until) / 2 - arrivals[job])
        now = until
    return total


def _shares(workload: Workload, share: float) -> Floats:
    """The part of each machine's price that each job must pay per tick on it, (N, M)."""
    fleet, demand_N2 = workload.fleet, workload.jobs.demand_N2
    cores_NM, memory_NM = (demand_N2[:, r, None] / fleet.capacity_M2[None, :, r] for r in (0, 1))
    parts_NM: Floats = fleet.price_M * (share * cores_NM + (1 - share) * memory_NM)
    return parts_NM


def _least(workload: Workload, cost_NM: Floats) -> float:
    """Sum over jobs of the least cost of their work, where a tick on a machine costs `cost_NM`.

    A machine that cannot hold a job is left out.
    """
    fits_NM = (workload.jobs.demand_N2[:, None, :] <= workload.fleet.capacity_M2[None]).all(axis=2)
    each_NM = np.where(fits_NM, cost_NM / workload.fleet.speed_M, np.inf)
    return float(workload.jobs.size_N @ each_NM.min(axis=1))
