from __future__ import annotations

import numpy as np

from evaluators.contract import Evaluation, Outcome
from evolve.run.champion import choose_champion, finalists
from tests.evolve.evaluations import a_failed_evaluation, an_evaluation

RNG = np.random.default_rng(0)
BASE = RNG.uniform(0, 1, 12)


def scored(*scores: float) -> Evaluation:
    return an_evaluation(scores)


INITIAL = scored(*BASE)
BETTER = scored(*(BASE + 0.1))
LUCKY = scored(*(BASE + RNG.normal(0.02, 0.3, 12)))


def test_a_clear_gain_on_every_instance_takes_the_lead() -> None:
    assert choose_champion("initial", [("initial", INITIAL), ("better", BETTER)]) == "better"


def test_a_gain_within_the_noise_does_not() -> None:
    assert choose_champion("initial", [("initial", INITIAL), ("lucky", LUCKY)]) == "initial"


def test_of_several_that_are_better_the_highest_mean_leads_whoever_came_first() -> None:
    nearly = scored(*(BASE + 0.11 + RNG.normal(0, 0.05, 12)))
    validations = [("initial", INITIAL), ("better", BETTER), ("nearly", nearly)]
    assert choose_champion("initial", validations) == choose_champion("initial", validations[::-1])
    means = {"better": BETTER.objective or 0.0, "nearly": nearly.objective or 0.0}
    assert choose_champion("initial", validations) == max(means, key=lambda name: means[name])


def test_a_failed_validation_never_leads() -> None:
    failed = a_failed_evaluation(Outcome.CRASHED)
    assert choose_champion("initial", [("initial", INITIAL), ("failed", failed)]) == "initial"


def test_anything_scored_leads_a_failed_initial_program() -> None:
    failed = a_failed_evaluation(Outcome.TIMED_OUT)
    assert choose_champion("initial", [("initial", failed), ("lucky", LUCKY)]) == "lucky"


def test_few_instances_fall_back_to_the_mean() -> None:
    assert choose_champion("a", [("a", scored(0.1, 0.2)), ("b", scored(0.2, 0.3))]) == "b"


def test_finalists_are_the_champion_and_the_next_best() -> None:
    failed = a_failed_evaluation(Outcome.CRASHED)
    validations = [("initial", INITIAL), ("better", BETTER), ("failed", failed), ("top", scored(*(BASE + 0.2)))]
    assert finalists("better", validations, 3) == ["better", "top", "initial"]
    assert finalists("better", validations, 1) == ["better"]


def test_founders_take_no_place_among_the_finalists() -> None:
    evolved = [(name, scored(*(BASE - loss))) for name, loss in (("a", 0.1), ("b", 0.2), ("c", 0.3))]
    validations = [("initial", INITIAL), ("copy", INITIAL), *evolved]
    assert finalists("initial", validations, 3, founders=["initial"]) == ["a", "b", "c"]
    assert finalists("a", validations, 2, founders=["initial"]) == ["a", "b"]
