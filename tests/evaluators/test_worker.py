"""Values of a program that break our own code cost the program its evaluation, not the worker its life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import pytest

from evaluators import protocol
from evaluators.candidate import Candidate
from evaluators.contract import EvaluatorError, Outcome, Split, Tier
from evaluators.environment import current_environment
from evaluators.problem import ClockPolicy
from evaluators.sandbox.client import Sandbox
from evaluators.seeding import SeedSource, secret_from_seed
from evaluators.toy import HiddenPoint, ToyProblem
from evaluators.worker import Scorer, answer

MEAN = "def guess(hints):\n    return hints.mean()\n"
SECRET = secret_from_seed(0)


class BrokenPoint(HiddenPoint):
    """Breaks on what a program returns."""

    def play(self, candidate: Candidate, clock: ClockPolicy) -> NoReturn:
        super().play(candidate, clock)
        raise OverflowError("integer division result too large for a float")


class RefusingPoint(HiddenPoint):
    """Cannot be played here, whatever the program is."""

    def play(self, candidate: Candidate, clock: ClockPolicy) -> NoReturn:
        raise EvaluatorError("no device")


@dataclass(frozen=True, slots=True)
class ToyWith(ToyProblem):
    """The toy task with another kind of instance."""

    kind: type[HiddenPoint] = HiddenPoint

    def instances(self, tier: Tier, split: Split, seeds: SeedSource) -> Sequence[HiddenPoint]:
        points = ToyProblem.instances(self, tier, split, seeds)
        return [self.kind(point.name, point.regime, point.point, point.hints) for point in points]


def reply_of(kind: type[HiddenPoint], split: Split) -> protocol.EvaluateReply:
    with Sandbox(["numpy"]) as sandbox:
        environment = current_environment(("numpy",), sandbox.layers)
        scorer = Scorer(ToyWith(kind=kind), {split: SECRET}, sandbox, environment)
        request = protocol.EvaluateRequest(source=MEAN, tier=Tier.QUICK, split=split)
        return answer(scorer, protocol.encode(request)[protocol.PREFIX.size :])


@pytest.mark.parametrize("split", [Split.SEARCH, Split.VALIDATION, Split.HOLDOUT])
def test_an_error_of_ours_while_a_program_plays_is_charged_to_it(
    split: Split, capfd: pytest.CaptureFixture[str]
) -> None:
    evaluation = reply_of(BrokenPoint, split).evaluation
    assert evaluation is not None
    assert (evaluation.outcome, evaluation.objective) == (Outcome.CRASHED, None)
    assert {instance.outcome for instance in evaluation.instances} == {Outcome.CRASHED}
    assert ("OverflowError" in evaluation.feedback) == (split is Split.SEARCH)
    assert "integer division result too large" in capfd.readouterr().err  # the operator is told, with the place


def test_an_error_that_says_the_machine_cannot_is_not() -> None:
    assert reply_of(RefusingPoint, Split.SEARCH).error == "EvaluatorError: no device"
