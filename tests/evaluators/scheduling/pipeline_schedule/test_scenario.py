from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluators.candidate import CandidateFailure
from evaluators.contract import FLOOR, Outcome
from evaluators.scheduling.pipeline_schedule.one_f_one_b import one_f_one_b
from evaluators.scheduling.pipeline_schedule.scenario import Scenario
from evaluators.scheduling.pipeline_schedule.task import TASK
from evaluators.scoring import within_bound
from tests.evaluators.scheduling.pipeline_schedule.pipelines import (
    CLOCK,
    SERIAL,
    a_pipeline,
    a_scenario,
    answering,
    random_pipeline,
)
from tests.in_process import InProcessCandidate


def given(order: object) -> str:
    return f"import numpy as np\ndef schedule(pipeline):\n    return np.array({np.asarray(order).tolist()})"


def score_of(scenario: Scenario, source: str) -> float | None:
    return scenario.play(InProcessCandidate(source), CLOCK).score


def test_the_weak_baseline_scores_zero_and_the_bound_one() -> None:
    for seed in range(6):
        scenario = a_scenario(random_pipeline(seed, 3, 5))
        assert score_of(scenario, given(one_f_one_b(scenario.pipeline))) == 0.0
        assert scenario.score(scenario.weak_us) == 0.0
        if scenario.weak_us >= 1.05 * scenario.bound_us:
            assert scenario.score(scenario.bound_us) == 1.0


def test_a_pipeline_on_which_1f1b_is_nearly_optimal_is_not_blown_up() -> None:
    scenario = replace(a_scenario(), weak_us=1010, bound_us=1000)
    assert scenario.score(1000) == pytest.approx(0.2)
    assert scenario.score(5000) == FLOOR


def test_metrics_tell_the_schedule() -> None:
    scenario = a_scenario(a_pipeline(2, 3, capacity=6))
    serial = scenario.play(InProcessCandidate(SERIAL), CLOCK).metrics
    assert serial["step_ms"] == 3 * 5 / 1e3  # a weight gradient of the first stage comes before the next forward
    assert serial["postponed"] == 0.0
    assert serial["under_way"] == 0.5
    assert serial["peak"] == pytest.approx(100 * 2 / 6)
    assert serial["bubble"] == pytest.approx(100 * (1 - 9 / 15))
    late = "order = np.concatenate([order[order < 12], order[order >= 12]])"
    postponed = scenario.play(InProcessCandidate(answering(late)), CLOCK).metrics
    assert postponed["postponed"] == 100.0


def test_same_program_same_result() -> None:
    results = [a_scenario().play(InProcessCandidate(SERIAL), CLOCK) for _ in range(2)]
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("order[0] = -1", "order: expected passes from 0 to 35, found -1"),
        ("order[0] = 36", "order: expected passes from 0 to 35, found 36"),
        (
            "order[order == 4] = 0",
            r"expected every pass once, found the forward of micro-batch 0 on stage 0 \(pass 0\) 2 times and the "
            r"forward of micro-batch 0 on stage 1 \(pass 4\) never",
        ),
        ("order = order[:-1]", "expected shape"),  # leaves work out
        ("order = np.concatenate([order, order])", "expected shape"),
        ("order = order[::-1]", "expected orders that can be run, found a deadlock: device"),
        (
            "order = np.concatenate([order[order == 12], order[order != 12]])",
            "expected orders that can be run, found a deadlock: device 2 waits with the forward of micro-batch 0 on "
            "stage 2 for the forward of micro-batch 0 on stage 1",
        ),
        (
            "order = np.arange(36)",
            "expected at most 6 MB of activations on device 0, found 8 during the forward of micro-batch 3 on stage 0",
        ),
    ],
)
def test_answers_that_cannot_be_run_are_invalid(change: str, sentence: str) -> None:
    with pytest.raises((CandidateFailure, ValueError), match=sentence):
        a_scenario(a_pipeline(3, 4, capacity=6)).run(InProcessCandidate(answering(change)))


def test_two_devices_that_wait_for_each_other_are_a_deadlock() -> None:
    swapped = "order = np.concatenate([order[order == 5], order[order != 5]])"  # stage 1 wants micro-batch 1 first
    crossed = f"{swapped}; order = np.concatenate([order[(order < 12) & (order != 1)], order[order >= 12], [1]])"
    with pytest.raises(CandidateFailure, match="deadlock: device"):
        a_scenario(a_pipeline(3, 4)).run(InProcessCandidate(answering(crossed)))


def test_a_weight_gradient_that_never_frees_its_part_is_found_out() -> None:
    pipeline = a_pipeline(2, 4, activation=4, kept=3, capacity=10)
    late = "order = np.concatenate([order[order < 16], order[order >= 16]])"
    with pytest.raises(CandidateFailure, match="expected at most 10 MB of activations on device 0, found 13 during"):
        a_scenario(pipeline).run(InProcessCandidate(answering(late)))


def test_claimed_times_count_for_nothing() -> None:
    scenario = a_scenario(a_pipeline(3, 4, capacity=6))
    assert score_of(scenario, answering("return {'order': order, 'step_us': 0, 'starts_us': 0 * order}")) == (
        score_of(scenario, SERIAL)
    )


def test_changing_what_is_shown_changes_nothing() -> None:
    scenario = a_scenario(a_pipeline(3, 4, capacity=6))
    before = scenario.pipeline.times_us_KS.copy()
    vandal = "pipeline['forward_us'] = pipeline['forward_us'] * 0; pipeline.clear()"
    assert score_of(scenario, answering(vandal)) == score_of(scenario, SERIAL)
    view = scenario.view()
    view["forward_us"][:] = 0  # type: ignore[index]
    assert (scenario.pipeline.times_us_KS == before).all()


def test_a_step_below_the_bound_is_our_fault() -> None:
    scenario = replace(a_scenario(), bound_us=10**6, weak_us=2 * 10**6)
    result = within_bound(scenario.play(InProcessCandidate(SERIAL), CLOCK), TASK.bound)
    assert result.outcome is Outcome.INFRASTRUCTURE
    assert "evaluator bug" in result.detail
