"""What came of the programs that were made from a parent, as the next prompts tell it: search figures only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from archive.records import Attempt
from archive.store import Archive
from evaluators.contract import Evaluation, InstanceResult, Outcome
from evolve.prompting import Failure
from evolve.prompting.figures import exact
from evolve.request import MutationRequest
from evolve.stages import Stages

CHILDREN_SEARCHED = 20  # newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A child that brought nothing."""

    attempt: Attempt
    failure: Failure
    broken: bool  # it was not run, or failed: there is something to repair


def fruitless_children(archive: Archive, run_id: str, stages: Stages, request: MutationRequest) -> Iterator[Child]:
    """Children of the parent that were told before this ask and did not score more than it, newest first."""
    parent_id = request.parent.candidate_id
    parent = stages.stored_search(parent_id)
    for attempt in archive.attempts_under(run_id, parent_id, request.num_tells, most=CHILDREN_SEARCHED):
        if attempt.rejection:
            why = Failure(change=attempt.change, outcome="rejected before it was run", detail=attempt.rejection)
            yield Child(attempt=attempt, failure=why, broken=True)
            continue
        evaluation = stages.stored_search(attempt.candidate_id or "") or _stopped(archive, run_id, attempt)
        if evaluation is not None and (failure := _failure(attempt, evaluation, parent)) is not None:
            is_broken = evaluation.outcome not in (Outcome.SCORED, Outcome.STOPPED)
            yield Child(attempt=attempt, failure=failure, broken=is_broken)


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


def _failure(attempt: Attempt, evaluation: Evaluation, parent: Evaluation | None) -> Failure | None:
    """None for a child that scored more than its parent."""
    changes = {} if parent is None else changes_by_regime(evaluation.instances, parent.instances)
    if evaluation.outcome is Outcome.STOPPED:
        return Failure(change=attempt.change, outcome="stopped early", detail=evaluation.feedback, changes=changes)
    if evaluation.objective is None:
        why = evaluation.first_failure or evaluation.feedback
        return Failure(change=attempt.change, outcome=evaluation.outcome, detail=why)
    if parent is None or parent.objective is None or evaluation.objective > parent.objective:
        return None
    return Failure(
        change=attempt.change,
        outcome=f"scored {exact(evaluation.objective)}, the parent {exact(parent.objective)}",
        changes=changes,
    )
