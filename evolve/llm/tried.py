"""What came of the programs that were made from a parent, as the next prompts tell it: search figures only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from archive.records import Attempt
from archive.store import Archive
from evaluators.contract import Evaluation, InstanceResult, Outcome
from evaluators.figures import significant
from evolve.prompting import Failure
from evolve.run.stages import Stages
from evolve.search.request import MutationRequest, Operator, asked_operator

CHILDREN_SEARCHED = 20  # newest first
_RAN = (Outcome.SCORED, Outcome.STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A child that brought nothing."""

    attempt: Attempt
    failure: Failure
    broken: bool  # it was not run, or failed: there is something to repair


def fruitless_children(archive: Archive, run_id: str, stages: Stages, request: MutationRequest) -> Iterator[Child]:
    """Children of the parent that were told before this ask and did not score more than it, newest first.

    A repair that ran takes one older failure off the list of what is to be repaired.
    """
    parent_id, mended = request.parent.candidate_id, 0
    parent = stages.stored_search(parent_id)
    for attempt in archive.attempts_under(run_id, parent_id, request.num_tells, most=CHILDREN_SEARCHED):
        evaluation = stages.stored_search(attempt.candidate_id or "") or _stopped(archive, run_id, attempt)
        is_broken = bool(attempt.rejection) or (evaluation is not None and evaluation.outcome not in _RAN)
        mended += asked_operator(attempt.operator) == Operator.REPAIR and not is_broken
        failure = _failure(attempt, evaluation, parent)
        if failure is not None:
            yield Child(attempt=attempt, failure=failure, broken=is_broken and mended == 0)
        mended -= is_broken and mended > 0


def changes_by_regime(own: Sequence[InstanceResult], parent: Sequence[InstanceResult]) -> dict[str, float]:
    """Mean score less the parent's, by regime, over the instances that both played."""
    known = {instance.name: instance.counted_score for instance in parent}
    found: dict[str, list[float]] = defaultdict(list)
    for instance in own:
        if instance.name in known:
            found[instance.regime].append(instance.counted_score - known[instance.name])
    return {regime: fmean(changes) for regime, changes in found.items()}


def _stopped(archive: Archive, run_id: str, attempt: Attempt) -> Evaluation | None:
    stored = archive.stopped_evaluation(run_id, attempt.index)
    return None if stored is None else stored.evaluation


def _failure(attempt: Attempt, evaluation: Evaluation | None, parent: Evaluation | None) -> Failure | None:
    """None for a child that scored more than its parent, or of which nothing is known."""
    if attempt.rejection:
        return Failure(change=attempt.change, outcome="rejected before it was run", detail=attempt.rejection)
    if evaluation is None:
        return None
    changes = {} if parent is None else changes_by_regime(evaluation.instances, parent.instances)
    if evaluation.outcome is Outcome.STOPPED:
        return Failure(change=attempt.change, outcome="stopped early", detail=evaluation.feedback, changes=changes)
    if evaluation.objective is None:
        why = evaluation.first_failure or evaluation.feedback
        outcome = f"{evaluation.outcome} in the {evaluation.tier} tier"
        return Failure(change=attempt.change, outcome=outcome, detail=why)
    if parent is None or parent.objective is None or evaluation.objective > parent.objective:
        return None
    return Failure(
        change=attempt.change,
        outcome=f"scored {significant(evaluation.objective)}, the parent {significant(parent.objective)}",
        changes=changes,
    )
