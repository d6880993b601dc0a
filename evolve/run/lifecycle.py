"""A run from its rows to its verdict: workers up, founders scored, search driven, hold-out, workers down."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from archive.records import Founder, FounderRole, Run, RunStatus
from archive.store import Archive
from evaluators.contract import Evaluation, Split, Tier
from evaluators.problem import Problem
from evolve.choices import Order, ProposerKind
from evolve.clock import timestamp as timestamp  # part of this module's face
from evolve.config import RunConfig
from evolve.errors import RunError
from evolve.execution.backend import EvaluationBackend
from evolve.execution.opening import local_backend
from evolve.outside.answer import Nobody
from evolve.proposing import novelty_judge, open_asker, open_embedder, open_proposer
from evolve.run import lease
from evolve.run.driver import STOPPED, Clock, Driver
from evolve.run.finale import Finale, Verdict
from evolve.run.gate import Gate
from evolve.run.progress import Progress
from evolve.run.session import founding_members, restore, split_secrets
from evolve.run.stages import Stages
from evolve.run.standing import Session
from evolve.run.stopping import unless_set
from evolve.run.validations import Validations

WAITING = "it waits for answers from outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a session of a run ended."""

    reason: str
    verdict: Verdict | None  # None: stopped before the end and resumable, or not judged by request
    seconds: float


class Lifecycle:
    """Drives one run; `stop` may be called at any time, from a signal handler too."""

    def __init__(
        self,
        archive: Archive,
        run: Run,
        config: RunConfig,
        problem: Problem,
        progress: Progress,
        *,
        judge: bool = True,
    ) -> None:
        """With `judge` False the run ends with its search: no champion, no hold-out."""
        self._archive = archive
        self._run = run
        self._config = config
        self._problem = problem
        self._progress = progress
        self._judge = judge
        self._stop = asyncio.Event()
        self._driver: Driver | None = None
        self._status = RunStatus.INTERRUPTED  # until there is a verdict
        self._started_s = time.monotonic()

    def stop(self) -> None:
        """End the session as soon as possible; nothing committed is lost."""
        self._stop.set()
        if self._driver is not None:
            self._driver.stop()

    async def conduct(self) -> Ending:
        """The whole session.

        Raises:
            BackendError: Evaluations cannot be executed here.
            RunError: No initial program scores, or another process drives the run.
            ArchiveError: The archive cannot be read or written.
        """
        async with self._leased(), self._backend() as backend:
            self._check_environment(backend)
            ending = await self._unless_stopped(self._search_and_judge(backend))
            if ending.reason not in (STOPPED, WAITING):
                self._status = RunStatus.FINISHED
        return ending

    async def _search_and_judge(self, backend: EvaluationBackend) -> Ending:
        stages = self._stages(backend)
        founders = self._archive.founders(self._run.id)
        evaluations = await self._score_founders(stages, founders)
        members = founding_members(founders, evaluations, self._problem.task)
        session = restore(self._archive, self._run, self._config, founders, members, stages)
        self._begin_search(session, founders, evaluations)
        reason = await self._search(session, stages, backend)
        if reason in (STOPPED, WAITING) or not self._judge:
            return self._ending(reason, None)
        finale = Finale(
            self._archive,
            stages,
            founders,
            self._ranking_tier,
            self._config.look_every,
            self._progress,
        )
        validated = self._driver.validated if self._driver else Validations(session, stages).validated
        verdict = await finale.judge(session.search, validated, self._config.finalists)
        return self._ending(reason, verdict)

    async def _search(self, session: Session, stages: Stages, backend: EvaluationBackend) -> str:
        """Everything between the founders and the finale; the reason why it ended."""
        clock = Clock(elapsed_s=self._stopwatch(), timestamp=timestamp)
        if self._config.proposer is ProposerKind.OUTSIDE:
            return await self._finish_answered(session, stages, clock)
        task = self._problem.task
        async with (
            open_asker(self._archive, self._run, self._config) as asker,
            open_proposer(session, task, stages, asker) as proposer,
            open_embedder(self._archive, self._config) as embedder,
        ):
            judge = novelty_judge(self._archive, self._run, self._config, task, asker)
            gate = Gate(session, clock.timestamp, embedder, judge)
            self._driver = Driver(session, proposer, stages, self._progress, self._in_flight(backend), clock, gate)
            return await self._driver.evolve()

    async def _finish_answered(self, session: Session, stages: Stages, clock: Clock) -> str:
        """Score the answers from outside whose `tell` was killed; nothing is asked here."""
        answered = tuple(pending for pending in session.pending if pending.request is None)
        in_any_order = self._config.model_copy(update={"order": Order.COMPLETION})
        only = replace(session, pending=answered, config=in_any_order)
        self._driver = Driver(only, Nobody(), stages, self._progress, 1, clock)
        if await self._driver.evolve() == STOPPED:
            return STOPPED
        num_tells = session.search.num_tells
        told = "attempt was" if num_tells == 1 else "attempts were"
        return f"{num_tells} {told} told from outside" if num_tells else WAITING

    async def _score_founders(self, stages: Stages, founders: Sequence[Founder]) -> dict[str, Evaluation]:
        """Search scores of the initial programs and the baselines, by candidate."""
        ids = list(dict.fromkeys(founder.candidate_id for founder in founders))  # one program may have two names
        known = [candidate_id for candidate_id in ids if stages.stored_search(candidate_id) is not None]
        self._progress.enter_stretch("scoring the initial program and the baselines", len(ids), len(known))

        async def score(candidate_id: str) -> Evaluation:
            evaluation = await stages.search(self._archive.candidate(candidate_id))
            for founder in founders:
                is_it = founder.role is FounderRole.BASELINE and founder.candidate_id == candidate_id
                if is_it and evaluation.objective is not None:
                    self._progress.baseline_scores[founder.name] = evaluation.objective
            if candidate_id not in known:
                self._progress.one_more()
            return evaluation

        found = await asyncio.gather(*(score(candidate_id) for candidate_id in ids))
        return dict(zip(ids, found, strict=True))

    def _begin_search(self, session: Session, founders: Sequence[Founder], evaluations: dict[str, Evaluation]) -> None:
        first = next(f.candidate_id for f in founders if f.role is FounderRole.INITIAL)
        self._progress.initial_score = evaluations[first].objective
        self._progress.best_id = session.search.best.candidate_id
        self._progress.best_score = session.search.best.score
        self._progress.told = session.search.num_tells
        self._progress.asked = session.search.next_index
        self._progress.evaluated = self._progress.evaluated_before = session.evaluated
        self._progress.enter("search", searching=True)

    def _in_flight(self, backend: EvaluationBackend) -> int:
        """Attempts under way: enough to keep every slot busy, and every model call that may be made."""
        return backend.slots + 2 + (self._config.model_calls if self._config.models else 0)

    def _stages(self, backend: EvaluationBackend) -> Stages:
        secrets = split_secrets(self._archive, self._run, self._problem.task)
        return Stages(self._archive, backend, self._problem.task, secrets, self._config.planner_clock, self._run.id)

    def _check_environment(self, backend: EvaluationBackend) -> None:
        """Scores of different environment classes never meet in one run."""
        known = self._archive.environment_classes(self._run.id)
        if known and backend.environment_class not in known:
            raise RunError(
                f"run {self._run.id} was scored on [{min(known)}], this is [{backend.environment_class}]: their scores "
                "do not compare; start a new run here with --from ID"
            )

    @asynccontextmanager
    async def _backend(self) -> AsyncIterator[EvaluationBackend]:
        drawn = self._drawn_first()
        self._progress.enter(f"starting the evaluation workers{' and drawing instances' if drawn else ''}")
        secrets = split_secrets(self._archive, self._run, self._problem.task)
        slots = self._config.workers or (os.cpu_count() or 1)
        unsafe = self._config.allow_unsafe
        async with local_backend(self._problem, secrets, slots, allow_unsafe=unsafe, drawn=drawn) as backend:
            self._progress.workers = backend.slots
            yield backend

    def _drawn_first(self) -> tuple[tuple[Tier, Split], ...]:
        """What a new run on settings, data or a task of the user's draws before it spends anything.

        The hold-out is played last; where none can be drawn from the user's data, the search would be for nothing.
        Settings alone are checked when they are read, and what they judge by takes too long to be drawn in vain.
        """
        task = self._problem.task
        if not (task.parameters or task.folder) or self._archive.environment_classes(self._run.id):
            return ()
        played = ((Tier.SMOKE, Split.SEARCH), (Tier.QUICK, Split.SEARCH))
        judged = ((Tier.QUICK, Split.VALIDATION), (self._ranking_tier, Split.HOLDOUT))
        is_data = any(spec.is_path and spec.name in task.parameters for spec in task.parameter_specs)
        return (*played, *judged) if self._judge and (is_data or task.folder) else played

    @property
    def _ranking_tier(self) -> Tier:
        return self._config.final_tier or self._problem.task.ranking_tier

    @asynccontextmanager
    async def _leased(self) -> AsyncIterator[None]:
        async with lease.held(self._archive, self._run.id, self.stop):
            self._archive.set_run_status(self._run.id, RunStatus.RUNNING)
            self._archive.set_run_config(self._run.id, self._run.config)
            try:
                yield
            finally:
                # Whoever took the lease over meanwhile says where the run stands.
                self._archive.set_run_status(self._run.id, self._status, owner=lease.this_process())

    async def _unless_stopped(self, work: Awaitable[Ending]) -> Ending:
        """The result of `work`, or an ending without a verdict if `stop` comes while the driver is not at the helm."""
        ending = await unless_set(self._stop, work)
        return self._ending(STOPPED, None) if ending is None else ending

    def _ending(self, reason: str, verdict: Verdict | None) -> Ending:
        return Ending(reason=reason, verdict=verdict, seconds=time.monotonic() - self._started_s)

    def _stopwatch(self) -> Callable[[], float]:
        began_s = time.monotonic()

        def elapsed_s() -> float:
            self._progress.elapsed_s = time.monotonic() - began_s
            return self._progress.elapsed_s

        return elapsed_s
