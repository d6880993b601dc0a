"""Where a run stands: what a session needs to go on, and how rows become what the search is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archive.records import Attempt, AttemptState, Run
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, Task
from evolve.config import RunConfig
from evolve.novelty.behaviours import Behaviours
from evolve.novelty.known import NoveltyIndex
from evolve.novelty.neighbours import Neighbours
from evolve.run.budget import Budget, Spent
from evolve.run.traits import cell_of, objectives_of
from evolve.search.request import Arm, Member, MutationRequest, Operator, Told, asked_operator
from evolve.search.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An attempt under way."""

    attempt: Attempt
    parent: Member
    request: MutationRequest | None  # None once it has been answered


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTell:
    """What the validations learn of a tell."""

    newcomer: Member | None  # who joined the search with it, unless it behaves as another does
    is_evaluation: bool  # of its own; validations keep to a share of them

    @classmethod
    def of(cls, attempt: Attempt, told: Told) -> PastTell:
        """That of `attempt`, of which the search was `told`."""
        return cls(newcomer=None if attempt.twin_id else told.member, is_evaluation=attempt.is_evaluation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A run that can be driven: new, or restored from its attempts."""

    archive: Archive
    run: Run
    config: RunConfig
    search: Search
    novelty: NoveltyIndex
    behaviours: Behaviours
    neighbours: Neighbours  # empty where the run wants no embeddings
    pending: tuple[Pending, ...] = ()  # asked before this session and not ended
    tells: tuple[PastTell, ...] = ()  # that were made before this session, in order
    validated: frozenset[str] = frozenset()  # candidates whose validation is archived

    @property
    def evaluated(self) -> int:
        """Attempts that were evaluated before this session."""
        return sum(tell.is_evaluation for tell in self.tells)


def budget_of(config: RunConfig) -> Budget:
    """What the run may use."""
    return Budget(
        attempts=config.attempts,
        evaluations=config.evaluations,
        seconds=config.seconds,
        patience=config.patience,
        target=config.target,
    )


def spent_of(search: Search, evaluated: int, seconds: float = 0.0, barren: int = 0) -> Spent:
    """What the run has used; `seconds` and `barren` tells are those of a session, and none where there is none."""
    return Spent(
        asked=search.next_index,
        outstanding=len(search.outstanding),
        evaluations=evaluated,
        seconds=seconds,
        tells_since_improvement=search.tells_since_improvement,
        best_score=search.best.score,
        barren=barren,
    )


def asked_attempt(run_id: str, request: MutationRequest, proposer: str, timestamp: str) -> Attempt:
    """The row of an ask, as it is committed before anything acts on it; the model answers, where one was chosen."""
    return Attempt(
        run_id=run_id,
        index=request.index,
        state=AttemptState.ASKED,
        island=request.island,
        proposer=request.model or proposer,
        operator=request.operator,
        parent_id=request.parent.candidate_id,
        inspiration_ids=tuple(member.candidate_id for member in request.inspirations),
        num_tells=request.num_tells,
        asked_at=timestamp,
    )


def attempt_rng(seed: int, *key: int) -> np.random.Generator:
    """The generator of one attempt (and purpose): no generator outlives it."""
    return np.random.default_rng([seed, *key])


def told_of(
    attempt: Attempt,
    evaluation: Evaluation | None,
    task: Task,
    parent_score: float,
    cost_usd: float = 0.0,
    *,
    lost: bool = False,
) -> Told:
    """What the search is told of an attempt that has ended; of one that is `lost`, no evaluation counts."""
    evaluation = None if lost else evaluation
    member = member_of(attempt.candidate_id or "", evaluation, task, attempt.index, attempt.parent_id)
    is_recorded = attempt.state is AttemptState.RECORDED  # a stopped evaluation is not found again by a program's key
    cut_short = is_recorded and not lost and (evaluation is None or evaluation.outcome is Outcome.STOPPED)
    failed = member is None and not cut_short and not lost
    return Told(
        index=attempt.index,
        island=attempt.island,
        parent_id=attempt.parent_id,
        member=member,
        arm=arm_of(attempt),
        parent_score=parent_score,
        cost_usd=cost_usd,
        repairable=failed and attempt.candidate_id is not None and attempt.neighbour_id is None,
        cut_short=cut_short,
        lost=lost,
    )


def arm_of(attempt: Attempt) -> Arm | None:
    """Who was asked, and for what; None where that is nothing a bandit chooses. Bandits ignore arms not their own."""
    operator = asked_operator(attempt.operator)
    return Arm(attempt.proposer, Operator(operator)) if operator in MODEL_OPERATORS else None


MODEL_OPERATORS = frozenset({Operator.DIFF, Operator.FULL, Operator.CROSSOVER, Operator.REPAIR, Operator.SIMPLIFY})


def member_of(
    candidate_id: str,
    evaluation: Evaluation | None,
    task: Task,
    attempt_index: int | None = None,
    parent_id: str | None = None,
) -> Member | None:
    """The candidate as a member of the population; None unless it has a search score."""
    if evaluation is None or evaluation.outcome is not Outcome.SCORED or evaluation.objective is None:
        return None
    # Metrics are means over what was scored: by failing where it is worst, a program would better its own.
    whole = all(instance.outcome is Outcome.SCORED for instance in evaluation.instances)
    values = {**evaluation.metrics, task.objective: evaluation.objective} if whole else {}
    return Member(
        candidate_id=candidate_id,
        score=evaluation.objective,
        instance_scores=tuple(instance.counted_score for instance in evaluation.instances),
        attempt_index=attempt_index,
        parent_id=parent_id,
        cell=cell_of(task, values),
        objectives=objectives_of(task, values),
    )
