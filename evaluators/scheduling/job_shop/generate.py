"""Fresh shops: Taillard's generator, and layouts that it does not have.

Source: E. Taillard, "Benchmarks for basic scheduling problems", European Journal of Operational Research 64 (1993):
the linear congruential generator, durations uniform on 1 .. 99 from one seed, machine orders by exchanges from another.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from evaluators.scheduling.job_shop.shop import LONGEST, Ints, Shop, make_shop

Floats = npt.NDArray[np.float64]

MODULUS = 2**31 - 1
MULTIPLIER = 16807
LONGEST_DRAWN = 99
SPREAD = 0.35  # half-width of a job's or machine's own factor, and of the noise on top, in correlated layouts
WIDE_SPREAD = 0.7  # the same in leaning ones


class Layout(StrEnum):
    """How machine orders and durations are drawn."""

    TAILLARD = "taillard"  # any order, durations 1 .. 99, all independent
    TWO_SETS = "two_sets"  # one half of the machines comes before the other, as in Storer, Wu and Vaccari (1992)
    JOB_CORRELATED = "job_correlated"  # long jobs and short ones
    MACHINE_CORRELATED = "machine_correlated"  # slow machines and fast ones
    SOME_TWO_SETS = "some_two_sets"  # every other job as in two_sets, the rest as in taillard
    JOB_LEANING = "job_leaning"  # as the correlated ones, with twice the noise
    MACHINE_LEANING = "machine_leaning"


class TaillardStream:
    """Whole numbers from Taillard's congruential generator."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def uniform(self, low: int, high: int) -> int:
        """The next number from `low` to `high`, both included."""
        self._state = self._state * MULTIPLIER % MODULUS
        return low + int(self._state / MODULUS * (high - low + 1))


def taillard_durations(jobs: int, machines: int, seed: int) -> Ints:
    """``(J, M)`` durations 1 .. 99 from a time seed."""
    stream = TaillardStream(seed)
    drawn = [[stream.uniform(1, LONGEST_DRAWN) for _ in range(machines)] for _ in range(jobs)]
    return np.array(drawn, dtype=np.int64)


def taillard_routes(jobs: int, machines: int, seed: int) -> Ints:
    """``(J, M)`` machine orders from a machine seed."""
    stream = TaillardStream(seed)
    rows = [list(range(machines)) for _ in range(jobs)]
    for row in rows:
        for place in range(machines):
            other = stream.uniform(place, machines - 1)
            row[place], row[other] = row[other], row[place]
    return np.array(rows, dtype=np.int64)


def draw_shop(layout: Layout, jobs: int, machines: int, rng: np.random.Generator) -> Shop:
    """A fresh shop of a layout; `rng` gives Taillard's two seeds and whatever else the layout needs."""
    time_seed, machine_seed = (int(seed) for seed in rng.integers(1, MODULUS, 2))
    durations, routes = taillard_durations(jobs, machines, time_seed), taillard_routes(jobs, machines, machine_seed)
    match layout:
        case Layout.TAILLARD:
            pass
        case Layout.TWO_SETS:
            routes = _first_half_first(routes)
        case Layout.JOB_CORRELATED:
            durations = _correlated_by_job(jobs, machines, SPREAD, rng)
        case Layout.MACHINE_CORRELATED:
            durations = _correlated_by_machine(routes, SPREAD, rng)
        case Layout.SOME_TWO_SETS:
            routes[::2] = _first_half_first(routes[::2])
        case Layout.JOB_LEANING:
            durations = _correlated_by_job(jobs, machines, WIDE_SPREAD, rng)
        case Layout.MACHINE_LEANING:
            durations = _correlated_by_machine(routes, WIDE_SPREAD, rng)
    return make_shop(routes, durations)


def _first_half_first(routes_JM: Ints) -> Ints:
    """Each job's machines below M / 2 first, each half in the order it had."""
    is_late = routes_JM >= routes_JM.shape[1] // 2
    return np.take_along_axis(routes_JM, np.argsort(is_late, axis=1, kind="stable"), axis=1)


def _correlated_by_job(jobs: int, machines: int, spread: float, rng: np.random.Generator) -> Ints:
    return _correlated(rng.uniform(size=(jobs, 1)), (jobs, machines), spread, rng)


def _correlated_by_machine(routes_JM: Ints, spread: float, rng: np.random.Generator) -> Ints:
    factors = np.broadcast_to(rng.uniform(size=routes_JM.shape[1]), routes_JM.shape)
    return _correlated(np.take_along_axis(factors, routes_JM, axis=1), routes_JM.shape, spread, rng)


def _correlated(level: Floats, shape: tuple[int, ...], spread: float, rng: np.random.Generator) -> Ints:
    """Durations 1 .. 99 around a level in 0 .. 1 that jobs or machines have of their own."""
    share = (1 - spread) * level + spread * rng.uniform(size=shape)
    return 1 + np.floor(share * LONGEST_DRAWN).astype(np.int64)


def realised_durations(shop: Shop, sigma: float, rng: np.random.Generator) -> Ints:
    """``(J, M)`` what operations take in truth: expected durations times lognormal noise of mean one, at least 1."""
    noise = rng.lognormal(-0.5 * sigma**2, sigma, shop.durations_JM.shape)
    return np.maximum(1, np.rint(shop.durations_JM * noise)).astype(np.int64)


def shuffled(shop: Shop, jitter: float, rng: np.random.Generator) -> Shop:
    """The shop with jobs and machines renumbered and each duration changed by up to `jitter` of itself, as far as the
    longest that a shop may have.
    """
    jobs, machines = rng.permutation(shop.num_jobs), rng.permutation(shop.num_machines)
    factors = rng.uniform(1 - jitter, 1 + jitter, shop.durations_JM.shape)
    durations = np.clip(np.rint(shop.durations_JM * factors), 1, LONGEST).astype(np.int64)
    return make_shop(machines[shop.routes_JM][jobs], durations[jobs])
