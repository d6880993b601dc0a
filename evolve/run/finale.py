"""The end of a run: validation of the contenders, the hold-out, and the table that the run is judged by."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from archive.records import Candidate, Founder, FounderRole
from archive.store import Archive
from evaluators.contract import Evaluation, Outcome, Split, Tier
from evaluators.measure import Interval
from evaluators.paired import gain_of, interval_of, p_of
from evolve.run.champion import NUM_CONTENDERS, choose_champion, finalists
from evolve.run.fresh_look import NUM_EVALUATIONS, FreshLooks, Look
from evolve.run.progress import Progress
from evolve.run.stages import Stages
from evolve.search.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One row of the final table; scores are absent where the program failed or was not judged."""

    name: str
    candidate_id: str
    role: str  # "initial" (several, if the run began with several) | "baseline" | "champion" | "finalist"
    search: float | None
    validation: float | None
    holdout: float | None
    holdout_interval: Interval | None
    outcome: Outcome  # of the hold-out, or of the search where there is none
    gain: Interval | None = None  # paired hold-out difference to the initial program; absent for that one itself
    gain_p: float | None = None  # of this difference, by sign flips
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who won a run, and against whom."""

    champion_id: str
    initial_id: str  # the first program that the run began with: gains are over this one
    standings: tuple[Standing, ...]  # best hold-out first; those without one last
    looks: tuple[Look, ...] = ()  # at champions on fresh validation seeds, in order

    @property
    def champion(self) -> Standing:
        """The row of the champion."""
        return next(row for row in self.standings if row.candidate_id == self.champion_id)

    @property
    def last_look(self) -> Look | None:
        """The last look at the champion; None where there is none, as at an initial program that leads."""
        return next((look for look in reversed(self.looks) if look.candidate_id == self.champion_id), None)


class Finale:
    """Judges a run that has ended. Executes only what the archive does not hold yet."""

    def __init__(
        self,
        archive: Archive,
        stages: Stages,
        founders: Sequence[Founder],
        tier: Tier,
        look_every: int,
        progress: Progress,
    ) -> None:
        self._archive = archive
        self._look_every = look_every
        self._stages = stages
        self._founders = founders
        self._tier = tier
        self._progress = progress

    async def judge(self, search: Search, validated: Sequence[str], num_finalists: int) -> Verdict:
        """Validate, choose the champion, run the hold-out.

        Args:
            search: The search as it ended.
            validated: Candidates whose validation was made during the run, in tell order.
            num_finalists: Evolved programs that get a hold-out score.
        """
        initial = next(f.candidate_id for f in self._founders if f.role is FounderRole.INITIAL)
        contenders = dict.fromkeys([initial, *validated, *(m.candidate_id for m in search.top(NUM_CONTENDERS))])
        validations = await self._all("validation of the best programs", list(contenders), Tier.QUICK, Split.VALIDATION)
        champion = choose_champion(initial, validations)
        looks = await self._look(initial, champion, list(contenders), search.num_tells)
        founders = [founder.candidate_id for founder in self._founders]
        ids = dict.fromkeys([*founders, *finalists(champion, validations, num_finalists, founders)])
        judged = [candidate_id for candidate_id in ids if self._has_search_score(candidate_id)]
        ids.setdefault(champion)  # it has a row even where no finalist was wanted
        holdouts = dict(await self._all("hold-out (instances nobody has seen)", judged, self._tier, Split.HOLDOUT))
        rows = [self._standing(i, initial, champion, dict(validations), holdouts) for i in ids]
        rows.sort(key=lambda row: -2.0 if row.holdout is None else row.holdout, reverse=True)
        return Verdict(champion_id=champion, initial_id=initial, standings=tuple(rows), looks=tuple(looks))

    async def _look(self, initial: str, champion: str, contenders: Sequence[str], num_tells: int) -> list[Look]:
        """Score the champion on fresh seeds once more, and gather every look of the run."""
        looks = FreshLooks(self._archive, self._stages, initial, self._look_every)
        if self._look_every > 0 and champion != initial:
            what, known = "validation of the champion on fresh seeds", looks.num_known(champion, num_tells)
            each_s = self._expected_s([champion, initial], Tier.QUICK, Split.VALIDATION)
            self._progress.enter_stretch(what, NUM_EVALUATIONS, known, each_s)
        await looks.final(champion, num_tells, self._progress.one_more)
        return looks.made(num_tells, contenders)

    async def _all(self, what: str, ids: Sequence[str], tier: Tier, split: Split) -> list[tuple[str, Evaluation]]:
        """The evaluations of `ids` in their order; those that are done are counted as progress of `what`."""
        known = {i: old for i in ids if (old := self._stages.stored(i, tier, split)) is not None}
        self._progress.enter_stretch(what, len(ids), len(known), self._expected_s(ids, tier, split))

        async def evaluate(candidate: Candidate) -> Evaluation:
            evaluation = await self._stages.evaluate(candidate, tier, split)
            self._progress.one_more()
            return evaluation

        missing = [i for i in ids if i not in known]
        made = await asyncio.gather(*(evaluate(self._archive.candidate(i)) for i in missing))
        found = known | dict(zip(missing, made, strict=True))
        return [(i, found[i]) for i in ids]

    def _expected_s(self, ids: Sequence[str], tier: Tier, split: Split) -> float | None:
        """What one of these evaluations took; failing that, one of as many instances on the search split."""
        splits = (split, Split.SEARCH) if tier is Tier.QUICK else (split,)
        for place in splits:
            found = (self._stages.stored(candidate_id, tier, place) for candidate_id in ids)
            if took_s := [evaluation.wall_s for evaluation in found if evaluation is not None]:
                return fmean(took_s)
        return None

    def _has_search_score(self, candidate_id: str) -> bool:
        evaluation = self._stages.stored_search(candidate_id)
        return evaluation is not None and evaluation.outcome is Outcome.SCORED

    def _standing(
        self,
        candidate_id: str,
        initial: str,
        champion: str,
        validations: dict[str, Evaluation],
        holdouts: dict[str, Evaluation],
    ) -> Standing:
        search = self._stages.stored_search(candidate_id)
        holdout = holdouts.get(candidate_id)
        decisive = holdout or search
        name, role = self._name_and_role(candidate_id, champion)
        validation = validations.get(candidate_id)
        reference = holdouts.get(initial) if candidate_id != initial else None
        return Standing(
            name=name,
            candidate_id=candidate_id,
            role=role,
            search=search.objective if search else None,
            validation=validation.objective if validation else None,
            holdout=holdout.objective if holdout else None,
            holdout_interval=interval_of(holdout) if holdout else None,
            outcome=decisive.outcome if decisive else Outcome.INFRASTRUCTURE,
            gain=gain_of(holdout, reference) if holdout and reference else None,
            gain_p=p_of(holdout, reference) if holdout and reference else None,
            detail=search.first_failure if search else "",
        )

    def _name_and_role(self, candidate_id: str, champion: str) -> tuple[str, str]:
        for founder in self._founders:
            if founder.candidate_id == candidate_id:
                return founder.name, founder.role
        return candidate_id[:10], "champion" if candidate_id == champion else "finalist"
