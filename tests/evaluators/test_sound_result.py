"""Results that a task of the user's gives: told from what is none, by sentences for its author."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.contract import InstanceResult, Outcome
from evaluators.sound_result import sound


def result(score: object, metrics: object = None) -> InstanceResult:
    """A scored result with whatever was given as its score and metrics."""
    told = {} if metrics is None else metrics
    return InstanceResult(name="a", regime="r", outcome=Outcome.SCORED, score=score, metrics=told)  # type: ignore[arg-type]


@pytest.mark.parametrize("score", [np.float32(0.5), np.float64(0.5), 0.5])
def test_numbers_of_numpy_are_plain_numbers_afterwards(score: object) -> None:
    found = sound(result(score, {"steps": np.int64(3)}), "a", "r")
    assert (type(found.score), found.score, found.outcome) == (float, 0.5, Outcome.SCORED)
    assert [type(value) for value in found.metrics.values()] == [float]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ("good", "play must return an InstanceResult, found str"),
        (None, "play must return an InstanceResult, found NoneType"),
        (0.5, "play must return an InstanceResult, found float"),
        (result(float("nan")), "expected a finite number as the score, found nan"),
        (result(float("-inf")), "expected a finite number as the score, found -inf"),
        (result("0.5"), "expected a finite number as the score, found '0.5'"),
        (result(None), "expected a finite number as the score, found None"),
        (result(True), "expected a finite number as the score, found True"),
        (result(-5), "the score -5 is below -1, as which a failed instance counts"),
        (result(0.5, {"x": 1.0, "y": float("nan")}), "expected a finite number as the metric y, found nan"),
        (result(0.5, {"x": "1"}), "expected a finite number as the metric x, found '1'"),
        (result(0.5, [1.0]), "expected the metrics by name, found list"),
    ],
)
def test_what_is_no_result_is_a_failure_that_says_why(found: object, sentence: str) -> None:
    failed = sound(found, "a", "r")
    assert (failed.name, failed.regime, failed.outcome, failed.score) == ("a", "r", Outcome.CRASHED, None)
    assert failed.detail.startswith(f"the task's scorer is at fault: {sentence}")


def test_a_failure_has_no_score() -> None:
    failed = InstanceResult(name="a", regime="r", outcome=Outcome.INVALID, score=0.4, detail="no plan")
    assert (sound(failed, "a", "r").score, sound(failed, "a", "r").detail) == (None, "no plan")
