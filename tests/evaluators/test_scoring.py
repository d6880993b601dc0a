from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from evaluators.candidate import Argument, Candidate, CandidateFailure, Reply, ReplyField
from evaluators.contract import FLOOR, Evaluation, InstanceResult, Limits, Outcome, Split, Tier
from evaluators.problem import ClockPolicy
from evaluators.scoring import Workload, evaluate
from evaluators.toy import PROBLEM, ToyProblem
from tests.evolve.evaluations import ENVIRONMENT


class IdleCandidate:
    """A program that uses one CPU second, whatever is asked of it."""

    cpu_s = 1.0

    def construct(self, entry_point: str, *arguments: Argument) -> float:
        return 0.0

    def method(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        return Reply(arrays={}, cpu_s=0.0)

    def function(self, name: str, arguments: Sequence[Argument], reply: Sequence[ReplyField]) -> Reply:
        return Reply(arrays={}, cpu_s=0.0)


@dataclass(frozen=True)
class Scripted:
    """An instance that ends as the script says."""

    name: str
    end: float | CandidateFailure
    regime: str = "r"

    def play(self, candidate: Candidate, clock: ClockPolicy) -> InstanceResult:
        if isinstance(self.end, CandidateFailure):
            raise self.end
        return InstanceResult(
            name=self.name, regime=self.regime, outcome=Outcome.SCORED, score=self.end, metrics={"error": self.end}
        )


class Opener:
    """Counts the children that were opened and closed."""

    def __init__(self, refusal: CandidateFailure | None = None, caught: CandidateFailure | None = None) -> None:
        self.caught = caught  # when the child is closed
        self.opened = 0
        self.alive = 0
        self.refusal = refusal

    @contextmanager
    def __call__(self, source: str, limits: Limits) -> Iterator[IdleCandidate]:
        if self.refusal:
            raise self.refusal
        self.opened += 1
        self.alive += 1
        try:
            yield IdleCandidate()
        finally:
            self.alive -= 1
        if self.caught:
            raise self.caught


def score(
    ends: Sequence[float | CandidateFailure],
    opener: Callable[..., object] | None = None,
    split: Split = Split.SEARCH,
    *,
    stateful: bool = False,
) -> Evaluation:
    problem = ToyProblem(replace(PROBLEM.task, stateful=stateful))
    workload = Workload(Tier.QUICK, split, "0" * 16, tuple(Scripted(f"i{i}", end) for i, end in enumerate(ends)))
    return evaluate(problem, workload, "", opener or Opener(), ENVIRONMENT, ClockPolicy())  # type: ignore[arg-type]


CRASH = CandidateFailure(Outcome.CRASHED, "it raised")


def test_the_objective_is_the_mean_over_instances() -> None:
    evaluation = score([0.0, 0.5, 1.0])
    assert evaluation.outcome is Outcome.SCORED
    assert evaluation.objective == pytest.approx(0.5)
    assert evaluation.metrics == {"error": pytest.approx(0.5)}


def test_a_rare_failure_counts_as_the_floor() -> None:
    evaluation = score([1.0] * 9 + [CRASH])
    assert evaluation.outcome is Outcome.SCORED
    assert evaluation.objective == pytest.approx((9 + FLOOR) / 10)
    assert evaluation.instances[-1].detail == "it raised"


@pytest.mark.parametrize("above", [1.391, 1.0 + 1e-6])
def test_one_score_above_the_bound_spoils_the_evaluation(above: float) -> None:
    evaluation = score([0.5] * 20 + [above])
    assert (evaluation.outcome, evaluation.objective) == (Outcome.INFRASTRUCTURE, None)
    assert evaluation.instances[-1].score is None
    assert "above the proven bound 1: an evaluator bug" in evaluation.instances[-1].detail


def test_a_score_that_is_no_number_is_a_failure_and_not_above_the_bound() -> None:
    evaluation = score([0.5] * 20 + [float("nan")])
    assert evaluation.outcome is Outcome.SCORED
    assert "expected a finite number as the score, found nan" in evaluation.instances[-1].detail


def test_a_score_at_the_bound_may_be_above_it_by_rounding() -> None:
    assert score([1.0 + 1e-12] * 5).outcome is Outcome.SCORED


def test_a_task_without_a_bound_has_any_score() -> None:
    problem = ToyProblem(replace(PROBLEM.task, bound=None))
    workload = Workload(Tier.QUICK, Split.SEARCH, "0" * 16, (Scripted("i0", 3.0),))
    evaluation = evaluate(problem, workload, "", Opener(), ENVIRONMENT, ClockPolicy())
    assert (evaluation.outcome, evaluation.objective) == (Outcome.SCORED, 3.0)


def test_too_many_failures_end_the_evaluation_early() -> None:
    opener = Opener()
    evaluation = score([CRASH] * 10, opener)
    assert (evaluation.outcome, evaluation.objective) == (Outcome.CRASHED, None)
    assert len(evaluation.instances) == 10
    assert opener.opened == 2


def test_a_stateful_task_gets_a_fresh_child_per_instance() -> None:
    shared, fresh = Opener(), Opener()
    assert score([0.0] * 5, shared).cpu_s == pytest.approx(1.0)
    assert score([0.0] * 5, fresh, stateful=True).cpu_s == pytest.approx(5.0)
    assert (shared.opened, fresh.opened) == (1, 5)
    assert (shared.alive, fresh.alive) == (0, 0)


def test_a_child_that_failed_is_replaced() -> None:
    opener = Opener()
    score([0.5] * 5 + [CRASH] + [0.5] * 5, opener)
    assert (opener.opened, opener.alive) == (2, 0)


def test_a_program_that_cannot_be_opened_is_an_outcome() -> None:
    evaluation = score([0.5], Opener(CandidateFailure(Outcome.INVALID, "line 3: invalid syntax")))
    assert evaluation.outcome is Outcome.INVALID
    assert evaluation.instances[0].detail == "line 3: invalid syntax"


@pytest.mark.parametrize("split", [Split.HOLDOUT, Split.VALIDATION])
def test_details_and_feedback_of_hidden_instances_reach_no_one(split: Split) -> None:
    evaluation = score([1.0] * 9 + [CRASH], split=split)
    assert evaluation.feedback == ""
    assert all(instance.detail == "" for instance in evaluation.instances)


def test_only_the_search_split_gives_feedback() -> None:
    assert "mean score" in score([1.0]).feedback
    assert score([1.0], split=Split.VALIDATION).feedback == ""


@pytest.mark.parametrize("stateful", [False, True])
def test_bytes_that_nobody_asked_for_taint_the_whole_evaluation(stateful: bool) -> None:
    caught = CandidateFailure(Outcome.TAMPERED, "bytes after the last reply")
    evaluation = score([1.0] * 12, Opener(caught=caught), stateful=stateful)
    assert (evaluation.outcome, evaluation.objective) == (Outcome.TAMPERED, None)
    assert any(instance.detail == "bytes after the last reply" for instance in evaluation.instances)
