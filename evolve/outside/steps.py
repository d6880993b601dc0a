"""Programs from outside: a person or a coding agent is asked, and tells. Each command restores the run, does one step
and leaves. Whoever answers sends text: scoring stays here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from archive.records import OUTSIDE, Run, RunStatus
from archive.store import Archive
from evaluators.contract import Evaluation
from evaluators.problem import Problem
from evaluators.protocol import EvaluateRequest
from evolve.choices import Order
from evolve.config import RunConfig
from evolve.errors import BackendError, RunError
from evolve.execution.backend import EvaluationBackend
from evolve.llm.briefing import Desk
from evolve.llm.model import Message
from evolve.llm.proposer import ModelProposer
from evolve.outside.answer import Outsider, require_program, require_same_answer
from evolve.outside.telling import Told, told_of_answer
from evolve.parsing.client import Parser
from evolve.prompting import PromptBrief, build
from evolve.proposing import novelty_judge, open_asker, open_embedder
from evolve.run import lease
from evolve.run.budget import reason_to_stop
from evolve.run.driver import Clock, Driver
from evolve.run.gate import Gate
from evolve.run.marks import Marks
from evolve.run.progress import Progress
from evolve.run.session import founding_members, restore, split_secrets
from evolve.run.stages import Stages
from evolve.run.standing import Pending, Session, asked_attempt, attempt_rng, budget_of, spent_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An attempt that waits for its answer."""

    run: str
    attempt: int
    operator: str
    parent: str
    parent_score: float
    messages: tuple[Message, ...]


class NoWorkers:
    """Stands in for the evaluation backend where nothing is executed; it knows where the run was scored."""

    slots = 0

    def __init__(self, known: Evaluation) -> None:
        self.environment = known.environment
        self.environment_class = known.environment_class

    async def evaluate(self, request: EvaluateRequest) -> Evaluation:
        """Never.

        Raises:
            BackendError: Always.
        """
        raise BackendError(f"no workers were started, but a {request.tier} evaluation is needed")

    async def close(self) -> None:
        """Nothing to end."""


IMPATIENT = lease.Patience(seconds=0.0, announce=lambda _: None)


class OutsideRun:
    """A run with its archive, for one command."""

    def __init__(
        self,
        archive: Archive,
        run: Run,
        config: RunConfig,
        problem: Problem,
        patience: lease.Patience = IMPATIENT,
    ) -> None:
        """What a run from outside needs is completion order: answers come when they come.

        `patience` is that of `ask` and `tell` while another of them works on the run.
        """
        self._patience = patience
        self._archive = archive
        self._run = run
        self._config = config.model_copy(update={"order": Order.COMPLETION})
        self._problem = problem

    async def ask(self, timestamp: str) -> Asked:
        """Reserves the next attempt and says what to answer.

        Raises:
            RunError: The run has no scored founders yet, its budget is spent, or another command works on it.
            LeaseHeldError: `evolve run` or `evolve resume` drives the run.
        """
        async with self._turn():
            stages = self._stages(NoWorkers(self._any_evaluation()))
            session = self._restored(stages)
            search = session.search
            self._require_budget(session)
            Marks(self._archive, self._run.id, stages).refresh(search)
            request = search.ask(attempt_rng(self._run.seed, search.next_index))
            attempt = asked_attempt(self._run.id, request, OUTSIDE, timestamp)
            self._archive.add_attempt(attempt)
            self._archive.set_run_status(self._run.id, RunStatus.INTERRUPTED)  # its verdict, if it has one, is no more
            pending = Pending(attempt=attempt, parent=request.parent, request=request)
            return self._asked(pending, self._brief(pending, stages))

    def waiting(self) -> list[Asked]:
        """The attempts that were asked and not told."""
        stages = self._stages(NoWorkers(self._any_evaluation()))
        session = self._restored(stages)
        return [self._asked(one, self._brief(one, stages)) for one in session.pending if one.request is not None]

    async def check(self, index: int, reply: str) -> None:
        """That a reply makes a program worth scoring, before workers are started for it.

        Raises:
            RunError: The attempt does not wait for an answer, or the program does not parse or lacks an entry point.
            PatchError: The reply cannot be applied; the attempt goes on waiting.
        """
        stages = self._stages(NoWorkers(self._any_evaluation()))
        pending = self._waiting_for(index, self._restored(stages))
        if pending.request is None:
            require_same_answer(self._archive, self._run.id, index, reply)
            return
        async with Parser() as parser:
            await require_program(self._brief(pending, stages), reply, parser)

    async def tell(self, index: int, reply: str, backend: EvaluationBackend, timestamp: str) -> Told:
        """Scores the program that `reply` makes of the attempt's parent; also where a `tell` was killed meanwhile.

        Raises:
            RunError: The attempt does not wait for an answer, has another one, or another command works on the run.
            LeaseHeldError: `evolve run` or `evolve resume` drives the run.
        """
        async with (
            self._turn(),
            Parser() as parser,
            open_embedder(self._archive, self._config) as embedder,
            open_asker(self._archive, self._run, self._config) as judging,
        ):
            stages = self._stages(backend)
            session = self._restored(stages)
            pending = self._waiting_for(index, session)
            if pending.request is None:
                require_same_answer(self._archive, self._run.id, index, reply)
            outsider = Outsider(self._archive, self._run.id, reply)
            task, desk = self._problem.task, self._desk(stages)
            proposer = ModelProposer(self._run.id, task, desk, outsider, outsider, parser)
            clock = Clock(elapsed_s=lambda: 0.0, timestamp=lambda: timestamp)
            progress = Progress(task=self._run.task, run_id=self._run.id)
            only = replace(session, pending=(pending,))
            judge = novelty_judge(self._archive, self._run, self._config, task, judging)
            gate = Gate(only, clock.timestamp, embedder, judge)
            await Driver(only, proposer, stages, progress, 1, clock, gate).evolve()
            return told_of_answer(self._archive, pending, stages, session)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """The run for this command alone. What `evolve run` or `evolve resume` drives is not waited for: it is long."""
        is_long = self._archive.run(self._run.id).status is RunStatus.RUNNING
        async with lease.held(self._archive, self._run.id, patience=None if is_long else self._patience):
            if is_long:  # it was killed, or there would be no lease to have
                self._archive.set_run_status(self._run.id, RunStatus.INTERRUPTED)
            yield

    def _require_budget(self, session: Session) -> None:
        reason = reason_to_stop(budget_of(self._config), spent_of(session.search, session.evaluated))
        if reason is None:
            return
        waiting = sum(pending.request is not None for pending in session.pending)
        listed = f"; {waiting} asked before wait for answers, see `evolve ask {self._run.id} --waiting`"
        raise RunError(
            f"run {self._run.id} asks nothing more, {reason}{listed if waiting else ''}; `evolve resume "
            f"{self._run.id}` judges it, and raises its budget where it is given a larger one (--attempts N and others)"
        )

    def _waiting_for(self, index: int, session: Session) -> Pending:
        waiting = {pending.attempt.index: pending for pending in session.pending}
        if index not in waiting:
            known = ", ".join(str(one) for one in sorted(waiting)) or "none"
            raise RunError(f"attempt {index} of run {self._run.id} does not wait for an answer; waiting are: {known}")
        return waiting[index]

    def _restored(self, stages: Stages) -> Session:
        founders = self._archive.founders(self._run.id)
        found = {founder.candidate_id: stages.stored_search(founder.candidate_id) for founder in founders}
        evaluations = {candidate_id: evaluation for candidate_id, evaluation in found.items() if evaluation is not None}
        if len(evaluations) < len(found):
            raise RunError(f"run {self._run.id} has not scored its first programs; `evolve resume {self._run.id}` does")
        members = founding_members(founders, evaluations, self._problem.task)
        return restore(self._archive, self._run, self._config, founders, members, stages)

    def _stages(self, backend: EvaluationBackend) -> Stages:
        task = self._problem.task
        secrets = split_secrets(self._archive, self._run, task)
        return Stages(self._archive, backend, task, secrets, self._config.planner_clock, self._run.id)

    def _brief(self, pending: Pending, stages: Stages) -> PromptBrief:
        if pending.request is None:
            raise RunError(f"attempt {pending.attempt.index} has its answer; `evolve resume {self._run.id}` scores it")
        request = pending.request
        shown = [request.parent.candidate_id, *(member.candidate_id for member in request.inspirations)]
        return self._desk(stages).brief(request, self._archive.sources(shown))

    def _desk(self, stages: Stages) -> Desk:
        return Desk(self._archive, self._run.id, self._problem.task, stages, models=())

    def _asked(self, pending: Pending, brief: PromptBrief) -> Asked:
        return Asked(
            run=self._run.id,
            attempt=pending.attempt.index,
            operator=pending.attempt.operator,
            parent=pending.attempt.parent_id,
            parent_score=pending.parent.score,
            messages=build(brief),
        )

    def _any_evaluation(self) -> Evaluation:
        found = self._archive.evaluations_of_run(self._run.id)
        known = next(iter(found), None) or next(iter(self._archive.evaluations_for_run(self._run.id)), None)
        if known is None:
            raise RunError(f"run {self._run.id} has not scored its first programs; `evolve resume {self._run.id}` does")
        return known.evaluation
