"""The loop: asks, proposals, gate, evaluations and tells. The only place that knows concurrency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from archive.records import Attempt, AttemptState, BanditRow
from evaluators.contract import Evaluation, Outcome
from evolve.choices import Order
from evolve.proposer import Proposer
from evolve.run.budget import reason_to_stop
from evolve.run.gate import Gate, Prepared
from evolve.run.marks import Marks
from evolve.run.progress import Progress
from evolve.run.races import RaceConfig, Raced, Races
from evolve.run.stages import Stages
from evolve.run.standing import PastTell, Pending, Session, asked_attempt, attempt_rng, budget_of, spent_of, told_of
from evolve.run.turnstile import Turn, Turnstile
from evolve.run.validations import Validations
from evolve.search.request import MutationRequest

STOPPED = "it was stopped"
BANDIT_EVERY = 10  # tells


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the driver may know it."""

    elapsed_s: Callable[[], float]  # of this session's search
    timestamp: Callable[[], str]  # UTC, ISO 8601


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that is over, not yet told."""

    attempt: Attempt
    raced: Raced | None  # None: rejected before evaluation
    parent_score: float

    @property
    def evaluation(self) -> Evaluation | None:
        """What the search is told of it."""
        return self.raced.evaluation if self.raced else None

    @property
    def is_lost(self) -> bool:
        """Whether the infrastructure failed, so that nothing is known of the program."""
        return self.evaluation is not None and self.evaluation.outcome is Outcome.INFRASTRUCTURE


class Driver:
    """Drives one session until its budget is spent or it is told to stop."""

    def __init__(
        self,
        session: Session,
        proposer: Proposer,
        stages: Stages,
        progress: Progress,
        in_flight: int,
        clock: Clock,
        gate: Gate | None = None,
    ) -> None:
        """Without a `gate` of its own only programs that are the same are stopped."""
        self._session = session
        self._archive = session.archive
        self._search = session.search
        self._proposer = proposer
        races = RaceConfig(error_rate=session.config.racing, twins=session.config.twins)
        self._gate = gate or Gate(session, clock.timestamp)
        self._races = Races(stages, session.behaviours, races)
        self._stages = stages
        self._progress = progress
        self._clock = clock
        self._ordered = session.config.order is Order.INDEX
        self._in_flight = session.config.window if self._ordered else in_flight
        self._marks = Marks(self._archive, session.run.id, stages)
        self._turnstile = Turnstile(ordered=self._ordered)
        self._running: set[asyncio.Task[Ended]] = set()
        self._validations = Validations(session, stages)
        self._ended: dict[int, Ended] = {}
        self._evaluated = session.evaluated
        self._barren = 0
        self._stop = asyncio.Event()

    @property
    def validated(self) -> list[str]:
        """The candidates that were validated during the search, this session's and earlier ones', in tell order."""
        return self._validations.validated

    def stop(self) -> None:
        """Ask for nothing more and drop what is in flight; `resume` goes on from there."""
        self._stop.set()

    async def evolve(self) -> str:
        """Search until there is a reason to stop, and return it. Work in flight has then ended, unless stopped.

        Raises:
            BackendError: Evaluations cannot be executed any more.
            ArchiveError: Rows cannot be written any more.
        """
        stopping = asyncio.create_task(self._stop.wait())
        try:
            self._validations.carry_on()
            for pending in self._session.pending:
                self._launch(pending)
            while True:
                reason = self._ask_while_allowed()
                if self._stop.is_set() or not (self._running or self._validations.running):
                    return STOPPED if self._stop.is_set() else reason or STOPPED
                await self._wait(stopping)
        finally:
            await _cancel({stopping, *self._running, *self._validations.running})

    def _ask_while_allowed(self) -> str | None:
        """Ask until budget or places in flight are used; the reason why no more will be asked, if there is one."""
        while (reason := self._reason_to_stop()) is None:
            if self._stop.is_set() or len(self._search.outstanding) >= self._in_flight:
                return None
            self._launch(self._ask())
        return reason

    def _reason_to_stop(self) -> str | None:
        spent = spent_of(self._search, self._evaluated, self._clock.elapsed_s(), self._barren)
        return self._proposer.exhausted or reason_to_stop(budget_of(self._session.config), spent)

    def _ask(self) -> Pending:
        """The next attempt, its row committed."""
        index = self._search.next_index
        self._marks.refresh(self._search)
        request = self._search.ask(self._rng(index))
        attempt = asked_attempt(self._session.run.id, request, self._proposer.name, self._clock.timestamp())
        self._archive.add_attempt(attempt)
        self._progress.asked += 1
        return Pending(attempt=attempt, parent=request.parent, request=request)

    def _launch(self, pending: Pending) -> None:
        self._running.add(asyncio.create_task(self._carry(pending, self._turnstile.queue())))

    async def _carry(self, pending: Pending, turn: Turn) -> Ended:
        """One attempt from wherever it stands to its end."""
        attempt = pending.attempt
        if pending.request is not None:
            attempt = await self._propose_in_turn(attempt, pending.request, turn)
        else:
            async with turn():
                pass
        if attempt.rejection or attempt.candidate_id is None:
            return Ended(attempt, None, pending.parent.score)
        if attempt.state is AttemptState.REPLIED:
            evaluating = replace(attempt, state=AttemptState.EVALUATING)
            self._archive.advance_attempt(evaluating, expected=AttemptState.REPLIED)
            attempt = evaluating
        candidate = self._archive.candidate(attempt.candidate_id or "")
        raced = await self._races.run(candidate, attempt, pending.parent)
        return Ended(replace(attempt, neighbour_id=raced.twin_id), raced, pending.parent.score)

    async def _propose_in_turn(self, attempt: Attempt, request: MutationRequest, turn: Turn) -> Attempt:
        """The reply, through the gate in the order of asks; made side by side where the proposer allows it."""
        if not self._proposer.concurrent:
            async with turn():
                return await self._admit(attempt, await self._propose(request))
        prepared = await self._propose(request)
        async with turn():
            return await self._admit(attempt, prepared)

    async def _admit(self, attempt: Attempt, prepared: Prepared) -> Attempt:
        return self._gate.admit(attempt, await self._gate.compare(attempt, prepared, self._rng(attempt.index, 3)))

    async def _propose(self, request: MutationRequest) -> Prepared:
        wanted = [request.parent.candidate_id, *(member.candidate_id for member in request.inspirations)]
        sources = self._archive.sources(wanted)
        proposal = await self._proposer.propose(request, sources, self._rng(request.index, 1))
        return await self._gate.prepare(proposal, request, sources, self._rng(request.index, 2))

    async def _wait(self, stopping: asyncio.Task[bool]) -> None:
        """Until something ends, and tell what may be told."""
        waiting = {stopping, *self._running, *self._validations.running}
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        self._validations.settle(done)
        for task in self._running & done:
            self._running.discard(task)
            ended = task.result()
            self._ended[ended.attempt.index] = ended
        self._tell_ended()

    def _tell_ended(self) -> None:
        """Tell in attempt order, asking after each tell; or at once, where the order is that of completion."""
        while self._ended:
            index = min(self._search.outstanding) if self._ordered else next(iter(self._ended))
            if index not in self._ended:
                return
            self._tell(self._ended.pop(index))
            self._ask_while_allowed()

    def _tell(self, ended: Ended) -> None:
        """Commit the end of an attempt, then let the search learn of it."""
        attempt = replace(
            ended.attempt,
            state=AttemptState.RECORDED if ended.evaluation else AttemptState.REJECTED,
            tell_order=self._search.num_tells,
            told_at=self._clock.timestamp(),
        )
        self._archive.record_told(attempt)
        cost_usd = self._archive.call_cost(attempt.run_id, attempt.index) if self._search.bandit else 0.0
        told = told_of(attempt, ended.evaluation, self._stages.task, ended.parent_score, cost_usd, lost=ended.is_lost)
        self._search.tell(told)
        self._store_bandit()
        if ended.raced is not None:
            self._races.told(ended.raced, attempt.candidate_id or "", attempt.tell_order or 0)
        self._evaluated += attempt.is_evaluation
        self._barren = 0 if attempt.is_evaluation else self._barren + 1
        self._note(attempt, ended.evaluation)
        self._validations.told(PastTell.of(attempt, told))

    def _store_bandit(self) -> None:
        """What the bandit knows, every few tells: for people, the search itself never reads it."""
        bandit, num_tells = self._search.bandit, self._search.num_tells
        if bandit is None or num_tells % BANDIT_EVERY:
            return
        rows = [
            BanditRow(
                run_id=self._session.run.id,
                num_tells=num_tells,
                model=arm.model,
                operator=arm.operator,
                told=state.told,
                pulls=state.pulls,
                reward=state.reward,
                cost_usd=state.cost_usd,
            )
            for arm, state in bandit.states.items()
        ]
        self._archive.add_bandit_states(rows)

    def _note(self, attempt: Attempt, evaluation: Evaluation | None) -> None:
        progress = self._progress
        progress.told += 1
        progress.evaluated = self._evaluated
        outcome = evaluation.outcome if evaluation else "rejected"
        progress.outcomes["twin" if attempt.twin_id else outcome] += 1
        best = self._search.best
        if best.candidate_id != progress.best_id:
            progress.best_id, progress.best_score = best.candidate_id, best.score
            progress.best_change = attempt.change

    def _rng(self, *key: int) -> np.random.Generator:
        return attempt_rng(self._session.run.seed, *key)


AnyTask = asyncio.Task[bool] | asyncio.Task[Ended] | asyncio.Task[Evaluation] | asyncio.Task[None]


async def _cancel(tasks: Iterable[AnyTask]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
