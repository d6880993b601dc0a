"""Small jobs, availabilities and programs for the tests of `spot_deadline`."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt

from evaluators.problem import ClockPolicy
from evaluators.scheduling.spot_deadline.job import Choice, Job, Mode, State, advance, guarded, seen
from evaluators.scheduling.spot_deadline.scenario import Scenario, Tick, build_scenario
from tests.in_process import InProcessCandidate

Bools = npt.NDArray[np.bool_]
CLOCK = ClockPolicy()
START = """
class Policy:
    def __init__(self, config):
        self.config = config
    def step(self, tick, done, mode, region, pending, available):
"""
ON_DEMAND = START + "        return 2, region"
GREEDY = START + "        return (1 if available[region] else 0), region"
IDLER = START + "        return 0, 0"
# Spot wherever it is, on demand while behind: uses every kind of start and move.
RESTLESS = (
    START
    + """
        for other, there in enumerate(available):
            if there and (tick // 3 + other) % 2 == 0:
                return 1, other
        return (2 if done * self.config["deadline"] < tick * self.config["work"] else 0), region
"""
)


def a_job(**changes: object) -> Job:
    job = Job(
        tick_s=240.0,
        work=40,
        deadline=60,
        overhead=3,
        spot_usd=(0.3, 0.25, 0.4),
        on_demand_usd=(1.0, 1.1, 1.2),
        move_usd=0.5,
    )
    return replace(job, **changes)  # type: ignore[arg-type]


def one_region(**changes: object) -> Job:
    return a_job(spot_usd=(0.3,), on_demand_usd=(1.0,), **changes)


def some_availability(job: Job, seed: int = 0, share: float = 0.6, runs: int = 6) -> Bools:
    """Blocks of about `runs` ticks, each up with the given chance."""
    rng = np.random.default_rng(seed)
    blocks = rng.random((-(-job.deadline // runs), job.regions)) < share
    return np.repeat(blocks, runs, axis=0)[: job.deadline]


def a_scenario(job: Job | None = None, seed: int = 0, share: float = 0.6) -> Scenario:
    job = job or a_job()
    return build_scenario("scene-0", "scene", job, some_availability(job, seed, share), candidate_seed=7)


def ticks_of(scenario: Scenario, source: str) -> list[Tick]:
    return scenario.run(InProcessCandidate(source))


def random_job(rng: np.random.Generator, *, regions: int, most_ticks: int) -> Job:
    """A tiny job that can be met; overheads from none to two ticks."""
    overhead = int(rng.integers(0, 3))
    work = int(rng.integers(1, most_ticks - overhead))
    return Job(
        tick_s=600.0,
        work=work,
        deadline=int(rng.integers(work + overhead, most_ticks + 1)),
        overhead=overhead,
        spot_usd=tuple(rng.uniform(0.1, 0.9, regions)),
        on_demand_usd=tuple(rng.uniform(1.0, 1.5, regions)),
        move_usd=float(rng.choice([0.0, 0.2, 3.0])),
    )


def cheapest_by_enumeration(job: Job, available_TR: Bools) -> float:
    """Least cost over all sequences of choices, played by the engine's own rules."""
    every = [Choice(mode, region) for mode, region in product(Mode, range(job.regions))]

    def least(state: State) -> float:
        if state.done == job.work:
            return 0.0
        here = available_TR[state.tick]
        state = seen(state, here)
        costs = []
        for choice in every:
            if choice.mode is not Mode.SPOT or here[choice.region]:
                after, usd = advance(job, state, guarded(job, state, choice))
                costs.append(usd + least(after))
        return min(costs)

    return least(job.start)
