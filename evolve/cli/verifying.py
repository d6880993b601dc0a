"""Plays archived evaluations again: on their own seeds and delays, with fresh delays, and on fresh seeds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archive.records import Candidate, StoredEvaluation, candidate_id
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, PlannerClock
from evaluators.measure import Interval, unpaired_interval
from evaluators.paired import counted_scores
from evaluators.problem import Problem
from evaluators.protocol import EvaluateRequest
from evaluators.seeding import fresh_secret, secret_from_seed
from evolve.execution.backend import EvaluationBackend
from evolve.execution.opening import local_backend
from evolve.identity import LostTaskError, problem_of
from evolve.known_seeds import KnownSeeds
from evolve.verification import Status, contradiction, first_difference, replay_request, row_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A score made anew beside the archived one; not expected to be equal."""

    score: float | None
    difference: float | None = None  # new - archived
    low: float | None = None  # 95 % of the difference, where the instances differ
    high: float | None = None
    planner_s: float | None = None  # planner time charged per call, on average
    archived_planner_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What became of one archived evaluation."""

    stored: StoredEvaluation
    status: Status
    detail: str = ""  # a sentence that names the row, unless it was reproduced
    fresh_delays: Fresh | None = None
    fresh_seeds: Fresh | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user wants verified."""

    everything: bool = False  # not only the newest evaluation of each tier and split
    replay_only: bool = False
    seeds: tuple[int, ...] = ()  # public seeds to try beside the usual ones
    fresh_seed: int | None = None
    allow_unsafe: bool = False


def verify(url: str, id_or_prefix: str, wish: Wish) -> tuple[Candidate, list[Check]]:
    """Every check of one candidate, in the order its evaluations were archived.

    Raises:
        ArchiveError: An unknown or ambiguous id.
        BackendError: Nothing can be executed here.
    """
    with Archive.open(url, create=False, read_only=True) as archive:
        candidate = archive.candidate(id_or_prefix)
        chosen = chosen_rows(archive.evaluations(candidate.id), everything=wish.everything)
        return candidate, asyncio.run(_checks(archive, candidate, chosen, wish))


def chosen_rows(stored: Sequence[StoredEvaluation], *, everything: bool) -> list[StoredEvaluation]:
    """The finished evaluations to check: all, or the newest of each task, tier and split."""
    unfinished = (Outcome.INFRASTRUCTURE, Outcome.STOPPED)
    finished = [row for row in stored if row.evaluation.outcome not in unfinished]
    if everything:
        return finished
    newest = {(row.evaluation.task_identity, row.evaluation.tier, row.evaluation.split): row for row in finished}
    return sorted(newest.values(), key=lambda row: row.id)


async def _checks(
    archive: Archive, candidate: Candidate, chosen: Sequence[StoredEvaluation], wish: Wish
) -> list[Check]:
    checks: list[Check] = []
    for identity in dict.fromkeys(row.evaluation.task_identity for row in chosen):
        rows = [row for row in chosen if row.evaluation.task_identity == identity]
        try:
            problem = problem_of(archive, rows[0].evaluation.task, identity)
        except LostTaskError as error:
            checks += [Check(stored=row, status=Status.LOST_TASK, detail=f"{row_name(row)}: {error}") for row in rows]
            continue
        verifier = Verifier(archive, candidate, problem, wish)
        async with local_backend(problem, {}, 1, allow_unsafe=wish.allow_unsafe) as backend:
            checks += [await verifier.check(row, backend) for row in rows]
    return sorted(checks, key=lambda check: check.stored.id)


class Verifier:
    """Checks the evaluations of one candidate on one task."""

    def __init__(self, archive: Archive, candidate: Candidate, problem: Problem, wish: Wish) -> None:
        self._archive = archive
        self._candidate = candidate
        self._problem = problem
        self._wish = wish
        self._known = KnownSeeds(archive, problem.task, wish.seeds)

    async def check(self, row: StoredEvaluation, backend: EvaluationBackend) -> Check:
        """Whether a row agrees with itself, with its key, and with the program played again."""
        wrong = self._forgery(row) or contradiction(row)
        if wrong:
            return Check(stored=row, status=Status.TAMPERED, detail=f"{row_name(row)} was tampered with: {wrong}")
        secret = self._known.secret(row.evaluation.split, row.evaluation.seeds)
        if secret is None:
            detail = (
                f"{row_name(row)} cannot be replayed: the secret of its seeds {row.evaluation.seeds} is not in this "
                "archive; if it was made by `evolve evaluate --seed N`, say --seed N"
            )
            return Check(stored=row, status=Status.UNKNOWN_SEEDS, detail=detail)
        request = replay_request(self._candidate.source, row, secret)
        replayed = await backend.evaluate(request)
        difference = first_difference(row.evaluation, replayed)
        if difference:
            return await self._refuted(row, request, replayed, difference, backend)
        if self._wish.replay_only:
            return Check(stored=row, status=Status.REPRODUCED)
        return Check(
            stored=row,
            status=Status.REPRODUCED,
            fresh_delays=await self._fresh_delays(row, request, backend),
            fresh_seeds=await self._fresh_seeds(row, request, backend),
        )

    def _forgery(self, row: StoredEvaluation) -> str:
        """Why the row or the program is not what it was archived as; empty if nothing shows it."""
        if candidate_id(self._candidate.source) != self._candidate.id:
            return f"the source of candidate {self._candidate.id[:10]} does not have the digest that is its id"
        found = self._archive.find_evaluation(row.key)
        return "" if found and found.id == row.id else "its key does not belong to its tier, split, seeds or league"

    async def _refuted(
        self,
        row: StoredEvaluation,
        request: EvaluateRequest,
        replayed: Evaluation,
        difference: str,
        backend: EvaluationBackend,
    ) -> Check:
        """Tampering, unless the program does not even repeat itself."""
        again = first_difference(replayed, await backend.evaluate(request))
        if again:
            detail = f"{row_name(row)} cannot be reproduced by anyone, the program does not repeat itself: {difference}"
            return Check(stored=row, status=Status.UNSTEADY, detail=detail)
        detail = f"{row_name(row)} was tampered with{_or_made_elsewhere(row.evaluation, replayed)}: {difference}"
        return Check(stored=row, status=Status.TAMPERED, detail=detail)

    async def _fresh_delays(
        self, row: StoredEvaluation, request: EvaluateRequest, backend: EvaluationBackend
    ) -> Fresh | None:
        """The same instances with planner time measured now; None where no time is charged."""
        if request.clock is not PlannerClock.REPLAYED or not self._problem.task.charges_time:
            return None
        made = await backend.evaluate(replace(request, clock=PlannerClock.MEASURED, stored_delays_s={}))
        return Fresh(
            score=made.objective,
            difference=_difference(made, row.evaluation),
            planner_s=_mean_delay_s(made),
            archived_planner_s=_mean_delay_s(row.evaluation),
        )

    async def _fresh_seeds(self, row: StoredEvaluation, request: EvaluateRequest, backend: EvaluationBackend) -> Fresh:
        """Other instances of the same tier and split, from a secret that nobody had before."""
        seed = self._wish.fresh_seed
        secret = fresh_secret() if seed is None else secret_from_seed(seed)
        clock = PlannerClock(row.planner_clock)
        made = await backend.evaluate(replace(request, clock=clock, stored_delays_s={}, secret=secret))
        interval = _unpaired(made, row.evaluation)
        return Fresh(
            score=made.objective,
            difference=_difference(made, row.evaluation),
            low=interval.low if interval else None,
            high=interval.high if interval else None,
        )


def _or_made_elsewhere(stored: Evaluation, replayed: Evaluation) -> str:
    """Honest doubts: other evaluator code or another kind of machine may give other bits."""
    doubts = []
    if stored.environment.evaluator_revision != replayed.environment.evaluator_revision:
        doubts.append("by other evaluator code")
    if stored.environment_class != replayed.environment_class:
        doubts.append(f"on another machine [{stored.environment_class}]")
    return f", or made {' and '.join(doubts)}" if doubts else ""


def _difference(made: Evaluation, stored: Evaluation) -> float | None:
    return None if made.objective is None or stored.objective is None else made.objective - stored.objective


def _unpaired(made: Evaluation, stored: Evaluation) -> Interval | None:
    if made.objective is None or stored.objective is None:
        return None
    regimes = [[instance.regime for instance in evaluation.instances] for evaluation in (made, stored)]
    return unpaired_interval(counted_scores(made), regimes[0], counted_scores(stored), regimes[1])


def _mean_delay_s(evaluation: Evaluation) -> float | None:
    delays = [delay for instance in evaluation.instances for delay in instance.delays_s]
    return sum(delays) / len(delays) if delays else None
