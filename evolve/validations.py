"""Validations beside the search: of each new top five, and looks at the champion on fresh seeds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from archive.records import FounderRole
from evaluators.contract import Evaluation, Split, Tier
from evolve.champion import NUM_CONTENDERS, VALIDATION_SHARE
from evolve.fresh_look import NUM_EVALUATIONS, FreshLooks
from evolve.request import Member
from evolve.stages import Stages
from evolve.standing import Session


class Validations:
    """Starts the validations of one session, a tenth of the evaluations at most; the driver waits for them."""

    def __init__(self, session: Session, stages: Stages) -> None:
        """Goes on from what the session has validated before."""
        self._archive = session.archive
        self._stages = stages
        self._looks = FreshLooks(self._archive, stages, _initial_of(session), session.config.look_every)
        self._look_is_due = False
        self._last_look: asyncio.Task[None] | None = None
        self._contenders = [(m.score, m.candidate_id) for m in session.search.top(NUM_CONTENDERS) if not m.is_founder]
        self._started: list[tuple[str, asyncio.Task[Evaluation] | None]] = [(i, None) for i in session.validated]
        self._num_evaluations = session.num_validations
        self.running: set[asyncio.Task[Evaluation] | asyncio.Task[None]] = set()

    def told(self, num_tells: int, newcomer: Member | None, evaluated: int) -> None:
        """Start what the tell that was just made calls for.

        Args:
            num_tells: So many tells are made.
            newcomer: Who joined the search with this tell, unless it behaves as another does.
            evaluated: Search evaluations so far; validations keep to a share of them.
        """
        self._look_is_due = self._look_is_due or self._looks.is_due(num_tells)
        # A look that is due goes first: where newcomers come often it would wait for ever.
        if newcomer is not None and self._is_contender(newcomer) and not self._look_is_due:
            self._validate(newcomer, evaluated)
        if self._look_is_due and self._may_make(self._look_cost, evaluated):
            self._look_is_due = False
            self._look_at_champion(num_tells)

    def settle(self, done: Collection[asyncio.Task[Any]]) -> None:
        """Drop those of `done` that are validations, and raise what ended one."""
        for task in [running for running in self.running if running in done]:
            self.running.discard(task)
            task.result()

    def _is_contender(self, newcomer: Member) -> bool:
        self._contenders.append((newcomer.score, newcomer.candidate_id))
        self._contenders.sort(key=lambda pair: -pair[0])
        del self._contenders[NUM_CONTENDERS:]
        return any(candidate_id == newcomer.candidate_id for _, candidate_id in self._contenders)

    def _may_make(self, number: int, evaluated: int) -> bool:
        """Whether validations stay a tenth of the evaluations, rounded up, if so many more are made."""
        return self._num_evaluations + number < VALIDATION_SHARE * evaluated + 1

    def _validate(self, member: Member, evaluated: int) -> None:
        if not self._may_make(1, evaluated):
            return
        self._num_evaluations += 1
        candidate = self._archive.candidate(member.candidate_id)
        evaluation = self._stages.evaluate(candidate, Tier.QUICK, Split.VALIDATION, member.attempt_index)
        validation = asyncio.create_task(evaluation)
        self.running.add(validation)
        self._started.append((member.candidate_id, validation))

    def _look_at_champion(self, num_tells: int) -> None:
        """Have the champion of now scored on fresh seeds, after the look before."""
        if not self._started:
            return
        self._num_evaluations += self._look_cost
        self._last_look = asyncio.create_task(self._look(num_tells, tuple(self._started), self._last_look))
        self.running.add(self._last_look)

    @property
    def _look_cost(self) -> int:
        """In evaluations; the first look needs the initial program's own validation too."""
        return NUM_EVALUATIONS + (self._last_look is None)

    async def _look(
        self,
        num_tells: int,
        validations: Sequence[tuple[str, asyncio.Task[Evaluation] | None]],
        earlier: asyncio.Task[None] | None,
    ) -> None:
        if earlier is not None:
            await earlier
        await self._looks.look(num_tells, validations)


def _initial_of(session: Session) -> str:
    """The candidate that gains are measured against."""
    founders = session.archive.founders(session.run.id)
    return next(founder.candidate_id for founder in founders if founder.role is FounderRole.INITIAL)
