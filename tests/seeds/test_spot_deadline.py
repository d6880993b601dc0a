"""The programs of `seeds/spot_deadline`: valid on every job, and each the method that it names."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from evaluators.contract import Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scheduling.spot_deadline.job import Choice, Mode
from evaluators.scheduling.spot_deadline.scenario import Scenario, build_scenario
from evaluators.scheduling.spot_deadline.task import PROBLEM
from evaluators.seeding import SeedSource, secret_from_seed
from tests.evaluators.scheduling.spot_deadline.scenes import a_job, a_scenario, one_region, ticks_of
from tests.in_process import InProcessCandidate

SEEDS = Path(__file__).parents[2] / "seeds" / "spot_deadline"
FILES = {path.stem: path for path in (SEEDS / "initial.py", *sorted((SEEDS / "baselines").glob("*.py")))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
AT_HOME = ("initial", "on_demand", "greedy", "time_sliced", "uniform_progress", "hysteresis")


@lru_cache(maxsize=2)
def smoke(split: Split) -> tuple[Scenario, ...]:
    return tuple(PROBLEM.instances(Tier.SMOKE, split, SeedSource(secret_from_seed(2), split)))


def choices(name: str, scenario: Scenario) -> list[Choice]:
    return [tick.choice for tick in ticks_of(scenario, SOURCES[name])]


@pytest.mark.parametrize("name", FILES)
def test_every_program_is_scored_on_every_kind_of_job(name: str) -> None:
    jobs = a_job(overhead=0), one_region(deadline=46), one_region(work=1)
    edges = [a_scenario(job, share=1.0) for job in jobs]
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT), *edges):
        assert scenario.play(InProcessCandidate(SOURCES[name]), ClockPolicy()).outcome is Outcome.SCORED


@pytest.mark.parametrize("name", FILES)
def test_every_program_says_where_it_comes_from(name: str) -> None:
    text = ast.get_docstring(ast.parse(SOURCES[name])) or ""
    assert "Source: " in text or name == "initial"
    assert f"{name}.py" in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_the_initial_program_is_uniform_progress_with_room_to_evolve() -> None:
    assert SOURCES["initial"].count("EVOLVE-BLOCK-START") == SOURCES["initial"].count("EVOLVE-BLOCK-END") == 1
    for scenario in (*smoke(Split.SEARCH), *smoke(Split.HOLDOUT)):
        assert choices("initial", scenario) == choices("uniform_progress", scenario)


def test_what_evolves_gets_all_that_step_gets_and_a_memory_for_the_job() -> None:
    """A hook that only counts its calls, and goes where it never was while it runs on spot."""
    start, end = "def decide", "class Policy"
    before, after = SOURCES["initial"].split(start)[0], SOURCES["initial"].split(end)[1]
    hook = (
        "def decide(now, config, memory):\n"
        "    memory['seen'] = [*memory.get('seen', []), (now.tick, now.pending, tuple(now.available))]\n"
        "    assert [tick for tick, *_ in memory['seen']] == list(range(now.tick + 1))\n"
        "    assert len(now.available) == config['regions']\n"
        "    return (SPOT, now.tick // 10 % 3) if now.tick < 30 else (ON_DEMAND, now.region)\n"
    )
    job = a_job()
    scenario = build_scenario("s", "r", job, np.ones((job.deadline, 3), dtype=bool), candidate_seed=1)
    ticks = ticks_of(scenario, f"{before}{hook}\n\n{end}{after}")
    assert {tick.choice.region for tick in ticks[:30] if tick.choice.mode is Mode.SPOT} == {0, 1, 2}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CURVE = 1.0", "CURVE = 2.0"),
        ("TRUST = 0.0", "TRUST = 3.0"),
        ("LEAD = 0.0", "LEAD = 4.0"),
        ("LAG = 0.0", "LAG = 4.0"),
        ("HOLD = 0.0", "HOLD = 4.0"),
        ("PATIENCE = 1.0", "PATIENCE = 30.0"),
        ("STEADY = 1.0", "STEADY = 8.0"),
        ("MOVE_GAIN = 0.0", "MOVE_GAIN = 50.0"),
        ("FEWEST_OVERHEADS = 0.0", "FEWEST_OVERHEADS = 200.0"),
    ],
)
def test_every_constant_of_the_initial_program_decides_something(old: str, new: str) -> None:
    assert old in SOURCES["initial"]
    changed = SOURCES["initial"].replace(old, new)
    assert any(ticks_of(s, changed) != ticks_of(s, SOURCES["initial"]) for s in smoke(Split.SEARCH))


def test_on_demand_starts_once_and_scores_nothing() -> None:
    for scenario in smoke(Split.SEARCH):
        result = scenario.play(InProcessCandidate(SOURCES["on_demand"]), ClockPolicy())
        assert result.score == 0.0
        assert result.metrics["starts"] == result.metrics["on_demand_share"] == 1.0


def test_greedy_runs_on_demand_only_where_the_guard_makes_it() -> None:
    for scenario in smoke(Split.SEARCH):
        ticks = ticks_of(scenario, SOURCES["greedy"])
        assert all(tick.forced for tick in ticks if tick.choice.mode is Mode.ON_DEMAND)


def test_uniform_progress_is_never_far_behind_the_line() -> None:
    for scenario in smoke(Split.SEARCH):
        job, done, pending = scenario.job, 0, 0
        for index, tick in enumerate(ticks_of(scenario, SOURCES["hysteresis"])):
            pending = job.overhead if tick.started else pending
            done += tick.choice.mode is not Mode.IDLE and not pending
            pending -= pending > 0 and tick.choice.mode is not Mode.IDLE
            starts = 4 * job.overhead + 4  # spot may be lost again and again before it makes progress
            if tick.choice.mode is Mode.IDLE:
                assert done >= job.work * index / job.deadline - starts


def test_hysteresis_keeps_on_demand_although_there_is_spot() -> None:
    job = one_region(work=80, deadline=100, overhead=3)
    available_TR = np.ones((job.deadline, 1), dtype=bool)
    available_TR[:3] = False
    scenario = build_scenario("s", "r", job, available_TR, candidate_seed=1)
    plain, stays = choices("uniform_progress", scenario), choices("hysteresis", scenario)
    assert plain[3].mode is Mode.SPOT
    assert stays[3].mode is Mode.ON_DEMAND
    assert stays[-1].mode is Mode.SPOT


def test_time_slices_are_met() -> None:
    job = one_region(work=64, deadline=160, overhead=2)
    scenario = build_scenario("s", "r", job, np.zeros((160, 1), dtype=bool), candidate_seed=1)
    running = [choice.mode is Mode.ON_DEMAND for choice in choices("time_sliced", scenario)]
    assert [sum(running[20 * i : 20 * (i + 1)]) for i in range(8)] == [10] * 8  # eight of work, two of overhead


@pytest.mark.parametrize("name", AT_HOME)
def test_programs_for_one_region_stay_at_home(name: str) -> None:
    assert {choice.region for s in smoke(Split.HOLDOUT) for choice in choices(name, s)} == {0}


def test_round_robin_takes_turns_and_is_uniform_progress_with_one_region() -> None:
    job = a_job()
    available_TR = np.zeros((job.deadline, 3), dtype=bool)
    available_TR[:10, 0] = available_TR[10:20, 2] = available_TR[20:, 0] = available_TR[20:, 1] = True
    scenario = build_scenario("s", "r", job, available_TR, candidate_seed=1)
    assert list(dict.fromkeys(c.region for c in choices("round_robin", scenario))) == [0, 2]
    alone = a_scenario(one_region(), seed=4)
    assert choices("round_robin", alone) == choices("uniform_progress", alone)


def test_cheapest_region_weighs_the_price_against_the_move() -> None:
    cheap_move, dear_move = a_job(move_usd=0.0), a_job(move_usd=1000.0)
    available_TR = np.ones((60, 3), dtype=bool)
    for job, region in ((cheap_move, 1), (dear_move, 0)):
        scenario = build_scenario("s", "r", job, available_TR, candidate_seed=1)
        assert {choice.region for choice in choices("cheapest_region", scenario)} == {region}
