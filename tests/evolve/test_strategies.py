from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.config import build_config
from evolve.strategies import (
    STRATEGIES,
    Step,
    area,
    best_so_far,
    champion_steps,
    compare_strategies,
    evaluations_to_reach,
    leading_steps,
    verdict,
)
from tests.evolve.evaluations import an_evaluation

INITIAL = Step(evaluation=0, candidate_id="initial", search=0.5)


def test_only_a_higher_search_score_takes_the_lead() -> None:
    steps = leading_steps(INITIAL, [("a", 0.4), ("b", None), ("c", 0.6), ("d", 0.6), ("e", 0.7)])
    assert [(step.candidate_id, step.evaluation) for step in steps] == [("initial", 0), ("c", 3), ("e", 5)]


def test_the_curve_follows_the_leader_even_down() -> None:
    steps = leading_steps(INITIAL, [("a", 0.4), ("b", 0.6), ("c", 0.7)])
    curve = best_so_far(steps, {"initial": 0.3, "b": 0.5, "c": 0.4}, evaluations=5)
    assert curve == [0.3, 0.3, 0.5, 0.4, 0.4, 0.4]
    assert evaluations_to_reach(curve, 0.45) == 2
    assert evaluations_to_reach(curve, 0.9) is None


def test_a_leader_that_validation_does_not_confirm_is_no_champion() -> None:
    leaders = leading_steps(INITIAL, [("lucky", 0.6), ("sound", 0.7), ("late", 0.8)])
    base = np.linspace(0.2, 0.8, 12)
    gains = {"initial": 0.0, "lucky": -0.1, "sound": 0.2, "late": 0.1}
    validations = {name: an_evaluation((base + gain).tolist()) for name, gain in gains.items()}
    champions = champion_steps(leaders, validations)
    assert [(step.candidate_id, step.evaluation) for step in champions] == [("initial", 0), ("sound", 2)]
    assert best_so_far(champions, {"initial": 0.3, "sound": 0.5}, evaluations=3) == [0.3, 0.3, 0.5, 0.5]


@given(st.lists(st.none() | st.floats(0, 1), max_size=30))
def test_a_curve_has_a_point_for_every_evaluation(scores: list[float | None]) -> None:
    steps = leading_steps(INITIAL, [(str(i), score) for i, score in enumerate(scores)])
    holdouts = {step.candidate_id: step.search for step in steps}
    curve = best_so_far(steps, holdouts, len(scores))
    assert len(curve) == len(scores) + 1
    assert curve == sorted(curve)
    assert area(curve) >= 0


def test_strategies_are_compared_with_the_first_repeat_by_repeat() -> None:
    curves = {"weighted": [[0.0, 0.5], [0.0, 0.7], [0.0, 0.6]], "hill": [[0.0, 0.4], [0.0, 0.55], [0.0, 0.52]]}
    first, second = compare_strategies(curves, {"eplb": 0.5})
    assert first.difference is None
    assert first.final == pytest.approx(0.6)
    assert second.difference == pytest.approx(-0.11)
    assert (second.low or 0.0) < -0.11 < (second.high or -1.0)
    assert second.p == pytest.approx(0.25)
    assert (first.reached["eplb"], second.reached["eplb"]) == ((3, 1), (2, 1))
    assert "weighted ends highest on the hold-out, +0.1100 above hill" in verdict([first, second])


def test_a_difference_within_the_noise_is_not_settled() -> None:
    curves = {"weighted": [[0.0, 0.5], [0.0, 0.7]], "hill": [[0.0, 0.6], [0.0, 0.62]]}
    assert "nothing is settled" in verdict(compare_strategies(curves, {}))


def test_strategies_that_end_alike_are_not_ranked() -> None:
    curves = {"default": [[0.0, 0.5], [0.0, 0.7]], "crossover": [[0.0, 0.5], [0.0, 0.7]]}
    said = "Neither default nor crossover ends highest on the hold-out: they score alike in every repeat."
    assert verdict(compare_strategies(curves, {})) == said


def test_the_best_of_many_alike_is_seldom_settled() -> None:
    rng = np.random.default_rng(0)

    def is_settled() -> bool:
        ends = rng.normal(size=(9, 10))
        return "difference is settled" in verdict(
            compare_strategies({str(i): [[0.0, x] for x in ends[i]] for i in range(9)}, {})
        )

    assert sum(is_settled() for _ in range(200)) <= 10  # 5 %; without an adjustment they would be 17


def test_a_difference_beyond_the_noise_is_settled_and_says_of_how_many() -> None:
    curves = {"a": [[0.0, 0.5 + i / 100] for i in range(8)], "b": [[0.0, 0.7 + i / 90] for i in range(8)]}
    assert verdict(compare_strategies(curves, {})).endswith("sign-flip p = 0.00781: the difference is settled.")
    said = verdict(compare_strategies({**curves, "c": curves["a"]}, {}))
    assert said.endswith("sign-flip p = 0.0156, adjusted for 2 comparisons (Holm): the difference is settled.")


def test_one_repeat_is_too_few_whoever_leads() -> None:
    for ends in ((0.5, 0.2), (0.2, 0.5)):
        curves = {"default": [[0.1, ends[0]]], "hill": [[0.1, ends[1]]]}
        assert "has the highest mean, from too few repeats" in verdict(compare_strategies(curves, {}))


def test_every_strategy_is_a_valid_run_file() -> None:
    for changes in STRATEGIES.values():
        build_config({"task": "toy", **changes})
