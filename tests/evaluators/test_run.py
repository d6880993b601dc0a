"""What the one-shot scorer tells a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluators.contract import Outcome, Split
from evaluators.run import summary
from tests.evolve.evaluations import a_failed_evaluation, an_evaluation


def test_a_broken_program_is_told_why_where_the_feedback_does_not_say() -> None:
    failed = replace(a_failed_evaluation(Outcome.CRASHED), feedback="even: mean score -1.00000")
    assert summary(failed).splitlines()[-2:] == ["even: mean score -1.00000", "failed: it failed"]


def test_what_the_feedback_says_is_not_said_twice() -> None:
    failed = replace(a_failed_evaluation(Outcome.CRASHED), feedback="- 12 instances: crashed: it failed")
    assert summary(failed).count("it failed") == 1


@pytest.mark.parametrize("split", [Split.HOLDOUT, Split.VALIDATION])
def test_hidden_instances_keep_their_reasons_and_it_is_said_where_they_are_told(split: Split) -> None:
    failed = a_failed_evaluation(Outcome.INVALID, split=split)
    silent = replace(failed, instances=tuple(replace(instance, detail="") for instance in failed.instances))
    assert "evaluate it on the split `search`" in summary(silent)


def test_a_sound_program_has_no_failures() -> None:
    assert "failed" not in summary(an_evaluation([0.5] * 12))
