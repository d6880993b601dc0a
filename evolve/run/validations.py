"""Validations beside the search: of each new top five, and looks at the champion on fresh seeds."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from archive.records import FounderRole
from evaluators.contract import Evaluation, Split, Tier
from evolve.run.fresh_look import FreshLooks
from evolve.run.stages import Stages
from evolve.run.standing import PastTell, Session
from evolve.run.validation_plan import DueLook, ValidationPlan
from evolve.search.request import Member


class Validations:
    """Starts the validations of one session, a tenth of the evaluations at most; the driver waits for them."""

    def __init__(self, session: Session, stages: Stages) -> None:
        """Knows what the tells before this session called for; `carry_on` starts what is missing of it."""
        self._archive = session.archive
        self._stages = stages
        self._looks = FreshLooks(self._archive, stages, _initial_of(session), session.config.look_every)
        self._plan = ValidationPlan(self._looks.is_due)
        for tell in session.tells:
            self._plan.told(tell)
        self._made = session.validated
        self._last_look: asyncio.Task[None] | None = None
        self._started: list[tuple[str, asyncio.Task[Evaluation] | None]] = []
        self.running: set[asyncio.Task[Evaluation] | asyncio.Task[None]] = set()

    @property
    def validated(self) -> list[str]:
        """The candidates that were or are being validated, in tell order."""
        return [member.candidate_id for member in self._plan.validated]

    def carry_on(self) -> None:
        """Start what an earlier session was called to make and did not end."""
        for member in self._plan.validated:
            if member.candidate_id in self._made:
                self._started.append((member.candidate_id, None))
            else:
                self._validate(member)
        for look in self._unfinished_looks():
            self._look_at_champion(look)

    def told(self, tell: PastTell) -> None:
        """Start what the tell that was just made calls for."""
        due = self._plan.told(tell)
        if due.validation is not None:
            self._validate(due.validation)
        if due.look is not None:
            self._look_at_champion(due.look)

    def settle(self, done: Collection[asyncio.Task[Any]]) -> None:
        """Drop those of `done` that are validations, and raise what ended one."""
        for task in [running for running in self.running if running in done]:
            self.running.discard(task)
            task.result()

    def _unfinished_looks(self) -> Sequence[DueLook]:
        """From the last one on that has begun: looks are made one after the other."""
        looks = self._plan.looks
        begun = (place for place in reversed(range(len(looks))) if self._looks.has_begun(looks[place].num_tells))
        return looks[next(begun, 0) :]

    def _validate(self, member: Member) -> None:
        candidate = self._archive.candidate(member.candidate_id)
        evaluation = self._stages.evaluate(candidate, Tier.QUICK, Split.VALIDATION, member.attempt_index)
        validation = asyncio.create_task(evaluation)
        self.running.add(validation)
        self._started.append((member.candidate_id, validation))

    def _look_at_champion(self, due: DueLook) -> None:
        """Have the champion of then scored on fresh seeds, after the look before."""
        known = tuple(self._started[: due.num_validated])
        self._last_look = asyncio.create_task(self._look(due.num_tells, known, self._last_look))
        self.running.add(self._last_look)

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
