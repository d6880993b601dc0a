"""What came of an answer from outside, for whoever gave it: search figures only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archive.records import Attempt, AttemptState
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, Tier
from evolve.llm.heights import regime_means
from evolve.llm.tried import changes_by_regime
from evolve.run.stages import Stages
from evolve.run.standing import Pending, Session

_MEASURED = (Outcome.SCORED, Outcome.STOPPED)  # whose regimes say something of the program


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of an answer."""

    run: str
    attempt: int
    candidate: str | None
    outcome: str  # "rejected", or the evaluation's
    tier: Tier | None  # of that evaluation; None for a program that was not run
    reason: str  # of a rejection or failure; empty for a scored program
    score: float | None
    parent_score: float
    best_score: float  # of the run, this attempt included
    played: int  # instances that `regimes` are the means of: not all of them where a program was stopped
    regimes: Mapping[str, float]
    changes: Mapping[str, float]  # by regime, mean difference to the parent on the instances that both played
    feedback: str  # of a failed program it is that of `tier`, and no score
    attempts_left: int | None  # that may still be asked for; None without a budget of attempts
    waiting: int  # other attempts that were asked for and wait for an answer


def told_of_answer(archive: Archive, pending: Pending, stages: Stages, session: Session) -> Told:
    """How the attempt that was `pending` ended."""
    attempt = archive.attempt(session.run.id, pending.attempt.index)
    evaluation = _evaluation(archive, attempt, stages)
    parent = stages.stored_search(attempt.parent_id)
    measured = () if evaluation is None or evaluation.outcome not in _MEASURED else evaluation.instances
    budget = session.config.attempts
    return Told(
        run=attempt.run_id,
        attempt=attempt.index,
        candidate=attempt.candidate_id,
        outcome="rejected" if evaluation is None else evaluation.outcome,
        tier=None if evaluation is None else evaluation.tier,
        reason=_of_neighbour(attempt) or _of_failure(evaluation),
        score=None if evaluation is None else evaluation.objective,
        parent_score=pending.parent.score,
        best_score=session.search.best.score,
        played=len(measured),
        regimes=regime_means(measured),
        changes=changes_by_regime(measured, parent.instances) if parent else {},
        feedback="" if evaluation is None or evaluation.outcome is Outcome.STOPPED else evaluation.feedback,
        attempts_left=None if budget is None else max(0, budget - session.search.next_index),
        waiting=sum(p.request is not None and p.attempt.index != attempt.index for p in session.pending),
    )


def _evaluation(archive: Archive, attempt: Attempt, stages: Stages) -> Evaluation | None:
    """What an attempt was evaluated to, or its twin, or as far as it was played; None for one that was rejected."""
    if attempt.state is not AttemptState.RECORDED or attempt.candidate_id is None:
        return None
    found = stages.stored_search(attempt.candidate_id)
    if found is not None:
        return found
    own = (row for row in archive.evaluations(attempt.candidate_id) if row.run_id == attempt.run_id)
    ended = (row.evaluation for row in own if row.attempt_index == attempt.index)
    return next((one for one in ended if one.outcome is not Outcome.SCORED), None)  # stopped, or our own failure


def _of_neighbour(attempt: Attempt) -> str:
    """Why an answer was not evaluated, or not by itself."""
    if attempt.neighbour_id is None:
        return attempt.rejection
    if attempt.state is AttemptState.RECORDED:
        return f"it behaves like the known program {attempt.neighbour_id[:10]}, whose score it takes over"
    return f"{attempt.rejection} of the known program {attempt.neighbour_id[:10]}"


def _of_failure(evaluation: Evaluation | None) -> str:
    """Why an evaluation failed or was stopped; empty for one that did neither."""
    if evaluation is None or evaluation.outcome is Outcome.SCORED:
        return ""
    return evaluation.feedback if evaluation.outcome is Outcome.STOPPED else evaluation.first_failure
