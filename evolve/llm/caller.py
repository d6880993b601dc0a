"""From a question to an answer: tries, waits, slots, the purse, and a row of the archive for every try."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from archive.records import ModelReply
from evolve.errors import ConfigError
from evolve.llm.answers import token_bound
from evolve.llm.line import Line, Outcome
from evolve.llm.model import Completion, Finish, LanguageModel, Message, ModelCall, ModelFailure, ModelSpec
from evolve.llm.prices import PriceTable
from evolve.llm.purse import Purse, Reservation
from evolve.llm.retrying import RetryPolicy, Stop, after_failure
from evolve.llm.transcript import prompt_text


class Ledger(Protocol):
    """Where tries are kept; `archive.Archive` is one."""

    def add_reply(self, reply: ModelReply) -> None:
        """Store one try; it is safe when this returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is asked within one attempt."""

    attempt_index: int
    model: str
    messages: tuple[Message, ...]
    temperature: float | None = None
    first_ordinal: int = 0  # of the rows: how many calls the attempt has made before


@dataclass(frozen=True, slots=True)
class Answered:
    """A usable reply."""

    completion: Completion  # finish is STOP
    next_ordinal: int
    usd: float  # of all tries, as far as is known


@dataclass(frozen=True, slots=True)
class GaveUp:
    """There is none."""

    reason: str  # one line
    next_ordinal: int
    usd: float
    out_of_budget: bool = False  # the purse has no room for such a call, and no call in flight may give any back


@dataclass(slots=True)
class _Pursuit:
    """One question under way."""

    question: Question
    deadline_s: float  # as the clock will read
    tries: list[Finish] = field(default_factory=list)
    usd: float = 0.0
    last: str = ""  # how the last try ended, in words
    retry_after_s: float | None = None  # as the server asked then

    @property
    def next_ordinal(self) -> int:
        return self.question.first_ordinal + len(self.tries)

    def gave_up(self, reason: str, *, out_of_budget: bool = False) -> GaveUp:
        because = f"{reason}; the last: {self.last}" if self.last else reason
        return GaveUp(because, self.next_ordinal, self.usd, out_of_budget)


class Caller:
    """Asks models on behalf of one run.

    Before a try its upper bound is reserved in the purse; after it, and before anything acts on it, the try is a row,
    whether it failed or not. A try that was cancelled (Ctrl-C) leaves no row and gives its reservation back.
    """

    def __init__(
        self,
        run_id: str,
        models: Mapping[str, LanguageModel],
        prices: PriceTable,
        purse: Purse,
        ledger: Ledger,
        *,
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        policy: RetryPolicy | None = None,
        aside: Mapping[str, RetryPolicy] | None = None,
        max_calls: int = 1000,
    ) -> None:
        """`now` reads a clock in seconds that never goes back; `sleep` waits that many of them.

        At most `max_calls` are in flight over all models; within that each has its own `concurrency`. The models named
        in `aside` write no programs: each is asked under a policy of its own, and the run goes on without it.
        """
        self._run_id = run_id
        own = aside or {}
        usual = policy or RetryPolicy()
        self._lines = {name: Line(model, own.get(name, usual)) for name, model in models.items()}
        self._writers = [line for name, line in self._lines.items() if name not in own]
        self._prices = prices
        self._purse = purse
        self._ledger = ledger
        self._now = now
        self._sleep = sleep
        self._calls = asyncio.Semaphore(max_calls)
        self._given_back = asyncio.Event()  # set, and replaced, when a reservation ends

    @property
    def broken(self) -> Mapping[str, str]:
        """Models that are not asked any more, with the reason."""
        return {name: line.broken for name, line in self._lines.items() if line.broken}

    @property
    def exhausted(self) -> str:
        """Why no more programs should be asked for, in words; empty while there is a model to ask."""
        reasons = [line.broken or line.unaffordable for line in self._writers]
        return "; ".join(dict.fromkeys(reasons)) if all(reasons) else ""

    async def ask(self, question: Question, rng: np.random.Generator) -> Answered | GaveUp:
        """A usable reply within the tries and deadline of the model's policy, or the reason why there is none.

        Args:
            rng: Decides how long to wait between tries, and nothing else.

        Raises:
            ConfigError: There is no such model.
        """
        line = self._line(question.model)
        pursuit: _Pursuit | None = None
        while True:
            async with line.slots, self._calls:
                pursuit = pursuit or _Pursuit(question, self._now() + line.policy.deadline_s)
                ended = await self._try(line, pursuit)
            if ended is not None:
                return ended
            step = after_failure(
                line.policy,
                pursuit.tries,
                pursuit.retry_after_s,
                pursuit.deadline_s - self._now(),
                rng,
                known=line.answered,
            )
            if isinstance(step, Stop):
                if line.answered and set(pursuit.tries) == {Finish.UNREACHABLE}:
                    line.lost(f"for {line.policy.deadline_s:.3g} s")
                return pursuit.gave_up(step.reason)
            await self._sleep(step.after_s)

    def _line(self, model: str) -> Line:
        if model not in self._lines:
            raise ConfigError(f"expected one of the models {', '.join(self._lines)}, found {model!r}")
        return self._lines[model]

    async def _try(self, line: Line, pursuit: _Pursuit) -> Answered | GaveUp | None:
        """How the question ended; None if this try did not end it."""
        reservation = None if line.broken else await self._reserved(line.spec, pursuit)
        left_s = pursuit.deadline_s - self._now()
        if reservation is None or left_s <= 0:
            return self._turned_away(line, pursuit, reservation)
        line.unaffordable = ""
        try:
            outcome = await self._call(line, pursuit, reservation, left_s)
        finally:
            self._give_back(reservation)
        line.note(outcome)
        if isinstance(outcome, Completion) and outcome.finish is Finish.STOP:
            return Answered(outcome, pursuit.next_ordinal, pursuit.usd)
        return None

    async def _reserved(self, spec: ModelSpec, pursuit: _Pursuit) -> Reservation | None:
        """Room in the purse; while calls in flight hold what is missing, their end is waited for."""
        prompt_bound = token_bound(pursuit.question.messages)
        usd_bound = self._prices.usd(spec, prompt_bound, spec.max_tokens) or 0.0  # unknown: then there is no limit
        while (reservation := self._purse.reserve(usd_bound, prompt_bound + spec.max_tokens)) is None:
            left_s = pursuit.deadline_s - self._now()
            if left_s <= 0 or not self._purse.num_open:
                return None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._given_back.wait(), left_s)
        return reservation

    def _turned_away(self, line: Line, pursuit: _Pursuit, reservation: Reservation | None) -> GaveUp:
        if reservation is not None:
            self._give_back(reservation)
        if line.broken:
            return pursuit.gave_up(line.broken)
        if pursuit.deadline_s <= self._now():
            return pursuit.gave_up("the deadline of the proposal has passed")
        line.unaffordable = self._purse.refusal()
        return pursuit.gave_up(line.unaffordable, out_of_budget=True)

    def _give_back(self, reservation: Reservation) -> None:
        """Releases what was not settled, and wakes those who wait for room."""
        self._purse.release(reservation)
        self._given_back.set()
        self._given_back = asyncio.Event()

    async def _call(self, line: Line, pursuit: _Pursuit, reservation: Reservation, left_s: float) -> Outcome:
        question = pursuit.question
        start_s = self._now()
        task = asyncio.create_task(
            _outcome(line.model, ModelCall(messages=question.messages, temperature=question.temperature))
        )
        try:
            await asyncio.wait({task}, timeout=left_s)
        finally:  # whatever ended the wait, also Ctrl-C: an answer that was read in full is kept
            await _ended(task)
            outcome = None if task.cancelled() else task.result()
            if outcome is not None:
                self._book(line, pursuit, reservation, outcome)
        if outcome is None:
            detail = f"no answer in {left_s:.3g} s, the deadline of the proposal"
            outcome = ModelFailure(Finish.TIMEOUT, detail, latency_s=self._now() - start_s, perhaps_paid=True)
            self._book(line, pursuit, reservation, outcome)
        return outcome

    def _book(self, line: Line, pursuit: _Pursuit, reservation: Reservation, outcome: Outcome) -> None:
        """The try as a row, then in the purse, then in the pursuit."""
        row = self._row(line.spec, pursuit, outcome, reservation)
        self._ledger.add_reply(row)
        self._purse.settle(reservation, row.price_usd or 0.0, row.prompt_tokens + row.reply_tokens)
        pursuit.tries.append(outcome.finish)
        pursuit.usd += row.price_usd or 0.0
        pursuit.last = row.finish_reason
        pursuit.retry_after_s = outcome.retry_after_s if isinstance(outcome, ModelFailure) else None

    def _row(self, spec: ModelSpec, pursuit: _Pursuit, outcome: Outcome, reservation: Reservation) -> ModelReply:
        """A call that may be billed though nothing was read counts with the most it can have cost, tokens included."""
        row = ModelReply(
            run_id=self._run_id,
            attempt_index=pursuit.question.attempt_index,
            ordinal=pursuit.next_ordinal,
            model=spec.name,
            prompt=prompt_text(pursuit.question.messages),
            reply="",
            finish_reason=outcome.finish,
            prompt_tokens=0,
            reply_tokens=0,
            price_usd=0.0,
            latency_s=outcome.latency_s,
        )
        if isinstance(outcome, ModelFailure):
            row = replace(row, finish_reason=f"{outcome.finish}: {outcome.detail}")
            if not outcome.perhaps_paid:
                return row
            return replace(
                row,
                prompt_tokens=reservation.tokens - spec.max_tokens,
                reply_tokens=spec.max_tokens,
                price_usd=None if self._prices.price_of(spec) is None else reservation.usd,
            )
        return replace(
            row,
            reply=outcome.text,
            prompt_tokens=outcome.prompt_tokens,
            reply_tokens=outcome.reply_tokens,
            price_usd=self._prices.usd(spec, outcome.prompt_tokens, outcome.reply_tokens),
        )


async def _outcome(model: LanguageModel, call: ModelCall) -> Outcome:
    try:
        return await model.complete(call)
    except ModelFailure as failure:
        return failure


async def _ended(task: asyncio.Task[Outcome]) -> None:
    """Cancels `task` if it still runs, and waits for its end."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
