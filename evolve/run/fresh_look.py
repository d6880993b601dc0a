"""Looks at the champion on validation seeds that it was not chosen on: what is left of its gain (winner's curse).

The best of many noisy scores is too high by the noise that made it the best. A look scores the champion and the initial
program on a further round of validation seeds. It is made every so many tells and at the end; it chooses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.measure import Interval
from evaluators.paired import gain_of
from evolve.run.champion import choose_champion
from evolve.run.stages import Stages

FINAL = 1_000_000_000  # plus the tells until then: the round of a look at the end of a session, which may be resumed
NUM_EVALUATIONS = 2  # of a look: the champion and the initial program


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One champion, when it was chosen and on fresh seeds."""

    after: int  # tells
    candidate_id: str
    chosen_gain: float  # over the initial program, on the validation instances it was chosen by
    fresh_gain: float  # on fresh ones
    interval: Interval | None  # 95 %, paired, of the fresh gain

    @property
    def shrank(self) -> float:
        """How much of the gain was luck; negative if it grew."""
        return self.chosen_gain - self.fresh_gain


class FreshLooks:
    """Makes the looks of one run and reads them back."""

    def __init__(self, archive: Archive, stages: Stages, initial: str, every: int) -> None:
        self._archive = archive
        self._stages = stages
        self._initial = initial
        self._every = every

    def is_due(self, num_tells: int) -> bool:
        """Whether the tell that has just been made ends a round."""
        return self._every > 0 and num_tells > 0 and num_tells % self._every == 0

    def has_begun(self, num_tells: int) -> bool:
        """Whether this run made an evaluation for the look of the round that `num_tells` ended.

        Another run of its seed has the same rounds, and looks at champions of its own.
        """
        return self._stages.made_here(self._initial, Tier.QUICK, Split.VALIDATION, self._round(num_tells))

    async def look(self, num_tells: int, validations: Sequence[tuple[str, Awaitable[Evaluation] | None]]) -> None:
        """Score the champion of `validations` on this round's fresh seeds.

        Args:
            num_tells: So many ended with the tell that made the look due.
            validations: Candidates in tell order; what still runs is awaited, None is archived.
        """
        initial = await self._validation(self._initial, 0)
        known = [(i, await (running or self._validation(i, 0))) for i, running in validations]
        champion = choose_champion(self._initial, [(self._initial, initial), *known])
        await self.score(champion, self._round(num_tells))

    def num_known(self, champion: str, num_tells: int) -> int:
        """How many of the evaluations of the look at the end of a session are archived."""
        found = (self._stored(i, FINAL + num_tells) for i in (champion, self._initial))
        return sum(evaluation is not None for evaluation in found)

    async def final(self, champion: str, num_tells: int, one_more: Callable[[], None] | None = None) -> None:
        """The look at the end of a session, on a round of its own; `one_more` is called after each evaluation made."""
        if self._every > 0:
            await self.score(champion, FINAL + num_tells, one_more)

    async def score(self, champion: str, fresh_round: int, one_more: Callable[[], None] | None = None) -> None:
        """Archive the champion's and the initial program's scores of a round; nothing to see if they are one."""

        async def validate(candidate_id: str) -> None:
            is_known = self._stored(candidate_id, fresh_round) is not None
            await self._validation(candidate_id, fresh_round)
            if one_more is not None and not is_known:
                one_more()

        if champion != self._initial:
            await asyncio.gather(*(validate(i) for i in (champion, self._initial)))

    def made(self, num_tells: int, candidates: Sequence[str]) -> list[Look]:
        """The looks at any of `candidates` that are archived, in order."""
        if self._every == 0:
            return []
        numbers = {self._stages.seeds(Split.VALIDATION, number): number for number in fresh_rounds(num_tells)}
        scored = [(number, i) for i in dict.fromkeys(candidates) for number in self._rounds_of(i, numbers)]
        scored.sort(key=lambda pair: pair[0])
        found = (self._read(i, number, num_tells) for number, i in scored)
        return sorted((look for look in found if look is not None), key=lambda look: look.after)

    def _rounds_of(self, candidate_id: str, numbers: Mapping[str, int]) -> set[int]:
        """The rounds that a program was scored on, few of all that there were; `numbers` are theirs by seeds."""
        if candidate_id == self._initial:
            return set()
        seeds = {row.evaluation.seeds for row in self._archive.evaluations(candidate_id)}
        return {numbers[digest] for digest in seeds & numbers.keys()}

    def _round(self, num_tells: int) -> int:
        return num_tells // self._every

    def _after(self, fresh_round: int, num_tells: int) -> int:
        """The tells before a round; final looks of older runs had the number of the round to come."""
        return fresh_round - FINAL if fresh_round >= FINAL else min(fresh_round * self._every, num_tells)

    def _read(self, candidate_id: str, fresh_round: int, num_tells: int) -> Look | None:
        keys = ((candidate_id, fresh_round), (self._initial, fresh_round), (candidate_id, 0), (self._initial, 0))
        found = [e for key in keys if (e := self._stored(*key)) is not None and e.outcome is Outcome.SCORED]
        if len(found) < len(keys):
            return None
        fresh, fresh_initial, chosen, chosen_initial = found
        return Look(
            after=self._after(fresh_round, num_tells),
            candidate_id=candidate_id,
            chosen_gain=(chosen.objective or 0.0) - (chosen_initial.objective or 0.0),
            fresh_gain=(fresh.objective or 0.0) - (fresh_initial.objective or 0.0),
            interval=gain_of(fresh, fresh_initial),
        )

    def _stored(self, candidate_id: str, fresh_round: int) -> Evaluation | None:
        return self._stages.stored(candidate_id, Tier.QUICK, Split.VALIDATION, fresh_round)

    async def _validation(self, candidate_id: str, fresh_round: int) -> Evaluation:
        candidate = self._archive.candidate(candidate_id)
        return await self._stages.evaluate(candidate, Tier.QUICK, Split.VALIDATION, fresh_round=fresh_round)


def fresh_rounds(num_tells: int) -> Iterator[int]:
    """Every round that a run with so many tells can have looked at, however often it looked."""
    yield from range(1, num_tells + 2)
    yield from range(FINAL, FINAL + num_tells + 1)
