from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.scheduling.spot_deadline.job import Mode
from evaluators.scheduling.spot_deadline.scenario import build_scenario, read_choice
from evaluators.scheduling.spot_deadline.task import TASK
from evaluators.scoring import within_bound
from tests.evaluators.scheduling.spot_deadline.scenes import (
    CLOCK,
    GREEDY,
    IDLER,
    ON_DEMAND,
    RESTLESS,
    START,
    a_job,
    a_scenario,
    one_region,
    some_availability,
    ticks_of,
)
from tests.in_process import InProcessCandidate


def test_on_demand_only_scores_zero() -> None:
    result = a_scenario().play(InProcessCandidate(ON_DEMAND), CLOCK)
    assert result.outcome is Outcome.SCORED
    assert result.score == 0.0
    assert result.metrics["starts"] == 1
    assert result.metrics["saving"] == 0.0


def test_same_program_same_result() -> None:
    results = [a_scenario().play(InProcessCandidate(RESTLESS), CLOCK) for _ in range(2)]
    assert results[0] == results[1]
    assert results[0].metrics["moves"] > 0


def test_shares_add_up_and_the_ratio_is_that_of_the_costs() -> None:
    metrics = a_scenario().play(InProcessCandidate(RESTLESS), CLOCK).metrics
    assert metrics["spot_share"] + metrics["on_demand_share"] + metrics["idle_share"] == pytest.approx(1.0)
    assert metrics["optimum_over_cost"] == pytest.approx(metrics["optimum_usd"] / metrics["cost_usd"])
    assert metrics["optimum_over_cost"] <= 1.0


def test_the_guard_finishes_the_job_of_a_program_that_does_nothing() -> None:
    job = one_region()
    candidate = InProcessCandidate(IDLER)
    scenario = a_scenario(job)
    ticks = scenario.run(candidate)
    assert len(ticks) == job.deadline
    assert [tick.forced for tick in ticks].count(True) == job.work + job.overhead
    assert sum(tick.usd for tick in ticks) == pytest.approx(job.on_demand_only_usd)
    assert len(candidate.calls) == job.deadline - job.work - job.overhead + 1  # then there is nothing left to decide


def test_the_future_is_invisible() -> None:
    job = a_job()
    same_until = 12
    available_TR = some_availability(job, seed=3)
    other_TR = available_TR.copy()
    other_TR[same_until:] = ~other_TR[same_until:]
    seen, chosen = [], []
    for world in (available_TR, other_TR):
        candidate = InProcessCandidate(RESTLESS)
        ticks = build_scenario("scene-0", "scene", job, world, candidate_seed=7).run(candidate)
        seen.append([arguments for _, arguments in candidate.calls])
        chosen.append([tick.choice for tick in ticks])
    assert seen[0][:same_until] == seen[1][:same_until]
    assert chosen[0][:same_until] == chosen[1][:same_until]
    assert seen[0][same_until] != seen[1][same_until]


def test_the_config_tells_nothing_of_the_availability() -> None:
    job = a_job()
    worlds = [build_scenario("s", "r", job, some_availability(job, seed), candidate_seed=7) for seed in (1, 2)]
    assert worlds[0].config() == worlds[1].config()
    assert worlds[0].config().keys() == {
        "work", "deadline", "overhead", "regions", "tick_s", "spot_usd", "on_demand_usd", "move_usd", "seed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("3, 0", r"step, tick 0: the mode must be 0 \(idle\), 1 \(spot\) or 2 \(on demand\), found 3"),
        ("-1, 0", "the mode must be"),
        ("1, 3", "the region must be from 0 to 2, found 3"),
        ("0, -1", "the region must be from 0 to 2, found -1"),
        ("1, available.index(False)", r"spot was chosen in region \d, where available says that there is none"),
    ],
)
def test_answers_that_cannot_be_are_invalid(answer: str, sentence: str) -> None:
    job = a_job()
    available_TR = np.zeros((job.deadline, 3), dtype=bool)
    scenario = build_scenario("s", "r", job, available_TR, candidate_seed=7)
    with pytest.raises(CandidateFailure, match=sentence) as failure:
        ticks_of(scenario, START + f"        return {answer}")
    assert failure.value.outcome is Outcome.INVALID


def test_a_choice_is_read_as_it_was_given() -> None:
    assert read_choice(1, 2, [False, False, True], tick=4) == (Mode.SPOT, 2)
    assert read_choice(2, 0, [False], tick=4) == (Mode.ON_DEMAND, 0)


def test_wasting_money_stops_at_the_floor() -> None:
    flapping = START + "        return 2, (tick % 3)"
    scenario = replace(a_scenario(a_job(move_usd=50.0)), optimum_usd=30.0)
    assert scenario.play(InProcessCandidate(flapping), CLOCK).score == FLOOR


def test_a_cost_below_the_optimum_is_our_fault() -> None:
    scenario = replace(a_scenario(share=1.0), optimum_usd=39.0)
    result = within_bound(scenario.play(InProcessCandidate(GREEDY), CLOCK), TASK.bound)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "evaluator bug" in result.detail
