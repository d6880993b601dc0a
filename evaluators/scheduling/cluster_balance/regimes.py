"""What kinds of load and fleet there are, and how one is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluators.scheduling.cluster_balance.workload import Fleet, Floats, Ints, Jobs, Workload

CORES, MEMORY_GB = 16.0, 64.0  # of the larger machines
LARGEST_SIZE = 150.0  # ticks at speed 1
GROUPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """All but the random numbers of a workload."""

    machines: tuple[int, ...] = (8, 10)
    load: float = 0.45  # mean, of what the tighter resource of the fleet can do
    spread: float = 0.3  # log-scale, of speeds
    posted: float = 0.2  # log-scale error of what is told of them
    small: float = 0.5  # share of the machines with half of the cores and memory
    price: float = 1.0  # cost of a tick of a machine of 16 cores
    boot: int = 4
    move: int = 1
    within: float = 0.8  # log-scale spread of the sizes in a group
    between: float = 0.8  # of the groups' medians
    service: float = 0.5  # share of jobs with a weight four times as high and a third of the size
    gb_per_core: float = 3.0
    wave: float = 0.0  # depth of a day
    noise: float = 0.0  # log-scale of an AR(1) rate
    bursts: float = 0.0  # share of the jobs that come in bursts of about ten
    slow: float = 0.0  # share of ticks in which a machine is slow
    slow_to: float = 0.3  # its speed then


SEARCH: Mapping[str, Regime] = {
    "steady": Regime(),
    "diurnal": Regime(load=0.35, wave=0.8, noise=0.3, price=1.5),
    "bursts": Regime(load=0.35, bursts=0.6, boot=6),
    "tails": Regime(within=2.2, between=0.4, load=0.4),
    "mixed": Regime(service=0.2, load=0.55, price=0.6),
    "unlike": Regime(spread=0.7, posted=0.5, load=0.45),
    "stragglers": Regime(slow=0.15, load=0.45),
    "memory": Regime(gb_per_core=7.0, load=0.5),
}
HOLDOUT: Mapping[str, Regime] = {
    "large": Regime(machines=(14, 16), load=0.4, spread=0.4, noise=0.4, boot=8),
    "tiny": Regime(machines=(4, 5), load=0.3, wave=0.9, price=2.0, small=0.0),
    "lottery": Regime(within=2.6, between=1.0, load=0.35, posted=0.3, move=3),
    "brownout": Regime(slow=0.25, slow_to=0.08, load=0.3, spread=0.5),
    "crowd": Regime(bursts=0.85, load=0.45, service=0.8, gb_per_core=5.0, boot=3),
    "misled": Regime(spread=0.9, posted=1.0, load=0.4, price=0.7),
}


def draw(regime: Regime, machines: int, ticks: int, rng: np.random.Generator) -> Workload:
    """A workload of a regime, jobs arriving in `ticks` ticks."""
    fleet = draw_fleet(regime, machines, ticks, rng)
    return Workload(fleet=fleet, jobs=_jobs(regime, fleet, ticks, rng))


def draw_fleet(regime: Regime, machines: int, ticks: int, rng: np.random.Generator) -> Fleet:
    """Machines of two sizes; the price is fair for the cores and knows nothing of the speed."""
    scale_M = np.where(np.arange(machines) < round(regime.small * machines), 0.5, 1.0)
    speed_M = np.exp(rng.normal(0.0, regime.spread, machines))
    order = rng.permutation(machines)
    return Fleet(
        capacity_M2=(scale_M[:, None] * [CORES, MEMORY_GB])[order],
        speed_M=speed_M,
        posted_M=speed_M * np.exp(rng.normal(0.0, regime.posted, machines)),
        price_M=(regime.price * scale_M)[order] * np.exp(rng.normal(0.0, 0.1, machines)),
        slow_TM=_slowdowns(regime, machines, 2 * ticks, rng),
        boot=regime.boot,
        move=regime.move,
    )


def _slowdowns(regime: Regime, machines: int, ticks: int, rng: np.random.Generator) -> Floats:
    factor_TM = np.ones((ticks, machines))
    if regime.slow:
        mean = 25.0
        for machine in range(machines):
            at = int(rng.exponential(mean / regime.slow))
            while at < ticks:
                length = 1 + int(rng.exponential(mean))
                factor_TM[at : at + length, machine] = regime.slow_to
                at += length + int(rng.exponential(mean * (1 - regime.slow) / regime.slow))
    return factor_TM


def _jobs(regime: Regime, fleet: Fleet, ticks: int, rng: np.random.Generator) -> Jobs:
    rate = fleet.speed_M @ fleet.capacity_M2
    pool = 4000
    group_N = rng.integers(0, GROUPS, pool)
    service_G = np.arange(GROUPS) < round(regime.service * GROUPS)
    median_G = 8.0 * np.exp(rng.normal(0.0, regime.between, GROUPS)) * np.where(service_G, 0.4, 1.2)
    size_N = np.clip(median_G[group_N] * np.exp(rng.normal(0.0, regime.within, pool)), 0.2, LARGEST_SIZE)
    weight_N = np.where(service_G[group_N], 1.0, 0.25) * rng.choice([0.5, 1.0, 2.0], pool)
    cores_N = rng.choice([0.5, 1.0, 2.0, 4.0], pool, p=[0.2, 0.35, 0.3, 0.15])
    memory_N = np.clip(cores_N * regime.gb_per_core * np.exp(rng.normal(0.0, 0.5, pool)), 0.25, MEMORY_GB / 2)
    demand_N2 = np.stack([cores_N, memory_N], axis=1)
    tight = np.cumsum(demand_N2 * size_N[:, None] / rate, axis=0).max(axis=1)
    count = int(np.clip(np.searchsorted(tight, regime.load * ticks), 12, pool))
    chosen = slice(0, count)
    return Jobs(
        arrival_N=_arrivals(regime, ticks, count, rng),
        size_N=size_N[chosen],
        weight_N=weight_N[chosen],
        demand_N2=demand_N2[chosen],
        group_N=group_N[chosen].astype(np.int64),
    )


def _arrivals(regime: Regime, ticks: int, count: int, rng: np.random.Generator) -> Ints:
    rate_T = 1.0 + regime.wave * np.sin(2 * np.pi * (np.arange(ticks) / 120.0 + rng.random()))
    if regime.noise:
        level, levels = 0.0, np.zeros(ticks)
        for tick in range(ticks):
            level = 0.95 * level + regime.noise * np.sqrt(1 - 0.95**2) * rng.normal()
            levels[tick] = level
        rate_T = rate_T * np.exp(levels)
    share_T = rate_T / rate_T.sum()
    arrival_N = rng.choice(ticks, count, p=share_T)
    if regime.bursts:
        centres = rng.choice(ticks, max(1, int(regime.bursts * count / 10)), p=share_T)
        in_burst = rng.random(count) < regime.bursts
        arrival_N = np.where(in_burst, rng.choice(centres, count), arrival_N)
    return np.sort(arrival_N).astype(np.int64)
